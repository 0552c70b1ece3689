"""Whether a report's format can go where it is asked to."""

import sys

from scanner.base.errors import UsageError


def check_format(name: str) -> None:
    """Raise UsageError for a format that standard output cannot take, or that there is not."""
    from scanner.report import format_called  # noqa: PLC0415 - not for --help

    if format_called(name).is_binary and sys.stdout.isatty():
        raise UsageError(
            f"{name} is no text, and standard output is a terminal",
            where="--format",
            remedy="Name a file with -o FILE, or send standard output to one: > FILE.",
        )
