"""The few endpoints of Sentry's API that an inventory is made of, page by page."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from scanner.inventory.answers import Reply
from scanner.inventory.failure import ApiError, Reason
from scanner.inventory.http import Client
from scanner.inventory.origin import region_base
from scanner.inventory.paging import PER_PAGE, Pager
from scanner.inventory.records import fault

KEY: Final = "sentry_key"
PROJECT: Final = "sentry_project"
ORGANIZATION: Final = "sentry_organization"


class Place(msgspec.Struct, frozen=True):
    """An organization and the base URL at which its data is asked for."""

    slug: str
    base: str


class Page(msgspec.Struct, frozen=True):
    """New records of one page, those with a fault apart with what it is.

    `moved_to` is the new slug of the project that was asked for, if it was renamed.
    """

    records: list[dict[str, Any]]
    faults: list[str]
    moved_to: str | None = None

    @property
    def fresh(self) -> int:
        """How many records were not in the list before."""
        return len(self.records) + len(self.faults)


class SentryApi:
    """Asks the endpoints; every method raises ApiError where there is no answer."""

    def __init__(self, client: Client, base: str, *, status: str | None) -> None:
        self._client = client
        self._base = base
        self._status = {"status": status} if status else {}

    async def scopes(self) -> frozenset[str] | None:
        """Return the token's scopes, None if the server does not tell."""
        reply = await self._client.get("index", "")
        auth = reply.payload.get("auth") if isinstance(reply.payload, dict) else None
        scopes = auth.get("scopes") if isinstance(auth, dict) else None
        return frozenset(map(str, scopes)) if isinstance(scopes, list) else None

    def organizations(self) -> AsyncIterator[Page]:
        """List the organizations that the token sees."""
        return self._pages(ORGANIZATION, "organizations", "organizations/", {}, self._base)

    async def organization(self, slug: str) -> dict[str, Any]:
        """Return one organization."""
        path = f"organizations/{_segment(slug)}/"
        reply = await self._client.get("organization", path)
        problem = fault(ORGANIZATION, reply.payload)
        if problem is not None:
            raise ApiError(
                Reason.GARBLED,
                f"the organization's record cannot be used: {problem}",
                where=f"{self._base}/api/0/{path}",
            )
        return reply.payload  # type: ignore[no-any-return]

    def place(self, slug: str, record: Mapping[str, Any] | None) -> Place:
        """Return where an organization's data is asked for; without a record, at the server."""
        links = record.get("links") if record is not None else None
        region = links.get("regionUrl") if isinstance(links, dict) else None
        return Place(slug, region_base(self._base, region))

    def projects(self, place: Place) -> AsyncIterator[Page]:
        """List all projects of an organization."""
        path = f"organizations/{_segment(place.slug)}/projects/"
        return self._pages(PROJECT, "projects", path, {}, place.base)

    def organization_keys(self, place: Place, seen: set[str]) -> AsyncIterator[Page]:
        """List the keys of all projects of an organization that the token may see.

        Without project=-1 it would be those of the caller's own teams alone. `seen` takes up
        the ids of the keys.
        """
        path = f"organizations/{_segment(place.slug)}/project-keys/"
        query = {"project": "-1", **self._status}
        return self._pages(KEY, "project-keys", path, query, place.base, seen)

    def project_keys(self, place: Place, project: str) -> AsyncIterator[Page]:
        """List the keys of one project, by its slug."""
        path = f"projects/{_segment(place.slug)}/{_segment(project)}/keys/"
        return self._pages(KEY, "keys", path, self._status, place.base)

    async def _pages(  # noqa: PLR0913, PLR0917 - what a list is asked with
        self,
        table: str,
        endpoint: str,
        path: str,
        query: Mapping[str, str],
        base: str,
        seen: set[str] | None = None,
    ) -> AsyncIterator[Page]:
        where = f"{base}/api/0/{path}"
        pager = Pager(where)
        seen = set() if seen is None else seen

        def ask(cursor: str | None) -> asyncio.Task[Reply]:
            asked = {**query, "per_page": str(PER_PAGE)}
            if cursor is not None:
                asked["cursor"] = cursor
            return asyncio.create_task(self._client.get(endpoint, path, asked, base=base))

        coming: asyncio.Task[Reply] | None = ask(None)
        try:
            while coming is not None:
                reply = await coming
                page = _page(table, _rows(reply, where), seen, reply.moved_to)
                ended: ApiError | None = None
                try:
                    cursor = pager.following(reply.links, len(reply.payload), page.fresh)
                    # The next page is under way while this one is written.
                    coming = ask(cursor) if cursor is not None else None
                except ApiError as error:
                    coming, ended = None, error
                yield page
                if ended is not None:
                    raise ended
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)


def _rows(reply: Reply, where: str) -> list[Any]:
    if isinstance(reply.payload, list):
        return reply.payload
    raise ApiError(
        Reason.GARBLED,
        "the answer is not a list of records",
        where=where,
        remedy="Check the server's address, and whether a proxy answers in its place.",
    )


def _page(table: str, rows: list[Any], seen: set[str], moved_to: str | None) -> Page:
    """Sort out a page: what is new and right, what is wrong; what came before is dropped."""
    records, faults = [], []
    for row in rows:
        problem = fault(table, row)
        if problem is not None:
            faults.append(problem)
        elif (identifier := str(row["id"])) not in seen:
            seen.add(identifier)
            records.append(row)
    return Page(records, faults, moved_to)


def _segment(slug: str) -> str:
    """Return the slug as one segment of a path, so that none leads to another endpoint."""
    if slug.strip(".") == "":
        raise ApiError(Reason.MISSING, f"{slug!r} is not a name that Sentry gives")
    return quote(slug, safe="")
