"""`keypolicy rules`: the rules of policies, the built-in checks, and the actions."""

import argparse
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

from scanner.base.text import clean, wrap
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import print_json, print_lines

if TYPE_CHECKING:
    from scanner.authoring.reference.rules import ActionEntry, CheckEntry, PolicyEntry

_WIDTH = 80


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "--policy",
        metavar="NAME|FILE|DIR",
        action="append",
        default=[],
        help="policy to list; may be repeated (default: those of keypolicy.yaml, or all shipped)",
    )
    inputs.add_lock_argument(parser)
    parser.add_argument(
        "--format",
        metavar="NAME",
        choices=("table", "json", "markdown"),
        default="table",
        help="table, json or markdown (default: table)",
    )


def run(namespace: argparse.Namespace) -> int:
    """List and return 0. Raises PolicyError and UsageError."""
    settings = inputs.settings(namespace)
    # Heavy to import; --help does without.
    from scanner.authoring.reference.rules import (  # noqa: PLC0415
        action_entries,
        check_entries,
        policy_entries,
    )

    named = inputs.policies(settings) if settings.policies else ()
    policies, checks = policy_entries(named), check_entries()
    actions = action_entries()
    if namespace.format == "json":
        print_json({"policies": policies, "checks": checks, "actions": actions})
    elif namespace.format == "markdown":
        from scanner.authoring.reference.pages import rules_markdown  # noqa: PLC0415

        print_lines(rules_markdown(policies, checks, actions))
    else:
        lines = (line.rstrip() + "\n" for line in _table(policies, checks, actions))
        sys.stdout.writelines(lines)
    return 0


def _table(
    policies: "list[PolicyEntry]", checks: "list[CheckEntry]", actions: "list[ActionEntry]"
) -> Iterator[str]:
    for policy in policies:
        yield from wrap(clean(f"{policy.name} {policy.version}: {policy.title}"), _WIDTH)
        width = max((len(rule.id) for rule in policy.rules), default=0)
        for rule in policy.rules:
            yield from _row(f"  {rule.severity:<8}  {rule.id:<{width}}", rule.title)
        for one in policy.disabled:
            yield from _row(f"  {'disabled':<8}  {one.id:<{width}}", " ".join(one.reason.split()))
        yield ""
    yield "Checks, for rules of your own"
    width = max(len(check.name) for check in checks)
    for check in checks:
        yield from _row(f"  {check.name:<{width}}", check.summary)
    yield ""
    yield "Actions, for a `fix` of your own"
    width = max(len(action.name) for action in actions)
    for action in actions:
        yield from _row(f"  {action.name:<{width}}", f"{action.summary} ({action.risk})")
    yield ""
    yield "keypolicy explain RULE tells more of a rule."


def _row(start: str, text: str) -> list[str]:
    start = clean(start) + "  "
    return wrap(clean(text), _WIDTH, start, hanging=" " * len(start))
