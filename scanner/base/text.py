"""Text for people: any text in; out come harmless ones, times, plurals, lines that fit a screen.

The width of a character is told here and not by wcwidth, which takes four times as long to import
as this module (about 55 against 13 ms, which every short run would pay).
"""

import io
import json
import re
import unicodedata
from codecs import getincrementaldecoder
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, BinaryIO, Final

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

# What moves a cursor, colours a terminal, reorders or hides what stands around it: controls (C0,
# DEL, C1), line and paragraph separators, bidirectional marks, invisible operators, the byte
# order mark and tag characters. Joiners stay, Persian, Indic scripts and emoji need them.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
# What a runner takes for a command in the log of a step: `::name::` at the start of a line, white
# space before it included (actions/runner, ActionCommand.TryParseV2), and `##[name]` (TryParse),
# `##vso[...]` or `##teamcity[...]` anywhere.
_COMMAND: Final = re.compile(r"#(?=#[A-Za-z]{0,20}\[)|(?<!\S):(?=:)")
_COMMAND_ANYWHERE: Final = re.compile(r"#(?=#[A-Za-z]{0,20}\[)")
_UNFINISHED: Final = re.compile(r"##?[A-Za-z]{0,20}\Z")
# Everything that leaves the paper white: controls, spaces and separators, format characters,
# fillers of Hangul, the blank of Braille, variation selectors and tags, halves of pairs.
_INVISIBLE: Final = (
    r"\s\u0000-\u0020\u007f-\u00a0\u00ad\u034f\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2"
    r"\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800"
    r"\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff"
)
_INVISIBLE_PLANES: Final = (
    "\U000110bd\U000110cd\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
)

VISIBLE: Final = f"[^{_INVISIBLE}{_INVISIBLE_PLANES}]"
"""A pattern, also for JSON Schema, that is found in every text that shows something."""

_LAYOUT: Final = "\t\n\r"
_SENTENCE: Final = re.compile(r"[^\n]*?[.!?](?=\s|$)")
_NARROW: Final = 0x300  # from here on a character may be wider than a column, or have no width
ELLIPSIS: Final = "..."


def clean(text: str) -> str:
    r"""Return `text` with every control, bidirectional or invisible character as an escape.

    So is the first character of what a runner of jobs could take for a command, wherever the
    text stands on its line. The escapes are those of Python and JSON: `\x1b`, `\u202e`. What is
    harmless stays as it is.
    """
    if not (text.isascii() and text.isprintable()):  # most texts: this takes a fifth of the time
        text = _UNSAFE.sub(_escape, text)
    return _COMMAND.sub(_escape, text) if "##" in text or "::" in text else text


def clean_json(text: str) -> str:
    r"""Return the text of JSON documents with the same escaped as JSON does; no data change.

    White space between values stays.
    """
    if not text.isascii() or "\x7f" in text:
        text = _UNSAFE.sub(_escape_json, text)
    return _COMMAND_ANYWHERE.sub(r"\\u0023", text) if "##" in text else text


class CleanJson(io.RawIOBase):
    """A stream of JSON in UTF-8 on its way to a log; `finish` writes what was held back."""

    def __init__(self, out: BinaryIO) -> None:
        super().__init__()
        self._out = out
        self._decode = getincrementaldecoder("utf-8")()
        self._held = ""

    def writable(self) -> bool:
        """Say that it can be written to."""
        return True

    def write(self, data: "ReadableBuffer", /) -> int:
        """Pass the data on; a command may begin in one piece and end in the next."""
        raw = bytes(data)
        text = self._held + self._decode.decode(raw)
        held = _UNFINISHED.search(text)
        end = held.start() if held else len(text)
        self._held = text[end:]
        self._out.write(clean_json(text[:end]).encode())
        return len(raw)

    def finish(self) -> None:
        """Write the rest."""
        self._out.write(self._held.encode())
        self._held = ""


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:  # noqa: PLR2004 - the last code of two hexadecimal digits
        return f"\\x{code:02x}"
    return f"\\u{code:04x}"


def _escape_json(match: re.Match[str]) -> str:
    return match[0] if match[0] in _LAYOUT else json.dumps(match[0])[1:-1]


