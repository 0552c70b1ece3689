"""Organizations that a file names, a slug a line."""

import argparse
from pathlib import Path
from typing import Final

from scanner.base.errors import Location, UsageError
from scanner.base.files import read_regular
from scanner.config.values import check_no_token, slugs

_MAX_BYTES: Final = 1 << 20  # some ten thousand


def slugs_from(name: str) -> list[str]:
    """Read a file with a slug a line. Raises UsageError, placed, for whatever is none.

    A file without any is one, too: with no name every organization would be scanned.
    """
    try:
        lines = read_regular(Path(name), _MAX_BYTES).decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise UsageError(
            "cannot be read: it is not UTF-8", where=name, remedy="Write a slug a line."
        ) from error
    found: list[str] = []
    for number, line in enumerate(lines, 1):
        words = line.partition("#")[0].split()
        for word in words:
            place = Location(name, number, line.index(word) + 1)
            check_no_token(word, str(place))
        if len(words) > 1:
            column = line.index(words[1], line.index(words[0]) + len(words[0])) + 1
            raise UsageError(
                f"expected one slug, but there is also {words[1]!r}",
                where=str(Location(name, number, column)),
                remedy="Write each organization's slug on a line of its own.",
            )
        for word in words:
            found += slugs([word], str(Location(name, number, line.index(word) + 1)))
    if not found:
        raise UsageError(
            "names no organization", where=name, remedy="Write a slug a line, or leave it out."
        )
    return found


def named(namespace: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the organizations and projects of the command line, each once."""
    return tuple(dict.fromkeys(namespace.org)), tuple(dict.fromkeys(namespace.project))
