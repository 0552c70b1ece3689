r"""Regular expressions that authors write: RE2 alone reads them, and only up to a size.

Python's own engine tries every way to match, and can take for ever over a short expression. RE2
takes time linear in the text for as long as its program is small; DuckDB matches with the same
library, so that there is one dialect in a policy. What an expression comes to is measured by
compiling it, within little memory, and not guessed from its text: `\pL{300}` is ten characters
and 360,000 instructions, which DuckDB would make anew for each statement.
"""

import re
from typing import Any, Final

MAX_SIZE: Final = 1_500
"""Largest program of one expression, in instructions; the largest Unicode class has about 1,200."""

_MEMORY: Final = 1 << 20
"""Bytes that compiling may take; RE2 stops there, within a few milliseconds."""


class BadPatternError(ValueError):
    """A regular expression that is malformed (`bad-pattern`) or too large (`pattern-too-large`).

    `offset` is the character where the fault is.
    """

    def __init__(self, message: str, code: str, hint: str, offset: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint
        self.offset = offset


def size(pattern: str) -> int:
    """Return how many instructions the expression's program has. Raises BadPatternError."""
    return int(_compiled(pattern).programsize)


def matches(pattern: str, text: str) -> bool:
    """Whether the whole text matches. Raises BadPatternError."""
    return _compiled(pattern).fullmatch(text) is not None


def finds(pattern: str, text: str) -> bool:
    """Whether a part of the text matches. Raises BadPatternError."""
    return _compiled(pattern).search(text) is not None


def from_glob(glob: str) -> str:
    """Return the expression for whole texts that a glob means.

    `*` is any text and `?` any character, line breaks included; all else is itself.
    """
    parts = [".*" if part == "*" else "." if part == "?" else re.escape(part) for part in glob]
    return "(?s)" + re.sub(r"(?<!\\)(\.\*)+", ".*", "".join(parts))


def _compiled(pattern: str) -> Any:  # noqa: ANN401 - the library has no types
    # Imported here: most scans have no regular expression.
    import re2  # type: ignore[import-untyped]  # noqa: PLC0415

    options = re2.Options()
    options.max_mem = _MEMORY
    options.log_errors = False
    try:
        compiled = re2.compile(pattern, options)
    except re2.error as error:
        raw = error.args[0]
        text = raw.decode(errors="replace") if isinstance(raw, bytes) else str(raw)
        if "too large" in text:
            raise _too_large() from None
        # RE2 tells what it could not read; what is not closed goes on to the end.
        reason, _, part = text.partition(": ")
        offset = max(pattern.rfind(part), 0)
        at = f", at character {offset + 1}"
        message = f"`{_short(pattern)}` is not a regular expression: {reason}{at}"
        raise BadPatternError(message, "bad-pattern", _advice(reason, part), offset) from None
    if compiled.programsize > MAX_SIZE:
        raise _too_large()
    return compiled


def _advice(reason: str, part: str) -> str:
    if "repetition" in reason and part.startswith(("*", "?")):
        return "In a regular expression, .* stands for any text and . for one character."
    if reason.startswith("missing"):
        return r"Close the bracket, or write a backslash before one that stands for itself: \(."
    return "It is read by RE2, which has no look-around and no references to groups."


def _too_large() -> BadPatternError:
    return BadPatternError(
        f"the regular expression comes to more than {MAX_SIZE:,} instructions",
        "pattern-too-large",
        "Each repetition that is counted, such as x{100}, is written out, and Unicode classes"
        " such as \\pL are large: repeat with + or *, or name fewer characters.",
    )


def _short(pattern: str) -> str:
    return f"{pattern[:40]}..." if len(pattern) > 40 else pattern  # noqa: PLR2004 - half a line
