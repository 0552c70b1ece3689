"""What a database has to do so that rules can be evaluated in it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

import msgspec

from scanner.model.coverage import TableCoverage
from scanner.model.inventory import Reach

if TYPE_CHECKING:
    from scanner.engine.dialect.words.write import Words


class DataPlace(msgspec.Struct, frozen=True):
    """Where an engine finds the tables; `secret` is a password, and told to nobody.

    `findings` is where it writes them itself, if it can and was asked to.
    """

    engine: str
    address: str
    secret: str = ""
    findings: str = ""

    def __repr__(self) -> str:
        """Leave the secret out."""
        return f"DataPlace({self.engine!r})"


class CodeGroup(msgspec.Struct, frozen=True):
    """How many rows of a place have the same codes; `codes` has a digit for each rule.

    `sums` are those of the digests of the rows, in four parts.
    """

    organization: str | None
    project: str | None
    codes: str
    number: int
    sums: tuple[int, int, int, int]

    @classmethod
    def of(cls, row: Sequence[object]) -> "CodeGroup":
        """Make one of a row that has the fields in this order, with numbers of any type."""
        organization, project = (None if part is None else str(part) for part in row[:2])
        number, one, two, three, four = (int(str(part)) for part in row[3:])
        return cls(organization, project, str(row[2]), number, (one, two, three, four))


class Question(msgspec.Struct, frozen=True):
    """What is asked of a table: `relation` is a SELECT of its columns, all of it the engine's SQL.

    `codes` are the expressions of the rules' outcomes. The first of them are those of `rules`, each
    an id, a policy and a severity; rows come back where one of these is a finding, with the columns
    `told`. `facts` are what the digest is made of, `place` is the organization, the project's key
    and the project, and `letters` joins what the codes look at besides. `number` is how many rows
    there are.
    """

    table: str
    relation: str
    codes: Sequence[str]
    rules: Sequence[tuple[str, str, str]]
    told: Sequence[str]
    facts: Sequence[str]
    place: tuple[str, str, str]
    letters: str
    number: int


class Answer(Protocol):
    """What comes back: groups, and rows in JSON with `codes` among their members."""

    def groups(self) -> Iterator[CodeGroup]:
        """Give all groups; before the rows."""
        ...

    def rows(self) -> Iterator[Sequence[str]]:
        """Give the rows, some at a time."""
        ...


class Session(Protocol):
    """An open database. Its methods raise FetchError where it fails, without anything secret."""

    words: "Words"
    label: str

    def columns(self, table: str) -> Mapping[str, str] | None:
        """Return the types of a table's columns by name; None where there is no such table."""
        ...

    def coverage(self, table: str) -> TableCoverage | None:
        """Return what is said there of what was seen of the table, None where nothing is."""
        ...

    def reaches(self) -> Sequence[Reach]:
        """Return what is said there of what the data was asked for; nothing where nothing is."""
        ...

    def source(self, table: str) -> str:
        """Return the table's name as SQL."""
        ...

    def cast(self, column: str, kind: str, found: str) -> str | None:
        """Return a column as a type of the catalogue; None where it is of another type."""
        ...

    def faults(self, column: str, kind: str, sort: str, keys: Sequence[str]) -> str:
        """Return a condition for values of the column that are none of its type; may be empty.

        JSON is of one `sort`, OBJECT or ARRAY, or null; its `keys` are integers, null or missing.
        """
        ...

    def value(self, text: str | datetime | int) -> str:
        """Return a literal."""
        ...

    def rows(self, sql: str) -> Iterator[Sequence[tuple[object, ...]]]:
        """Run a SELECT, and give its rows, some at a time."""
        ...

    def ask(self, question: Question) -> Answer:
        """Judge a table, in one statement."""
        ...


Opener = Callable[[DataPlace], AbstractContextManager[Session]]
"""Opens a session. Raises UsageError for a wrong address, FetchError for one out of reach."""
