"""`keypolicy fix status`: an inventory and policies go in, the rotations under way come out."""

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from scanner.base.text import clean, clean_json, plural, wrap
from scanner.cli.shared import inputs
from scanner.cli.shared.gaps import warn_of_gaps
from scanner.gate import EXIT_INCOMPLETE
from scanner.model.inventory import Needs

if TYPE_CHECKING:
    from scanner.remediate.keys import KnownKey
    from scanner.remediate.rotation.survey import Turn

_UNDER_WAY = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the step's arguments."""
    inputs.add_source_arguments(parser)
    inputs.add_policy_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "--format",
        metavar="NAME",
        choices=("table", "json"),
        default="table",
        help="table or json (default: table)",
    )
    inputs.add_partial_argument(output)


def run(namespace: argparse.Namespace) -> int:
    """Show; returns 1 where rotations are under way, 3 where not everything was seen."""
    settings = inputs.settings(namespace)
    source = inputs.source(namespace, settings)
    as_of = inputs.as_of(namespace)
    from scanner.engine.judge.findings import Findings  # noqa: PLC0415 - heavy
    from scanner.pipeline import open_inventory  # noqa: PLC0415 - heavy
    from scanner.policy.load import load_policies  # noqa: PLC0415 - heavy
    from scanner.remediate.keys import (  # noqa: PLC0415
        columns_of_remedies,
        key_tables,
        known_keys,
    )
    from scanner.remediate.rotation.survey import rotating, under_way  # noqa: PLC0415

    policies = load_policies(inputs.policies(settings), settings.params, settings.policies_place)
    rules = [rule for policy in policies for rule in policy.rules if rotating([rule])]
    if not rules:
        inputs.warn("no rule of the selected policies has `fix: {rotate: ...}`")
    # Without such a rule, too, the keys are looked at: nobody may take an inventory that is not
    # there, or a project that is mistyped, for one without rotations.
    unread = {table: frozenset({"name"}) for table in key_tables()}
    wanted = Needs(columns_of_remedies(rules) or unread)
    with open_inventory(source, inputs.scope(namespace, settings), as_of, wanted) as opened:
        gaps = warn_of_gaps(opened.loaded, wanted)
        rows = Findings(opened.connection, (), {}).rows
        keys = {table: known_keys(rows, table) for table in {rule.resource for rule in rules}}
    turns = {
        turn.old.target.id: turn
        for rule in rules
        for how in rotating([rule])
        for turn in under_way(keys[rule.resource], how, as_of)
    }
    if namespace.format == "json":
        _print_json(turns.values())
    else:
        lines = list(_lines(turns.values(), inputs.width(settings)))
        sys.stdout.write("".join(f"{line}\n" for line in lines))
    if gaps and not settings.allow_partial:
        return EXIT_INCOMPLETE
    return _UNDER_WAY if turns else 0


def _lines(turns: "Iterable[Turn]", width: int) -> Iterator[str]:
    known = list(turns)
    yield f"{plural(len(known), 'rotation')} under way"
    for turn in known:
        yield ""
        yield from wrap(clean(_called(turn.old)), width)
        for new in turn.new:
            yield from wrap(clean(f"followed by {_called(new)}"), width, "  ", hanging="    ")
            if new.dsn:
                yield from wrap(clean(f"DSN {new.dsn}"), width, "  ", hanging="    ")
        yield from wrap(clean(_following(turn)), width, "  ", hanging="    ")


def _following(turn: "Turn") -> str:
    step = getattr(turn.following, "step", None)
    return f"{f'due: {step}' if step else 'waits'}: {turn.following.reason}"


def _called(key: "KnownKey") -> str:
    target = key.target
    active = key.state.get("isActive")
    told = "activity unknown" if active is None else "active" if active else "inactive"
    return f"{target.organization}/{target.project} {key.name} [{target.id}], {told}"


def _print_json(turns: "Iterable[Turn]") -> None:
    document = [
        {
            "organization": turn.old.target.organization,
            "project": turn.old.target.project,
            "key": _fields(turn.old),
            "successors": [_fields(new) for new in turn.new],
            "step": getattr(turn.following, "step", None),
            "code": getattr(turn.following, "code", None),
            "reason": turn.following.reason,
        }
        for turn in turns
    ]
    text = json.dumps({"rotations": document}, indent=2, sort_keys=True, ensure_ascii=False)
    sys.stdout.write(clean_json(text) + "\n")


def _fields(key: "KnownKey") -> dict[str, object]:
    return {
        "id": key.target.id,
        "name": key.name,
        "is_active": key.state.get("isActive"),
        "date_created": key.state.get("dateCreated"),
        "dsn": key.dsn,
    }
