"""Walking organizations: projects and keys side by side, with as few requests as there can be.

The whole-organization listing gives a hundred keys a request. Older servers do not have it; then
each project is asked. So it is for what the listing leaves out, and where it fails half-way.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Final, TypeVar

import msgspec

from scanner.base.errors import FetchError
from scanner.base.hints import did_you_mean
from scanner.http.failure import FATAL, ApiError, Reason, one_line
from scanner.providers.sentry.live.api import KEY, PROJECT, OrganizationBase, SentryApi
from scanner.providers.sentry.live.roster import Roster, Sink
from scanner.providers.sentry.live.settle import Output, settle
from scanner.providers.sentry.live.watch import ListPage, Watch

T = TypeVar("T")

_FEW: Final = 10
"""Up to so many named projects are asked one by one; for more, the whole listing is cheaper."""

_AT_ONCE: Final = 64
"""Projects under way at once; how many requests that makes is for the limiter to say."""

_ORGANIZATIONS_AT_ONCE: Final = 8

_HELD_PAGES: Final = 32
"""Pages of keys kept in memory until the projects that they belong to are known."""

_PROJECT_READ: Final = frozenset({"project:read", "project:write", "project:admin"})


class Wish(msgspec.Struct, frozen=True):
    """What is to be fetched, and with which rights.

    `projects`: slugs, empty for all. `keys`: client keys too. `filtered`: only those of one
    status. `scopes`: the token's, None where the server does not tell.
    """

    projects: frozenset[str]
    keys: bool
    filtered: bool
    scopes: frozenset[str] | None


class Crawl:
    """Fetches the projects and keys of organizations, and notes what it could not see."""

    def __init__(self, api: SentryApi, output: Output, wish: Wish) -> None:
        self._api = api
        self._output = output
        self._wish = wish
        self._tables = (PROJECT, KEY) if wish.keys else (PROJECT,)
        self._settled: set[str] = set()  # named projects that exist, or that nobody can tell of
        self._listed: set[str] = set()  # slugs that may have been meant
        self.renamed: dict[str, str] = {}  # slugs of now by the older ones that were named

    async def organizations(self, places: list[OrganizationBase]) -> None:
        """Fetch all of them; raises FetchError if projects were named and none of them exists."""
        # With several organizations, a name is looked up in the lists before it is asked for.
        alone = len(places) == 1
        await _each(_ORGANIZATIONS_AT_ONCE, places, lambda place: self._organization(place, alone))
        lost = sorted(self._wish.projects - self._settled)
        if not lost:
            return
        names = ", ".join(place.slug for place in places)
        if len(lost) == len(self._wish.projects):
            raise FetchError(
                f"there is no project {' or '.join(map(repr, lost))} in {names}",
                remedy=" ".join(dict.fromkeys(map(self._meant, lost)))
                + " Check whether the token may see it.",
            )
        for slug in lost:
            reason = (
                f"There is no project {slug!r} in {names}, or the token may not see it."
                f" {self._meant(slug)}"
            )
            for table in self._tables:
                self._output.ledger.missing(table, reason, organization=None, project=slug)

    def _meant(self, slug: str) -> str:
        """Say which project is probably meant, or which ones there are."""
        if not self._listed:  # they are not known
            return "Check the slug."
        return one_line(did_you_mean(slug, sorted(self._listed), kind="projects"))

    async def _organization(self, place: OrganizationBase, alone: bool) -> None:  # noqa: FBT001 - a plain fact
        async def walk(sink: Sink, watch: Watch) -> Roster:
            roster = Roster(place, sink, watch, self._wish.projects)
            await self._walk(roster, alone)
            return roster

        roster = await settle(self._api, self._output, place, self._tables, walk)
        self._settled |= roster.settled
        self._listed |= roster.listed
        # With several organizations, the name may be that of a project in another.
        self.renamed |= roster.renamed if alone else {}
        self._output.count(organizations=1)

    async def _walk(self, roster: Roster, alone: bool) -> None:  # noqa: FBT001 - a plain fact
        few = 0 < len(self._wish.projects) <= _FEW
        if not self._wish.keys:
            await self._list_projects(roster)
            roster.settled |= frozenset() if roster.complete else self._wish.projects
            await self._look_up(roster, self._wish.projects - roster.slugs if alone else ())
        elif few and alone:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._list_projects(roster))
                both.create_task(self._ask_named(roster, self._wish.projects))
        elif few:
            await self._list_projects(roster)
            listed = self._wish.projects & roster.slugs
            await self._ask_named(roster, listed if roster.complete else self._wish.projects)
        else:
            async with asyncio.TaskGroup() as both:
                both.create_task(self._list_projects(roster))
                listing = both.create_task(self._list_keys(roster))
            await self._complete(roster, listing.result())
            unlisted = self._wish.projects - roster.slugs
            await self._ask_named(roster, unlisted if alone or not roster.complete else ())
        roster.settled |= roster.slugs
        roster.compare()
        for slug in sorted(roster.refused & roster.slugs):
            roster.vanished(slug)

    async def _list_projects(self, roster: Roster) -> None:
        try:
            async for page in self._api.projects(roster.place, roster.watch):
                await roster.add_projects(page)
            roster.complete = True
        except ApiError as error:
            roster.error = error
            roster.failed([PROJECT], error)
        finally:
            roster.ready.set()

    async def _list_keys(self, roster: Roster) -> ApiError | None:
        """Read the whole-organization listing; return what ended it early."""
        held: list[ListPage] = []
        ended: ApiError | None = None
        try:
            async for page in self._api.organization_keys(roster.place, roster.watch, roster.keys):
                roster.sink.ledger.saw(KEY)
                held.append(page)
                if roster.ready.is_set() or len(held) >= _HELD_PAGES:
                    await _write_held(roster, held)
        except ApiError as error:
            ended = error
        await _write_held(roster, held)
        return ended

    async def _complete(self, roster: Roster, ended: ApiError | None) -> None:
        """Ask for what the whole-organization listing did not tell."""
        if ended is not None:
            await self._instead(roster, ended)
            return
        if not roster.complete and not self._wish.projects:
            why = roster.error.sentence if roster.error is not None else ""
            roster.sink.ledger.missing(
                KEY,
                "The list of projects could not be read to its end, so it cannot be told whether "
                f"keys are missing. {why}".strip(),
                organization=roster.place.slug,
                project=None,
            )
        for number in sorted(roster.strangers if roster.complete else ()):
            roster.unlisted(number)
        silent = [p for p in roster.projects.values() if p.id not in roster.with_keys]
        asked = [p.slug for p in silent if self._doubtful(p.accessible)]
        roster.sink.count(projects=len(roster.projects) - len(asked))
        trusted = {p.slug for p in silent if p.accessible}
        await _each(_AT_ONCE, asked, lambda slug: self._confirm(roster, slug, slug in trusted))

    async def _instead(self, roster: Roster, ended: ApiError) -> None:
        """Ask each project, because there is no whole-organization listing or it failed."""
        # Projects that were named are asked for in any case, listed or not.
        unknown = roster.error is not None and not self._wish.projects
        if ended.reason in FATAL:
            roster.failed([KEY], ended)
            return
        if unknown and not roster.projects and ended.reason is not Reason.MISSING:
            roster.failed([KEY], ended)
        elif unknown and roster.error is not None:
            roster.failed([KEY], roster.error)

        async def ask(slug: str) -> None:
            error = await self._read_project(roster, slug)
            if error is not None and error.reason is Reason.MISSING:
                roster.vanished(slug)
            elif error is not None:
                roster.failed([KEY], error, slug)

        await _each(_AT_ONCE, sorted(roster.slugs), ask)

    def _doubtful(self, accessible: bool | None) -> bool:  # noqa: FBT001 - the project's field
        """Whether a project without keys in the whole listing may have some all the same.

        The listing covers the projects that the token has access to. As nearly every project
        has a key, one without is asked even then, unless keys were filtered by status.
        """
        if not accessible:
            return True
        scopes = self._wish.scopes
        may_ask = scopes is None or bool(scopes & _PROJECT_READ)
        return may_ask and not self._wish.filtered

    async def _confirm(self, roster: Roster, slug: str, trusted: bool) -> None:  # noqa: FBT001 - a plain fact
        """Ask a project that the listing told no key of; `trusted`: the listing covers it.

        Then a token that may not ask has been told all the same. Whatever else keeps the answer
        away leaves open what it was asked for.
        """
        error = await self._read_project(roster, slug)
        if error is not None and error.reason is Reason.MISSING:
            roster.vanished(slug)
        elif error is not None and not (trusted and error.reason is Reason.FORBIDDEN):
            roster.failed([KEY], error, slug)

    async def _ask_named(self, roster: Roster, slugs: Iterable[str]) -> None:
        """Ask projects by the names that the user gave, which may be old ones."""

        async def ask(slug: str) -> None:
            error = await self._read_project(roster, slug)
            if error is not None and error.reason is Reason.MISSING:
                roster.refused.add(slug)
                return
            roster.settled.add(slug)
            if error is not None:
                roster.failed([KEY], error, slug)

        await _each(_AT_ONCE, sorted(slugs), ask)

    async def _read_project(self, roster: Roster, slug: str) -> ApiError | None:
        """Read the keys of one project; return what ended it early."""
        name, twice = slug, False
        try:
            async for page in self._api.project_keys(roster.place, roster.watch, slug):
                if page.moved_to is not None and page.moved_to != name:
                    name = page.moved_to
                    twice = not await self._follow(roster, slug, name)
                if not twice:  # else it is asked for by its other name, too
                    await roster.add_project_keys(page, name)
        except ApiError as error:
            return error
        finally:
            roster.sink.count(projects=1)
        return None

    async def _look_up(self, roster: Roster, slugs: Iterable[str]) -> None:
        """Find projects that go by other names than the user gave, where no key is asked for."""
        for slug in sorted(slugs):
            try:
                name = (await self._api.project(roster.place, slug))["slug"]
            except ApiError:
                continue  # that the list has none of the name is told in any case
            if name != slug:
                roster.settled.add(slug)
                await self._follow(roster, slug, name)

    async def _follow(self, roster: Roster, old: str, slug: str) -> bool:
        """Take a project that was asked for by an old name; whether that is its first name here."""
        roster.sink.warnings.add(f"The project {old!r} is now called {slug!r}.")
        is_first = slug not in self._wish.projects and slug not in roster.renamed.values()
        roster.renamed[old] = slug
        if is_first:
            await self._list_renamed(roster, slug)
        return is_first

    async def _list_renamed(self, roster: Roster, slug: str) -> None:
        """Add a project that was asked for by an old name, from the list."""
        try:
            async for page in self._api.projects(roster.place, roster.watch):
                await roster.add_projects(page, lambda record: record["slug"] == slug)
        except ApiError as error:
            roster.failed([PROJECT], error)


async def _write_held(roster: Roster, held: list[ListPage]) -> None:
    await roster.ready.wait()
    for page in held:
        await roster.add_listed_keys(page)
    held.clear()


async def _each(width: int, items: Iterable[T], work: Callable[[T], Awaitable[None]]) -> None:
    """Do the work for every item, so many at once."""
    queue = iter(list(items))

    async def worker() -> None:
        for item in queue:
            await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(width):
            group.create_task(worker())
