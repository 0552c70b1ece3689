"""Organizations that a file names, a slug a line."""

import argparse
import re
from pathlib import Path
from typing import Final

from scanner.base.errors import Location, UsageError, joined
from scanner.base.files import read_regular
from scanner.catalogue.redact import redact_text
from scanner.config.values import check_no_token, slugs

_MAX_BYTES: Final = 1 << 20  # some ten thousand
_FOREIGN: Final = re.compile(r"[^\w\s.,/-]")
"""What no list of slugs has, mistyped ones included: files of settings may hold secrets."""


class SlugsFrom(argparse.Action):
    """Adds what a file names to `--org`, and keeps which file it was: no output may replace it."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,  # noqa: ARG002 - argparse passes it
        namespace: argparse.Namespace,
        values: object,
        option_string: str | None = None,  # noqa: ARG002 - argparse passes it
    ) -> None:
        """Read the file. Raises UsageError as `slugs_from` does."""
        name = str(values)
        namespace.org = [*namespace.org, *slugs_from(name)]
        setattr(namespace, self.dest, [*getattr(namespace, self.dest), Path(name)])


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
    lines = [line.partition("#")[0] for line in lines]
    for number, line in enumerate(lines, 1):
        if (foreign := _FOREIGN.search(line)) and redact_text(line) == line:
            raise UsageError(
                "this is not a list of organizations",
                where=str(Location(name, number, foreign.start() + 1)),
                remedy="Write a slug a line. Is it the file that you mean? Nothing of it is shown.",
            )
    found: list[str] = []
    errors: list[UsageError] = []
    for number, line in enumerate(lines, 1):
        try:
            found += _slug(line, name, number)
        except UsageError as error:
            errors.append(error)
    if errors:
        raise joined(errors)
    if not found:
        raise UsageError(
            "names no organization", where=name, remedy="Write a slug a line, or leave it out."
        )
    return found


def _slug(line: str, name: str, number: int) -> tuple[str, ...]:
    """Return the slug of a line, if it has one. Raises UsageError, placed, for anything else."""
    # A list with commas is several, as `--org` and other tools write it.
    words = list(re.finditer(r"[^\s,]+", line))
    places = [str(Location(name, number, word.start() + 1)) for word in words]
    for word, place in zip(words, places, strict=True):
        check_no_token(word[0], place)
    if len(words) > 1:
        raise UsageError(
            f"expected one slug, but there is also {words[1][0]!r}",
            where=places[1],
            remedy="Write each organization's slug on a line of its own.",
        )
    start = str(Location(name, number, len(line) - len(line.lstrip()) + 1))
    return slugs(line, start) if line.strip() else ()


def named(namespace: argparse.Namespace) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the organizations and projects of the command line, each once."""
    return tuple(dict.fromkeys(namespace.org)), tuple(dict.fromkeys(namespace.project))
