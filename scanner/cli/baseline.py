"""`keypolicy baseline`: write or prune a file of known findings."""

import argparse
import os
import sys
from pathlib import Path

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.base.text import clean, plural
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import check_outputs
from scanner.gate import EXIT_INCOMPLETE
from scanner.model.run import GateResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    write = verbs.add_parser("write", help="take what is found now as known")
    write.add_argument(
        "--prune", action="store_true", help="also take out the findings that are fixed"
    )
    prune = verbs.add_parser("prune", help="take out the findings that are fixed, add none")
    for one in (write, prune):
        inputs.add_source_arguments(one)
        inputs.add_policy_arguments(one)
        triage = one.add_argument_group("triage")
        triage.add_argument("--waivers", metavar="FILE", help="findings with a waiver are left out")
        inputs.add_owners_argument(triage)
        output = one.add_argument_group("output")
        output.add_argument(
            "-o",
            "--output",
            metavar="FILE",
            help="the baseline; what it has is kept (default: the `baseline` setting)",
        )
        inputs.add_partial_argument(output)
        inputs.add_display_arguments(output)


def run(namespace: argparse.Namespace) -> int:
    """Scan and write; returns 3 where something could not be seen."""
    settings = inputs.settings(namespace)
    path = Path(namespace.output) if namespace.output else settings.baseline
    if path is None:
        raise UsageError(
            "there is no file to write",
            where="baseline",
            remedy="Name it: -o keypolicy-baseline.jsonl, or `baseline` in keypolicy.yaml.",
        )
    is_prune = namespace.action == "prune"
    if is_prune and not os.path.lexists(path):
        raise UsageError(
            "there is no such baseline", where=str(path), remedy="`keypolicy baseline write` first."
        )
    # What the baseline has is kept: this one file is read and written.
    check_outputs([path], namespace, msgspec.structs.replace(settings, baseline=None))
    request = inputs.scan_request(namespace, settings)
    # The engine is heavy to import; a mistake in the arguments is told without it.
    from scanner.pipeline import new_baseline  # noqa: PLC0415
    from scanner.triage.baseline import render  # noqa: PLC0415

    change = new_baseline(request, path, prune=is_prune or namespace.prune, grow=not is_prune)
    with replacing(path) as out:
        out.writelines(render(change.known))
    incomplete = change.verdict.result is GateResult.INCOMPLETE
    for warning in (*change.warnings, *(change.verdict.reasons if incomplete else ())):
        inputs.warn(warning)
    if not namespace.quiet:
        kept = f"; {change.fixed:,} fixed and kept, see --prune" if change.fixed else ""
        sys.stdout.write(
            f"{clean(str(path))}: {plural(len(change.known), 'known finding')},"
            f" {change.added:,} new, {change.removed:,} taken out{kept}\n"
        )
    return EXIT_INCOMPLETE if incomplete else 0
