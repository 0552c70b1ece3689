"""PostgreSQL, such as a database of Steampipe: one transaction that reads, with limits of time."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Final

from scanner.base.errors import InventoryFileError
from scanner.catalogue import TEXTS
from scanner.engine.dialect.words.postgres import POSTGRES
from scanner.engine.remote.address import ServerAddress, read_address
from scanner.engine.remote.interface import CodeGroup, DataPlace, Question
from scanner.engine.remote.wire import STATEMENT_SECONDS, Wire, connected, disconnect, run_on
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Reach

_AT_ONCE: Final = 2_000  # rows of an answer
_OLDEST: Final = 140_000  # version 14
_TYPES: Final[dict[str, frozenset[str]]] = {
    "VARCHAR": frozenset({"text", "character varying", "character"}),
    "BOOLEAN": frozenset({"boolean"}),
    "BIGINT": frozenset({"bigint", "integer", "smallint"}),
    "DOUBLE": frozenset({"double precision"}),
    "TIMESTAMP WITH TIME ZONE": frozenset({"timestamp with time zone"}),
    "JSON": frozenset({"jsonb", "json"}),
    "VARCHAR[]": frozenset({"text[]", "character varying[]", "jsonb"}),
}
_NAMES: Final = {"VARCHAR": "text", "DOUBLE": "double precision", "JSON": "jsonb"}
_COLUMNS: Final = (
    "SELECT a.attname, format_type(a.atttypid, NULL), quote_ident(n.nspname)"
    " FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid"
    " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
    " WHERE c.oid = to_regclass({}) AND a.attnum > 0 AND NOT a.attisdropped"
)


@contextmanager
def open_postgres(place: DataPlace) -> Iterator["PostgresSession"]:
    """Connect, and give the session, whose transaction only reads and is rolled back."""
    address = read_address(place.address)
    connection = connected(address, place.secret)
    session = PostgresSession(connection, address)
    try:
        session.begin()
        yield session
    finally:
        disconnect(connection)


def _unwhole(sql: str) -> str:
    ends = f"{-(2**63)} AND {2**63 - 1}"
    # 5.0 is none, as in files: of what is whole, its text has nothing but digits.
    return f"(CAST({sql} AS TEXT) LIKE '%.%' OR CAST({sql} AS NUMERIC) NOT BETWEEN {ends})"


def _texts(raw: str, found: str) -> str:
    """Return a list of texts; one with anything else in it is not known."""
    if found != "jsonb":
        others = f"SELECT 1 FROM unnest({raw}) AS one WHERE one IS NULL"
        return (
            f"CASE WHEN NOT EXISTS ({others}) AND coalesce(array_ndims({raw}), 1) = 1"
            f" THEN CAST({raw} AS text[]) END"
        )
    items = f"SELECT 1 FROM jsonb_array_elements({raw}) AS one WHERE jsonb_typeof(one) <> 'string'"
    return (
        f"CASE WHEN jsonb_typeof({raw}) = 'array' THEN CASE WHEN NOT EXISTS ({items}) THEN"
        f" ARRAY(SELECT jsonb_array_elements_text({raw})) END END"
    )


def _once(raw: str) -> str:
    """Return JSON as jsonb, which keeps the last of members of one name; a text where there are."""
    same = f"SELECT 1 FROM json_object_keys({raw}) AS one GROUP BY one HAVING count(*) > 1"
    twice = f"CASE WHEN json_typeof({raw}) = 'object' THEN EXISTS ({same}) END"
    return f"CASE WHEN {twice} THEN to_jsonb(TEXT 'twice') ELSE CAST({raw} AS jsonb) END"


class PostgresSession:
    """One transaction. See remote.interface for what its methods do."""

    words = POSTGRES

    def __init__(self, connection: Wire, address: ServerAddress) -> None:
        self._connection = connection
        self.label = address.label
        self._schemas: dict[str, str] = {}

    def begin(self) -> None:
        """Begin the transaction, and hold the server against what is needed of it."""
        self._run(f"SET statement_timeout = {STATEMENT_SECONDS * 1_000}")
        self._run("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        for setting in (
            "TimeZone = 'UTC'", "standard_conforming_strings = on", "jit = off",
            "DateStyle = 'ISO'", "extra_float_digits = 1",
        ):  # fmt: skip
            self._run(f"SET LOCAL {setting}")
        ((version, encoding),) = self._run(
            "SELECT CAST(current_setting('server_version_num') AS INT),"
            " pg_encoding_to_char(encoding) FROM pg_database WHERE datname = current_database()"
        )
        if int(str(version)) < _OLDEST or encoding != "UTF8":
            raise InventoryFileError(
                f"is version {version} with the encoding {encoding}",
                where=self.label,
                remedy="PostgreSQL from version 14 on is needed, and a database in UTF8.",
            )

    def columns(self, table: str) -> Mapping[str, str] | None:
        """Return the types of a table's columns, as the catalogue of the database has them."""
        self._run("SET LOCAL search_path = DEFAULT")
        found = self._run(_COLUMNS.format(self.value(table)))
        # From here on nothing goes by a name that a schema of the user's could have too.
        self._run("SET LOCAL search_path = pg_catalog")
        if not found:
            return None
        self._schemas[table] = str(found[0][2])
        return {str(name): str(kind) for name, kind, _ in found}

    def coverage(self, table: str) -> TableCoverage | None:
        """Return that rows may be hidden from this user; else a table does not tell."""
        name = self.value(self.source(table))
        ((hides,),) = self._run(f"SELECT row_security_active(to_regclass({name}))")
        if not hides:
            return None
        reason = f"Row-level security may hide rows of {table}: read as a role with BYPASSRLS."
        return TableCoverage(CoverageState.PARTIAL, reason, (Gap(reason),))

    def reaches(self) -> Sequence[Reach]:
        """Return nothing: a database does not tell."""
        return ()

    def source(self, table: str) -> str:
        """Return the table's name with its schema."""
        return f'{self._schemas[table]}."{table}"'

    def cast(self, column: str, kind: str, found: str) -> str | None:
        """Return a column as a type of the catalogue; None where it is of another type."""
        raw = f'raw."{column}"'
        if found not in _TYPES[kind]:
            return None
        if found == "json":
            return _once(raw)
        made = f"CAST({raw} AS {_NAMES.get(kind, kind)})" if kind != TEXTS else _texts(raw, found)
        # By a collation of the column's own, 'Web' may be the same as 'web'.
        return f'{made} COLLATE "C"' if kind in {"VARCHAR", TEXTS} else made

    def faults(self, column: str, kind: str, sort: str, keys: Sequence[str]) -> str:
        """Return a condition for values of the column that are none of its type; may be empty."""
        if kind == "TIMESTAMP WITH TIME ZONE":
            return f"{column} < TIMESTAMPTZ '1970-01-01Z' OR {column} >= TIMESTAMPTZ '9000-01-01Z'"
        if kind != "JSON":
            return ""
        tests = [f"jsonb_typeof({column}) NOT IN ('{sort.lower()}', 'null')"]
        for key in keys:
            of = f"({column} -> '{key}')"
            tests += [
                f"jsonb_typeof({of}) NOT IN ('number', 'null')",
                f"CASE WHEN jsonb_typeof({of}) = 'number' THEN {_unwhole(of)} END",
            ]
        return " OR ".join(tests)

    def value(self, text: str | datetime | int) -> str:
        """Return a literal."""
        if isinstance(text, int):
            return f"CAST({text} AS BIGINT)"
        if isinstance(text, datetime):
            return f"TIMESTAMPTZ '{text.isoformat()}'"
        return POSTGRES.text(text.replace("\0", ""))

    def rows(self, sql: str) -> Iterator[Sequence[tuple[object, ...]]]:
        """Run a SELECT, and give its rows, some at a time."""
        self._run(f"DECLARE answer NO SCROLL CURSOR FOR {sql}")
        while some := self._run(f"FETCH {_AT_ONCE} FROM answer"):
            yield some
        self._run("CLOSE answer")

    def ask(self, question: Question) -> "PostgresAnswer":
        """Judge a table, in one statement: what it reads may change between two."""
        return PostgresAnswer(self.rows(_statement(question)))

    def _run(self, sql: str) -> list[tuple[object, ...]]:
        return run_on(self._connection, sql, self.label)


