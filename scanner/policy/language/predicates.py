"""Reads SQL text without parsing it: what is code, and what a string, a quoted name, a comment."""

import re
from collections.abc import Iterator
from typing import Final

from scanner.policy.language.slots import PARAMETER

_TOKEN: Final = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'                   # a string with backslash escapes
    | '(?:[^']|'')*'                             # a string
    | \$(?P<tag>[A-Za-z_]*)\$.*?\$(?P=tag)\$     # a string between dollars
    | "(?:[^"]|"")*"                             # a quoted name
    | --[^\r\n]*                                 # a comment to the end of the line
    | (?P<comment>/\*)                           # the start of a comment, which may hold others
    | (?P<word>[A-Za-z_][A-Za-z0-9_$]*)          # a word, which may contain $
    | \$(?P<name>[A-Za-z0-9_]+)                  # a parameter
    """,
    re.VERBOSE | re.DOTALL,
)
_BORDER: Final = re.compile(r"/\*|\*/")


def parameters_in(text: str) -> list[tuple[str, int]]:
    """Return the name and offset of each parameter in `text`, in order, repeated as in the text.

    The offset is that of the `$`, in characters from 0.
    """
    return [(found["name"], found.start()) for found, _ in _tokens(text) if found["name"]]


def quoted_parameters(text: str) -> list[tuple[str, int, str]]:
    """Return what looks like a parameter in a string or quoted name: its name, offset, and SQL.

    The SQL is what stands for the whole string where the parameter is meant. The offset is that of
    the `$`.
    """
    found = []
    for token, _ in _tokens(text):
        start = len(token[0]) - len(token[0].lstrip("eE")) + 1
        if token[0][start - 1 : start] not in {"'", '"'}:
            continue
        inner = token[0][start:-1]
        for one in PARAMETER.finditer(inner):
            before, after = inner[: one.start()], inner[one.end() :]
            parts = [before and f"'{before}'", one[0], after and f"'{after}'"]
            instead = " || ".join(part for part in parts if part)
            found.append((one[1], token.start() + start + one.start(), instead))
    return found


def line_comments(text: str) -> list[tuple[str, int]]:
    """Return the comments that go to the end of a line, each with its offset."""
    return [(found[0], found.start()) for found, _ in _tokens(text) if found[0].startswith("--")]


def code(text: str) -> str:
    """Return `text` with blanks for its strings, quoted names and comments; places stay."""
    parts: list[str] = []
    place = 0
    for found, end in _tokens(text):
        kept = found["word"] or found["name"]
        parts += [text[place : found.start()], found[0] if kept else " " * (end - found.start())]
        place = end
    return "".join([*parts, text[place:]])


def _tokens(text: str) -> Iterator[tuple[re.Match[str], int]]:
    """Give the tokens, each with the place where it ends."""
    place = 0
    while found := _TOKEN.search(text, place):
        place = _comment_end(text, found.end()) if found["comment"] else found.end()
        yield found, place


def _comment_end(text: str, start: int) -> int:
    depth = 1
    for border in _BORDER.finditer(text, start):
        depth += 1 if border[0] == "/*" else -1
        if depth == 0:
            return border.end()
    return len(text)
