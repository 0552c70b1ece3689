"""Ad-hoc SELECTs over the tables, with the scan's clock and without any other table."""

import json
import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final

import _duckdb as duckdb
import msgspec

from scanner.base.errors import Location, UsageError
from scanner.catalogue import TABLES, TEXTS
from scanner.engine.database import Connection, proposal, reason, time_limit, used
from scanner.engine.intake.counts import with_counted
from scanner.engine.judge.findings import ISO_UTC
from scanner.engine.predicate import syntax
from scanner.engine.predicate.clock import AS_OF, IMPURE, age_of, present
from scanner.engine.predicate.syntax import Node
from scanner.model.inventory import Needs

QUERY_SECONDS: Final = 300.0
"""Time limit of a query."""

BATCH: Final = 1_000

_NO_NUMBER: Final = re.compile(r'"(?:[^"\\]|\\.)*"|-?(?:Infinity|NaN)')
"""What DuckDB writes of 1 / 0 and 0 / 0, which JSON has no numbers for; texts are passed over."""

_MOMENT: Final = "TIMESTAMP WITH TIME ZONE"
_VIEWS: Final = (
    "SELECT lower(view_name) FROM duckdb_views() WHERE schema_name <> 'information_schema'"
)

_STAR: Final = json.dumps({"class": "STAR"})[1:-1]
_SYNTAX: Final = "parser"
"""What the database calls the error of a text that is no SQL."""

_DEEPEST: Final = "Max expression depth"
"""Begins an error whose remedy, a setting, is not for whoever asks."""

_SELECT: Final = 'Write one SELECT, such as "select name from sentry_key".'
_NAMES: Final = "`keypolicy schema tables` lists the columns, with their types."

_TABLE_FUNCTIONS: Final = frozenset(
    {"unnest", "json_each", "json_tree", "generate_series", "range"}
)


class QueryResult(msgspec.Struct, frozen=True):
    """Columns and rows of a query's answer: texts as SQL shows them, None for NULL."""

    columns: tuple[str, ...]
    rows: Iterator[tuple[str | None, ...]]


def query(connection: Connection, sql: str, as_of: datetime) -> QueryResult:
    """Run one SELECT over the tables of the catalogue. Raises UsageError for anything else.

    The rows stream; what goes wrong among them raises UsageError while they are read.
    """
    shown = _with_reports_dates(connection, _check(connection, sql), as_of, lists=True)
    cursor = _execute(connection, f"SELECT CAST(COLUMNS(*) AS VARCHAR) FROM ({shown})", as_of)
    return QueryResult(tuple(str(column[0]) for column in cursor.description), _rows(cursor))


def query_json(connection: Connection, sql: str, as_of: datetime) -> Iterator[str]:
    """Run one SELECT; each row comes as the text of a JSON object. Raises UsageError."""
    shown = _with_reports_dates(connection, _check(connection, sql), as_of)
    text = f"SELECT CAST(to_json(answer) AS VARCHAR) FROM ({shown}) AS answer"
    for row in _rows(_execute(connection, text, as_of)):
        yield _NO_NUMBER.sub(_as_text, row[0] or "null")


def _as_text(found: re.Match[str]) -> str:
    return found[0] if found[0].startswith('"') else f'"{found[0]}"'


def _with_reports_dates(
    connection: Connection, checked: str, as_of: datetime, *, lists: bool = False
) -> str:
    """Return the query with its times written as in the reports: ISO 8601, in UTC.

    With `lists`, lists of texts are written as JSON too.
    """
    written = []
    described = _execute(connection, f"DESCRIBE SELECT * FROM ({checked})", as_of)
    for column, kind, *_ in described.fetchall():
        name = '"' + str(column).replace('"', '""') + '"'
        if kind == _MOMENT:
            written.append(f"strftime(timezone('UTC', {name}), {ISO_UTC}) AS {name}")
        elif lists and kind == TEXTS:
            written.append(f"to_json({name}) AS {name}")
    if not written:
        return checked
    return f"SELECT * REPLACE ({', '.join(written)}) FROM ({checked})"


def _execute(connection: Connection, text: str, as_of: datetime) -> Connection:
    try:
        with time_limit(connection, QUERY_SECONDS):
            return connection.execute(text, used(text, {AS_OF: as_of}))
    except duckdb.InterruptException:
        raise _wrong(
            f"it took longer than {QUERY_SECONDS:g} seconds",
            "Ask for less: fewer rows, fewer joins, and no recursion without an end.",
        ) from None
    except duckdb.Error as error:
        raise _wrong(reason(error), proposal(error)) from None


def _rows(cursor: Connection) -> Iterator[tuple[str | None, ...]]:
    try:
        while batch := cursor.fetchmany(BATCH):
            yield from batch
    except duckdb.Error as error:
        raise _wrong(reason(error), proposal(error)) from None


def reads(connection: Connection, sql: str) -> Needs:
    """Return the tables and columns that a query names. Raises UsageError, as `query` does.

    `*` stands for the columns that cost a source no further requests.
    """
    tree = _parse(connection, sql)
    _walk(tree, _known(connection, tree))
    tables, columns = set[str](), set[str]()
    _gather(tree, tables, columns)
    read = tables & TABLES.keys()
    return with_counted(
        Needs({name: frozenset(columns & TABLES[name].columns.keys()) for name in read})
    )


