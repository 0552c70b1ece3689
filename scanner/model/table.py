"""What tables and columns are made of, as values; scanner.catalogue gathers them."""

from typing import Final, Literal

import msgspec

from scanner.model.moment import SKEW_MINUTES

TEXT: Final = ("VARCHAR",)
INTEGER: Final = ("UBIGINT", "BIGINT")
BOOLEAN: Final = ("BOOLEAN",)
OBJECT: Final = ("OBJECT",)
LIST: Final = ("ARRAY",)

NUMBER: Final = "0|-?[1-9][0-9]{0,18}"
"""A pattern for texts that are whole numbers: the database takes "2.5" for 3, "0x10" for 16."""

TEXTS: Final = "VARCHAR[]"
"""The SQL type of a list of texts."""

NOWHERE: Final = "CAST(NULL AS VARCHAR)"
"""The project of what belongs to none. Not just NULL: the database refuses to order by that."""


class Field(msgspec.Struct, frozen=True):
    """A field of the API's record: the JSON types it may have besides null.

    `required` fields must hold a value; `timestamp` fields must hold a date and time, as
    scanner.model.moment has it; `number` fields a whole number of 64 bits, be it a text (NUMBER).
    One that is another by a name of old is the `same_as` that: a record may not tell two values.
    """

    types: tuple[str, ...]
    required: bool = False
    timestamp: bool = False
    number: bool = False
    same_as: str = ""


class Column(msgspec.Struct, frozen=True):
    """A column: its SQL type, its meaning, and how it is made from the record's fields.

    In `source`, `organization`, `project` and `server` are what the input says of the record,
    `joined` is the row of the table that its own is joined to, `$as_of` the scan's time. A `heavy`
    column is loaded only when something reads it; a `derived` one adds no fact, so it is not in the
    digest; a `costly` one takes a live source requests of its own, so it is asked for only when
    read. A counted one is filled once all tables are loaded: `counts` tells what of which tables
    has to be read for that. `made_of` is how the column follows from others of its row, for
    databases whose tables have no more than those.
    `keys` are all fields that a JSON object may have; none where they are not known, or where the
    value `is_list`. `field` is the
    path of the field that the column tells as it is, for files that have it as a column of its own.
    `least` is the smallest value there can be, if there is one; `values` are all texts that it, or
    an item of its list, is known to be.
    """

    type: str
    doc: str
    source: str
    heavy: bool = False
    derived: bool = False
    costly: bool = False
    keys: tuple[str, ...] = ()
    is_list: bool = False
    counts: tuple[tuple[str, frozenset[str]], ...] = ()
    made_of: str = ""
    field: str = ""
    least: int | None = None
    values: tuple[str, ...] = ()

    @property
    def counted(self) -> bool:
        """Whether the column is counted from the rows of other tables."""
        return bool(self.counts)

    @property
    def is_past(self) -> bool:
        """Whether it is a time that is not known where it lies after as-of."""
        return self.type.startswith("TIMESTAMP") and "$as_of" in self.source

    @property
    def is_empty(self) -> bool:
        """Whether the column never has a value."""
        return self.source == "NULL" and not self.counted


class Table(msgspec.Struct, frozen=True):
    """A table, and which of its columns tell what a row is and where it belongs.

    `title` is what one row is called in messages. `project_key` is what fingerprints use.
    `identity` is the field that tells records apart. Of a `closed` table's records only the
    fields that are named are written down. A `global_` table belongs to no organization, so that
    choosing some does not narrow it. Ids of a `unique` one are of one record on the whole
    server, others of one in an organization. An `optional` one may have no row, if its source
    counted that; others without are not seen. Rows of which a `place` is told are themselves an
    organization or a project. Records are `joined` to another table, which is loaded first, by the
    condition `join`, written as a column's source is. `pages` are the sizes of a full page of the
    API's listing. `checks` are the built-in checks that are for it.
    """

    title: str
    doc: str
    fields: dict[str, Field]
    columns: dict[str, Column]
    organization: str = "organization_slug"
    project: str = NOWHERE
    project_key: str = NOWHERE
    identity: str = "id"
    closed: bool = False
    global_: bool = False
    unique: bool = False
    optional: bool = False
    place: Literal["", "organization", "project"] = ""
    joined: str = ""
    join: str = ""
    pages: tuple[int, ...] = ()
    checks: tuple[str, ...] = ()

    @property
    def row(self) -> tuple[str, ...]:
        """The columns that tell a row from all others."""
        columns = ("id",) if self.unique else ("id", self.organization)
        return tuple(name for name in columns if name in self.columns)

    @property
    def types(self) -> dict[str, str]:
        """The database's type of each column."""
        return {name: column.type for name, column in self.columns.items()}

    @property
    def organization_field(self) -> str:
        """The field by which a record itself tells its organization; empty where none does."""
        column = self.columns.get(self.organization)
        return column.field if column and self.place != "organization" else ""


