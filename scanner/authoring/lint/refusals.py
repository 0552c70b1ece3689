"""All the names in a predicate that the guard does not let through, not only the first."""

import re
from typing import Final

import msgspec

from scanner.base.errors import Location, Problem
from scanner.engine.predicate.guard import Guard, GuardError
from scanner.model.rule import Predicate

_MOST: Final = 20
_NAME: Final = re.compile(r'"[^"]+"|[\w.]+')

_STAND_INS: Final = {"unknown-column": "null", "forbidden-function": "abs"}
"""What is written over a name that was told, so that the guard gets to the next one."""


def refusals(guard: Guard, predicate: Predicate, table: str) -> list[Problem]:
    """Return what the guard refuses in the predicate."""
    found: list[Problem] = []
    while len(found) < _MOST:
        try:
            guard.check(predicate, table, "")
        except GuardError as error:
            if found and error.problem.code == "sql-syntax":
                break  # what was written over is no name, but an operator of letters
            if found and error.problem.location == found[-1].location:
                break  # nor is its stand-in allowed there: abs() is no window
            found.append(error.problem)
        else:
            break
        text = _written_over(predicate, found[-1])
        if text is None:
            break
        predicate = msgspec.structs.replace(predicate, text=text)
    return found


def _written_over(predicate: Predicate, problem: Problem) -> str | None:
    """Return the text with a name that the guard knows in place of the one that it refused.

    The text keeps its length, so that all places stay as they are.
    """
    stand_in = _STAND_INS.get(problem.code)
    start = offset_in(problem.location, predicate)
    name = None if start is None else _NAME.match(predicate.text, start)
    if stand_in is None or name is None or len(name[0]) < len(stand_in):
        return None
    new = stand_in.ljust(len(name[0]))
    return predicate.text[: name.start()] + new + predicate.text[name.end() :]


def offset_in(location: Location, predicate: Predicate) -> int | None:
    """Return the character of the predicate that `location` means; None if it is elsewhere."""
    row = location.line - predicate.location.line
    lines = predicate.text.split("\n")
    if not 0 <= row < len(lines):
        return None
    column = location.column - predicate.location.column
    if not 0 <= column <= len(lines[row]):
        return None
    return sum(len(line) + 1 for line in lines[:row]) + column
