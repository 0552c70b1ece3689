"""Finds the `$names` of parameters in SQL text, outside of strings, quoted names and comments."""

import re
from typing import Final

_TOKEN: Final = re.compile(
    r"""
      [eE]'(?:[^'\\]|\\.|'')*'       # a string with backslash escapes
    | '(?:[^']|'')*'                 # a string
    | "(?:[^"]|"")*"                 # a quoted name
    | --[^\n]*                       # a comment to the end of the line
    | /\*.*?\*/                      # a comment
    | [A-Za-z_][A-Za-z0-9_$]*        # a word, which may contain $
    | \$(?P<name>[A-Za-z0-9_]+)      # a parameter
    """,
    re.VERBOSE | re.DOTALL,
)


def parameters_in(text: str) -> list[tuple[str, int]]:
    """Return the name and offset of each parameter in `text`, in order, repeated as in the text.

    The offset is that of the `$`, in characters from 0.
    """
    return [(found["name"], found.start()) for found in _TOKEN.finditer(text) if found["name"]]