def text(path: str, doc: str, values: tuple[str, ...] = ()) -> Column:
    """Return a column of text, as the field is."""
    return Column("VARCHAR", doc, f"<{path}>", field=path, values=values)


def boolean(path: str, doc: str) -> Column:
    """Return a column of a field that is true or false."""
    return Column("BOOLEAN", doc, f"TRY_CAST(<{path}> AS BOOLEAN)", field=path)


def integer(path: str, doc: str) -> Column:
    """Return a column of a whole number; a field that may be a text has to be a `number`."""
    return Column("BIGINT", doc, f"TRY_CAST(<{path}> AS BIGINT)", field=path)


def time(path: str, doc: str) -> Column:
    """Return a column of a field that holds a date and time; NULL where that is after as-of."""
    return Column("TIMESTAMP WITH TIME ZONE", doc, _moment(path), field=path)


def json(path: str, doc: str, keys: tuple[str, ...] = ()) -> Column:
    """Return a column of an object with these fields; without any, of a list."""
    source = f"TRY_CAST(<{path}> AS JSON)"
    return Column("JSON", doc, source, field=path, keys=keys, is_list=not keys)


def age(path: str) -> Column:
    """Return the column age_days, from the field of the creation date."""
    created = f"epoch({_moment(path)})"
    # What was made in the minutes that clocks may differ by is 0 days old, not -1.
    seconds = f"CASE WHEN {created} > epoch($as_of) THEN 0 ELSE epoch($as_of) - {created} END"
    doc = "Whole days since creation, at as-of"
    made_of = (
        "CASE WHEN date_created > $as_of THEN 0"
        " ELSE (epoch_us($as_of) - epoch_us(date_created)) // 86400000000 END"
    )
    source = f"CAST(floor(({seconds}) / 86400) AS BIGINT)"
    return Column("BIGINT", doc, source, derived=True, made_of=made_of, least=0)


def texts(
    path: str,
    doc: str,
    *,
    member: str = "",
    derived: bool = False,
    values: tuple[str, ...] = (),
) -> Column:
    """Return a column of a list of texts, or of one text `member` of each object in the list.

    A list with anything else in it is not known.
    """
    items = f"TRY_CAST(<{path}> AS JSON)"
    found = f"'$[*]{member}'"
    kinds = f"list_transform(json_type({items}, {found}), lambda x: x = 'VARCHAR')"
    source = (
        f"CASE WHEN <type {path}> = 'ARRAY' AND coalesce(list_bool_and({kinds}), true)"
        f" AND len({kinds}) = json_array_length({items})"
        f" THEN json_extract_string({items}, {found}) END"
    )
    field = "" if member else path
    return Column(TEXTS, doc, source, derived=derived, field=field, values=values)


def scopes(path: str, values: tuple[str, ...]) -> Column:
    """Return the column of a list of scopes, of those that there are."""
    return texts(path, "Scopes, a list of texts such as org:read", values=values)


def count(doc: str, **read: tuple[str, ...]) -> Column:
    """Return a column of a number of rows, NULL until they were counted.

    `read` are the tables that this takes, each with the columns of it.
    """
    counts = tuple((table, frozenset(columns)) for table, columns in read.items())
    return Column("BIGINT", doc, "NULL", derived=True, counts=counts, least=0)


def _moment(path: str) -> str:
    """Return the source of a column for a field's time, NULL where it lies after as-of.

    Nothing was made or used in the future: such a date is wrong, and what is true is not known.
    """
    time = f"TRY_CAST(<{path}> AS TIMESTAMPTZ)"
    return f"CASE WHEN {time} <= $as_of + INTERVAL {SKEW_MINUTES} MINUTE THEN {time} END"


ORGANIZATION: Final = Column("VARCHAR", "Slug of the organization", "organization")

OWNER: Final = Column(
    "VARCHAR", "Who owns it, by the file of owners; NULL for nobody", NOWHERE, derived=True
)
