"""Text for people: names made harmless, times, plurals, and how wide text is on a screen."""

import re
import unicodedata
from datetime import UTC, datetime
from typing import Final

# What moves a cursor, colours a terminal, reorders or hides what stands around it: controls (C0,
# DEL, C1), line and paragraph separators, bidirectional marks, invisible operators, the byte
# order mark and tag characters. Joiners stay, Persian, Indic scripts and emoji need them.
_UNSAFE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SENTENCE: Final = re.compile(r"[^\n]*?[.!?](?=\s|$)")
_NARROW: Final = 0x300  # from here on a character may be wider than a column, or have no width
ELLIPSIS: Final = "..."


def clean(text: str) -> str:
    r"""Return `text` with every control, bidirectional or invisible character as an escape.

    The escapes are those of Python and JSON: `\x1b`, `\u202e`. What is harmless stays as it is.
    """
    return _UNSAFE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x100:  # noqa: PLR2004 - the last code of two hexadecimal digits
        return f"\\x{code:02x}"
    return f"\\u{code:04x}"


def paragraph(text: str) -> str:
    """Return `text` on one line, as YAML's folded blocks mean it, and made harmless."""
    return clean(" ".join(text.split()))


def first_sentence(text: str) -> str:
    """Return the first sentence of `text`, or all of it where none ends."""
    text = paragraph(text)
    match = _SENTENCE.match(text)
    return match[0] if match else text


def timestamp(moment: datetime) -> str:
    """Return a time in RFC 3339, UTC with a Z; fractions of a second only where there are any."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def clock(moment: datetime) -> str:
    """Return a time for people, to the second: `2026-03-01 08:00:01 UTC`."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def plural(number: int, noun: str, plural_noun: str = "") -> str:
    """Return a number with its noun: `1 finding`, `1,200 findings`."""
    return f"{number:,} {noun if number == 1 else plural_noun or noun + 's'}"


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
    for character in text:
        room -= _character_columns(character)
        if room < 0:
            break
        taken.append(character)
    return ("".join(taken).rstrip() + ELLIPSIS)[: max(width, 0)]


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
