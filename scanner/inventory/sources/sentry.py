"""The live source: a Sentry server's organizations, projects and client keys."""

import asyncio
import time
from pathlib import Path
from typing import Final

import msgspec

from scanner.inventory.origin import base_url
from scanner.inventory.progress import NoProgress, Progress
from scanner.inventory.retry import RetryPolicy
from scanner.model.coverage import TableCoverage
from scanner.model.errors import UsageError
from scanner.model.inventory import Inventory, Layout, RawInput, Scope
from scanner.model.token import Token

STATUSES: Final = ("active", "inactive")
"""What keys can be filtered by. Sentry answers an unknown status with no keys at all."""

_SPOOL: Final = "inventory.jsonl"


class SentrySettings(msgspec.Struct, frozen=True):
    """Where and how to fetch. `timeout` is for one request, `deadline` for all, in seconds."""

    url: str
    token: Token
    status: str | None = None
    insecure_http: bool = False
    ca_bundle: str | None = None
    timeout: float = 30.0
    deadline: float = 900.0
    concurrency: int = 20
    retry: RetryPolicy = RetryPolicy()


class FetchStats(msgspec.Struct, frozen=True):
    """What a fetch took: bytes as received, attempts beyond the first, times in seconds.

    `throttled` counts refusals because of a limit, `waited` how long requests were held back
    to keep to the limits, added over endpoints.
    """

    requests: int
    bytes: int
    retries: int
    throttled: int
    seconds: float
    waited: float


class FetchReport(msgspec.Struct, frozen=True):
    """The inventory file that was written, what it covers, and what it took."""

    path: Path
    sources: tuple[str, ...]
    coverage: dict[str, TableCoverage]
    stats: FetchStats
    warnings: tuple[str, ...] = ()


class SentrySource:
    """Fetches from one server; see scanner.inventory.sources.interface."""

    def __init__(self, settings: SentrySettings, progress: Progress | None = None) -> None:
        self._settings = settings
        self._progress = progress or NoProgress()

    def collect(self, scope: Scope, tables: frozenset[str], workspace: Path) -> Inventory:
        """Fetch into the workspace and return the inventory; see `fetch` for what it raises."""
        report = self.fetch(scope, tables, workspace / _SPOOL)
        label = base_url(self._settings.url, insecure_http=self._settings.insecure_http)
        return Inventory(
            inputs=(RawInput(report.path, Layout.INVENTORY_LINES, label=label),),
            sources=report.sources,
            warnings=report.warnings,
        )

    def fetch(self, scope: Scope, tables: frozenset[str], output: Path) -> FetchReport:
        """Fetch the tables of the scope into an inventory file, redacted, and return the report.

        Raises UsageError for settings that cannot be right, and FetchError where nothing could
        be seen; then there is no file. Whatever was seen in part is told by the coverage.
        """
        settings = self._settings
        base = base_url(settings.url, insecure_http=settings.insecure_http)
        if settings.status not in {None, *STATUSES}:
            raise UsageError(
                f"there is no key status {settings.status!r}",
                remedy=f"Use one of: {', '.join(STATUSES)}.",
            )
        # Here, because httpx takes longer to import than all the rest together.
        from scanner.inventory.sources.sentry_fetch import run  # noqa: PLC0415 - see above

        started = time.monotonic()
        try:
            result = asyncio.run(run(base, settings, scope, tables, output, self._progress))
        except ExceptionGroup as group:
            raise _first(group) from group
        stats = FetchStats(
            requests=result.traffic.requests,
            bytes=result.traffic.bytes,
            retries=result.traffic.retries,
            throttled=result.traffic.throttled,
            seconds=time.monotonic() - started,
            waited=result.waited,
        )
        return FetchReport(output, result.sources, result.coverage, stats, result.warnings)


def _first(error: Exception) -> Exception:
    """Return the first error of a group of tasks: the others are what it did to them."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
