"""What the user of a scan should know about its waivers and its baseline, in sentences."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from scanner.model.waiver import WaiverState, WaiverUse


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
            when = {0: "today", 1: "tomorrow"}.get(use.days_left, f"in {use.days_left} days")
            covers = _plural(use.decided, "finding")
            yield (
                f"{_name(use)} expires {when}, at the end of {waiver.expires} (UTC);"
                f" it covers {covers} (owner: {waiver.owner})"
            )


def baseline(path: Path, fixed: int, worsened: int) -> Iterator[str]:
    """Tell what became of the baseline's findings."""
    if fixed:
        are = "is" if fixed == 1 else "are"
        yield (
            f"{path}: {_plural(fixed, 'finding')} of the baseline {are} fixed;"
            " `keypolicy baseline prune` takes them out"
        )
    if worsened:
        are = "is" if worsened == 1 else "are"
        yield (
            f"{path}: {_plural(worsened, 'finding')} of the baseline got worse and {are} open again"
        )


def _unused(use: WaiverUse) -> str:
    if use.resources:
        seen = _plural(use.resources, "resource")
        why = f"matches {seen}, but its rules have no finding there"
    else:
        why = "matches no resource"
    return f"{_name(use)} covers nothing: it {why}; remove it"


def _open(use: WaiverUse) -> str:
    if not use.decided:
        return "others cover its findings"
    return f"{_plural(use.decided, 'finding')} {'is' if use.decided == 1 else 'are'} open again"


def _name(use: WaiverUse) -> str:
    return f"{use.waiver.location}: waiver `{use.waiver.id}`"


def _plural(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
