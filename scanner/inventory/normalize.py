"""From records in the shape of the API to rows of a table: SQL text made from the catalogue.

One statement parses each record once, checks the JSON type of every field that the catalogue
knows and computes the columns. DuckDB's own JSON reader is not asked to convert anything: it
would turn 1.5 into 2 and "yes" into true without a word.
"""

import re
from collections.abc import Sequence
from typing import Final

from scanner.inventory.redact import DSN_KINDS, REDACTED, TOKEN_PATTERN
from scanner.inventory.tables import TABLES, Column, Field
from scanner.inventory.tables.moments import not_moment

BAD: Final = "_bad"
"""Name of the column that marks rows with a wrong type; it is dropped after the check."""

MIN_SECRET: Final = 8
"""Shortest secret that is looked for in names; anything shorter would match by chance."""

_REFERENCE = re.compile(r"<(type |clean )?(\$[\w.]+)>|<(dsn)>")


def select(name: str, columns: Sequence[str]) -> str:
    """Return the SELECT that makes the columns of table `name` from a relation `raw`.

    `raw` has record (JSON), organization, project and server; the table sentry_project must
    exist. The result has one column more, BAD: whether a field is missing or of a wrong type.
    """
    table = TABLES[name]
    paths = _Paths(table.hidden)
    types = {path: index for index, path in enumerate(table.fields, start=1)}
    made = [_column(c, table.columns[c], types, paths) for c in columns]
    join = _join(name, paths)
    bad = " OR ".join(_violation(path, field, types, paths) for path, field in table.fields.items())
    return (
        f"SELECT {', '.join(made)}, {bad} AS {BAD} FROM (SELECT organization, project, server,"
        f" json_type(record, {_list(types)}) AS t,"
        f" json_extract_string(record, {_list(paths.index)}) AS v FROM raw) AS parsed{join}"
    )


def _column(name: str, column: Column, types: dict[str, int], paths: "_Paths") -> str:
    return f'CAST({_expand(column.source, types, paths)} AS {column.type}) AS "{name}"'


class _Paths:
    """The fields whose values are read, each with its place in the list `v`."""

    def __init__(self, secret: str) -> None:
        self.index: dict[str, int] = {}
        self._secret = secret

    @property
    def secret(self) -> str:
        """The value of the secret that no other field may quote."""
        return self.value(self._secret)

    def value(self, path: str) -> str:
        return f"v[{self.index.setdefault(path, len(self.index) + 1)}]"


def _list(paths: dict[str, int]) -> str:
    return "[" + ", ".join(f"'{path}'" for path in paths) + "]"


def _expand(source: str, types: dict[str, int], paths: _Paths) -> str:
    def replace(match: re.Match[str]) -> str:
        how, path, dsn = match.groups()
        if dsn:
            return _dsn(types, paths)
        if how == "type ":
            return f"t[{types[path]}]"
        if how == "clean ":
            text = _without_secret(paths.value(path), paths.secret)
            return _without_tokens(text, paths.value(path))
        return paths.value(path)

    return _REFERENCE.sub(replace, source)


def _dsn(types: dict[str, int], paths: _Paths) -> str:
    kinds = ", ".join(f"'{kind}', {paths.value(f'$.dsn.{kind}')}" for kind in DSN_KINDS)
    # Merging into an empty object leaves out the kinds that the record does not have.
    text = f"CAST(json_merge_patch('{{}}', json_object({kinds})) AS VARCHAR)"
    clean = _without_secret(text, paths.secret)
    return f"CASE WHEN t[{types['$.dsn']}] = 'OBJECT' THEN CAST({clean} AS JSON) END"


def _without_secret(text: str, secret: str) -> str:
    return (
        f"CASE WHEN length({secret}) >= {MIN_SECRET} THEN replace({text}, {secret}, '{REDACTED}')"
        f" ELSE {text} END"
    )


def _without_tokens(text: str, value: str) -> str:
    return (
        f"CASE WHEN contains({value}, 'sntry') THEN"
        f" regexp_replace({text}, '{TOKEN_PATTERN}', '{REDACTED}', 'g') ELSE {text} END"
    )


def _violation(path: str, field: Field, types: dict[str, int], paths: _Paths) -> str:
    allowed = ", ".join(f"'{kind}'" for kind in (*field.types, "NULL"))
    tests = [f"NOT coalesce(t[{types[path]}] IN ({allowed}), true)"]
    value = paths.value(path) if field.required or field.timestamp or _integer(field) else ""
    if field.required:
        tests.append(f"coalesce({value}, '') = ''")
    if field.timestamp:
        tests.append(not_moment(value))
    if _integer(field):
        tests.append(f"({value} IS NOT NULL AND TRY_CAST({value} AS BIGINT) IS NULL)")
    return " OR ".join(tests)


def _integer(field: Field) -> bool:
    """Whether values must fit 64 bits: JSON itself sets no bound."""
    return set(field.types) == {"UBIGINT", "BIGINT"}


def _join(name: str, paths: _Paths) -> str:
    """Join keys to their project: a whole-organization listing tells only the project's id."""
    if name != "sentry_key":
        return ""
    number = f"coalesce({paths.value('$.projectId')}, {paths.value('$.projectID')})"
    return (
        f" LEFT JOIN sentry_project AS joined ON joined.id = {number}"
        " AND joined.organization_slug IS NOT DISTINCT FROM organization"
    )
