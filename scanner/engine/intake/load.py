"""Filling the tables from files: strict about types, honest about what is missing."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import product
from typing import Final

import msgspec

from scanner.base.errors import InventoryFileError
from scanner.base.text import plural
from scanner.catalogue import COUNTED, OWN, PROVIDERS, TABLES
from scanner.engine.database import Connection, create
from scanner.engine.forecast.moving import hold_back
from scanner.engine.intake.columns import kept, with_facts
from scanner.engine.intake.digest import digest
from scanner.engine.intake.envelope import Envelope, read_envelopes
from scanner.engine.intake.reader import STAGED, BadInputError, load_rows, passing_by
from scanner.engine.intake.scope import (
    SlugPair,
    beyond,
    check_project_option,
    full_page,
    is_narrowed,
    keyless,
    listed,
    made_up,
    narrow,
    not_in_files,
    organizations,
    places,
    row_count,
    unseen,
    with_slugs,
)
from scanner.engine.intake.twins import Files, check_organization, count, settled
from scanner.inventory.rows.facts import FILE, ROW
from scanner.inventory.rows.normalize import BAD
from scanner.inventory.rows.typed import Present
from scanner.model.coverage import NOT_THERE, CoverageState, Gap, TableCoverage, lacking, merge
from scanner.model.inventory import Inventory, RawInput, Reach, Scope
from scanner.model.provider import Provider, imported

_FOR_THE_LOAD: Final = f", {FILE} INTEGER, {BAD} BOOLEAN, {ROW} BLOB"


class Loaded(msgspec.Struct, frozen=True):
    """What is in the database after loading; `reaches` tell it by input.

    `digest` may be empty. `servers` are the base URLs that records came from, as far as is told.
    `scope` is what was asked about, by slugs.
    """

    rows: dict[str, int]
    coverage: dict[str, TableCoverage]
    sources: tuple[str, ...]
    digest: str
    organizations: dict[str, int]
    reaches: tuple[Reach, ...]
    warnings: tuple[str, ...]
    servers: tuple[str, ...] = ()
    scope: Scope = Scope()


def load(  # noqa: PLR0913, PLR0917 - all that decides what is in the tables
    connection: Connection,
    inventory: Inventory,
    scope: Scope,
    as_of: datetime,
    read: Mapping[str, frozenset[str]],
    ahead: int = 0,
    *,
    digested: bool = True,
) -> Loaded:
    """Read every input into its tables.

    `read` names, by table, the columns that something reads. `ahead` is for how many days after
    as-of the tables will be looked at (engine.forecast.moving). No digest unless `digested`. Raises
    BadInputError for a file that is unreadable or wrongly typed, InventoryFileError for a cut one.
    """
    loader = _Loader(connection, inventory, as_of + timedelta(days=ahead))
    loader.read_envelopes()
    for name, columns in kept(read, whole=bool(ahead), digested=digested).items():
        loader.load_table(name, columns)
    loader.drop_staged()
    check_project_option(connection, inventory.inputs)
    check_organization(connection, loader.filled, dict(enumerate(inventory.inputs)))
    loader.apply(scope := with_slugs(connection, scope.renamed(inventory.renamed), loader.filled))
    found = digest(connection, loader.filled, sum(loader.rows.values())) if digested else ""
    loader.finish()
    if ahead:
        hold_back(connection, loader.filled, as_of)
    return Loaded(
        rows=loader.rows,
        coverage={name: loader.coverage.get(name, NOT_THERE) for name in TABLES},
        sources=tuple(loader.sources),
        digest=found,
        organizations=organizations(connection, loader.filled),
        reaches=tuple(loader.reaches),
        warnings=tuple(loader.warnings),
        servers=tuple(sorted({server for server in loader.servers.values() if server})),
        scope=scope,
    )


class _Loader:
    """Loads the inputs of one inventory and gathers what they say of themselves."""

    def __init__(self, connection: Connection, inventory: Inventory, as_of: datetime) -> None:
        self._connection = connection
        self._inputs = dict(enumerate(inventory.inputs))
        self._as_of = as_of
        self.servers: dict[int, str | None] = {}
        self._envelopes: dict[int, Envelope] = {}
        self._live = inventory.live
        # Inventories that say what they hold: the number of each, with each of its tables.
        self._covering: set[tuple[int, str]] = set()
        self._listed: dict[str, list[SlugPair]] = {provider.keys: [] for provider in PROVIDERS}
        self._promised: dict[tuple[int, str], int | None] = {}
        self._cut: list[tuple[RawInput, str, int]] = []  # exports of one full page, with its rows
        self.filled: list[str] = []
        self._counted: set[str] = set()
        self._marked: set[str] = set()
        self.rows = dict.fromkeys(TABLES, 0)
        self.coverage = dict(inventory.coverage)
        self.sources = list(inventory.sources)
        self.reaches: list[Reach] = []
        self.warnings = list(inventory.warnings)

    def read_envelopes(self) -> None:
        """Take coverage, reach, origin and server from the product's own inventory files."""
        own = {number: raw for number, raw in self._inputs.items() if raw.layout.is_inventory}
        self._envelopes = read_envelopes(self._connection, own) if own else {}
        for number, raw in self._inputs.items():
            self.servers[number] = raw.server
            if number not in own:
                named = Scope(projects=(raw.project,)) if raw.project else None
                self.reaches.append(Reach(frozenset({raw.kind or ""}), named, is_export=True))
                continue
            header, ending = self._envelopes[number].header, self._envelopes[number].ending
            tables = frozenset(ending.coverage)
            self.reaches.append(Reach(tables, header.scope, tuple(header.filters)))
            self.servers[number] = header.server or raw.server
            self.sources += [source for source in header.sources if source not in self.sources]
            self._covering.update((number, name) for name in ending.coverage)
            for name, found in ending.coverage.items():
                self._promised[number, name] = found.rows
                known, left = self.coverage.get(name), made_up(name, found, self._inputs.values())
                self.coverage[name] = merge(known, left) if known else left

    def load_table(self, name: str, columns: tuple[str, ...]) -> None:
        """Load one table from every input that has records of it."""
        inputs = {n: raw for n, raw in self._inputs.items() if raw.kind in {name, None}}
        counted = count(self._connection, name) if self._fill(name, inputs, columns) else []
        rows = {number: many for number, many, *_ in counted}
        for number in inputs:
            self._check_count(number, name, rows.get(number, 0))
        if not counted:
            return
        self.filled.append(name)
        if not COUNTED[name].isdisjoint(columns):
            self._counted.add(name)
        if wrong := [inputs[n] for n in sorted(n for n, _, bad, _ in counted if bad)]:
            raise BadInputError(tuple(wrong), f"records of {name} have a wrong type")
        twice = sum(rows.values()) - counted[0][-1]
        if twice and columns != (facts := with_facts(name, columns)):
            self._fill(name, inputs, facts)  # what differs may be in a column that nothing reads
        self._note_listed(name, inputs)
        self._lacks(name, settled(self._connection, name, inputs, live=self._live, twice=twice))
        if twice:
            told = "came twice; one of each was kept"
            self.warnings.append(f"{plural(twice, 'record')} of {name} {told}")

    def _fill(self, name: str, inputs: Files, columns: Sequence[str]) -> bool:
        """Make the table anew, if any input may have rows of it; return whether one may.

        What is read alike is read by one statement: planning it takes longer than a small file.
        """
        to, ways = self._connection, defaultdict[tuple[object, ...], list[int]](list)
        for number, raw in inputs.items():
            ways[self._way(name, number, raw)].append(number)
        ways.pop((), None)
        if not ways:
            return False
        create(to, name, (column for column in columns if column != ROW), _FOR_THE_LOAD)
        self._marked.add(name)
        for (staged, server, *_), numbers in ways.items():
            alike = [inputs[number] for number in numbers]
            values = {"server": server, "as_of": self._as_of, "numbers": numbers}
            present = self._present(numbers[0])
            with passing_by(to, alike, name):
                load_rows(to, alike, name, columns, values, present, staged=bool(staged))
        return True

    def _way(self, name: str, number: int, raw: RawInput) -> tuple[object, ...]:
        """Return whether lines put aside are read, and what else tells how; nothing for no row."""
        server = self.servers[number]
        # Keys are the bulk of a file, which is read once more for them.
        if raw.layout.is_inventory and name != OWN[name].keys:
            return (True, server) if name in self._envelopes[number].kinds else ()
        own = (raw.layout, raw.packing, raw.organization, raw.project)
        return False, server, *own, str(self._present(number))

    def _present(self, number: int) -> Present | None:
        return self._envelopes[number].present if number in self._envelopes else None

    def finish(self) -> None:
        """Take away the columns that were there for the load alone."""
        for name, column in product(self._marked, (FILE, BAD, ROW)):
            self._connection.execute(f'ALTER TABLE "{name}" DROP COLUMN {column}')

    def drop_staged(self) -> None:
        """Drop the lines that were put aside: what is in the tables has gone through redaction."""
        if self._envelopes:
            self._connection.execute(f"DROP TABLE {STAGED}")

    def _check_count(self, number: int, name: str, rows: int) -> None:
        raw, promised = self._inputs[number], self._promised.get((number, name))
        if promised is not None and promised != rows:
            raise InventoryFileError(
                f"says that it holds {plural(promised, 'record')} of {name}, but has {rows:,}",
                where=raw.label,
                remedy="It was edited or damaged; fetch it again with `keypolicy fetch -o FILE`.",
            )
        if not raw.layout.is_inventory and rows in TABLES[name].pages:
            self._cut.append((raw, name, rows))

    def _note_listed(self, name: str, inputs: Files) -> None:
        """Note the places that only answers of the API list: they do not say who has no key.

        An inventory that covers the keys, and has none of a place, says that there is none.
        """
        table, keys = TABLES[name], OWN[name].keys
        sure = [number for number in inputs if (number, keys) in self._covering]
        if table.place and len(sure) < len(inputs):
            self._listed[keys] += listed(self._connection, name, sure)

    def apply(self, scope: Scope) -> None:
        """Narrow the tables to the scope, count keys, and note all that was not seen."""
        scopes = [scope, *(one.scope for one in self.reaches if one.scope)]
        asked, projects = any(one != Scope() for one in scopes), any(one.projects for one in scopes)
        seen = places(self._connection, self.filled, projects=projects) if asked else set()
        missing = unseen(scope, seen)
        exported = {raw.kind for raw in self._inputs.values() if raw.kind}
        for raw, name, rows in self._cut:
            for table in (name, *exported.intersection(beyond(name, scope))):
                self._lacks(table, [full_page(raw, name, rows, table)])
        for name in self.coverage:
            self._lacks(name, missing)
            self._lacks(name, not_in_files(name, self.reaches, seen, self.coverage[name].gaps))
        for name, gaps in narrow(self._connection, scope, self.filled).items():
            self._lacks(name, gaps)
        for provider in PROVIDERS:
            if provider.keys in self.coverage:
                self._check_keyless(provider, scope)
            if provider.counts and not self._counted.isdisjoint(provider.tables):
                imported(provider.counts)(
                    self._connection,
                    self.filled,
                    self.coverage,
                    counted=self._counted,
                    is_narrowed=is_narrowed(scope, self.reaches),
                )
        for name in self.filled:
            self.rows[name] = row_count(self._connection, name)
        for name in self.coverage:
            self._check_empty(name)

    def _check_keyless(self, provider: Provider, scope: Scope) -> None:
        """Note the listed places without a key, where nothing says that they have none."""
        keys = provider.keys
        listed = self._listed[keys]
        mine = [name for name in self.filled if name == keys]
        keyed = places(self._connection, mine, projects=bool(listed))
        anywhere = any(organization is None for organization, _ in keyed)
        if anywhere and sum(project is None for _, project in listed) == 1:
            # Keys that do not tell their organization are of the one that is listed.
            listed = [place for place in listed if place[1] is not None]
        self._lacks(keys, keyless(scope, listed, keyed))
        filled = [name for name in self.filled if name in provider.tables]
        if not keyed or anywhere or scope.projects or filled == mine:
            return
        told = {gap.organization for gap in self.coverage[keys].gaps} | {one for one, _ in keyed}
        for slug in sorted(organizations(self._connection, filled).keys() - told):
            self.warnings.append(f"the organization {slug!r} has no {TABLES[keys].title}")

    def _check_empty(self, name: str) -> None:
        """Take no table for whole of which no row is there, unless its source counted that."""
        counted = TABLES[name].optional and self.coverage[name].rows is not None
        whole = self.coverage[name].state is CoverageState.COMPLETE
        others = any(rows for other, rows in self.rows.items() if other != name)
        if others and whole and not self.rows[name] and not counted:
            self._lacks(name, [Gap(f"No {TABLES[name].title} is there, so none was seen.")])

    def _lacks(self, name: str, gaps: Iterable[Gap]) -> None:
        if name in self.coverage:  # an edited file may have more than its last line tells of
            self.coverage[name] = lacking(self.coverage[name], gaps)
