"""What the user of a scan should know about its waivers and its baseline, in sentences."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Final

from scanner.base.text import plural
from scanner.model.waiver import WaiverState, WaiverUse
from scanner.triage.decide import DecisionLog

_MOST_NAMES: Final = 5
"""Changed names that are told one by one."""


def unused(uses: Iterable[WaiverUse]) -> tuple[str, ...]:
    """Name the waivers that cover nothing."""
    return tuple(_unused(use) for use in uses if use.is_unused)


def deadlines(uses: Iterable[WaiverUse]) -> Iterator[str]:
    """Name the waivers that have lapsed, and those that soon will."""
    for use in uses:
        waiver = use.waiver
        if use.state is WaiverState.LAPSED and use.findings:
            ended = f"lapsed after {waiver.expires} and covers nothing any more"
            yield f"{_name(use)} {ended}: {_open(use)} (owner: {waiver.owner})"
        elif use.state is WaiverState.EXPIRING and not use.is_unused:
            days = use.days_left
            when = {0: "today", 1: "tomorrow"}.get(days, f"in {plural(days, 'day')}")
            covers = plural(use.decided, "finding")
            yield (
                f"{_name(use)} expires {when}, at the end of {waiver.expires} (UTC);"
                f" it covers {covers} (owner: {waiver.owner})"
            )


def baseline(path: Path, fixed: int, ledger: DecisionLog) -> Iterator[str]:
    """Tell what became of the baseline's findings."""
    if fixed:
        are = "is" if fixed == 1 else "are"
        yield (
            f"{path}: {plural(fixed, 'finding')} of the baseline {are} fixed;"
            " `keypolicy baseline prune` takes them out"
        )
    if worsened := ledger.worsened:
        are = "is" if worsened == 1 else "are"
        yield (
            f"{path}: {plural(worsened, 'finding')} of the baseline got worse and {are} open again"
        )
    yield from _renamed(path, ledger.renamed)


def _renamed(path: Path, renamed: Collection[tuple[str, str, str]]) -> Iterator[str]:
    """Tell what the baseline calls otherwise than the inventory."""
    for kind, old, new in sorted(renamed)[:_MOST_NAMES]:
        yield (
            f"{path}: the {kind} that the baseline calls {old!r} is now called {new!r};"
            " `keypolicy baseline write` takes the new name up"
        )
    if len(renamed) > _MOST_NAMES:
        yield f"{path}: {len(renamed) - _MOST_NAMES:,} more are called otherwise in the baseline"


def _unused(use: WaiverUse) -> str:
    if use.resources:
        seen = plural(use.resources, "resource")
        why = f"matches {seen}, but its rules have no finding there"
    else:
        why = "matches no resource"
    return f"{_name(use)} covers nothing: it {why}; remove it"


def _open(use: WaiverUse) -> str:
    if not use.decided:
        return "others cover its findings"
    return f"{plural(use.decided, 'finding')} {'is' if use.decided == 1 else 'are'} open again"


def _name(use: WaiverUse) -> str:
    return f"{use.waiver.location}: waiver `{use.waiver.id}`"