def is_blank(text: str) -> bool:
    """Whether the text shows nothing: a name, an owner or a reason of such characters is none."""
    return re.search(VISIBLE, text) is None


def paragraph(text: str) -> str:
    """Return `text` on one line, as YAML's folded blocks mean it, and made harmless."""
    return clean(" ".join(text.split()))


def clean_lines(text: str) -> str:
    """Return `text` with its own line breaks, each line made harmless."""
    return "\n".join(map(clean, text.strip().splitlines()))


def first_sentence(text: str) -> str:
    """Return the first sentence of `text`, or all of it where none ends."""
    text = paragraph(text)
    match = _SENTENCE.match(text)
    return match[0] if match else text


def timestamp(moment: datetime) -> str:
    """Return a time in RFC 3339, UTC with a Z; fractions of a second only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day(moment: datetime) -> str:
    """Return the day of a time, in UTC: `2026-03-01`."""
    return timestamp(moment)[:10]


def clock(moment: datetime) -> str:
    """Return a time for people, to the second: `2026-03-01 08:00:01 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plural(number: int, noun: str, plural_noun: str = "") -> str:
    """Return a number with its noun: `1 finding`, `1,200 findings`."""
    return f"{number:,} {noun if number == 1 else plural_noun or noun + 's'}"


def of_version(kind: str, version: object) -> str:
    """Say of which version a file is: `of schema version '2'`, or `without a schema version`."""
    return f"without a {kind} version" if version is None else f"of {kind} version {version!r}"


def percent(rate: float | None) -> str:
    """Write a rate from 0 to 1: `66.7%`; never 100% where it is less, nor 0% where it is more."""
    if rate is None:
        return "-"
    if rate in {0, 1}:
        return "100%" if rate else "0%"
    return f"{min(max(int(rate * 1000), 1), 999) / 10}%"


def columns(text: str) -> int:
    """Return how many columns of a terminal `text` takes: wide letters two, accents none."""
    if text.isascii():
        return len(text)
    return sum(map(_character_columns, text))


def _character_columns(character: str) -> int:
    if ord(character) < _NARROW:
        return 1
    if unicodedata.category(character) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def fit(text: str, width: int) -> str:
    """Return `text`, cut with an ellipsis where it takes more than `width` columns."""
    if columns(text) <= width:
        return text
    taken: list[str] = []
    room = width - len(ELLIPSIS)
    if room < 0:
        return ELLIPSIS[: max(width, 0)]
    for character in text:
        room -= _character_columns(character)
        if room < 0:
            break
        taken.append(character)
    return "".join(taken).rstrip() + ELLIPSIS


def aligned(rows: Sequence[Sequence[str]], most: int | None = None) -> list[str]:
    """Return the rows of a table as lines, made harmless, their cells below each other.

    Where the lines would take more than `most` columns, the longest cells are cut: one long name
    pushes nothing out of the other rows.
    """
    shown = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(columns, column)) for column in zip(*shown, strict=True)]
    if most is not None:
        widths = [min(width, most) for width in widths]
        while sum(widths) + 2 * len(widths[1:]) > most:
            widths[widths.index(max(widths))] -= 1
        shown = [list(map(fit, row, widths)) for row in shown]
    return [
        "  ".join(
            cell + " " * (width - columns(cell)) for cell, width in zip(row, widths, strict=True)
        ).rstrip()
        for row in shown
    ]


def wrap(text: str, width: int, indent: str = "", *, hanging: str | None = None) -> list[str]:
    """Return `text` broken into lines of at most `width` columns.

    The first begins with `indent`, the others with `hanging` (default: the same). Only a word
    that is longer than a whole line is cut.
    """
    hanging = indent if hanging is None else hanging
    lines: list[str] = []
    line, bare = indent, True
    for word in text.split():
        piece = fit(word, max(width - columns(hanging), len(ELLIPSIS) + 1))
        if not bare and columns(line) + 1 + columns(piece) > width:
            lines.append(line)
            line, bare = hanging, True
        line, bare = line + (piece if bare else f" {piece}"), False
    return lines if bare else [*lines, line]
