"""A fetch from beginning to end: who is asking, what is asked for, and what came of it."""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import httpx
import msgspec

from scanner.catalogue import COSTLY
from scanner.http.client import Client, Traffic, connect
from scanner.http.connection import ClientSettings
from scanner.http.failure import ApiError, Reason
from scanner.http.origin import is_loopback
from scanner.inventory.journal import Journal
from scanner.inventory.ledger import Ledger
from scanner.inventory.progress import FetchProgress, Progress
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Needs, Scope
from scanner.model.token import Token
from scanner.providers.sentry.live.api import KEY, ORGANIZATION, PROJECT, TOKEN, SentryApi
from scanner.providers.sentry.live.crawl import Crawl, Wish
from scanner.providers.sentry.live.credentials import LISTINGS, fetch_credentials
from scanner.providers.sentry.live.rights import TokenKind, kind_of
from scanner.providers.sentry.live.settle import Output
from scanner.providers.sentry.live.survey import Survey, survey
from scanner.providers.sentry.live.usage import Usage

if TYPE_CHECKING:
    from scanner.inventory.source import LiveSettings

_KNOWN: Final = frozenset({ORGANIZATION, PROJECT, KEY, TOKEN, *LISTINGS})


class Result(msgspec.Struct, frozen=True):
    """What a fetch came to. `renamed` has projects' slugs by what else they were asked for."""

    sources: tuple[str, ...]
    coverage: dict[str, TableCoverage]
    warnings: tuple[str, ...]
    traffic: Traffic
    waited: float
    renamed: dict[str, str] = {}


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
    settings: "LiveSettings",
    scope: Scope,
    needs: Needs,
    output: Path,
    progress: Progress,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Result:
    """Fetch into `output`; raises FetchError, without a file, where nothing could be seen."""
    meter = Meter(progress)
    tables = _tables(needs)
    async with connect(client_settings(base, settings), meter.traffic, transport) as client:
        meter.client = client
        api = SentryApi(client, base, status=settings.status)
        ledger = Ledger()
        found = await survey(api, settings.token, scope, tables, ledger)
        scope = found.scope
        meter.add(organizations_total=len(found.organizations))
        sources = tuple(
            f"sentry {base} organization {slug}" for slug in sorted(found.organizations)
        )
        warnings = _warnings(base, settings)
        filters = {"status": settings.status} if settings.status else {}
        purpose = _purpose(base, settings, scope, needs, found)
        with (
            Journal(settings.journal, purpose) as api.journal,
            Spool(
                output,
                sources=sources,
                server=base,
                scope=scope,
                filters=filters,
                fetched_at=api.journal.started_at,
            ) as spool,
        ):
            _write_organizations(spool, found.organizations)
            _write_token(spool, ledger, settings.token, found, tables)
            measured = needs.reads(KEY, COSTLY[KEY])
            usage = Usage(api, ledger, api.journal.started_at) if measured else None
            kept = Output(spool, ledger, meter.add, warnings, usage)
            wish = _wish(settings, scope, tables, found)
            spool.rename(renamed := await _fetch_tables(api, kept, found, wish, tables))
            _require_something(ledger, tables)
            if api.journal.is_resumed:
                _note_resumed(ledger, warnings, api.journal, tables)
            coverage = _coverage(ledger, needs, tables, settings.status, spool.rows)
            spool.finish(coverage)
        told = tuple(sorted(warnings))
        return Result(sources, coverage, told, client.traffic, client.waited, renamed)


def _tables(needs: Needs) -> frozenset[str]:
    """Return what is fetched: what is needed, and what belongs to it."""
    tables = needs.tables & _KNOWN | {ORGANIZATION}
    return tables | {PROJECT} if KEY in tables else tables


def client_settings(base: str, settings: "LiveSettings") -> ClientSettings:
    """Return how a client asks the server at `base`."""
    return ClientSettings(
        base=base,
        token=settings.token,
        ca_bundle=settings.ca_bundle,
        timeout=settings.timeout,
        deadline=settings.deadline,
        concurrency=settings.concurrency,
        retry=settings.retry,
    )


def _wish(settings: "LiveSettings", scope: Scope, tables: frozenset[str], found: Survey) -> Wish:
    filtered = settings.status is not None
    return Wish(frozenset(scope.projects) - found.lost, KEY in tables, filtered, found.scopes)


