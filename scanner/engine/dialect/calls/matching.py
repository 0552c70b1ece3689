"""Patterns: LIKE, and regular expressions as far as all engines read them alike."""

import re
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from scanner.engine.dialect.calls.arguments import text, written_out
from scanner.engine.dialect.calls.patterns import Written, portable
from scanner.engine.dialect.calls.pieces import InexpressibleError
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import WIDE, Typed, ValueKind, hexed, mark
from scanner.engine.predicate.syntax import Node

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Call, Lowering

_DIGITS: Final = re.compile(
    r"\^(?P<before>(?:[A-Za-z_ -]\??)*)\((?:\[0-9\]|\\d)\+\)"
    r"(?P<after>(?:\(?(?:\[[.-]\]|\\\.|-|_).*)?)\$"
)
"""An expression whose group is the digits after a beginning, whatever else there is."""


def _like(*, negated: bool, ignore_case: bool) -> "Call":
    def call(lowering: "Lowering", _: Node, arguments: list[Node]) -> Typed:
        of = text(lowering, arguments[0]).node
        pattern = text(lowering, arguments[1])
        if not isinstance(pattern.value, str):
            raise inexpressible("has a pattern that is not written out", arguments[1])
        wanted = pattern.value
        if ignore_case:
            of = mark("lower", of)
            wanted = lowering.known.lower(wanted)
        return Typed(mark("unlike" if negated else "like", of, hexed(wanted)), ValueKind.BOOLEAN)

    return call


def _match(*, is_whole: bool) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        of = text(lowering, arguments[0]).node
        pattern = written_out(lowering, arguments[1], "a regular expression")
        options = "".join(str(written_out(lowering, one, "an option")) for one in arguments[2:])
        if not isinstance(pattern, str) or set(options) - set("ic"):
            raise inexpressible(f"has the options '{options}' of a regular expression", node)
        found = _read(pattern, arguments[1], ignore_case=options.endswith("i"), whole=is_whole)
        lowering.steep += [arguments[1]] if found.is_steep else []
        return Typed(mark("match", of, hexed(found.text)), ValueKind.BOOLEAN)

    return call


def digits(lowering: "Lowering", arguments: list[Node]) -> Typed:
    """Return the number that `TRY_CAST(regexp_extract(text, '^v?([0-9]+)$', 1) AS BIGINT)` is."""
    of = text(lowering, arguments[0]).node
    pattern = str(written_out(lowering, arguments[1], "a regular expression"))
    found = _DIGITS.fullmatch(pattern)
    if found is None or len(arguments) < 3 or written_out(lowering, arguments[2], "a group") != 1:  # noqa: PLR2004
        raise inexpressible(
            "takes a part of a text",
            arguments[1],
            "Only digits behind a beginning can be taken, such as '^v?([0-9]+)([.].*)?$', 1.",
        )
    before, after = (_read(part, arguments[1]).text for part in found.group("before", "after"))
    whole = f"<^>{before}([0-9]{{1,}}){after}<$>"
    return Typed(mark("digits", of, hexed(whole)), ValueKind.INTEGER, Decimal(0), Decimal(WIDE - 1))


def _read(pattern: str, node: Node, *, ignore_case: bool = False, whole: bool = False) -> Written:
    try:
        return portable(pattern, ignore_case=ignore_case, whole=whole)
    except (InexpressibleError, ValueError) as error:
        what = error.what if isinstance(error, InexpressibleError) else "something"
        raise inexpressible(
            f"has {what} in a regular expression, which others read otherwise,", node
        ) from None


MATCHES: Final[dict[str, "Call"]] = {
    "regexp_matches": _match(is_whole=False),
    "regexp_full_match": _match(is_whole=True),
    "~~": _like(negated=False, ignore_case=False),
    "!~~": _like(negated=True, ignore_case=False),
    "~~*": _like(negated=False, ignore_case=True),
    "!~~*": _like(negated=True, ignore_case=True),
}
"""These functions by DuckDB's name."""