def _gather(node: Any, tables: set[str], columns: set[str]) -> None:  # noqa: ANN401 - any part of a JSON tree
    if isinstance(node, list):
        for part in node:
            _gather(part, tables, columns)
    elif isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            tables.add(str(node.get("table_name", "")).lower())
        elif node.get("class") == "COLUMN_REF":
            columns.update(str(name).lower() for name in node["column_names"])
        for part in node.values():
            _gather(part, tables, columns)


def _check(connection: Connection, sql: str) -> str:
    """Return the query as DuckDB writes it, after holding its tree against what is allowed."""
    tree = _parse(connection, sql)
    checked = _walk(tree, _known(connection, tree))
    _keep_names(connection, tree, checked)
    text = connection.execute(
        "SELECT json_deserialize_sql(CAST($tree AS JSON))", {"tree": json.dumps(checked)}
    ).fetchone()
    return str(text[0]) if text else ""


def _parse(connection: Connection, sql: str) -> dict[str, Any]:
    """Return the tree of the one statement that the query is."""
    (answer,) = syntax.serialize(connection, [sql])
    try:
        tree: dict[str, Any] = json.loads(answer)
    except RecursionError:
        raise _too_deep() from None
    if tree["error"]:
        if tree.get("error_type") != _SYNTAX:
            raise _no_select()
        raise _syntax(sql, tree)
    if len(tree["statements"]) != 1:
        what = "there is no SELECT" if not tree["statements"] else "one SELECT at a time"
        raise _wrong(what, _SELECT)
    return tree


def _known(connection: Connection, tree: Node) -> set[str]:
    """Return the tables that the query may name: those of the catalogue, and what WITH defines.

    Where WITH defines a name is not looked at. So it must not be one that means something without
    WITH: a view of the database's own, or a file.
    """
    own = {str(name) for (name,) in connection.execute(_VIEWS).fetchall()}
    for name in sorted(defined := _common_tables(tree)):
        if name in own or not name.isidentifier():
            raise _wrong(f"WITH may not define {name!r}", "Use a name of your own, of letters.")
    return set(TABLES) | defined


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
    if (moment := present(node)) is not None:
        return {**moment, "alias": node.get("alias", "")}
    node = age_of(node) or node
    return {name: _walk(part, known) for name, part in node.items()}


def _keep_names(connection: Connection, asked: Any, made: Any) -> None:  # noqa: ANN401 - any part of a JSON tree
    """Let a column without an alias be called by what was asked, not by what stands for it."""
    if isinstance(asked, list) and isinstance(made, list):
        for one, other in zip(asked, made, strict=False):
            _keep_names(connection, one, other)
    elif isinstance(asked, dict) and isinstance(made, dict):
        for name in asked.keys() & made.keys():
            _keep_names(connection, asked[name], made[name])
        pairs = zip(asked.get("select_list", ()), made.get("select_list", ()), strict=False)
        # A star is many columns, which have names.
        others = [
            (one, other)
            for one, other in pairs
            if one != other and not one.get("alias") and _STAR not in json.dumps(one)
        ]
        texts = syntax.write(connection, [one for one, _ in others]) if others else ()
        for (_, other), text in zip(others, texts, strict=True):
            other["alias"] = text


def _refuse(node: dict[str, Any], known: set[str]) -> None:
    kind = node.get("type")
    if node.get("sample"):
        raise _wrong(
            "a sample is not allowed: it is another one each time",
            "Take the first of an order instead: ORDER BY id LIMIT 10.",
        )
    if kind == "BASE_TABLE":
        name = str(node.get("table_name", "")).lower()
        # A schema would lead past a WITH of that name, to a view of the catalog.
        schema = [str(node[part]) for part in ("catalog_name", "schema_name") if node.get(part)]
        if name not in known or schema:
            bare = f"Write {name} alone. " if name in known else ""
            whole = ".".join([*schema, name])
            raise _wrong(f"no table {whole!r}", f"{bare}Tables: {', '.join(TABLES)}.")
    elif kind == "TABLE_FUNCTION":
        name = str((node.get("function") or {}).get("function_name", ""))
        if name not in _TABLE_FUNCTIONS:
            raise _wrong(f"{name}() is not allowed as a table", f"Tables: {', '.join(TABLES)}.")
    elif kind == "SHOW_REF":
        raise _no_select()
    elif kind == "FUNCTION" and str(node.get("function_name")).lower() in IMPURE:
        raise _wrong(
            f"{node['function_name']}() is not allowed",
            "An answer depends on the tables and the as-of time alone; now() is the as-of time.",
        )


def _no_select() -> UsageError:
    remedy = f"Tables: {', '.join(TABLES)}. `keypolicy schema tables` lists their columns."
    return _wrong("only SELECT is allowed", remedy)


def _syntax(sql: str, answer: dict[str, Any]) -> UsageError:
    """Make the error of a text that is no SQL; the database tells its place, if any, in bytes."""
    message = str(answer.get("error_message", "is no SQL")).strip()
    if message.startswith(_DEEPEST):
        return _too_deep()
    where = Location("query")
    if position := str(answer.get("position", "")):
        before = sql.encode()[: int(position)].decode(errors="replace")
        where = Location("query", 1, 1).within(sql, len(before))
    return UsageError(message, where=str(where), remedy=_SELECT)


def _too_deep() -> UsageError:
    return _wrong("it is nested too deep", "Take parentheses out.")


def _wrong(message: str, remedy: str = "") -> UsageError:
    return UsageError(message, where="query", remedy=remedy or _NAMES)
