"""The few endpoints of Sentry's API that an inventory is made of, page by page."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import quote

import msgspec

from scanner.catalogue import TABLES
from scanner.catalogue.redact import redact_record
from scanner.http.answers import Reply
from scanner.http.client import Client
from scanner.http.failure import ApiError, Reason
from scanner.http.origin import region_base
from scanner.http.paging import Pager, advertised
from scanner.inventory.journal import Journal
from scanner.inventory.records import fault
from scanner.providers.sentry.live.rights import RightfulClient
from scanner.providers.sentry.live.watch import (
    ListPage,
    ListQuery,
    Seen,
    Watch,
    fingerprint,
    sort_out,
)

KEY: Final = "sentry_key"
PROJECT: Final = "sentry_project"
ORGANIZATION: Final = "sentry_organization"
INTEGRATION: Final = "sentry_integration"
ORG_AUTH_TOKEN: Final = "sentry_org_auth_token"  # noqa: S105 - a table
API_KEY: Final = "sentry_api_key"
TOKEN: Final = "sentry_token"  # noqa: S105 - a table


class OrganizationBase(msgspec.Struct, frozen=True):
    """An organization and the base URL at which its data is asked for."""

    slug: str
    base: str


class Caller(msgspec.Struct, frozen=True):
    """Whose token it is: its scopes and the user's id, None where the server does not tell."""

    scopes: frozenset[str] | None = None
    user: str | None = None


class _Step(msgspec.Struct, frozen=True):
    """One page as the journal keeps it: what was new on it and the next page's cursor.

    `said` and `repeats` are what a watch wants to know of the whole page.
    """

    records: list[dict[str, Any]]
    faults: list[str]
    following: str | None
    moved_to: str | None
    said: str
    repeats: bool


