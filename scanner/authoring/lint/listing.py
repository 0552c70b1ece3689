"""The lines of the files that problems point into, and exact places within predicates."""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from scanner.authoring.lint.refusals import offset_in
from scanner.base.errors import Location, Problem, UsageError
from scanner.base.files import read_regular, within
from scanner.base.yamlfile import MAX_BYTES, FileKind, YamlFile, is_kind
from scanner.model.rule import Predicate

_BREAK: Final = re.compile("\r\n|[\n\r\x85\u2028\u2029]")
_ESCAPED: Final = re.compile(r"\\[nrt]")


class Listing:
    """Reads the files that are called so in messages.

    What cannot be read, or is not what it should be, has no lines: it may hold secrets.
    """

    def __init__(self) -> None:
        self._paths: dict[str, tuple[Path, FileKind]] = {}
        self._lines: dict[str, list[str]] = {}
        self._predicates: dict[str, list[Predicate]] = {}

    def add(self, name: str, path: Path, kind: FileKind) -> None:
        """Tell where the file called `name` lies, and what it should be."""
        self._paths[name] = path, kind

    def add_sources(self, sources: Iterable[YamlFile]) -> None:
        """Take the lines of files that were read already."""
        for source in sources:
            self._lines.setdefault(source.name, _split(source.raw))

    def line(self, location: Location) -> str:
        """Return the line that `location` is in, empty where there is none."""
        lines = self._of(location.file)
        return lines[location.line - 1] if 0 < location.line <= len(lines) else ""

    def add_predicates(self, predicates: Iterable[Predicate]) -> None:
        """Tell which predicates the author wrote, and where."""
        for one in predicates:
            self._predicates.setdefault(one.location.file, []).append(one)

    def exact(self, problem: Problem) -> Problem:
        """Return a problem within a predicate at its place in the file, however that is folded.

        Where it was found, places count as if the file held the predicate's text as it is; YAML
        may fold and quote it.
        """
        for predicate in self._predicates.get(problem.location.file, ()):
            offset = offset_in(problem.location, predicate)
            if offset is not None:
                place = self.place(predicate, offset)
                return msgspec.structs.replace(problem, location=place)
        return problem

    def place(self, predicate: Predicate, offset: int) -> Location:
        """Return the place in the file of character `offset` of the predicate's text."""
        start = predicate.location
        lines = self._of(start.file)
        row, column = start.line - 1, start.column - 1
        for character in predicate.text[:offset]:
            if row >= len(lines):
                return start
            if character.isspace():
                row, column = _past_space(lines, row, column)
                continue
            row, column = _to_text(lines, row, column)
            if row >= len(lines):
                return start
            written = lines[row][column : column + 1]
            doubled = lines[row][column : column + 2]
            if doubled in ("''", '\\"', "\\\\") and not _plain(lines, start):
                column += 1
            elif written != character:
                return start
            column += 1
        if offset < len(predicate.text):
            row, column = _to_text(lines, row, column)
        return Location(start.file, row + 1, column + 1) if row < len(lines) else start

    def _of(self, name: str) -> list[str]:
        if name not in self._lines:
            self._lines[name] = _read(*self._paths[name]) if name in self._paths else []
        return self._lines[name]


def _read(path: Path, kind: FileKind) -> list[str]:
    try:
        raw = read_regular(within(path.parent, path.name), MAX_BYTES)
    except UsageError:
        return []
    return _split(raw) if is_kind(raw, kind) else []


def _split(raw: bytes) -> list[str]:
    return _BREAK.split(raw.decode("utf-8-sig", errors="replace"))


def _plain(lines: list[str], start: Location) -> bool:
    """Whether the text stands without quotes: then nothing in it is doubled or escaped."""
    return lines[start.line - 1][start.column - 2 : start.column - 1] not in ("'", '"')


def _past_space(lines: list[str], row: int, column: int) -> tuple[int, int]:
    escaped = _ESCAPED.match(lines[row], column) if row < len(lines) else None
    if escaped:
        return row, escaped.end()
    if column < len(lines[row]) and lines[row][column].isspace():
        return row, column + 1
    return _to_text(lines, row, column)


def _to_text(lines: list[str], row: int, column: int) -> tuple[int, int]:
    """Go to the next character that is no white space, on this line or a later one."""
    while row < len(lines):
        rest = lines[row][column:]
        if stripped := rest.lstrip():
            return row, column + len(rest) - len(stripped)
        row, column = row + 1, 0
    return row, column
