"""The live source: a Sentry server's organizations, projects and client keys."""

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.errors import UsageError
from scanner.http.origin import base_url
from scanner.inventory.progress import FetchStats, NoProgress, Progress
from scanner.inventory.source import LiveSettings
from scanner.model.coverage import TableCoverage
from scanner.model.inventory import Inventory, Layout, Needs, RawInput, Scope

if TYPE_CHECKING:
    from scanner.policy.actions.interface import KeyUsage
    from scanner.providers.sentry.live.fetch import Result

STATUSES: Final = ("active", "inactive")
"""What keys can be filtered by. Sentry answers an unknown status with no keys at all."""

_SPOOL: Final = "inventory.jsonl"


class FetchReport(msgspec.Struct, frozen=True):
    """The inventory file that was written, what it covers, and what it took."""

    path: Path
    sources: tuple[str, ...]
    coverage: dict[str, TableCoverage]
    stats: FetchStats
    warnings: tuple[str, ...] = ()
    renamed: dict[str, str] = {}


class SentrySource:
    """Fetches from one server; see scanner.inventory.source."""

    def __init__(self, settings: LiveSettings, progress: Progress | None = None) -> None:
        self._settings = settings
        self._progress = progress or NoProgress()

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        """Fetch into the workspace and return the inventory; see `fetch` for what it raises."""
        report = self.fetch(scope, needs, workspace / _SPOOL)
        label = base_url(self._settings.url, insecure_http=self._settings.insecure_http)
        return Inventory(
            inputs=(RawInput(report.path, Layout.INVENTORY_LINES, label=label, is_redacted=True),),
            sources=report.sources,
            warnings=report.warnings,
            live=True,
            renamed=report.renamed,
        )

    def fetch(self, scope: Scope, needs: Needs, output: Path) -> FetchReport:
        """Fetch what is needed into an inventory file, redacted, and return the report.

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
        from scanner.providers.sentry.live.fetch import run  # noqa: PLC0415 - see above

        started = time.monotonic()
        stats: FetchStats | None = None
        try:
            result = asyncio.run(run(base, settings, scope, needs, output, self._progress))
            stats = _stats(result, time.monotonic() - started)
        except ExceptionGroup as group:
            raise _first(group) from group
        finally:
            self._progress.finish(stats)
        told = result.warnings, result.renamed
        return FetchReport(output, result.sources, result.coverage, stats, *told)

    def usage(self, keys: Iterable[tuple[str, str, str]]) -> "dict[str, KeyUsage | str]":
        """Return what keys accepted by the hour; see scanner.remediate.proposals.Metered."""
        settings = self._settings
        base = base_url(settings.url, insecure_http=settings.insecure_http)
        from scanner.providers.sentry.live.hourly import hourly  # noqa: PLC0415 - brings httpx

        return asyncio.run(hourly(base, settings, keys))


def _stats(result: "Result", seconds: float) -> FetchStats:
    traffic = result.traffic
    return FetchStats(
        requests=traffic.requests,
        bytes=traffic.bytes,
        retries=traffic.retries,
        throttled=traffic.throttled,
        seconds=seconds,
        waited=result.waited,
    )


def _first(error: Exception) -> Exception:
    """Return the first error of a group of tasks: the others are what it did to them."""
    while isinstance(error, ExceptionGroup):
        error = error.exceptions[0]
    return error
