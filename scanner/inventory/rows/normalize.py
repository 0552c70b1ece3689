"""From records in the shape of the API to rows of a table: SQL text made from the catalogue.

One statement parses each record once, checks the JSON type of every field that the catalogue
knows and computes the columns. DuckDB's own JSON reader is not asked to convert anything: it
would turn 1.5 into 2 and "yes" into true without a word.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

from scanner.catalogue import OWN, TABLES, Field
from scanner.catalogue.redact import (
    MIN_SECRET,
    SECRET_FIELDS,
    SUSPECT,
    redact_record,
    redact_text,
)
from scanner.inventory.rows.facts import FILE, RAW, ROW, fact_paths, facts
from scanner.inventory.rows.fields import filled, joining
from scanner.model.moment import not_moment
from scanner.model.provider import Secrets
from scanner.model.table import NUMBER

BAD: Final = "_bad"
"""Name of the column that marks rows with a wrong type; it is dropped after the check.

NULL marks a row that may hold a secret: it has nothing else in it, and is replaced by what
`close_look` leaves of the record.
"""

RawRow = tuple[str | None, str | None, int, str | None]
"""Organization, project, number of the file and record (JSON), as a file has them."""


def select(name: str, columns: Sequence[str], *, looked_at: bool = False) -> str:
    """Return the SELECT that makes the columns of table `name` from a relation `raw`.

    `raw` has the columns of RAW, record as JSON; the table that it is joined to must be filled. The
    result has two columns more: FILE, and BAD: whether a field is missing or of a wrong type. Among
    the columns may be ROW. Unless the records were `looked_at` closely, ROW and BAD are NULL for
    those that must be.
    """
    plan = _Plan(name, columns)
    suspect = "false" if looked_at else plan.suspect
    hide = "CASE WHEN suspect THEN NULL ELSE {0} END AS {0}"
    hidden = ", ".join(hide.format(one) for one in ("v", "f", "organization", "project"))
    return (
        f"SELECT {', '.join(plan.made)}, file AS {FILE},"
        f" CASE WHEN suspect THEN NULL ELSE {plan.bad} END AS {BAD}"
        f" FROM (SELECT * REPLACE ({hidden}) FROM"
        f" (SELECT *, {suspect} AS suspect FROM ({plan.parsed}))) AS parsed{plan.join}"
    )


def suspects(name: str, columns: Sequence[str]) -> str:
    """Return the SELECT of the rows of `raw`, as they are, for which `select` leaves BAD NULL."""
    plan = _Plan(name, columns)
    return (
        f"SELECT organization, project, file, CAST(record AS VARCHAR) FROM ({plan.parsed})"
        f" WHERE {plan.suspect}"
    )


def close_look(name: str, row: RawRow) -> RawRow:
    """Return a row without its secrets, by the redaction that fetched records go through."""
    organization, project, file, text = row
    return _clean(organization), _clean(project), file, _clean_record(name, text or "")


def _clean(text: str | None) -> str | None:
    return None if text is None else redact_text(text)


def _clean_record(name: str, text: str) -> str:
    try:
        record = json.loads(text, object_pairs_hook=_first)
        return json.dumps(redact_record(record, name) if isinstance(record, dict) else {})
    except (ValueError, RecursionError):
        return "{}"  # as wrong as a record can be: the file is refused, and told why


def _first(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Take the first of two members with one name, as the database does."""
    first: dict[str, Any] = {}
    for name, value in pairs:
        first.setdefault(name, value)
    return first


class _Plan:
    """The parts of the statements that read one table from a relation `raw`."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        table = TABLES[name]
        paths = _Paths()
        types = {path: index for index, path in enumerate(table.fields, start=1)}
        told = {path: index for index, path in enumerate(fact_paths(name), start=1)}

        def kind(path: str) -> str:
            return f"t[{types[path]}]"

        self.made = [
            f'CAST({filled(spec.source, paths.value, kind)} AS {spec.type}) AS "{column}"'
            for column in columns
            if column != ROW
            for spec in (table.columns[column],)
        ]
        self.join = joining(table, paths.value, kind)
        self.bad = " OR ".join(
            _violation(path, field, types, paths) for path, field in table.fields.items()
        )
        if ROW in columns:
            told_of = facts(name, lambda path: f"f[{told[path]}]")
            row = f"CASE WHEN suspect THEN NULL ELSE unhex(sha256({told_of})) END AS {ROW}"
            self.made.append(row)
        self.suspect = _suspect(OWN[name].secrets, paths)
        self.parsed = (
            f"SELECT {RAW},"
            f" json_type(record, {_list(types)}) AS t,"
            f" CAST(json_extract(record, {_list(told)}) AS VARCHAR[]) AS f,"
            f" json_extract_string(record, {_list(paths.index)}) AS v FROM raw"
        )


def _suspect(secrets: Secrets, paths: "_Paths") -> str:
    """Return the condition for what may hold a secret in anything that is taken from it."""
    taken = ["organization", "project", *(f"v[{number}]" for number in paths.index.values())]
    told = f"concat_ws(chr(31), {', '.join(taken)})"
    urls = [paths.value(f"$.{field}.{secrets.common}") for field in secrets.urls]
    secret = paths.value(f"$.{secrets.common}")
    others = [paths.value(f"$.{name}") for name in sorted(SECRET_FIELDS - {secrets.common})]
    tests = [
        f"regexp_matches({told}, '{SUSPECT}')",
        f"(length({secret}) >= {MIN_SECRET} AND contains({told}, {secret}))",
    ]
    if others:
        # Records with other secrets are few; every one is looked at.
        tests.append(f"coalesce({', '.join(others)}) IS NOT NULL")
    # The secret of a URL is looked for elsewhere too, where it is not told by itself.
    tests += (
        f"({url} IS NOT NULL AND NOT coalesce(contains({url}, {secret}), false))" for url in urls
    )
    return f"coalesce({' OR '.join(tests)}, false)"


class _Paths:
    """The fields whose values are read, each with its place in the list `v`."""

    def __init__(self) -> None:
        self.index: dict[str, int] = {}

    def value(self, path: str) -> str:
        return f"v[{self.index.setdefault(path, len(self.index) + 1)}]"


def _list(paths: dict[str, int]) -> str:
    return "[" + ", ".join(f"'{path}'" for path in paths) + "]"


def _violation(path: str, field: Field, types: dict[str, int], paths: _Paths) -> str:
    allowed = ", ".join(f"'{kind}'" for kind in (*field.types, "NULL"))
    tests = [f"NOT coalesce(t[{types[path]}] IN ({allowed}), true)"]
    strict = field.required or field.timestamp or field.number or _integer(field)
    value = paths.value(path) if strict else ""
    if field.required:
        tests.append(f"coalesce({value}, '') = ''")
    if field.timestamp:
        tests.append(not_moment(value))
    if field.number or _integer(field):
        tests.append(f"({value} IS NOT NULL AND TRY_CAST({value} AS BIGINT) IS NULL)")
    if field.number:
        tests.append(f"NOT coalesce(regexp_full_match({value}, '{NUMBER}'), true)")
    if field.same_as:
        tests.append(f"coalesce({paths.value(path)} <> {paths.value(field.same_as)}, false)")
    return " OR ".join(tests)


def _integer(field: Field) -> bool:
    """Whether values must fit 64 bits: JSON itself sets no bound."""
    return set(field.types) == {"UBIGINT", "BIGINT"}
