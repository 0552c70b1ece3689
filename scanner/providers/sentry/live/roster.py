"""What is known of one organization while it is fetched, and the way of its rows to the spool."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import msgspec

from scanner.http.failure import ApiError
from scanner.inventory.ledger import Ledger
from scanner.providers.sentry.live.api import KEY, PROJECT, OrganizationBase
from scanner.providers.sentry.live.watch import ListPage, Watch
from scanner.providers.sentry.tables.client_keys import USAGE

_NO_PROJECT: Final = ""
"""In place of a project's id, for keys that tell none."""

_BREATH: Final = 4
"""Rows written before requests and answers get their turn: redacting takes time."""


class Count(Protocol):
    """Adds to the counts that a person is shown."""

    def __call__(self, **counts: int) -> None:
        """Add to each of the named counts."""
        ...


class RowTaker(Protocol):
    """Takes rows, for good or on trial."""

    def add(
        self, kind: str, record: dict[str, Any], *, organization: str | None, project: str | None
    ) -> None:
        """Take a record as the API gave it."""
        ...


class Sink(msgspec.Struct, frozen=True):
    """Where everything that is found goes: rows, coverage, counts and warnings."""

    rows: RowTaker
    ledger: Ledger
    count: Count
    warnings: set[str]

    def note_faults(
        self, table: str, page: ListPage, organization: str, project: str | None
    ) -> None:
        """Note records that were left out because they are not what the table can hold."""
        for reason in page.left_out:
            self.ledger.missing(table, reason, organization=organization, project=project)


class Project(msgspec.Struct, frozen=True):
    """A listed project; `accessible` None: the server does not say."""

    id: str
    slug: str
    accessible: bool | None


