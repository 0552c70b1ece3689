"""YAML files with the line and column of every key and value.

Scalars follow the core schema of YAML 1.2: only true, false, null and numbers are anything but
text, so that `no`, `on` and dates stay what the author wrote.
"""

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, NamedTuple

from scanner.base.composer import Composer, Content, Mark, NodePath, SyntaxProblem
from scanner.base.errors import Location, PolicyError, Problem, TooLargeError, UsageError
from scanner.base.files import read_regular, real
from scanner.base.resources import policies_dir

MAX_BYTES: Final = 1024 * 1024
"""Largest file that is read; no policy written by people comes near it."""

_FOLDED: Final = (
    "this comment goes on over the lines after it, which are then no part of the condition"
)
_UNFOLDED: Final = (
    "YAML joins the lines here: write `|` before the text, or the comment as /* ... */."
)
_BOM: Final = b"\xef\xbb\xbf"
_BLOCK_SCALAR: Final = ("|", ">")
_QUOTES: Final = ("'", '"')


class FileKind(NamedTuple):
    """A kind of file, and the keys at the top level by one of which it is known.

    What a policy extends may be any file beside it, also one with passwords: only of what shows
    itself to be of the kind that is wanted is anything quoted.
    """

    what: str
    keys: tuple[str, ...]


POLICY: Final = FileKind("a policy", ("policy", "rules", "extends"))
CASES: Final = FileKind("a file of test cases", ("cases", "policy"))
WAIVERS: Final = FileKind("a file of waivers", ("waivers",))
OWNERS: Final = FileKind("a file of owners", ("owners",))


