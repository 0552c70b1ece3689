"""`keypolicy history`: what scans with --history kept; one module for what belongs together."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import Final

from scanner.cli.shared import inputs

_ACTIONS: Final = {
    "list": ("listing", "show the runs that are kept, with what they came to"),
    "show": ("listing", "show what one run found, and what changed in it"),
    "diff": ("comparing", "show what is different between two runs or JSON reports"),
    "trend": ("trending", "show how findings, rates and times to fix went"),
    "verify": ("upkeep", "hold every run to its digests and to the run after it"),
    "prune": ("upkeep", "take the large parts out of old runs"),
    "site": ("publishing", "write a static site of all runs: pages, a feed, a calendar"),
    "replay": ("replaying", "judge the inventory of a run anew, with other policies"),
}
"""Each action with its module in this room and what it does."""

EXIT_CODES: Final = """\
exit codes:
  0  it was done; replay: the gate passed
  1  replay: the gate failed
  2  wrong usage, or what was kept is not as it was
  3  replay: the inventory is incomplete, or nothing was seen
  4  internal error
"""

_RUN_HELP: Final = "a run: latest, previous, a date or time, or the beginning of its id"
FORMATS: Final = ("terminal", "json", "markdown", "html")
"""What an action can be written as."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    made = {}
    for action, (_, summary) in _ACTIONS.items():
        described = f"{summary[0].upper()}{summary[1:]}."
        one = verbs.add_parser(action, help=summary, description=described, epilog=EXIT_CODES)
        inputs.add_history_argument(one, "the folder of the history")
        made[action] = one
    made["show"].add_argument("run", metavar="RUN", nargs="?", default="latest", help=_RUN_HELP)
    for name in ("first", "second"):
        made["diff"].add_argument(
            name, metavar="A" if name == "first" else "B", help=f"{_RUN_HELP}; or a JSON report"
        )
    made["trend"].add_argument("--days", metavar="N", type=int, help="only the last N days")
    made["trend"].add_argument("--line", metavar="ID", help="the line of another scope: see `list`")
    made["trend"].add_argument(
        "--org",
        dest="organization",
        metavar="SLUG",
        help="up to the latest run that saw this organization",
    )
    _add_prune_arguments(made["prune"])
    _add_replay_arguments(made["replay"])
    _add_site_arguments(made["site"])
    for action, one in made.items():
        if action not in {"prune", "replay", "site"}:
            inputs.add_lock_argument(one)
            _add_output_arguments(one)


def _add_output_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--format", choices=FORMATS, help="how to write it (default: terminal)")
    _add_file_argument(parser)


def _add_file_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        type=Path,
        help="write it to this file; without --format its suffix chooses the format",
    )


def _add_prune_arguments(parser: argparse.ArgumentParser) -> None:
    inputs.add_lock_argument(parser)
    age = parser.add_mutually_exclusive_group(required=True)
    age.add_argument("--keep-days", metavar="N", type=int, help="keep the last N days whole")
    age.add_argument("--before", metavar="TIME", help="keep what is from this date or time on")
    parser.add_argument(
        "--inventory-only", action="store_true", help="take out only the inventories"
    )
    parser.add_argument("--dry-run", action="store_true", help="only say what would go")


def _add_replay_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", metavar="RUN", nargs="?", help=_RUN_HELP)
    parser.add_argument("--all", action="store_true", help="every run that kept its inventory")
    inputs.add_lock_argument(parser)
    inputs.add_policy_arguments(parser, "the run's own")
    parser.add_argument("--waivers", metavar="FILE", help="approved exceptions that hold then")
    inputs.add_owners_argument(parser)
    parser.add_argument(
        "--format", metavar="NAME", help=f"a report format; with --all: {', '.join(FORMATS)}"
    )
    _add_file_argument(parser)


def _add_site_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", metavar="DIR", nargs="?", type=Path, help="the history")
    inputs.add_lock_argument(parser)
    parser.add_argument(
        "-o", "--output", metavar="SITE", type=Path, required=True, help="the folder of the site"
    )
    parser.add_argument(
        "--days",
        metavar="N",
        default="90",
        help="how many days to look ahead for what falls due; 0: not at all (default: 90)",
    )
    parser.add_argument(
        "--reports",
        metavar="N",
        type=int,
        help="whole reports of the latest N runs of a scope only; the others show their figures",
    )


def run(namespace: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code."""
    module, _ = _ACTIONS[namespace.action]
    code: int = import_module(f"scanner.cli.history.{module}").run(namespace)
    return code