class Roster:
    """The projects of one organization, and which of them keys were seen of.

    `ready` is set when the list of projects is read or has failed; `complete` says which, and
    `error` why. `keys` are the ids of the keys of the whole-organization listing. `settled` are
    the projects that were named and exist, or that nobody can tell of; `refused` those whose
    keys were asked for by name and answered that there is no such project; `renamed` tells the
    slugs of now by those that were named.
    """

    def __init__(
        self, place: OrganizationBase, sink: Sink, watch: Watch, wanted: frozenset[str]
    ) -> None:
        self.place = place
        self.watch = watch
        self.settled: set[str] = set()
        self.refused: set[str] = set()
        self.renamed: dict[str, str] = {}
        self.listed: set[str] = set()
        self.projects: dict[str, Project] = {}  # by id
        self.with_keys: set[str] = set()  # ids of projects
        self.keys: set[str] = set()
        self.complete = False
        self.error: ApiError | None = None
        self.ready = asyncio.Event()
        self.sink = sink
        self._wanted = wanted
        self._by_slug: dict[str, str] = {}  # ids
        self._told: dict[str, set[str]] = {}  # ids that keys tell, by the project that was asked
        self._written = 0

    @property
    def slugs(self) -> set[str]:
        """The slugs of the listed projects."""
        return {project.slug for project in self.projects.values()}

    @property
    def strangers(self) -> set[str]:
        """The ids of projects that have keys and were not listed."""
        return self.with_keys - self.projects.keys()

    async def add_projects(
        self, page: ListPage, choose: Callable[[dict[str, Any]], bool] | None = None
    ) -> None:
        """Write the projects of a page: those of the scope, or those chosen."""
        self.sink.ledger.saw(PROJECT)
        self.sink.note_faults(PROJECT, page, self.place.slug, None)
        if page.faults and not self._wanted:  # those that are named are asked for in any case
            self._lacks_keys("A project's record cannot be used")
        if self._wanted:
            self.listed.update(record["slug"] for record in page.records)
        choose = choose or (lambda record: not self._wanted or record["slug"] in self._wanted)
        for record in filter(choose, page.records):
            project = Project(str(record["id"]), record["slug"], record.get("hasAccess"))
            if project.id not in self.projects:
                other = self._by_slug.setdefault(project.slug, project.id)
                if other != project.id:
                    self._namesakes(project, other)
                self.projects[project.id] = project
                self.sink.count(projects_total=1)
                await self._write(PROJECT, record, project.slug)

    async def add_listed_keys(self, page: ListPage) -> None:
        """Write a page of the whole-organization listing, each key with its project's slug."""
        self.sink.note_faults(KEY, page, self.place.slug, None)
        found: list[tuple[dict[str, Any], str | None]] = []
        for record in page.records:
            number = project_id(record)
            project = self.projects.get(number)
            if number == _NO_PROJECT:
                reason = "A key does not tell its project, so that it may be of any. Run again."
                self.sink.ledger.missing(KEY, reason, organization=self.place.slug, project=None)
            elif project is None and self._wanted:
                continue
            else:
                self.with_keys.add(number)
            found.append((record, project.slug if project else None))
        await self._write_keys(found)

    async def add_project_keys(self, page: ListPage, slug: str) -> None:
        """Write a page of one project's own listing, without what was written before."""
        self.sink.ledger.saw(KEY)
        self.sink.note_faults(KEY, page, self.place.slug, slug)
        told = set(map(project_id, page.records)) - {_NO_PROJECT}
        self._told.setdefault(slug, set()).update(told)
        # What the whole listing gave to another project is written: which one is right, nobody
        # can tell, and a scan says so.
        await self._write_keys([(r, slug) for r in page.records if not self._has_written(r)])

    def failed(self, tables: Iterable[str], error: ApiError, project: str | None = None) -> None:
        """Note what could not be seen of this organization."""
        self.sink.ledger.failed(tables, error, organization=self.place.slug, project=project)

    def compare(self) -> None:
        """Note the projects whose keys, asked for by themselves, tell another project's id."""
        for slug, told in self._told.items():
            number = self._by_slug.get(slug)
            if number is not None and (others := told - {number}):
                reason = (
                    f"Keys of the project {slug!r} (id {number}) were asked for, and those of"
                    f" another (id {min(others)}) came: its own are not known. Check whether a"
                    " proxy answers in the server's place, and run again."
                )
                self.sink.ledger.missing(KEY, reason, organization=self.place.slug, project=slug)

    def vanished(self, slug: str) -> None:
        """Note that a listed project's keys are answered with: there is no such project."""
        reason = (
            f"The list of projects has {slug!r}, but its keys are answered with 404, so that they"
            " are not known: it was deleted meanwhile, or the server contradicts itself. Run again."
        )
        self.sink.ledger.missing(KEY, reason, organization=self.place.slug, project=slug)

    def unlisted(self, number: str) -> None:
        """Note a project that has keys but is not in the list of projects."""
        reason = (
            f"There are keys of a project (id {number}) that the list of projects does not have,"
            " so that nothing else is known of it. Run again, and check what the token may see."
        )
        self.sink.ledger.missing(PROJECT, reason, organization=self.place.slug, project=None)
        self._lacks_keys("The list of projects lacks one that has keys")

    def _lacks_keys(self, what: str) -> None:
        """Note that there may be keys which nobody asked for, as their project is not known."""
        reason = f"{what}, so that it cannot be told whether keys of it, or of others, are missing."
        self.sink.ledger.missing(KEY, reason, organization=self.place.slug, project=None)

    def _namesakes(self, project: Project, other: str) -> None:
        reason = (
            f"The project {project.slug!r} has two ids, {other} and {project.id}: its list changed"
            " while it was read. Run again."
        )
        for table in (PROJECT, KEY):
            self.sink.ledger.missing(
                table, reason, organization=self.place.slug, project=project.slug
            )

    def _has_written(self, record: dict[str, Any]) -> bool:
        return record["id"] in self.keys and project_id(record) in self.with_keys

    async def _write_keys(self, keys: list[tuple[dict[str, Any], str | None]]) -> None:
        # A page at a time: the listing waits meanwhile, so that memory stays bounded.
        for record, _ in keys:
            record.pop(USAGE, None)  # whatever a server calls so is not ours
        for record, slug in keys:
            await self._write(KEY, record, slug)
        self.sink.count(keys=len(keys))

    async def _write(self, table: str, record: dict[str, Any], project: str | None) -> None:
        self.sink.rows.add(table, record, organization=self.place.slug, project=project)
        self._written += 1
        if self._written % _BREATH == 0:
            await asyncio.sleep(0)


def project_id(key: dict[str, Any]) -> str:
    """Return the id of a key's project as its record has it, _NO_PROJECT where it has none."""
    number = key.get("projectId")
    return str(key.get("projectID") or _NO_PROJECT if number is None else number)