class YamlFile:
    """One YAML file: its plain data, and where each part of it stands.

    A path is the keys and indexes that lead to a value. `name` is how the user called the file.
    `is_shipped` tells that it travels with the product: users have no copy to change.
    """

    def __init__(
        self, name: str, raw: bytes, kind: FileKind | None = None, *, keep_repeated: bool = False
    ) -> None:
        """Read `raw`; raises PolicyError if it is not one YAML document within the limits.

        With a `kind`, nothing of what is in a file of another kind is told in the error. Keys that
        come twice raise it too, or are kept in `repeated` for whoever looks at the rest as well.
        """
        self.name = name
        self.raw = raw
        self.is_shipped = False
        text = self._decode(raw)
        self.lines: Final = text.splitlines()
        composer = Composer(text)
        try:
            self._content: Content = composer.compose()
        except SyntaxProblem as error:
            known = kind is None or composer.has_any(kind.keys)
            message = error.message if known else error.unquoted or error.message
            raise self._failure(error.mark, message, error.code, error.hint) from None
        if kind is not None and not composer.has_any(kind.keys):
            message = f"this is not {kind.what}: it has no `{kind.keys[0]}` at the top level"
            hint = "Is it the file that you mean? Nothing of it is shown."
            code = "wrong-kind" if isinstance(self.data, dict) else "wrong-type"
            raise self._failure(self._content.values[()], message, code, hint)
        self.repeated: Final = [
            Problem(self._location(one.mark), one.message, one.code, one.hint)
            for one in composer.repeated
        ]
        if self.repeated and not keep_repeated:
            raise PolicyError(self.repeated)

    @property
    def data(self) -> object:
        """The document as plain dictionaries, lists and scalars."""
        return self._content.data

    @property
    def fields(self) -> dict[str, Any]:
        """The top level of the document by key; empty where it is no mapping."""
        return self.data if isinstance(self.data, dict) else {}

    def get(self, path: NodePath) -> object:
        """Return the value at `path`, which must exist."""
        value: Any = self._content.data
        for step in path:
            value = value[step]
        return value

    def at(self, path: NodePath) -> Location:
        """Tell where the value at `path` starts; inside an alias, where the alias stands."""
        return self._location(self._nearest(self._content.values, path))

    def at_key(self, path: NodePath) -> Location:
        """Tell where the last key of `path` stands; for the item of a list, where it starts."""
        mark = self._content.keys.get(path)
        return self.at(path) if mark is None else self._location(mark)

    def at_text(self, path: NodePath) -> Location:
        """Tell where the first character of a text stands, past its quote or block indicator.

        A further line of a literal block (`|`) starts in the same column.
        """
        mark = self._nearest(self._content.values, path)
        if mark.style in _QUOTES:
            return Location(self.name, mark.line, mark.column + 1)
        if mark.style in _BLOCK_SCALAR:
            for number, line in enumerate(self.lines[mark.line :], start=mark.line + 1):
                if line.strip():
                    return Location(self.name, number, len(line) - len(line.lstrip()) + 1)
        return self._location(mark)

    def scalar(self, path: NodePath) -> str | None:
        """Return the value at `path` as it is written, without quotes; None if it is no scalar."""
        return self._content.scalars.get(path)

    def folded_comments(
        self, path: NodePath, text: str, comments: Iterable[tuple[str, int]]
    ) -> list[Problem]:
        """Return a problem for each SQL comment of the text at `path` that takes in a further line.

        `comments` are those that go to the end of a line, each with its offset. In a folded text a
        line goes on with the next one, so that `--` hides all that follows: what is left of the
        condition is sound SQL, and asks for less than the file says.
        """
        location = self.at_text(path)
        return [
            Problem(location.within(text, offset), _FOLDED, "folded-comment", _UNFOLDED)
            for comment, offset in comments
            if not self._has_on_one_line(comment)
        ]

    def _has_on_one_line(self, part: str) -> bool:
        """Whether a part of a text stands on one line of the file, in whatever quotes.

        What cannot be seen may be written as an escape.
        """
        plain = part.rstrip()
        escaped = plain.replace("\\", "\\\\").replace('"', '\\"')
        for written in {plain, plain.replace("'", "''"), escaped}:
            seen = "".join(char if char.isprintable() else "\n" for char in written).split("\n")
            if any(map(re.compile(".*".join(map(re.escape, seen))).search, self.lines)):
                return True
        return False

    def problem(
        self, path: NodePath, message: str, code: str, *, hint: str = "", key: bool = False
    ) -> Problem:
        """Make a problem at the value at `path`, or at its key."""
        location = self.at_key(path) if key else self.at(path)
        return Problem(location, printable(message), code, printable(hint))

    def _location(self, mark: Mark) -> Location:
        return Location(self.name, mark.line, mark.column)

    @staticmethod
    def _nearest(marks: dict[NodePath, Mark], path: NodePath) -> Mark:
        while path not in marks:
            path = path[:-1]
        return marks[path]

    def _decode(self, raw: bytes) -> str:
        raw = raw.removeprefix(_BOM)
        try:
            text = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            before = raw[: error.start].decode("utf-8").split("\n")
            mark = Mark(len(before), len(before[-1]) + 1)
            raise self._failure(
                mark, "the file is not UTF-8", "not-utf8", "Save it as UTF-8."
            ) from None
        return text

    def _failure(self, mark: Mark, message: str, code: str, hint: str) -> PolicyError:
        return PolicyError([Problem(self._location(mark), message, code, hint)])


def printable(text: str) -> str:
    """Return `text` with control characters spelt out: a file must not steer a terminal."""
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )


def is_kind(raw: bytes, kind: FileKind) -> bool:
    """Whether the text, as far as it is YAML, is of this kind."""
    composer = Composer(raw.removeprefix(_BOM).decode("utf-8", errors="replace"))
    with suppress(SyntaxProblem):
        composer.compose()
    return composer.has_any(kind.keys)


def read_source(
    path: Path, name: str, kind: FileKind | None = None, *, keep_repeated: bool = False
) -> YamlFile:
    """Read the YAML file at `path`, called `name` in messages; raises PolicyError.

    Of a file that is not of this `kind`, nothing is told but that. `keep_repeated` as in YamlFile.
    """
    try:
        raw = read_regular(path, MAX_BYTES)
    except UsageError as error:
        code = "too-large" if isinstance(error, TooLargeError) else "unreadable-file"
        raise PolicyError([Problem(Location(name), error.message, code, error.remedy)]) from None
    source = YamlFile(name, raw, kind, keep_repeated=keep_repeated)
    source.is_shipped = real(path).parent == real(policies_dir())
    return source
