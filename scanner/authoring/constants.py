"""Parts of predicates that are the same for every row enter; their values, from DuckDB, leave."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Final

from scanner.authoring import trees
from scanner.engine.database import Connection
from scanner.engine.predicate import syntax
from scanner.engine.predicate.clock import AS_OF
from scanner.engine.predicate.syntax import Node
from scanner.model.rule import ParamValue

Constant = bool | int | float | Decimal | str | datetime | timedelta
"""A value; of an interval, its seconds; of a time of the clock, how far it is from as-of."""

# Three moments in months of different lengths: what keeps its distance from all of them is the
# clock moved by a fixed time, whatever the scan's as-of time will be.
_MOMENTS: Final = tuple(
    datetime.fromisoformat(text)
    for text in ("2023-01-31T10:11:12Z", "2024-03-01T00:00:00Z", "2025-08-15T20:00:00Z")
)


_LONGEST: Final = f"to_days({timedelta.max.days - 1})"
"""Longest interval that Python can hold; DuckDB has longer ones, of which nothing is told."""


def is_constant(node: Node) -> bool:
    """Whether the expression reads no row."""
    return not syntax.columns(node) and not trees.has_window(node)


def is_null(node: Node) -> bool:
    """Whether it is the word NULL."""
    return bool(node["class"] == "CONSTANT" and node["literal"]["kind"] == "NULL_LITERAL")


def constants(
    connection: Connection, found: Iterable[Node], params: Mapping[str, ParamValue]
) -> dict[str, Constant]:
    """Return the constant parts of guarded predicates by identity, those that can be computed."""
    wanted = {
        trees.identity(node): node
        for tree in found
        for _, node in trees.walk(tree)
        if is_constant(node) and not is_null(node)
    }
    if not wanted:
        return {}
    texts = [f"TRY({text})" for text in syntax.write(connection, list(wanted.values()))]
    names = {key: syntax.parameters(node) for key, node in wanted.items()}
    bound = {name: params.get(name) for each in names.values() for name in each}
    rows: list[Iterable[Constant | None]] = []
    for moment in _MOMENTS:
        clock = {AS_OF: moment} if AS_OF in bound else {}
        answer = connection.execute(f"SELECT {', '.join(texts)}", {**bound, **clock})
        kinds = [str(column[1]) for column in answer.description]
        if not rows and "INTERVAL" in kinds:
            texts = list(map(_within, texts, kinds))
            answer = connection.execute(f"SELECT {', '.join(texts)}", {**bound, **clock})
        rows.append(map(_value, answer.fetchone() or (), kinds))
    made = {}
    for key, values in zip(wanted, zip(*rows, strict=True), strict=True):
        known = set(map(_distance, values, _MOMENTS) if AS_OF in names[key] else values)
        if len(known) == 1 and (value := known.pop()) is not None:
            made[key] = value
    return made


def _within(text: str, kind: str) -> str:
    if kind != "INTERVAL":
        return text
    return f"CASE WHEN {text} BETWEEN -{_LONGEST} AND {_LONGEST} THEN {text} END"


def _distance(value: Constant | None, moment: datetime) -> timedelta | None:
    return value - moment if isinstance(value, datetime) else None


def _value(value: object, kind: str) -> Constant | None:
    if isinstance(value, date):
        # A time without a zone is in UTC.
        moment = datetime.fromisoformat(value.isoformat())
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, str):
        return value if kind == "VARCHAR" else None
    return value if isinstance(value, (bool, int, float, Decimal)) else None
