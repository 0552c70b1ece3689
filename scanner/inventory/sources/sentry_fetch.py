"""A fetch from beginning to end: who is asking, which organizations, and what came of it."""

import asyncio
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar
from urllib.parse import urlsplit

import httpx
import msgspec

from scanner.inventory.connection import ClientSettings
from scanner.inventory.failure import FATAL, ApiError, Reason, one_line
from scanner.inventory.http import Client, Traffic, connect
from scanner.inventory.ledger import Ledger
from scanner.inventory.origin import is_loopback
from scanner.inventory.progress import FetchProgress, Progress
from scanner.inventory.sources.sentry_api import KEY, ORGANIZATION, PROJECT, SentryApi
from scanner.inventory.sources.sentry_crawl import Crawl, Wish
from scanner.inventory.sources.sentry_roster import Sink
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Scope
from scanner.model.token import Token, TokenKind

if TYPE_CHECKING:
    from scanner.inventory.sources.sentry import SentrySettings

T = TypeVar("T")

_TABLES: Final = (ORGANIZATION, PROJECT, KEY)
_HOPELESS: Final = FATAL | {Reason.REDIRECTED, Reason.UNREACHABLE, Reason.TIMEOUT}
"""With these at the very start, nothing else is worth asking."""

_TELLING: Final = frozenset({Reason.FORBIDDEN, Reason.MISSING})
"""Answers that only an API gives, though not the ones that were hoped for."""

_USEFUL: Final = frozenset(
    f"{area}:{right}" for area in ("org", "project") for right in ("read", "write", "admin")
)
"""Scopes with which at least something can be listed."""

_USE_ANOTHER: Final = (
    "Use a token of an internal integration or a personal token, with the scopes org:read and "
    "project:read."
)


class Result(msgspec.Struct, frozen=True):
    """What a fetch came to."""

    sources: tuple[str, ...]
    coverage: dict[str, TableCoverage]
    warnings: tuple[str, ...]
    traffic: Traffic
    waited: float