class SentryApi:
    """Asks the endpoints; every method raises ApiError where there is no answer.

    What the `journal` knows is not asked for again.
    """

    def __init__(self, client: Client, base: str, *, status: str | None) -> None:
        self._client = RightfulClient(client)
        self._base = base
        self._status = {"status": status} if status else {}
        self.journal = Journal(None)

    async def caller(self) -> Caller:
        """Return whose token it is."""
        payload = (await self._client.get("index", "")).payload
        known = payload if isinstance(payload, dict) else {}
        auth, user = known.get("auth"), known.get("user")
        scopes = auth.get("scopes") if isinstance(auth, dict) else None
        number = user.get("id") if isinstance(user, dict) else None
        self._client.scopes = frozenset(map(str, scopes)) if isinstance(scopes, list) else None
        return Caller(
            self._client.scopes,
            str(number) if isinstance(number, (str, int)) else None,
        )

    def organizations(self, watch: Watch) -> AsyncIterator[ListPage]:
        """List the organizations that the token sees."""
        listing = ListQuery(ORGANIZATION, "organizations", "organizations/", self._base)
        return self._pages(listing, watch)

    async def organization(self, slug: str) -> dict[str, Any]:
        """Return one organization."""
        path = f"organizations/{_segment(slug)}/"
        reply = await self._client.get("organization", path)
        where = f"{self._base}/api/0/{path}"
        return _record(ORGANIZATION, "organization", reply.payload, where)

    def place(self, slug: str, record: Mapping[str, Any] | None) -> OrganizationBase:
        """Return where an organization's data is asked for; without a record, at the server."""
        links = record.get("links") if record is not None else None
        region = links.get("regionUrl") if isinstance(links, dict) else None
        return OrganizationBase(slug, region_base(self._base, region))

    async def project(self, place: OrganizationBase, slug: str) -> dict[str, Any]:
        """Return one project, also by a slug that it had before."""
        path = f"projects/{_segment(place.slug)}/{_segment(slug)}/"
        reply = await self._client.get("project", path, base=place.base)
        return _record(PROJECT, "project", reply.payload, f"{place.base}/api/0/{path}")

    def projects(self, place: OrganizationBase, watch: Watch) -> AsyncIterator[ListPage]:
        """List all projects of an organization."""
        path = f"organizations/{_segment(place.slug)}/projects/"
        return self._pages(ListQuery(PROJECT, "projects", path, place.base), watch)

    def organization_keys(
        self, place: OrganizationBase, watch: Watch, seen: set[str]
    ) -> AsyncIterator[ListPage]:
        """List the keys of all projects of an organization that the token may see.

        Without project=-1 it would be those of the caller's own teams alone. `seen` takes up
        the ids of the keys.
        """
        path = f"organizations/{_segment(place.slug)}/project-keys/"
        query = {"project": "-1", **self._status}
        return self._pages(ListQuery(KEY, "project-keys", path, place.base, query), watch, seen)

    def project_keys(
        self, place: OrganizationBase, watch: Watch, project: str
    ) -> AsyncIterator[ListPage]:
        """List the keys of one project, by its slug."""
        path = f"projects/{_segment(place.slug)}/{_segment(project)}/keys/"
        return self._pages(ListQuery(KEY, "keys", path, place.base, self._status), watch)

    def integrations(self, place: OrganizationBase, watch: Watch) -> AsyncIterator[ListPage]:
        """List the integrations that belong to an organization."""
        path = f"organizations/{_segment(place.slug)}/sentry-apps/"
        # On the hosted service these and the tokens are kept beside the regions, not in them.
        return self._pages(ListQuery(INTEGRATION, "sentry-apps", path, self._base), watch)

    def org_auth_tokens(self, place: OrganizationBase, watch: Watch) -> AsyncIterator[ListPage]:
        """List the organization's own tokens."""
        path = f"organizations/{_segment(place.slug)}/org-auth-tokens/"
        listing = ListQuery(ORG_AUTH_TOKEN, "org-auth-tokens", path, self._base, paged=False)
        return self._pages(listing, watch)

    def api_keys(self, place: OrganizationBase, watch: Watch) -> AsyncIterator[ListPage]:
        """List the organization's legacy API keys; the answer has them in clear."""
        path = f"organizations/{_segment(place.slug)}/api-keys/"
        return self._pages(ListQuery(API_KEY, "api-keys", path, place.base, paged=False), watch)

    async def key_statistics(
        self, place: OrganizationBase, project: str, key: str, query: Mapping[str, str]
    ) -> list[Any]:
        """Return a key's events as the server tells them; see usage.Period."""
        path = f"projects/{_segment(place.slug)}/{_segment(project)}/keys/{_segment(key)}/stats/"
        reply = await self._client.get("key-stats", path, query, base=place.base, vital=False)
        return _rows(reply, f"{place.base}/api/0/{path}")

    async def says_the_same(self, page: Seen) -> bool:
        """Ask for a page that was read, again; return whether it says what it said then."""
        asked = page.listing
        try:
            reply = await self._client.get(
                asked.endpoint, asked.path, asked.parameters(page.cursor), base=asked.base
            )
        except ApiError as error:
            if error.reason is Reason.MISSING:
                return False
            raise
        where = f"{asked.base}/api/0/{asked.path}"
        rows = _rows(reply, where)
        following = advertised(_links(asked, reply), where)
        return await fingerprint(asked.table, rows, following, reply.moved_to) == page.said

    async def _pages(
        self, asked: ListQuery, watch: Watch | None = None, seen: set[str] | None = None
    ) -> AsyncIterator[ListPage]:
        where = f"{asked.base}/api/0/{asked.path}"
        pager = Pager(where)
        seen = set() if seen is None else seen

        def ask(cursor: str | None) -> asyncio.Task[_Step | Reply]:
            return asyncio.create_task(self._ask(asked, cursor))

        cursor: str | None = None
        coming: asyncio.Task[_Step | Reply] | None = ask(None)
        try:
            while coming is not None:
                answer = await coming
                coming, ended = None, None
                rows = _rows(answer, where)
                here, cursor = cursor, None
                try:
                    cursor = _following(asked, answer, pager)
                except ApiError as error:
                    ended = error
                if cursor is not None:
                    # The next page is under way while this one is looked at and written.
                    coming = ask(cursor)
                said, repeats = await _told(asked, answer, rows, cursor, seen)
                page = await sort_out(asked.table, rows, seen, answer.moved_to)
                if isinstance(answer, _Step):
                    page.faults.extend(answer.faults)
                elif ended is None and self.journal.is_kept:
                    self.journal.note(
                        asked.name(here), _step(asked.table, page, cursor, said, repeats)
                    )
                if watch is not None and ended is None:
                    watch.saw(Seen(asked, here, said), repeats=repeats)
                pager.found(page.fresh)
                yield page
                if ended is not None:
                    raise ended
        finally:
            if coming is not None:
                coming.cancel()
                await asyncio.gather(coming, return_exceptions=True)

    async def _ask(self, asked: ListQuery, cursor: str | None) -> _Step | Reply:
        """Return one page, from the journal if it is there."""
        known = self.journal.recall(asked.name(cursor), _Step)
        if known is not None:
            return known
        return await self._client.get(
            asked.endpoint, asked.path, asked.parameters(cursor), base=asked.base
        )


