"""What is known of one organization while it is fetched, and the way of its rows to the spool."""

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol

import msgspec

from scanner.inventory.failure import ApiError
from scanner.inventory.ledger import Ledger
from scanner.inventory.sources.sentry_api import KEY, PROJECT, Page, Place
from scanner.inventory.spool import Spool
from scanner.inventory.tables import USAGE

_BREATH: Final = 4
"""Rows written before requests and answers get their turn: redacting takes time."""


class Count(Protocol):
    """Adds to the counts that a person is shown."""

    def __call__(self, **counts: int) -> None:
        """Add to each of the named counts."""
        ...


class Measure(Protocol):
    """Adds usage statistics to records of keys."""

    async def add_to(self, place: Place, keys: Iterable[tuple[dict[str, Any], str]]) -> None:
        """Add them to the records; each comes with its project's slug or id."""
        ...


class Sink(msgspec.Struct, frozen=True):
    """Where everything that is found goes: rows, coverage, counts and warnings.

    Keys pass `usage` on their way, unless it is None.
    """

    spool: Spool
    ledger: Ledger
    count: Count
    warnings: set[str]
    usage: Measure | None = None


class Project(msgspec.Struct, frozen=True):
    """A listed project; `accessible` None: the server does not say."""

    id: str
    slug: str
    accessible: bool | None


class Roster:
    """The projects of one organization, and which of them keys were seen of.

    `ready` is set when the list of projects is read or has failed; `complete` says which, and
    `error` why. `keys` are the ids of the keys of the whole-organization listing.
    """

    def __init__(self, place: Place, sink: Sink, wanted: frozenset[str]) -> None:
        self.place = place
        self.projects: dict[str, Project] = {}  # by id
        self.with_keys: set[str] = set()  # ids of projects
        self.keys: set[str] = set()
        self.complete = False
        self.error: ApiError | None = None
        self.ready = asyncio.Event()
        self._sink = sink
        self._wanted = wanted
        self._written = 0

    @property
    def slugs(self) -> set[str]:
        """The slugs of the listed projects."""
        return {project.slug for project in self.projects.values()}

    @property
    def strangers(self) -> set[str]:
        """The ids of projects that have keys and were not listed: made since, or hidden."""
        return self.with_keys - self.projects.keys()

    async def add_projects(
        self, page: Page, choose: Callable[[dict[str, Any]], bool] | None = None
    ) -> None:
        """Write the projects of a page: those of the scope, or those chosen."""
        self._sink.ledger.saw(PROJECT)
        self.note_faults(PROJECT, page, None)
        choose = choose or (lambda record: not self._wanted or record["slug"] in self._wanted)
        for record in filter(choose, page.records):
            project = Project(str(record["id"]), record["slug"], record.get("hasAccess"))
            if project.id not in self.projects:
                self.projects[project.id] = project
                self._sink.count(projects_total=1)
                await self._write(PROJECT, record, project.slug)

    async def add_listed_keys(self, page: Page) -> None:
        """Write a page of the whole-organization listing, each key with its project's slug."""
        self.note_faults(KEY, page, None)
        found: list[tuple[dict[str, Any], str | None]] = []
        for record in page.records:
            number = str(record.get("projectId", record.get("projectID")))
            project = self.projects.get(number)
            if project is None and self._wanted:
                continue
            self.with_keys.add(number)
            found.append((record, project.slug if project else None))
        await self._write_keys(found)

    async def add_project_keys(self, page: Page, slug: str) -> None:
        """Write a page of one project's own listing, without what was written before."""
        self._sink.ledger.saw(KEY)
        self.note_faults(KEY, page, slug)
        new = [record for record in page.records if record["id"] not in self.keys]
        await self._write_keys([(record, slug) for record in new])

    def failed(self, tables: Iterable[str], error: ApiError, project: str | None = None) -> None:
        """Note what could not be seen of this organization."""
        self._sink.ledger.failed(tables, error, organization=self.place.slug, project=project)

    def note_faults(self, table: str, page: Page, project: str | None) -> None:
        """Note records that were left out because they are not what the table can hold."""
        for problem in page.faults:
            self._sink.ledger.missing(
                table,
                f"A record was left out, because {problem}.",
                organization=self.place.slug,
                project=project,
            )

    async def _write_keys(self, keys: list[tuple[dict[str, Any], str | None]]) -> None:
        # A page at a time: the listing waits meanwhile, so that memory stays bounded.
        if self._sink.usage is not None:
            named = [(key, slug or str(key.get("projectId"))) for key, slug in keys]
            await self._sink.usage.add_to(self.place, named)
        else:
            for record, _ in keys:
                record.pop(USAGE, None)  # whatever a server calls so is not ours
        for record, slug in keys:
            await self._write(KEY, record, slug)
        self._sink.count(keys=len(keys))

    async def _write(self, table: str, record: dict[str, Any], project: str | None) -> None:
        self._sink.spool.add(table, record, organization=self.place.slug, project=project)
        self._written += 1
        if self._written % _BREATH == 0:
            await asyncio.sleep(0)
