"""Reading an organization until a second look finds it unchanged: only then its rows are kept."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Protocol, TypeVar

import msgspec

from scanner.http.failure import FATAL, ApiError
from scanner.inventory.ledger import Ledger
from scanner.inventory.spool import Draft, Spool
from scanner.providers.sentry.live.api import KEY, OrganizationBase, SentryApi
from scanner.providers.sentry.live.roster import Count, Sink, project_id
from scanner.providers.sentry.live.watch import Watch

T = TypeVar("T")

MOST_LOOKS: Final = 4
"""Times that an organization is read before it is given up as one that never holds still."""

_AT_ONCE: Final = 64
_BATCH: Final = 100
"""Keys that statistics are asked for together, so that memory stays bounded."""


class Measure(Protocol):
    """Adds usage statistics to records of keys."""

    async def add_to(
        self, place: OrganizationBase, keys: Iterable[tuple[dict[str, Any], str]]
    ) -> None:
        """Add them to the records; each comes with its project's slug or id, "" if it has none."""
        ...


class Output(msgspec.Struct, frozen=True):
    """Where what is proven goes. Keys pass `usage` on their way, unless it is None."""

    spool: Spool
    ledger: Ledger
    count: Count
    warnings: set[str]
    usage: Measure | None = None


async def settle(
    api: SentryApi,
    output: Output,
    place: OrganizationBase,
    tables: Iterable[str],
    walk: Callable[[Sink, Watch], Awaitable[T]],
) -> T:
    """Read with `walk` until a second look agrees; return what it returned the last time.

    What the last one brought is kept. Where the looks never agreed, or the second could not be
    taken, the tables get a gap.
    """
    for look in range(1, MOST_LOOKS + 1):
        draft, counted = Draft(output.spool.path.parent), _Tally(output.count)
        try:
            sink, watch = Sink(draft, Ledger(), counted, set()), Watch()
            outcome = await walk(sink, watch)
            problem = await _doubt(api, watch, "organization", sink.ledger.errors)
            if problem is None or look == MOST_LOOKS or isinstance(problem, ApiError):
                note_doubt(sink.ledger, place.slug, tables, problem)
                await _keep(output, place, sink, draft)
                return outcome
            counted.undo()
        finally:
            draft.close()
    raise AssertionError  # pragma: no cover - the last look returns


async def steady(
    api: SentryApi, what: str, read: Callable[[Watch], Awaitable[T]]
) -> tuple[T, ApiError | str | None]:
    """Read until a second look agrees; return what came of it, and what speaks against it."""
    for look in range(1, MOST_LOOKS + 1):
        watch = Watch()
        found = await read(watch)
        problem = await _doubt(api, watch, what)
        if problem is None or look == MOST_LOOKS or isinstance(problem, ApiError):
            return found, problem
    raise AssertionError  # pragma: no cover - the last look returns


async def _doubt(
    api: SentryApi, watch: Watch, what: str, errors: Iterable[ApiError] = ()
) -> ApiError | str | None:
    """Return what speaks against all of it having held at once, None if nothing does."""
    if watch.is_one_answer or any(error.reason in FATAL for error in errors):
        return None  # what is fatal has made a gap already
    try:
        await _look_again(api, watch)
    except ApiError as error:
        return error
    if not watch.changed:
        return None
    for name, page in watch.pages.items():
        if page.listing.path in watch.changed:
            api.journal.forget(name)
    return (
        f"The {what} did not hold still: read {MOST_LOOKS} times, it differed each"
        " time from a second look, so that rows may be missing or mixed from different moments."
        " Run again when less is changed there."
    )


async def _look_again(api: SentryApi, watch: Watch) -> None:
    """Compare every page with what it says now; raises ApiError where it cannot be had."""
    pages = iter(list(watch.pages.values()))
    failed: list[ApiError] = []

    async def worker() -> None:
        for page in pages:
            if failed:
                return
            try:
                same = await api.says_the_same(page)
            except ApiError as error:
                failed.append(error)
                return
            if not same:
                watch.changed.add(page.listing.path)

    async with asyncio.TaskGroup() as group:
        for _ in range(_AT_ONCE):
            group.create_task(worker())
    if failed:
        raise failed[0]


def note_doubt(
    ledger: Ledger, organization: str | None, tables: Iterable[str], problem: ApiError | str | None
) -> None:
    """Note what `settle` or `steady` found to speak against what was read, if anything."""
    if isinstance(problem, ApiError):
        message = (
            "the second look, which tells whether anything changed while it was read, failed:"
            f" {problem.message}"
        )
        again = ApiError(problem.reason, message, where=problem.where, remedy=problem.remedy)
        ledger.failed(tables, again, organization=organization)
    elif problem is not None:
        for table in tables:
            ledger.missing(table, problem, organization=organization, project=None)


async def _keep(output: Output, place: OrganizationBase, sink: Sink, draft: Draft) -> None:
    output.ledger.take(sink.ledger)
    output.warnings.update(sink.warnings)
    if output.usage is None:
        output.spool.take(draft)
        return
    batch: list[dict[str, Any]] = []
    for envelope in draft.envelopes():
        batch.append(envelope)
        if len(batch) == _BATCH:
            await _measure(output, place, batch)
            batch = []
    await _measure(output, place, batch)


async def _measure(output: Output, place: OrganizationBase, batch: list[dict[str, Any]]) -> None:
    keys = [
        (one["record"], one["project"] or project_id(one["record"]))
        for one in batch
        if one["kind"] == KEY
    ]
    if output.usage is not None:
        await output.usage.add_to(place, keys)
    for one in batch:
        output.spool.add(
            one["kind"],
            one["record"],
            organization=one["organization"],
            project=one["project"],
        )


class _Tally:
    """Counts of one look, which can be taken back."""

    def __init__(self, count: Count) -> None:
        self._count = count
        self._added: dict[str, int] = {}

    def __call__(self, **counts: int) -> None:
        for name, number in counts.items():
            self._added[name] = self._added.get(name, 0) + number
        self._count(**counts)

    def undo(self) -> None:
        self._count(**{name: -number for name, number in self._added.items()})
