"""Parts of predicates enter; which values they can have at all leaves.

A length is not less than 0, a month is one of twelve, no date lies after the scan's as-of time, and
what `lower` gives has no capitals. And some conditions on texts hold for every text, or for none.
"""

import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from math import floor
from typing import Final

import msgspec

from scanner.authoring import trees
from scanner.authoring.constants import Constant, is_constant
from scanner.catalogue import Column
from scanner.engine.predicate.syntax import Node, arguments_of
from scanner.model.moment import SKEW_MINUTES
from scanner.policy.language.patterns import BadPatternError, finds, matches

_KINDS: Final = {
    "VARCHAR": "text",
    "BIGINT": "whole",
    "DOUBLE": "number",
    "BOOLEAN": "boolean",
    "TIMESTAMP WITH TIME ZONE": "time",
}
_PARTS: Final[dict[str, tuple[int, int] | None]] = {
    **dict.fromkeys(("month", "months"), (1, 12)),
    **dict.fromkeys(("day", "days"), (1, 31)),
    **dict.fromkeys(("hour", "hours"), (0, 23)),
    **dict.fromkeys(("dayofweek", "dow", "weekday"), (0, 6)),
    "isodow": (1, 7),
    "quarter": (1, 4),
    "week": (1, 53),
    "year": None,
}
_SPAN_PARTS: Final = dict.fromkeys(("month", "months", "year", "years"), (0, 0))
"""Of the time between two times: it is told in days and less, so that nothing else is in it."""

_LONGER: Final = frozenset({"hour", "day", "week", "month", "quarter", "year"})
"""Units that are longer than clocks may differ by."""

_LENGTHS: Final = frozenset({"length", "len", "strpos", "position", "instr"})
_TEXTS: Final = frozenset(
    {"lower", "upper", "trim", "ltrim", "rtrim", "left", "right", "substring", "substr"}
    | {"split_part", "regexp_extract", "->>"}
)
_SKEW: Final = timedelta(minutes=SKEW_MINUTES)

_LIKES: Final = {"~~": True, "~~*": True, "!~~": False, "!~~*": False}
_HOLDS: Final = frozenset({"contains", "starts_with", "prefix", "suffix", "ends_with"})
_PATTERNS: Final = {"regexp_matches": finds, "regexp_full_match": matches}
_PLAIN: Final = re.compile(r"\^?([\w -]*)\$?")
_ASCII: Final = "".join(map(chr, range(32, 127)))
_PROBES: Final = ("", "a", "-", "7", " ", _ASCII, "\N{SNOWMAN}\N{GRINNING FACE}", "Zz9" * 700)
"""Texts of many kinds: a pattern that is in all of them, and in its own text, is in every text."""


class Domain(msgspec.Struct, frozen=True):
    """What a part can be: the kind of its values, their bounds, and what its texts fit.

    Of `opaque` ones nothing is known; `holds` are never FALSE, and `fails` never TRUE. What `fits`
    takes, it takes a piece of.
    """

    kind: str = "opaque"
    low: Constant | None = None
    high: Constant | None = None
    fits: Callable[[str], bool] | None = None

    def has(self, point: Constant) -> bool:
        """Whether a constant is one of the values."""
        if self.kind == "whole" and point != floor(point):  # type: ignore[arg-type]
            return False
        if self.fits is not None and not self.fits(str(point)):
            return False
        is_below = self.low is not None and point < self.low  # type: ignore[operator]
        is_above = self.high is not None and point > self.high  # type: ignore[operator]
        return not is_below and not is_above

    def has_between(self, low: Constant | None, high: Constant | None) -> bool:
        """Whether there are values between two constants; None is beyond all of them."""
        start = self.low if low is None or self._is_less(low, self.low) else None
        end = self.high if high is None or self._is_less(self.high, high) else None
        if start is not None:  # the first value there is
            return end is not None or high is None or self._is_less(start, high)
        if end is not None:
            return low is None or self._is_less(low, end)
        if self.kind != "whole" or low is None or high is None:
            return True
        return floor(low) + 1 < high  # type: ignore[arg-type,operator]

    @staticmethod
    def _is_less(one: Constant | None, other: Constant | None) -> bool:
        return one is not None and other is not None and one < other  # type: ignore[operator]


def domain(node: Node, table: Mapping[str, Column], known: Mapping[str, Constant]) -> Domain:
    """Return what the part can be; `known` are the constants in it, by identity."""
    match node["class"]:
        case "COLUMN_REF":
            return _of_column(table[node["column_names"][-1]])
        case "WINDOW":
            return _of_window(node)
        case "FUNCTION":
            return _of_call(node, table, known)
    return Domain()


def settled(
    node: Node, table: Mapping[str, Column], known: Mapping[str, Constant]
) -> tuple[Node, bool] | None:
    """Return the text that a condition is about, and what it is for all of them, if it is alike."""
    if node["class"] != "FUNCTION":
        return None
    name, arguments = str(node["function_name"]), arguments_of(node)
    if len(arguments) != 2 or is_constant(arguments[0]):  # noqa: PLR2004 - a text and a pattern
        return None
    about = domain(arguments[0], table, known)
    given = known.get(trees.identity(arguments[1]))
    if about.kind != "text" or not isinstance(given, str):
        return None
    fits = about.fits if name not in {"~~*", "!~~*"} else None
    if name in _LIKES:
        found = _alike(not given.strip("%") and bool(given), re.split("[%_]", given), fits)
        found = found if found is None or _LIKES[name] else not found
    elif name in _HOLDS:
        found = _alike(not given, [given], fits)
    elif name in _PATTERNS:
        plain = _PLAIN.fullmatch(given)
        found = _alike(_takes_all(_PATTERNS[name], given), [plain[1]] if plain else [], fits)
    else:
        return None
    return None if found is None else (arguments[0], found)