async def _told(
    asked: ListQuery, answer: _Step | Reply, rows: list[Any], following: str | None, seen: set[str]
) -> tuple[str, bool]:
    """Return the page's fingerprint, and whether a row of it was on a page before."""
    if isinstance(answer, _Step):
        return answer.said, answer.repeats
    identity = TABLES[asked.table].identity
    known = (str(row.get(identity)) in seen for row in rows if isinstance(row, dict))
    return await fingerprint(asked.table, rows, following, answer.moved_to), any(known)


def _step(table: str, page: ListPage, following: str | None, said: str, repeats: bool) -> _Step:  # noqa: FBT001 - a field
    records = [redact_record(record, table) for record in page.records]
    return _Step(records, page.faults, following, page.moved_to, said, repeats)


def _following(asked: ListQuery, answer: _Step | Reply, pager: Pager) -> str | None:
    """Return the next page's cursor; raises ApiError where the list cannot go on."""
    if isinstance(answer, _Step):
        if answer.following is not None:
            pager.skip(answer.following)
        return answer.following
    links, rows = _links(asked, answer), len(answer.payload) if asked.paged else 0
    return pager.following(links, rows, TABLES[asked.table].pages)


def _links(asked: ListQuery, reply: Reply) -> Mapping[str, Mapping[str, str]]:
    """Return what tells of a next page; a list that comes whole has nothing of the kind.

    Should another version of the server cut it into pages all the same, none is lost.
    """
    return reply.links if asked.paged or "next" in reply.links else {}


def _rows(answer: _Step | Reply, where: str) -> list[Any]:
    if isinstance(answer, _Step):
        return answer.records
    if isinstance(answer.payload, list):
        return answer.payload
    raise ApiError(
        Reason.GARBLED,
        "the answer is not a list of records",
        where=where,
        remedy="Check the server's address, and whether a proxy answers in its place.",
    )


def _record(table: str, what: str, payload: Any, where: str) -> dict[str, Any]:  # noqa: ANN401 - any JSON value
    problem = fault(table, payload)
    if problem is not None:
        raise ApiError(
            Reason.GARBLED, f"the {what}'s record cannot be used: {problem}", where=where
        )
    return payload  # type: ignore[no-any-return]


def _segment(slug: str) -> str:
    """Return the slug as one segment of a path, so that none leads to another endpoint."""
    if slug.strip(".") == "":
        raise ApiError(Reason.MISSING, f"{slug!r} is not a name that Sentry gives")
    return quote(slug, safe="")