class Meter:
    """Turns what happens into progress reports."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._now = FetchProgress()
        self.client: Client | None = None

    def traffic(self, waiting: float | None) -> None:
        """Tell of a request, or of a wait of so many seconds."""
        until = None if waiting is None else datetime.now(UTC) + timedelta(seconds=waiting)
        self._tell(waiting_until=until)

    def add(self, **counts: int) -> None:
        """Add to counts; a total that is not known yet starts from 0."""
        added = {name: (getattr(self._now, name) or 0) + n for name, n in counts.items()}
        self._tell(**added)

    def _tell(self, **changes: Any) -> None:  # noqa: ANN401 - fields of different types
        requests = self.client.traffic.requests if self.client else 0
        self._now = msgspec.structs.replace(self._now, requests=requests, **changes)
        self._progress.update(self._now)


async def run(  # noqa: PLR0913, PLR0917 - the arguments of SentrySource.fetch
    base: str,
    settings: "SentrySettings",
    scope: Scope,
    tables: frozenset[str],
    output: Path,
    progress: Progress,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Result:
    """Fetch into `output`; raises FetchError, without a file, where nothing could be seen."""
    meter = Meter(progress)
    client_settings = ClientSettings(
        base=base,
        token=settings.token,
        ca_bundle=settings.ca_bundle,
        timeout=settings.timeout,
        deadline=settings.deadline,
        concurrency=settings.concurrency,
        retry=settings.retry,
    )
    async with connect(client_settings, meter.traffic, transport) as client:
        meter.client = client
        api = SentryApi(client, base, status=settings.status)
        ledger = Ledger()
        scopes, organizations = await _survey(api, settings.token, scope, ledger)
        meter.add(organizations_total=len(organizations))
        sources = tuple(f"sentry {base} organization {slug}" for slug in sorted(organizations))
        wish = Wish(frozenset(scope.projects), KEY in tables, settings.status is not None, scopes)
        warnings = _warnings(base, settings)
        with Spool(output, sources=sources, server=base) as spool:
            _write_organizations(spool, organizations)
            places = [api.place(slug, record) for slug, record in sorted(organizations.items())]
            await Crawl(api, Sink(spool, ledger, meter.add, warnings), wish).organizations(places)
            _require_something(ledger)
            coverage = _coverage(ledger, tables, settings.status, spool.rows)
            spool.finish(coverage)
        return Result(sources, coverage, tuple(sorted(warnings)), client.traffic, client.waited)


async def _survey(
    api: SentryApi, token: Token, scope: Scope, ledger: Ledger
) -> tuple[frozenset[str] | None, dict[str, dict[str, Any] | None]]:
    """Find out what the token may do and which organizations there are, side by side.

    Returns the scopes and the organizations' records by slug, None where they cannot be read.
    """
    async with asyncio.TaskGroup() as both:
        asking = both.create_task(_outcome(api.scopes()))
        listing = both.create_task(_outcome(_list_organizations(api)))
    scopes, listed = asking.result(), listing.result()
    for outcome in (scopes, listed):
        if isinstance(outcome, ApiError) and outcome.reason in _HOPELESS:
            raise _explained(outcome, token)
    known = None if isinstance(scopes, ApiError) else scopes
    _check_token(token, known)
    if isinstance(listed, ApiError):
        # With a name to go by there is hope, if the server answers at all: a token without
        # org:read may still read projects' keys.
        told = not isinstance(scopes, ApiError) or listed.reason in _TELLING
        if not told or not scope.organizations:
            raise listed
        ledger.failed([ORGANIZATION], listed)
        return known, dict.fromkeys(scope.organizations)
    ledger.saw(ORGANIZATION)
    return known, await _chosen(api, scope, listed, ledger)


async def _outcome(asked: Coroutine[None, None, T]) -> T | ApiError:
    """Return what came of it, be it an error."""
    try:
        return await asked
    except ApiError as error:
        return error


async def _list_organizations(api: SentryApi) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    async for page in api.organizations():
        found.update({record["slug"]: record for record in page.records})
        if page.faults:
            raise ApiError(
                Reason.GARBLED, f"an organization's record cannot be used: {page.faults[0]}"
            )
    return found


async def _chosen(
    api: SentryApi, scope: Scope, listed: dict[str, dict[str, Any]], ledger: Ledger
) -> dict[str, dict[str, Any] | None]:
    """Return the organizations of the scope; those that are not listed are asked for by name."""
    if not scope.organizations:
        if not listed:
            raise ApiError(
                Reason.MISSING,
                "the token sees no organization",
                remedy=f"Name one, or add the token's owner to one. {_USE_ANOTHER}",
            )
        return dict(listed)
    chosen: dict[str, dict[str, Any] | None] = {}
    errors: dict[str, ApiError] = {}
    for slug in dict.fromkeys(scope.organizations):
        try:
            record = listed.get(slug) or await api.organization(slug)
        except ApiError as error:
            errors[slug] = _unknown(slug, error, listed)
        else:
            chosen[str(record["slug"])] = record
    if not chosen:
        raise next(iter(errors.values()))
    for slug, unknown in errors.items():
        ledger.failed(_TABLES, unknown, organization=slug)
    return chosen


def _unknown(slug: str, error: ApiError, listed: Mapping[str, Any]) -> ApiError:
    if error.reason is not Reason.MISSING:
        return error
    seen = one_line(", ".join(sorted(listed))) or "none"
    return ApiError(
        Reason.MISSING,
        f"there is no organization {slug!r}, or the token may not see it",
        where=error.where,
        remedy=f"Organizations that the token sees: {seen}.",
    )


def _check_token(token: Token, scopes: frozenset[str] | None) -> None:
    """Name a token that cannot list anything before it meets its first refusal."""
    if scopes is not None and scopes & _USEFUL:
        return
    if token.kind is TokenKind.ORGANIZATION:
        raise ApiError(
            Reason.FORBIDDEN,
            "the token is an organization token (sntrys_): it carries the scope org:ci alone and "
            "cannot list keys",
            remedy=_USE_ANOTHER,
        )
    if scopes is not None:
        held = ", ".join(sorted(scopes)) or "none"
        raise ApiError(
            Reason.FORBIDDEN,
            f"the token has none of the scopes that listing keys needs (it has: {held})",
            remedy=_USE_ANOTHER,
        )


def _explained(error: ApiError, token: Token) -> ApiError:
    if error.reason is Reason.UNAUTHORIZED and token.kind is TokenKind.ORGANIZATION:
        remedy = f"Organization tokens (sntrys_) cannot list keys. {_USE_ANOTHER}"
        return ApiError(error.reason, error.message, where=error.where, remedy=remedy)
    return error


def _write_organizations(spool: Spool, organizations: Mapping[str, dict[str, Any] | None]) -> None:
    for slug, record in sorted(organizations.items()):
        if record is not None:
            spool.add(ORGANIZATION, record, organization=slug, project=None)


def _require_something(ledger: Ledger) -> None:
    """Raise the most telling error if not one page of projects or keys was read."""
    if ledger.has_seen(PROJECT) or ledger.has_seen(KEY):
        return
    order = list(Reason)
    raise min(ledger.errors, key=lambda error: (order.index(error.reason), error.where))


def _coverage(
    ledger: Ledger, tables: frozenset[str], status: str | None, rows: Mapping[str, int]
) -> dict[str, TableCoverage]:
    if status is not None:
        ledger.note(KEY, f"Only {status} keys were asked for.")
    known = {
        table: msgspec.structs.replace(ledger.coverage(table), rows=rows[table])
        for table in _TABLES
        if table != KEY or KEY in tables
    }
    absent = TableCoverage(CoverageState.ABSENT, "A Sentry server is not asked for this table.")
    return known | {table: absent for table in sorted(tables) if table not in _TABLES}


def _warnings(base: str, settings: "SentrySettings") -> set[str]:
    told = set()
    if base.startswith("http:") and not is_loopback(urlsplit(base).hostname or ""):
        told.add("The token was sent in clear, over plain http.")
    if settings.status is not None:
        told.add(f"Only {settings.status} keys were asked for.")
    return told