def _statement(question: Question) -> str:
    """Return the statement that gives the groups, and after them the rows with a finding."""
    codes = ", ".join(f"CAST({code} AS TEXT)" for code in question.codes)
    facts = ", ".join(question.facts)
    told = ", ".join([*question.told, "codes"])
    place = ", ".join(
        f"CAST({sql} AS TEXT) AS {name}"
        for sql, name in zip(question.place, ("o", "k", "p"), strict=True)
    )
    sums = ", ".join(
        f"CAST(sum(CAST(CAST('x' || substr(h, {1 + 15 * n}, 15) AS BIT(60)) AS BIGINT)) AS TEXT)"
        for n in range(4)
    )
    return (
        f"WITH judged AS MATERIALIZED (SELECT t.*, {place},"
        f" array_to_string(ARRAY[{codes}], '') AS codes,"
        f" encode(sha256(convert_to(CAST(jsonb_build_array({facts}) AS TEXT), 'UTF8')), 'hex') AS h"
        f" FROM ({question.relation}) AS t{question.letters})"
        f" SELECT 0, o, p, codes, count(*), {sums}, NULL FROM judged GROUP BY o, p, codes"
        " UNION ALL SELECT 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,"
        f" (SELECT CAST(to_json(r) AS TEXT) FROM (SELECT {told}) AS r) FROM judged"
        f" WHERE substr(codes, 1, {len(question.rules)}) ~ '[123]'"
        " ORDER BY 1"
    )


class PostgresAnswer:
    """The answer as it comes: groups are taken first."""

    def __init__(self, rows: Iterator[Sequence[tuple[object, ...]]]) -> None:
        self._rows = rows
        self._ahead: list[str] = []

    def groups(self) -> Iterator[CodeGroup]:
        """Give all groups; what comes with the last of them is kept."""
        for some in self._rows:
            for kind, *group, row in some:
                if kind:
                    self._ahead.append(str(row))
                else:
                    yield CodeGroup.of(group)
            if self._ahead:
                return

    def rows(self) -> Iterator[Sequence[str]]:
        """Give the rows, some at a time."""
        if self._ahead:
            yield self._ahead
        for some in self._rows:
            yield [str(row[-1]) for row in some]
