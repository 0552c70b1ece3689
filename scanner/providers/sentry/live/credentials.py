"""Lists of credentials other than client keys: integrations, organization tokens, API keys.

Few tokens may read all of them. What is refused is told with the way around it: the list as a
signed-in user exports it, given with --inventory.
"""

from collections.abc import AsyncIterator, Callable
from typing import Final

import msgspec

from scanner.http.failure import ApiError, Reason
from scanner.providers.sentry.live.api import (
    API_KEY,
    INTEGRATION,
    ORG_AUTH_TOKEN,
    OrganizationBase,
    SentryApi,
)
from scanner.providers.sentry.live.roster import Sink
from scanner.providers.sentry.live.settle import Output, settle
from scanner.providers.sentry.live.watch import ListPage, Watch


class _Listing(msgspec.Struct, frozen=True):
    """How a table is listed, its path for a browser, and which scope its list wants."""

    pages: Callable[[SentryApi, OrganizationBase, Watch], AsyncIterator[ListPage]]
    path: str
    scope: str


LISTINGS: Final = {
    INTEGRATION: _Listing(SentryApi.integrations, "sentry-apps", "org:read"),
    ORG_AUTH_TOKEN: _Listing(SentryApi.org_auth_tokens, "org-auth-tokens", "org:read"),
    API_KEY: _Listing(SentryApi.api_keys, "api-keys", "org:admin"),
}
"""The tables that are fetched here."""


async def fetch_credentials(
    api: SentryApi, output: Output, place: OrganizationBase, table: str
) -> None:
    """Write one table of an organization; what cannot be seen is noted in the ledger."""

    async def walk(sink: Sink, watch: Watch) -> None:
        await _read(api, sink, watch, place, table)

    await settle(api, output, place, [table], walk)


async def _read(
    api: SentryApi, sink: Sink, watch: Watch, place: OrganizationBase, table: str
) -> None:
    listing = LISTINGS[table]
    try:
        async for page in listing.pages(api, place, watch):
            sink.ledger.saw(table)
            for record in page.records:
                sink.rows.add(table, record, organization=place.slug, project=None)
            sink.note_faults(table, page, place.slug, None)
    except ApiError as error:
        if error.reason is Reason.MISSING:
            reason = f"The server has no list of this kind (organizations/.../{listing.path}/)."
            sink.ledger.lacks(table, reason, organization=place.slug)
        else:
            sink.ledger.failed([table], _explained(error, place, listing), organization=place.slug)


def _explained(error: ApiError, place: OrganizationBase, listing: _Listing) -> ApiError:
    # A token that was taken so far is refused by the list, not by the server.
    if error.reason not in {Reason.FORBIDDEN, Reason.UNAUTHORIZED}:
        return error
    remedy = (
        f"The list wants {listing.scope}, and some servers give it to people only: open"
        f" /api/0/organizations/{place.slug}/{listing.path}/ as a signed-in user, save the JSON,"
        f" and give it with --inventory FILE --org {place.slug}."
    )
    return ApiError(error.reason, error.message, where=error.where, remedy=remedy)