def _alike(
    takes_all: bool,  # noqa: FBT001 - the one thing it is about
    pieces: list[str],
    fits: Callable[[str], bool] | None,
) -> bool | None:
    """Tell what a condition is for all texts: TRUE, or FALSE as a piece of it is in none."""
    if takes_all:
        return True
    return None if fits is None or all(map(fits, pieces)) else False


def _takes_all(holds: Callable[[str, str], bool], pattern: str) -> bool:
    try:
        return all(holds(pattern, text) for text in (*_PROBES, pattern, pattern[::-1]))
    except BadPatternError:
        return False


def _of_column(column: Column) -> Domain:
    if column.is_empty:
        return Domain("empty")
    kind = _KINDS.get(column.type, "opaque")
    # Where the clock tells of a time, its distance from as-of is what counts.
    high = _SKEW if column.is_past else None
    return Domain(kind, column.least, high)


def _of_window(node: Node) -> Domain:
    name = str(node["function_name"])
    if name not in {"count", "count_star", "row_number", "rank", "dense_rank"}:
        return Domain()
    counts_itself = (
        not node["arguments"]
        and not node["filter_expr"]
        and node["start"] == "UNBOUNDED_PRECEDING"
        and node["end"] in {"CURRENT_ROW_RANGE", "UNBOUNDED_FOLLOWING"}
    )
    return Domain("whole", int(counts_itself or not name.startswith("count")))


def _of_call(node: Node, table: Mapping[str, Column], known: Mapping[str, Constant]) -> Domain:
    name, arguments = str(node["function_name"]), arguments_of(node)
    if name in _LENGTHS:
        return Domain("whole", 0)
    if name == "abs":
        return Domain("number", 0)
    if name == "date_part" or name in _PARTS:
        unit = known.get(trees.identity(arguments[0])) if name == "date_part" else name
        return _of_part(str(unit).lower(), arguments[-1], table, known)
    if name in {"date_diff", "datediff"}:
        unit = str(known.get(trees.identity(arguments[0]))).lower().removesuffix("s")
        return _of_difference(arguments[1:], table, known, counted=True, bound=unit in _LONGER)
    if name == "-":
        return _of_difference(arguments[::-1], table, known)
    return Domain("text", fits=_fits(name, arguments, known)) if name in _TEXTS else Domain()


def _fits(
    name: str, arguments: list[Node], known: Mapping[str, Constant]
) -> Callable[[str], bool] | None:
    """Return what the texts that a function gives fit, pieces of them too."""
    last = known.get(trees.identity(arguments[-1]))
    if name == "lower":
        return lambda text: text == text.lower()
    if name == "upper":
        return lambda text: text == text.upper()
    if name in {"left", "right"} and isinstance(last, int) and last >= 0:
        return lambda text: len(text) <= last
    if name in {"substring", "substr"} and len(arguments) > 2 and isinstance(last, int):  # noqa: PLR2004
        return lambda text: len(text) <= abs(last)
    if name == "split_part" and isinstance(apart := known.get(trees.identity(arguments[1])), str):
        return lambda text: not apart or apart not in text
    return None


def _of_part(
    unit: str, node: Node, table: Mapping[str, Column], known: Mapping[str, Constant]
) -> Domain:
    bounds = None
    if _is_time(node, table, known):
        bounds = _PARTS.get(unit)
    elif _is_span(node, table, known):
        bounds = _SPAN_PARTS.get(unit)
    return Domain("whole", *(bounds or ()))


def _of_difference(
    sides: list[Node],
    table: Mapping[str, Column],
    known: Mapping[str, Constant],
    *,
    counted: bool = False,
    bound: bool = True,
) -> Domain:
    """Tell that a time of the past is before the scan's: of the second side less the first.

    It is in seconds, or `counted` in units, of which two times that are close are one apart.
    """
    unknown = Domain("whole") if counted else Domain()
    for place, side in enumerate(sides):
        past, clock = domain(side, table, known).high, known.get(trees.identity(sides[place - 1]))
        if not bound or not isinstance(past, timedelta) or not isinstance(clock, timedelta):
            continue
        if counted and clock:  # how many units that is depends on where they begin
            continue
        most = 1 if counted else (past - clock).total_seconds()
        kind = "whole" if counted else "number"
        return Domain(kind, high=most) if place else Domain(kind, low=-most)
    return unknown


def _is_time(node: Node, table: Mapping[str, Column], known: Mapping[str, Constant]) -> bool:
    if node["class"] == "CAST":
        return str(node["type_expr"].get("type_name", "")).upper().startswith(("DATE", "TIMESTAMP"))
    return domain(node, table, known).kind == "time"


def _is_span(node: Node, table: Mapping[str, Column], known: Mapping[str, Constant]) -> bool:
    """Whether the part is the time between two times."""
    if node["class"] != "FUNCTION" or node["function_name"] != "-":
        return False
    return all(
        _is_time(side, table, known) or isinstance(known.get(trees.identity(side)), timedelta)
        for side in arguments_of(node)
    )
