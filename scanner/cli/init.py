"""`keypolicy init`: the first policy, its tests, settings and a workflow."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path

from scanner.base.text import clean


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument(
        "folder",
        metavar="DIR",
        nargs="?",
        type=Path,
        default=Path(),
        help="folder to write into (default: the working directory)",
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there")


def run(namespace: argparse.Namespace) -> int:
    """Write the files and return 0. Raises UsageError."""
    from scanner.authoring.scaffold import files, next_steps, write  # noqa: PLC0415 - not for --help

    texts = files(datetime.now(UTC).date())
    write(namespace.folder, texts, force=namespace.force)
    lines = ["Written:", *(f"  {place}" for place in texts), "", "Next:"]
    lines += [f"  {step}" for step in next_steps(namespace.folder)]
    sys.stdout.write("".join(f"{clean(line)}\n" for line in lines))
    return 0
