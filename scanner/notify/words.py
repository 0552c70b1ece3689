"""A digest in the words that people read, the same in every channel; no markup yet."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from scanner.base.text import clock, plural
from scanner.model.outcome import WORST_FIRST
from scanner.model.run import GateResult
from scanner.notify.digest import Digest, ScanChanges, WorstFinding
from scanner.report.parts.subject import EVERYTHING

_RESULTS = {
    GateResult.PASSED: "gate passed",
    GateResult.FAILED: "gate failed",
    GateResult.INCOMPLETE: "incomplete",
}


def title(digest: Digest) -> str:
    """Return the message in a line, of our own words and numbers alone."""
    if not digest.run:
        return "keypolicy: no scan, as nothing could be seen"
    test = "test message, " if digest.is_test else ""
    late = f", {digest.overdue:,} overdue" if digest.overdue else ""
    return f"keypolicy: {test}{_RESULTS[digest.result]}, {_open(digest)}{late}"


def facts(digest: Digest) -> Iterator[tuple[str, str]]:
    """Give what is told before the findings: a label, and text of at most 560 characters."""
    if digest.is_test:
        yield "Test", "This message is about no scan. It shows what one looks like."
    yield "Gate", _inert(_several(digest.reasons, digest.reasons_total, "reason"))
    if digest.run:
        yield "Change", change(digest.changes, digest.result)
    if digest.gaps_total:
        yield "Not seen", _inert(_several(digest.gaps, digest.gaps_total, "gap"))
    if digest.shows:
        yield "Shows", _inert(digest.shows)


def change(changes: ScanChanges | None, now: GateResult) -> str:
    """Say what is different, in a sentence without its stop."""
    if changes is None:
        return "there is nothing to compare with yet"
    counted = [f"{number:,} {what}" for what, number in changes.counts.items() if number]
    told = ", ".join(counted) or "no finding came or went"
    if changes.was is not None and changes.was is not now:
        told += f"; the verdict was: {_RESULTS[changes.was]}"
    if changes.is_seen_otherwise:
        told += "; what cannot be seen changed"
    since = "" if changes.since is None else f" of {clock(changes.since)}"
    return f"since {changes.against}{since}: {told}"


def heading(digest: Digest) -> str:
    """Return what stands above the findings that are named; empty where there are none."""
    if not digest.worst:
        return ""
    shown = len(digest.worst)
    if shown >= digest.open_total:
        return f"The {plural(shown, 'open finding')}" if shown > 1 else "The open finding"
    return f"The worst {shown} of {digest.open_total:,} open"


def finding(one: WorstFinding) -> tuple[str, str, str]:
    """Return a finding as what comes first, what it is about, and the rest."""
    dates = []
    if one.first_seen is not None:
        dates.append(f"since {_day(one.first_seen)}")
    if one.due is not None:
        dates.append(f"{'overdue since' if one.is_overdue else 'due'} {_day(one.due)}")
    told = f" ({', '.join(dates)})" if dates else ""
    return f"{one.severity} {one.rule}", _inert(one.subject), _inert(f"{one.message}{told}")


def footer(digest: Digest) -> str:
    """Return what the message is about: organizations, time, policies, run."""
    scope = ", ".join(digest.organizations) or EVERYTHING
    more = digest.organizations_total - len(digest.organizations)
    scope += f" and {more:,} more" if more > 0 else ""
    run = f"run {digest.run}" if digest.run else ""
    parts = (scope, f"as of {clock(digest.as_of)}", ", ".join(digest.policies), run)
    return _inert("; ".join(filter(None, parts)))


def _open(digest: Digest) -> str:
    counts = ", ".join(f"{digest.open[one]:,} {one}" for one in WORST_FIRST if digest.open[one])
    return f"{digest.open_total:,} open" + (f" ({counts})" if counts else "")


def _several(shown: Sequence[str], total: int, noun: str) -> str:
    more = total - len(shown)
    return "; ".join(shown) + (f"; and {plural(more, f'more {noun}')}" if more > 0 else "")


def _inert(text: str) -> str:
    """Return text in which no client finds an address to link, as they do in plain text, too."""
    return text.replace("://", ":\u200b//")


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d}"
