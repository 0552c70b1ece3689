"""`keypolicy fix undo`: an audit log goes in, a plan that takes its changes back comes out."""

import argparse
from datetime import UTC, datetime
from pathlib import Path

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.cli.fix.plan import print_table
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import check_outputs
from scanner.gate import EXIT_INCOMPLETE


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the step's arguments."""
    inputs.add_lock_argument(parser)
    parser.add_argument(
        "audit", metavar="AUDIT", type=Path, help="audit log that `keypolicy fix apply` wrote"
    )
    parser.add_argument(
        "--plan",
        metavar="DIGEST",
        help="undo the plan whose digest begins so (default: the last one that the log tells of)",
    )
    output = parser.add_argument_group("output")
    output.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="file of the plan, for `fix apply` (.json)",
    )
    inputs.add_display_arguments(output)
    parser.set_defaults(org=[], project=[], url=None)


def run(namespace: argparse.Namespace) -> int:
    """Plan; returns 0 with nothing to take back, 1 with changes, 3 where not all is known."""
    output: Path | None = namespace.output
    if output is not None and output.suffix != ".json":
        raise UsageError(
            "a plan is a JSON file", where=str(output), remedy="End the name in .json."
        )
    if namespace.plan is not None and not namespace.plan:
        raise UsageError("an empty digest", where="--plan", remedy="Give a plan's, or no --plan.")
    settings = inputs.settings(namespace)
    check_outputs([output] if output else [], namespace, settings)
    from scanner.remediate.apply.audit import read_audit  # noqa: PLC0415 - not for --help
    from scanner.remediate.apply.undo import UNSEEN, undo_plan  # noqa: PLC0415
    from scanner.remediate.document import write_plan  # noqa: PLC0415

    entries = read_audit(namespace.audit)
    plan = undo_plan(entries, namespace.plan or "", datetime.now(UTC), str(namespace.audit))
    if output is not None:
        with replacing(output) as out:
            out.write(write_plan(plan))
    print_table(plan, settings, quiet=namespace.quiet)
    if any(one.code == UNSEEN for one in plan.left):
        inputs.warn("what became of some changes is not known: the plan is about the others")
        return EXIT_INCOMPLETE
    return 1 if plan.actions else 0