async def _fetch_tables(
    api: SentryApi, output: Output, found: Survey, wish: Wish, tables: frozenset[str]
) -> dict[str, str]:
    """Fetch all of them; return the projects' slugs by the ids and older slugs that were named."""
    places, crawl = found.places(api), Crawl(api, output, wish)
    async with asyncio.TaskGroup() as group:
        if PROJECT in tables:
            group.create_task(crawl.organizations(places))
        for table in sorted(tables & LISTINGS.keys()):
            for place in places:
                group.create_task(fetch_credentials(api, output, place, table))
    return found.slugs | crawl.renamed


def _purpose(
    base: str, settings: "LiveSettings", scope: Scope, needs: Needs, found: Survey
) -> dict[str, Any]:
    """Return what must be the same for one fetch to go on with another's journal.

    The token itself must not be written down, not even as a hash; who it belongs to and what it
    may do stand for it.
    """
    caller = None if isinstance(found.caller, ApiError) else found.caller
    return {
        "server": base,
        "organizations": sorted(found.organizations),
        "projects": sorted(scope.projects),
        "status": settings.status,
        "tables": sorted(needs.tables),
        "usage": needs.reads(KEY, COSTLY[KEY]),
        "scopes": sorted(found.scopes or ()),
        "user": caller.user if caller else None,
        "token": kind_of(settings.token).name,
    }


def _note_resumed(
    ledger: Ledger, warnings: set[str], journal: Journal, tables: frozenset[str]
) -> None:
    """Say how old answers may be, to who fetches and in the file, to whoever reads it."""
    since = f"{journal.started_at:%Y-%m-%d %H:%M} UTC"
    warnings.add(
        f"An earlier fetch was cut off: {journal.recalled} of its answers, from {since} on, were"
        " used and not asked for again."
    )
    for table in tables:
        ledger.note(table, f"The fetch was resumed: its oldest answers are of {since}.")


def _write_organizations(spool: Spool, organizations: Mapping[str, dict[str, Any] | None]) -> None:
    for slug, record in sorted(organizations.items()):
        if record is not None:
            spool.add(ORGANIZATION, record, organization=slug, project=None)


def _write_token(
    spool: Spool, ledger: Ledger, token: Token, found: Survey, tables: frozenset[str]
) -> None:
    """Write what is known of the credential in use, never the credential itself."""
    if TOKEN not in tables:
        return
    if isinstance(found.caller, ApiError):
        ledger.failed([TOKEN], found.caller)
        return
    ledger.saw(TOKEN)
    belongs = kind_of(token)
    kind = None if belongs is TokenKind.UNKNOWN else belongs.name.lower()
    scopes = None if found.scopes is None else sorted(found.scopes)
    record = {"id": "current", "kind": kind, "scopes": scopes}
    spool.add(TOKEN, record, organization=None, project=None)


def _require_something(ledger: Ledger, tables: frozenset[str]) -> None:
    """Raise the most telling error if nothing was read of what matters."""
    wanted = tables - {ORGANIZATION} or tables
    if any(ledger.has_seen(table) for table in wanted) or not ledger.errors:
        return
    order = list(Reason)
    raise min(ledger.errors, key=lambda error: (order.index(error.reason), error.where))


def _coverage(
    ledger: Ledger,
    needs: Needs,
    tables: frozenset[str],
    status: str | None,
    rows: Mapping[str, int],
) -> dict[str, TableCoverage]:
    if status is not None and KEY in tables:
        # Fail closed: rules about the other keys see nothing, and nothing is what would pass.
        ledger.missing(KEY, _only(status), organization=None, project=None)
    known = {
        table: msgspec.structs.replace(ledger.coverage(table), rows=rows[table])
        for table in sorted(tables)
    }
    absent = TableCoverage(CoverageState.ABSENT, "A Sentry server is not asked for this table.")
    return known | dict.fromkeys(sorted(needs.tables - tables), absent)


def _only(status: str) -> str:
    return (
        f"Only {status} keys were asked for (--status), so that nothing is known of the others."
        " Leave --status out, or accept that with --allow-partial."
    )


def _warnings(base: str, settings: "LiveSettings") -> set[str]:
    told = set()
    if base.startswith("http:") and not is_loopback(urlsplit(base).hostname or ""):
        told.add("The token was sent in clear, over plain http.")
    if settings.status is not None:
        told.add(f"Only {settings.status} keys were asked for.")
    return told
