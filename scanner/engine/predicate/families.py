"""Comparisons of a column with a value of another kind: refused before any row fails on them.

A text may be any kind of value to the database, and is judged by it: `date_created > '2026-01-31'`.
"""

import re
from collections.abc import Mapping
from typing import Final

from scanner.catalogue import Column
from scanner.engine.predicate.clock import present
from scanner.engine.predicate.kinds import (
    INTERVAL,
    JSON,
    LIST,
    NUMBER,
    NUMBERS,
    TEXT,
    TIME,
    TRUTH,
    column_name,
    is_text,
    literal_kind,
    literal_text,
    row_kind,
    written_kind,
)
from scanner.engine.predicate.refusal import refused
from scanner.engine.predicate.syntax import Node, arguments_of
from scanner.model.rule import ParamValue

_SAME: Final = frozenset(
    {"COMPARE_EQUAL", "COMPARE_NOTEQUAL", "COMPARE_DISTINCT_FROM", "COMPARE_NOT_DISTINCT_FROM"}
)
_IN: Final = frozenset({"COMPARE_IN", "COMPARE_NOT_IN"})
_NUMERIC: Final = re.compile(r"\s*v?[0-9]+([.][0-9x*]+)*\s*", re.IGNORECASE)
"""Texts that are numbers or versions: their order is not that of texts."""

_FRACTION: Final = re.compile(r"\s*[+-]?[0-9]*[.][0-9]*[1-9][0-9]*\s*")
"""Texts that are no whole number: as one, they are rounded without a word."""
_BARE: Final = re.compile(r"\s*[0-9.]+\s*")
"""Texts that are a number alone: as an interval, one of so many seconds."""

_FROM_TEXT: Final = {NUMBER: "BIGINT", TIME: "TIMESTAMPTZ", TRUTH: "BOOLEAN"}
"""What makes such a value of a text."""

_FITTING: Final = {
    TEXT: {TEXT},
    NUMBER: {NUMBER, TEXT, TRUTH},
    TRUTH: {TRUTH, TEXT, NUMBER},
    TIME: {TIME, TEXT},
    LIST: {LIST},
    JSON: {JSON, TEXT},
}
"""What may be written beside a value of a row of a kind."""

_ALIKE: Final = (frozenset({NUMBER, TRUTH}),)
"""Kinds of values of a row that the database compares."""


def check_values(
    node: Node, columns: Mapping[str, Column], given: Mapping[str, ParamValue]
) -> None:
    """Raise RefusedError for a comparison that no row's value could take part in."""
    parts, is_order = _compared(node, given)
    if is_order:
        _check_order(parts, columns, given)
    _check_numbers(parts, columns, given)
    kinds = [(part, kind) for part in parts if (kind := row_kind(part, columns))]
    for column, kind in kinds[:1]:
        _check_rows(column, kind, kinds[1:])
        for value in parts:
            found = "" if value is column else written_kind(value, given)
            if not found or found in _FITTING[kind] or _is_written_list(kind, value):
                continue
            is_number = {kind, found} == {TEXT, NUMBER}
            if is_order and kind not in {LIST, JSON} and not is_number:
                continue  # the database knows no order of the two, and says so
            raise refused(
                f"compares {_shown(value, found)} with {_words(column)}, which is {kind}",
                "text-and-number" if is_number else "type-error",
                value,
                _instead(column, kind, value, columns, is_order=is_order, is_number=is_number),
            )


def _check_rows(one: Node, kind: str, others: list[tuple[Node, str]]) -> None:
    """Refuse two values of a row of which the one would have to become the other."""
    for other, found in others:
        if found == kind or {kind, found} in _ALIKE:
            continue
        by_kind = {kind: _words(one), found: _words(other)}
        text = by_kind.pop(TEXT, "")
        ((rest, name),) = by_kind.items() if text else [("", "")]
        hint = "Compare values of one kind; `keypolicy schema tables` lists the columns' types."
        if rest in _FROM_TEXT:
            made = f"TRY_CAST({text} AS {_FROM_TEXT[rest]})"
            hint = f"Write {made}, or CAST({name} AS VARCHAR).".replace("`", "")
        elif rest == LIST:
            hint = f"Write list_contains({name}, {text}).".replace("`", "")
        is_number = {kind, found} == {TEXT, NUMBER}
        raise refused(
            f"compares {_words(other)}, {found}, with {_words(one)}, which is {kind}",
            "text-and-number" if is_number else "type-error",
            other,
            hint,
        )


def _check_order(
    parts: list[Node], columns: Mapping[str, Column], given: Mapping[str, ParamValue]
) -> None:
    """Refuse the order of texts where that of numbers is meant: '10' comes before '9'."""
    if not any(is_text(part, columns) or _is_field(part) for part in parts):
        return
    for value in parts:
        text = given.get(str(value.get("identifier")), literal_text(value))
        if written_kind(value, given) == TEXT and _NUMERIC.fullmatch(str(text)):
            raise refused(
                f"orders '{text}' as a text, and as a text '10' comes before '9'",
                "text-and-number",
                value,
                "Compare numbers: TRY_CAST(... AS BIGINT) of the text, or of its first part,"
                " split_part(..., '.', 1).",
            )


