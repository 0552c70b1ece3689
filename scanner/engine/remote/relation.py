"""A table as another database has it, made into one of the catalogue, strictly."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import msgspec

from scanner.base.errors import InventoryFileError
from scanner.base.text import plural
from scanner.catalogue import TABLES, Column, Table
from scanner.engine.database import Connection
from scanner.engine.dialect.translate import conditions
from scanner.engine.predicate import syntax
from scanner.engine.remote.interface import Session
from scanner.model.inventory import Scope
from scanner.model.moment import SKEW_MINUTES

_MOMENT: Final = "TIMESTAMP WITH TIME ZONE"
_SWALLOWING: Final = frozenset({"concat", "greatest", "least", "nullif", "json_type"})


class Relation(msgspec.Struct, frozen=True):
    """A table of the catalogue in another database.

    `sql` is its SELECT, `has` are the columns that have values there, `facts` those of them that
    are not made of others.
    """

    table: str
    sql: str
    has: frozenset[str]
    facts: tuple[str, ...]
    faults: Mapping[str, str]


def relate(
    connection: Connection, session: Session, table: str, scope: Scope, as_of: datetime
) -> Relation | None:
    """Return the table as the database has it, narrowed to the scope; None where it has none.

    Raises InventoryFileError for a column of a wrong type.
    """
    found = session.columns(table)
    if found is None:
        return None
    spec = TABLES[table]
    if "id" not in found:
        raise InventoryFileError(f"{table} has no column id", where=session.label, remedy=_REMEDY)
    cast = {
        name: _cast(session, table, name, one.type, found)
        for name, one in spec.columns.items()
        if name in found and _is_brought(name, one) and "as_of" not in one.made_of
    }
    made = _made(connection, session, table, cast, as_of)
    outer = {name: made.get(name) or _outer(session, table, name, cast) for name in spec.columns}
    chosen = ", ".join(f"{sql} AS {name}" for name, sql in outer.items())
    told = {name for name in spec.columns if name in cast or name in made}
    faults = {name: _faults(session, spec, name, cast[name]) for name in cast}
    return Relation(
        table,
        f"SELECT {chosen} FROM (SELECT {_inner(session, table, cast, as_of)}"
        f" FROM {session.source(table)} AS raw) AS seen{_narrowed(session, table, scope, told)}",
        frozenset(told),
        tuple(n for n in cast if not spec.columns[n].derived and not spec.columns[n].made_of),
        {name: sql for name, sql in faults.items() if sql},
    )


def _inner(session: Session, table: str, cast: Mapping[str, str], as_of: datetime) -> str:
    """Return the columns that are there, as their types; a time after as-of is not known."""
    limit = session.value(as_of + timedelta(minutes=SKEW_MINUTES))
    kinds = {name: TABLES[table].columns[name].type for name in cast}
    return ", ".join(
        f"CASE WHEN {sql} <= {limit} THEN {sql} END AS {name}"
        if kinds[name] == _MOMENT
        else f"{sql} AS {name}"
        for name, sql in cast.items()
    )


def _outer(session: Session, table: str, name: str, cast: Collection[str]) -> str:
    """Return a column as rules see it: a JSON value of null is none."""
    kind, templates = TABLES[table].columns[name].type, session.words.templates
    if name not in cast:
        return templates[f"no {kind}"]
    return templates["json_object"].replace(":a", name) if kind == "JSON" else name


_DATES: Final = "Dates lie between 1970 and 9000."
_JSON: Final = (
    "It has sound JSON: a limit, for example, is an object or null, in which no name comes twice"
    " and numbers are whole, and fit into 64 bits."
)
_REMEDY: Final = "docs/engines.md tells the columns and types of each table."


def _is_brought(name: str, column: Column) -> bool:
    """Whether a column is read where it is: not secrets, nor what is filled in here."""
    return not (column.is_empty or column.heavy or name in {"owner", "url"})


def _cast(session: Session, table: str, name: str, kind: str, found: Mapping[str, str]) -> str:
    made = session.cast(name, kind, found[name])
    if made is None:
        raise InventoryFileError(
            f"{table}.{name} is {found[name]}, which is no {kind}",
            where=session.label,
            remedy=_REMEDY,
        )
    return made


def _faults(session: Session, spec: Table, name: str, sql: str) -> str:
    """Return the condition for values that a file could not have either."""
    column = spec.columns[name]
    sorts = spec.fields[column.field].types if column.type == "JSON" else ("",)
    types = {one.field: one.type for one in spec.columns.values()}
    whole = [key for key in column.keys if types.get(f"{column.field}.{key}") == "BIGINT"]
    return session.faults(sql, column.type, sorts[0], whole)


def _made(
    connection: Connection, session: Session, table: str, cast: Collection[str], as_of: datetime
) -> dict[str, str]:
    """Return what makes the columns that follow from others which are there."""
    spec = TABLES[table]
    wanted = {n: one.made_of for n, one in spec.columns.items() if one.made_of and n not in cast}
    trees = syntax.parse(connection, list(wanted.values()))
    able = {
        name: text
        for (name, text), tree in zip(wanted.items(), trees, strict=True)
        if syntax.columns(tree) <= set(cast)
    }
    made = conditions(connection, table, list(able.values()), as_of, session.words)
    return dict(zip(able, made, strict=True))


def _narrowed(session: Session, table: str, scope: Scope, has: set[str]) -> str:
    """Return the WHERE of a scope; a row that does not tell its place stays."""
    spec = TABLES[table]
    asked = ((spec.organization, scope.organizations), (spec.project, scope.projects))
    terms = [
        f"({column} IN ({', '.join(map(session.value, slugs))}) OR {column} IS NULL)"
        for column, slugs in asked
        if slugs and column in has and not spec.global_
    ]
    return f" WHERE {' AND '.join(terms)}" if terms else ""


def check(session: Session, relation: Relation) -> int:
    """Count the rows. Raises InventoryFileError for values that are none of their type."""
    unnamed = "count(CASE WHEN id IS NULL OR id = '' THEN 1 END)"
    sql = f"SELECT count(*), count(DISTINCT id), {unnamed} FROM ({relation.sql}) AS t"
    ((rows, different, nameless),) = [row for some in session.rows(sql) for row in some]
    if relation.faults:
        _check_values(session, relation)
    rows, different, nameless = int(str(rows)), int(str(different)), int(str(nameless))
    if nameless or different < rows:
        what = (
            f"{plural(nameless, 'row')} without an id"
            if nameless
            else f"{plural(rows - different, 'id that comes', 'ids that come')} twice"
        )
        raise InventoryFileError(
            f"{relation.table} has {what}",
            where=session.label,
            remedy="Each row is one resource: look for ids that are missing, or that several"
            " connections tell.",
        )
    return rows


def _check_values(session: Session, relation: Relation) -> None:
    names = list(relation.faults)
    counts = ", ".join(f"count(CASE WHEN {relation.faults[name]} THEN 1 END)" for name in names)
    sql = f"SELECT {counts} FROM {session.source(relation.table)} AS raw"
    for row in (row for some in session.rows(sql) for row in some):
        for name, number in zip(names, row, strict=True):
            if number:
                kind = TABLES[relation.table].columns[name].type
                values = plural(int(str(number)), "value that does", "values that do")
                raise InventoryFileError(
                    f"{relation.table}.{name} has {values} not belong into it",
                    where=session.label,
                    remedy=_DATES if kind == _MOMENT else _JSON,
                )


def swallows(node: syntax.Node, lacking: Collection[str]) -> bool:
    """Whether the predicate makes something of a column that is not there: it would be a guess."""
    kind, name = node["class"], str(node.get("function_name", ""))
    swallowing = (
        kind in {"CASE", "WINDOW"}
        or name in _SWALLOWING
        or node["type"] in {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE"}
        or "DISTINCT_FROM" in node["type"]
    )
    if swallowing and syntax.columns(node) & set(lacking):
        return True
    return any(swallows(child, lacking) for child in syntax.children(node))
