"""`keypolicy evidence`: a run of a history as a file that others can check."""

import argparse
from importlib import import_module
from pathlib import Path
from typing import Final

from scanner.cli.shared import inputs

_ACTIONS: Final = {
    "export": ("exporting", "write a run, and the chain of those before it, to one file"),
    "verify": ("verifying", "check digests and chain, and judge the run anew"),
}
"""Each action with its module in this room and what it does."""

EXIT_CODES: Final = """\
exit codes:
  0  it was written, or all of it holds
  2  wrong usage, or something does not hold: it was edited, damaged or made up
  3  nothing is wrong, but not all could be confirmed
  4  internal error
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    made = {}
    for action, (_, summary) in _ACTIONS.items():
        described = f"{summary[0].upper()}{summary[1:]}."
        made[action] = verbs.add_parser(
            action, help=summary, description=described, epilog=EXIT_CODES
        )
    export, verify = made["export"], made["verify"]
    export.add_argument(
        "run", metavar="RUN", help="a run: latest, previous, a date or time, or its id's beginning"
    )
    inputs.add_history_argument(export, "the folder of the history")
    inputs.add_lock_argument(export)
    export.add_argument(
        "-o", "--output", metavar="FILE", type=Path, required=True, help="the zip file to write"
    )
    export.add_argument(
        "--sign",
        metavar="KEYFILE",
        type=Path,
        help="sign it with an SSH key, through ssh-keygen: writes FILE.sig",
    )
    verify.add_argument(
        "path",
        metavar="FILE|DIR",
        type=Path,
        help="a bundle, the folder that it was unpacked to, or a history",
    )
    signed = verify.add_argument_group("signature", "All three, or none.")
    signed.add_argument("--signature", metavar="FILE", type=Path, help="the signature: FILE.sig")
    signed.add_argument(
        "--allowed-signers",
        metavar="FILE",
        type=Path,
        help="the keys that may sign, as ssh-keygen(1) has them",
    )
    signed.add_argument("--identity", metavar="NAME", help="who has to have signed")
    verify.add_argument(
        "--format", choices=("terminal", "json", "markdown"), default="terminal",
        help="how to print it",
    )  # fmt: skip


def run(namespace: argparse.Namespace) -> int:
    """Do what was asked; returns the exit code."""
    module, _ = _ACTIONS[namespace.action]
    code: int = import_module(f"scanner.cli.evidence.{module}").run(namespace)
    return code