def _check_numbers(
    parts: list[Node], columns: Mapping[str, Column], given: Mapping[str, ParamValue]
) -> None:
    """Refuse numbers in quotes that count as others than they say."""
    is_interval = any(_is_interval(part, columns, given) for part in parts)
    whole = [part for part in parts if _is_whole(part, columns)]
    for value in parts:
        text = literal_text(value) if literal_kind(value) == "STRING" else ""
        if is_interval and text:
            check_unit(value)
        if whole and _FRACTION.fullmatch(text):
            raise refused(
                f"has '{text}' where a whole number belongs: {_words(whole[0])} is one",
                "impossible-value",
                value,
                f"Write {text.strip()} without quotes; in quotes it is rounded.",
            )


def check_unit(interval: Node) -> None:
    """Refuse an interval that is written as a number alone: DuckDB takes it for seconds."""
    text = literal_text(interval)
    if _BARE.fullmatch(text):
        raise refused(
            f"has an interval of {text.strip()} without a unit",
            "interval-unit",
            interval,
            f"Write the unit into the quotes: INTERVAL '{text.strip()} days'.",
        )


def _is_whole(node: Node, columns: Mapping[str, Column]) -> bool:
    column = columns.get(column_name(node))
    return column is not None and column.type in {"BIGINT", "INTEGER"}


def _is_interval(
    node: Node, columns: Mapping[str, Column], given: Mapping[str, ParamValue]
) -> bool:
    """Whether the part is an interval: written as one, or the time between two."""
    if node["class"] != "FUNCTION" or node["function_name"] != "-":
        return written_kind(node, given) == INTERVAL
    return len(sides := arguments_of(node)) == 2 and all(  # noqa: PLR2004 - from one to another
        row_kind(side, columns) == TIME
        or written_kind(side, given) == TIME
        or present(side) is not None
        for side in sides
    )


def _compared(node: Node, given: Mapping[str, ParamValue]) -> tuple[list[Node], bool]:
    """Return what the node compares, and whether by order."""
    single = {"COMPARISON": ("left", "right"), "BETWEEN": ("input", "lower", "upper")}
    if names := single.get(node["class"]):
        # A list parameter is no single value, and told as that elsewhere.
        parts = [node[name] for name in names if not _is_list(node[name], given)]
        return parts, node["type"] not in _SAME
    if node["class"] == "OPERATOR" and node["type"] in _IN:
        return node["children"], False
    if node["class"] == "FUNCTION" and node["function_name"] == "contains":
        # `name IN $names` is this to the parser; of a text it is another thing.
        arguments = arguments_of(node)
        if arguments and _is_list(arguments[0], given):
            return arguments[::-1], False
    if node["class"] == "FUNCTION" and node["function_name"] == "nullif":
        return arguments_of(node), False
    return [], False


def _is_list(node: Node, given: Mapping[str, ParamValue]) -> bool:
    return isinstance(given.get(str(node.get("identifier"))), list)


def _is_field(node: Node) -> bool:
    """Whether the part is a field of a JSON value, as JSON: it is a text beside a text."""
    if node["class"] == "FUNCTION":
        return str(node["function_name"]).lower() == "json_extract"
    return bool(node["class"] == "LAMBDA" or node["type"] == "ARRAY_EXTRACT")


def _is_written_list(kind: str, value: Node) -> bool:
    """Whether a text is a list to the database: `project_teams = '[web]'`."""
    return kind == LIST and literal_text(value).lstrip().startswith("[")


def _shown(value: Node, kind: str) -> str:
    if value["class"] == "PARAMETER":
        return f"the parameter ${value['identifier']}, {kind},"
    text = literal_text(value)
    if kind == TEXT:
        return f"the text '{text}'"
    return f"the number {text}" if kind == NUMBER else text or kind


def _words(node: Node) -> str:
    if name := column_name(node):
        return f"`{name}`"
    return f"{node.get('function_name') or str(node['type']).removeprefix('OPERATOR_')}(...)"


def _instead(  # noqa: PLR0913 - all that a hint depends on
    column: Node,
    kind: str,
    value: Node,
    columns: Mapping[str, Column],
    *,
    is_order: bool,
    is_number: bool,
) -> str:
    """Say what to write."""
    name, text = _words(column).strip("`"), literal_text(value)
    if kind == LIST:
        item = f"${value['identifier']}" if value["class"] == "PARAMETER" else f"'{text or 'text'}'"
        return f"Write list_contains({name}, {item}), or list_has_any({name}, ...) for several."
    if kind == JSON:
        field = next(iter(columns[name].keys if name in columns else ()), "field")
        return (
            f"Compare a field of it, such as {name}->>'{field}' = '60', or"
            f" TRY_CAST({name}->>'{field}' AS BIGINT) > 60 where it is a number."
        )
    if kind == TEXT and not is_number:
        return "Compare it with a text, in single quotes."
    if kind == TEXT:
        # '10' comes before '9'
        is_literal = literal_kind(value) in NUMBERS and not is_order
        as_text = f"Write '{text}' in single quotes, " if is_literal else "Write "
        return (
            f"{as_text}length(...) for its length, or TRY_CAST(... AS BIGINT) where the text is a"
            " number."
        )
    return {
        NUMBER: "Compare it with a number, in the unit of the column.",
        TRUTH: "Compare it with true or false, or write the column by itself.",
        TIME: "A time is moved by an interval, now() - INTERVAL '90 days', and compared with a"
        " date, '2026-01-31'.",
    }[kind]
