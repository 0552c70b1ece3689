"""`keypolicy explain`: what a rule demands, and why a key has the outcome it has."""

import argparse
import sys
from typing import TYPE_CHECKING

from scanner.base.errors import UsageError
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import print_json, print_lines
from scanner.model.owner import NAME_A_FILE, NO_FILE

if TYPE_CHECKING:
    from scanner.authoring.explain.rule import Explained
    from scanner.authoring.explain.why import RowVerdict
    from scanner.config.settings import Settings


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("rule", metavar="RULE", nargs="?", help="id of the rule")
    parser.add_argument(
        "--key",
        metavar="KEY",
        help="explain the outcome for this key of the inventory: its id or the start of it, its"
        " name, or the slug of its project or organization",
    )
    parser.add_argument(
        "--merged",
        action="store_true",
        help="print the policy as one file, with everything that it extends",
    )
    parser.add_argument(
        "--sql",
        metavar="ENGINE",
        choices=("duckdb", "spark", "postgres"),
        help="print what the rule is to an engine: duckdb, spark or postgres (docs/engines.md)",
    )
    inputs.add_policy_arguments(parser)
    inputs.add_source_arguments(parser)
    inputs.add_owners_argument(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        metavar="NAME",
        choices=("text", "json"),
        default="text",
        help="text or json (default: text)",
    )


def run(namespace: argparse.Namespace) -> int:
    """Explain and return 0. Raises PolicyError and UsageError."""
    settings = inputs.settings(namespace)
    _check_alone(namespace)
    if namespace.merged:
        _print_merged(settings)
        return 0
    if namespace.rule is None:
        raise UsageError(
            "which rule?",
            where="explain",
            remedy="Write keypolicy explain RULE; `keypolicy rules` lists them.",
        )
    from scanner.authoring.explain.rule import explain  # noqa: PLC0415 - heavy

    explained = explain(inputs.policies(settings), settings.params, namespace.rule)
    if namespace.sql is not None:
        _print_sql(namespace, explained)
        return 0
    verdict = None if namespace.key is None else _verdict(namespace, settings, explained)
    if namespace.format == "json":
        print_json({"rule": explained.explanation, "key": verdict})
    else:
        _print_text(explained, verdict, inputs.width(settings))
    return 0


def _check_alone(namespace: argparse.Namespace) -> None:
    """Raise UsageError for what a whole policy or SQL leaves no room for; warn of unused data."""
    asks_for_key, as_json = namespace.key is not None, namespace.format == "json"
    more = {"RULE": namespace.rule is not None, "--sql": namespace.sql is not None}
    of_key = {"--key": asks_for_key, "--format json": as_json}
    for is_asked, what, excluded in (
        (namespace.merged, "--merged prints a whole policy, in YAML", {**more, **of_key}),
        (namespace.sql is not None, "--sql prints SQL, which is about all keys", of_key),
    ):
        given = [option for option, is_given in excluded.items() if is_given]
        if is_asked and given:
            remedy = f"Leave {' and '.join(given)} out."
            raise UsageError(what, where="explain", remedy=remedy)
    for option in ("--demo", "--inventory"):
        if getattr(namespace, option.removeprefix("--")) and not asks_for_key:
            inputs.warn(f"{option} is used by nothing: no key is asked for (--key KEY)")


def _print_sql(namespace: argparse.Namespace, explained: "Explained") -> None:
    """Print the statement; it is the same that is run, values and time included."""
    from scanner.authoring.explain.dialect import rule_sql  # noqa: PLC0415 - heavy

    print_lines(rule_sql(explained.rule, inputs.as_of(namespace), namespace.sql) + "\n")


def _verdict(
    namespace: argparse.Namespace, settings: "Settings", explained: "Explained"
) -> "RowVerdict":
    from scanner.authoring.explain.why import judge  # noqa: PLC0415 - heavy
    from scanner.cli.shared.gaps import warn_of_gaps  # noqa: PLC0415 - only with a key
    from scanner.pipeline import open_inventory  # noqa: PLC0415

    if settings.owners is None and any("owner" in one for one in explained.needs.columns.values()):
        raise UsageError(f"the rule reads `owner`, and {NO_FILE}", remedy=NAME_A_FILE)
    as_of = inputs.as_of(namespace)
    source = inputs.source(namespace, settings)
    scope = inputs.scope(namespace, settings)
    with open_inventory(source, scope, as_of, explained.needs, settings.owners) as opened:
        # A key that is not there may be in what was not seen.
        warn_of_gaps(opened.loaded, explained.needs)
        return judge(opened.connection, explained.rule, namespace.key, as_of, opened.unseen)


def _print_text(explained: "Explained", verdict: "RowVerdict | None", width: int) -> None:
    from scanner.cli.shared.explain_text import rule_lines, verdict_lines  # noqa: PLC0415 - heavy

    lines = list(rule_lines(explained.explanation, width, brief=verdict is not None))
    if verdict is not None:
        # What was asked for comes last, where a terminal leaves the eye.
        lines += verdict_lines(verdict, width)
    sys.stdout.write("\n".join(line.rstrip() for line in lines).strip() + "\n")


def _print_merged(settings: "Settings") -> None:
    from scanner.authoring.explain.merged import merged_yaml  # noqa: PLC0415 - heavy

    print_lines(merged_yaml(inputs.policies(settings), settings.params))
