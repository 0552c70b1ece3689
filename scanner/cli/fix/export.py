"""`keypolicy fix export`: an inventory goes in, keys as code for a provisioning tool come out."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.files import replacing
from scanner.cli.shared import inputs
from scanner.cli.shared.gaps import warn_of_gaps, warn_of_unseen
from scanner.cli.shared.outputs import check_outputs
from scanner.gate import EXIT_INCOMPLETE
from scanner.model.inventory import Needs
from scanner.model.rule import Rule
from scanner.model.run import GateResult
from scanner.remediate.export import EXPORTERS, Exporter, exporter
from scanner.remediate.export.desired import Desired, desired
from scanner.remediate.export.parts import called
from scanner.remediate.keys import Rows, columns_of_remedies, key_tables, known_keys

if TYPE_CHECKING:
    from scanner.config.settings import Settings
    from scanner.remediate.document import KeyTarget, State

    Keys = list[tuple[KeyTarget, State]]

_LEFT_OUT: Final = 1
_OF_DESIRED: Final = ("policy", "param", "waivers", "baseline", "owners")
"""Options about a plan, which the keys as they are do not depend on."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the step's arguments."""
    inputs.add_source_arguments(parser)
    inputs.add_policy_arguments(parser)
    output = parser.add_argument_group("output")
    chosen = output.add_mutually_exclusive_group(required=True)
    for name, (_, written) in EXPORTERS.items():
        chosen.add_argument(
            f"--{name}", dest="tool", action="store_const", const=name, help=written
        )
    output.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="file to write (default: standard output)"
    )
    output.add_argument(
        "--desired",
        action="store_true",
        help="write the state that `fix plan` with the policies would lead to (default: as it is)",
    )
    output.add_argument("--waivers", metavar="FILE", help="with --desired: approved exceptions")
    output.add_argument("--baseline", metavar="FILE", help="with --desired: known findings")
    inputs.add_owners_argument(output)
    inputs.add_partial_argument(output)


def run(namespace: argparse.Namespace) -> int:
    """Export; returns 1 where keys or changes are left out, 3 where not all keys were seen."""
    settings = inputs.settings(namespace)
    check_outputs([namespace.output] if namespace.output else [], namespace, settings)
    tool = exporter(namespace.tool)
    of = _desired if namespace.desired else _present
    for option in () if namespace.desired else _OF_DESIRED:
        if getattr(namespace, option):
            inputs.warn(f"--{option} says nothing about keys as they are: it is for --desired")
    wanted, is_whole = of(namespace, settings, tool)
    exported = tool.write(wanted.keys, wanted.gone)
    _write(exported.text, namespace.output)
    for target in wanted.gone:
        inputs.warn(f"{called(target)} is not in it: the plan deletes it.")
    left_out = (*wanted.inexpressible, *exported.left)
    for sentence in left_out:
        inputs.warn(sentence)
    if not is_whole:
        return EXIT_INCOMPLETE
    return _LEFT_OUT if left_out else 0


def _present(
    namespace: argparse.Namespace, settings: "Settings", tool: Exporter
) -> tuple[Desired, bool]:
    """Return the keys as they are, and whether all were seen."""
    del tool
    source = inputs.source(namespace, settings)
    as_of = inputs.as_of(namespace)
    from scanner.engine.judge.findings import Findings  # noqa: PLC0415 - heavy
    from scanner.pipeline import open_inventory  # noqa: PLC0415 - heavy

    wanted = Needs.of(key_tables())
    with open_inventory(source, inputs.scope(namespace, settings), as_of, wanted) as opened:
        gaps = warn_of_gaps(opened.loaded, wanted)
        keys = _keys(Findings(opened.connection, (), {}).rows)
    return Desired(keys, [], []), not gaps or bool(settings.allow_partial)


def _desired(
    namespace: argparse.Namespace, settings: "Settings", tool: Exporter
) -> tuple[Desired, bool]:
    """Return the keys as a plan would leave them, and whether all were seen."""
    request = inputs.scan_request(namespace, settings)
    from scanner.pipeline import scan  # noqa: PLC0415 - heavy; mistakes come first
    from scanner.remediate.plan import Choice, make_plan  # noqa: PLC0415
    from scanner.remediate.proposals import Knowledge  # noqa: PLC0415

    with scan(msgspec.structs.replace(request, also=_columns)) as scanned:
        for warning in scanned.warnings:
            inputs.warn(warning)
        is_blind = scanned.verdict.result is GateResult.INCOMPLETE
        if not warn_of_unseen(scanned.inventory.incomplete) and is_blind:
            inputs.warn("; ".join(scanned.verdict.reasons))
        known = Knowledge.of(scanned, request.source)
        rules = {
            (policy.name, rule.id): rule for policy in scanned.policies for rule in policy.rules
        }
        actions, _ = make_plan(scanned.findings, rules, Choice(), known)
        wanted = desired(_keys(known.rows), actions, tool)
        return wanted, not is_blind


def _columns(rules: Sequence[Rule]) -> dict[str, frozenset[str]]:
    """Return what is to be there: the keys, whether a rule is about them or not."""
    return dict.fromkeys(key_tables(), frozenset[str]()) | columns_of_remedies(rules)


def _keys(rows: Rows) -> "Keys":
    return [(key.target, key.state) for table in key_tables() for key in known_keys(rows, table)]


def _write(text: str, path: Path | None) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    with replacing(path) as out:
        out.write(text.encode())
