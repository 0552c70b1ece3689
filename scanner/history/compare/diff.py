"""What is different between two moments: in come two snapshots, out comes each finding's class.

Every finding of the second is new, reopened, demanded, uncovered or still there; every one of the
first is fixed, released, unseen or still there. A finding that came or went is put down to the keys
only where both looked at its place and held it against the same.
"""

from collections.abc import Iterable, Iterator

import msgspec

from scanner.history.compare.snapshot import Snapshot
from scanner.model.finding import is_same
from scanner.model.history import TrackedFinding
from scanner.model.inventory import Reach, Scope
from scanner.model.outcome import WORST_FIRST, Disposition
from scanner.report.parts.changes import changes
from scanner.triage.decide import is_worse

Tracked = tuple[TrackedFinding, ...]


class Diff(msgspec.Struct, frozen=True):
    """Findings by what became of them, the worst first.

    `demanded` came and `released` went with a rule, `uncovered` are where the first did not look,
    `unseen` where the second did not. Among `still` are three more: `waived` were open and are
    waived or in the baseline now, `lapsed` the other way, and `worse` are open, and of a higher
    severity or a worse outcome than they were. `notes` say what else of the two is different.
    """

    new: Tracked
    reopened: Tracked
    demanded: Tracked
    uncovered: Tracked
    fixed: Tracked
    released: Tracked
    unseen: Tracked
    still: Tracked
    waived: Tracked
    lapsed: Tracked
    worse: Tracked
    notes: tuple[str, ...]


def diff(first: Snapshot, second: Snapshot) -> Diff:
    """Compare two moments; findings are as the one has them that they are of, the second before."""
    came: dict[str, list[TrackedFinding]] = {}
    still, waived, lapsed, worse = [], [], [], []
    moved = _moved(first, second)
    for name, one in second.findings.items():
        before = first.findings.get(name) or moved.get(name)
        if before is None:
            came.setdefault(_how_it_came(first, second, one), []).append(one)
            continue
        still.append(one)
        was_open, is_open = (found.disposition is Disposition.OPEN for found in (before, one))
        if was_open and not is_open:
            waived.append(one)
        elif is_open and not was_open:
            lapsed.append(one)
        if is_open and is_worse(one.severity, one.outcome, before):
            worse.append(one)
    went: dict[str, list[TrackedFinding]] = {}
    elsewhere = {one.fingerprint for one in moved.values()}
    for name, one in first.findings.items():
        if name not in second.findings and name not in elsewhere:
            went.setdefault(_how_it_went(first, second, one), []).append(one)
    return Diff(
        **{
            name: ordered(came.get(name, ()))
            for name in ("new", "reopened", "demanded", "uncovered")
        },
        **{name: ordered(went.get(name, ())) for name in ("fixed", "released", "unseen")},
        still=ordered(still),
        waived=ordered(waived),
        lapsed=ordered(lapsed),
        worse=ordered(worse),
        notes=(*changes(first.point, second.point), *_narrowness(first, second)),
    )


def _narrowness(first: Snapshot, second: Snapshot) -> Iterator[str]:
    """Say what the two do not tell of: of both at once, or of one of them."""
    ours, theirs = list(_narrowed(first)), list(_narrowed(second))
    yield from (f"both {words}" for words in ours if words in theirs)
    yield from (f"{first.label} {words}" for words in ours if words not in theirs)
    yield from (f"{second.label} {words}" for words in theirs if words not in ours)


def _narrowed(one: Snapshot) -> Iterator[str]:
    """Say what a side does not tell of; organizations are told where they differ."""
    if one.owners is not None:
        yield f"told the findings of {' and '.join(one.owners)} alone"
    if one.scope.projects:
        yield f"looked at {_projects(one.scope)} alone"
    for told in dict.fromkeys(told for reach in one.reaches for told in _lacks(reach, one.scope)):
        yield f"had an input {told}"


def _lacks(reach: Reach, scope: Scope) -> Iterator[str]:
    """Say what an input lacks of what the scan was asked about."""
    if reach.scope is not None and reach.scope.projects not in {(), scope.projects}:
        yield f"of {_projects(reach.scope)} alone"
    if reach.filters:
        yield f"that was fetched with a filter ({', '.join(sorted(reach.filters))})"


def _projects(scope: Scope) -> str:
    plural = "s" if len(scope.projects) > 1 else ""
    return f"project{plural} {' and '.join(scope.projects)}"


def _moved(first: Snapshot, second: Snapshot) -> dict[str, TrackedFinding]:
    """Return what findings of the second were in the first, where only their place was another."""
    gone: dict[tuple[str, str], list[TrackedFinding]] = {}
    for name, one in first.findings.items():
        if name not in second.findings:
            gone.setdefault((one.rule, one.id), []).append(one)
    is_one_server = first.server is not None and first.server == second.server
    moved: dict[str, TrackedFinding] = {}
    taken: set[str] = set()
    for name, one in second.findings.items() if gone else ():
        if name in first.findings:
            continue
        for other in gone.get((one.rule, one.id), ()):
            if other.fingerprint not in taken and is_same(
                other.organization, one.organization, is_one_server=is_one_server
            ):
                taken.add(other.fingerprint)
                moved[name] = other
                break
    return moved


def _how_it_came(first: Snapshot, second: Snapshot, one: TrackedFinding) -> str:
    rule = first.rules.get(one.rule)
    if rule is None or not rule.is_as(second.rules[one.rule]):
        return "demanded"
    if not first.saw(one, second):
        return "uncovered"
    # What went with a rule alone, and came with the keys, was never fixed.
    was_fixed = one.fixed_at is not None and one.first_seen <= first.point.as_of < one.opened
    return "reopened" if was_fixed else "new"


def _how_it_went(first: Snapshot, second: Snapshot, one: TrackedFinding) -> str:
    rule = second.rules.get(one.rule)
    if rule is None or not rule.is_as(first.rules[one.rule]):
        return "released"
    return "fixed" if second.saw(one, first) else "unseen"


def ordered(findings: Iterable[TrackedFinding]) -> Tracked:
    """Return findings as people read them: the worst first, then by rule and place."""
    rank = {severity: place for place, severity in enumerate(WORST_FIRST)}
    return tuple(
        sorted(
            findings,
            key=lambda one: (
                rank[one.severity],
                one.rule,
                one.organization or "",
                one.project or "",
                one.name or "",
                one.id,
            ),
        )
    )
