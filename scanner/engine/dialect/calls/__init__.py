"""The functions and operators that mean the same in every engine, with what they may be given.

What is missing here is missing on purpose: `round` and casts of texts differ in their halves and
blanks, `reverse` in what a character is, `json_extract` in everything.
"""

from typing import TYPE_CHECKING, Final

from scanner.engine.dialect.calls.arithmetic import NUMBERS
from scanner.engine.dialect.calls.matching import MATCHES
from scanner.engine.dialect.calls.texts import TEXTS
from scanner.engine.dialect.calls.times import TIMES

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Call

CALLS: Final[dict[str, "Call"]] = {**NUMBERS, **TEXTS, **MATCHES, **TIMES}
"""Scalar functions and operators by DuckDB's name."""
