"""Ad-hoc SELECTs over the tables, with the scan's clock and without any other table."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import duckdb
import msgspec

from scanner.engine.database import Connection, time_limit
from scanner.engine.rebuild import AS_OF
from scanner.inventory.tables import TABLES
from scanner.model.errors import UsageError

QUERY_SECONDS: Final = 300.0
"""Time limit of a query."""

BATCH: Final = 1_000

_TABLE_FUNCTIONS: Final = frozenset(
    {"unnest", "json_each", "json_tree", "generate_series", "range"}
)
_NOW: Final = frozenset({"now", "get_current_timestamp", "transaction_timestamp"})
_FORBIDDEN: Final = frozenset(
    {"getenv", "getvariable", "current_setting", "read_text", "read_blob"}
)


class Answer(msgspec.Struct, frozen=True):
    """Columns and rows of a query's answer: texts as SQL shows them, None for NULL."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[str | None, ...]]


def query(connection: Connection, sql: str, as_of: datetime) -> Answer:
    """Run one SELECT over the tables of the catalogue. Raises UsageError for anything else.

    The rows stream; what goes wrong among them raises UsageError while they are read.
    """
    checked = _check(connection, sql)
    cursor = _execute(connection, f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({checked})", as_of)
    return Answer(tuple(str(column[0]) for column in cursor.description), _rows(cursor))


def query_json(connection: Connection, sql: str, as_of: datetime) -> Iterator[str]:
    """Run one SELECT; each row comes as the text of a JSON object. Raises UsageError."""
    checked = _check(connection, sql)
    text = f"SELECT CAST(to_json(answer) AS VARCHAR) FROM ({checked}) AS answer"
    for row in _rows(_execute(connection, text, as_of)):
        yield row[0] or "null"


def _execute(connection: Connection, text: str, as_of: datetime) -> Connection:
    try:
        with time_limit(connection, QUERY_SECONDS):
            return connection.execute(text, {AS_OF: as_of} if f"${AS_OF}" in text else {})
    except duckdb.Error as error:
        raise _wrong(str(error)) from error


def _rows(cursor: Connection) -> Iterator[tuple[str | None, ...]]:
    try:
        while batch := cursor.fetchmany(BATCH):
            yield from batch
    except duckdb.Error as error:
        raise _wrong(str(error)) from error


def _check(connection: Connection, sql: str) -> str:
    """Return the query as DuckDB writes it, after holding its tree against what is allowed."""
    found = connection.execute(
        "SELECT CAST(json_serialize_sql(CAST($sql AS VARCHAR)) AS VARCHAR)", {"sql": sql}
    ).fetchone()
    try:
        tree: dict[str, Any] = json.loads(found[0]) if found else {"error": True}
    except RecursionError:
        raise UsageError("The query is nested too deep", where="query") from None
    if tree["error"]:
        raise _wrong(str(tree.get("error_message", "not a SELECT")))
    if len(tree["statements"]) != 1:
        raise _wrong("one SELECT at a time")
    known = set(TABLES) | _common_tables(tree)
    checked = _walk(tree, known)
    text = connection.execute(
        "SELECT json_deserialize_sql(CAST($tree AS JSON))", {"tree": json.dumps(checked)}
    ).fetchone()
    return str(text[0]) if text else ""


def _common_tables(node: Any) -> set[str]:  # noqa: ANN401 - any part of a JSON tree
    """Names that WITH defines, anywhere in the query."""
    if isinstance(node, list):
        return set().union(*(_common_tables(part) for part in node)) if node else set()
    if not isinstance(node, dict):
        return set()
    names = {str(entry["key"]).lower() for entry in (node.get("cte_map") or {}).get("map", [])}
    return names.union(*(_common_tables(part) for part in node.values()))


def _walk(node: Any, known: set[str]) -> Any:  # noqa: ANN401 - any part of a JSON tree
    if isinstance(node, list):
        return [_walk(part, known) for part in node]
    if not isinstance(node, dict):
        return node
    _refuse(node, known)
    if (moment := _clock(node)) is not None:
        return moment
    return {name: _walk(part, known) for name, part in node.items()}


def _refuse(node: dict[str, Any], known: set[str]) -> None:
    kind = node.get("type")
    if kind == "BASE_TABLE":
        name = str(node.get("table_name", "")).lower()
        if name not in known or node.get("catalog_name"):
            raise _wrong(f"no table {name!r}", f"Tables: {', '.join(TABLES)}.")
    elif kind == "TABLE_FUNCTION":
        name = str((node.get("function") or {}).get("function_name", ""))
        if name not in _TABLE_FUNCTIONS:
            raise _wrong(f"{name}() is not allowed as a table", f"Tables: {', '.join(TABLES)}.")
    elif kind == "SHOW_REF":
        raise _wrong("only SELECT is allowed", f"Tables: {', '.join(TABLES)}.")
    elif kind == "FUNCTION" and str(node.get("function_name")).lower() in _FORBIDDEN:
        raise _wrong(f"{node['function_name']}() is not allowed")


def _clock(node: dict[str, Any]) -> dict[str, Any] | None:
    """Return what stands for the as-of time, where the node asks for the present one."""
    name = ""
    if node.get("class") == "FUNCTION" and not node.get("arguments"):
        name = str(node.get("function_name")).lower()
    elif node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
        name = str(node["column_names"][0]).lower()
        name = name if name.startswith("current_") else ""
    moment = {
        "class": "PARAMETER",
        "type": "VALUE_PARAMETER",
        "alias": node.get("alias", ""),
        "identifier": AS_OF,
    }
    if name in _NOW or name == "current_timestamp":
        return moment
    if name in {"today", "current_date"}:
        kind = {"class": "TYPE", "type": "TYPE", "type_name": "DATE", "catalog": "", "schema": "",
                "children": [], "qualified_name": {"path": ["DATE"]}}  # fmt: skip
        return {
            "class": "CAST",
            "type": "OPERATOR_CAST",
            "alias": node.get("alias", ""),
            "child": {**moment, "alias": ""},
            "type_expr": kind,
            "try_cast": False,
        }
    return None


def _wrong(message: str, remedy: str = "") -> UsageError:
    first = message.split("\n\nLINE", 1)[0].strip()
    return UsageError(first, where="query", remedy=remedy)
