"""What remedies propose: findings with remedies go in, what each asks of its key comes out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final, Protocol, runtime_checkable

import msgspec

from scanner.model.finding import Finding
from scanner.model.run import Run
from scanner.policy.actions import state_reader
from scanner.policy.actions.interface import (
    Action,
    KeyUsage,
    NotPossibleError,
    Proposal,
    Situation,
)
from scanner.remediate.document import KeyTarget, KeyTraffic, Left, State
from scanner.remediate.keys import KnownKey, Rows, known_keys

PERIOD_DAYS: Final = 30
"""The days that sums of usage in an inventory are about."""


@runtime_checkable
class Metered(Protocol):
    """A source that can be asked what keys accept."""

    def usage(self, keys: Iterable[tuple[str, str, str]]) -> Mapping[str, KeyUsage | str]:
        """Return by id what keys (organization, project, id) accepted by the hour, or why not."""
        ...


class Knowledge(msgspec.Struct, frozen=True):
    """What can be asked about keys while a plan is made.

    `rows` gives columns of rows by table and id. `meter` tells what keys accept; None where nothing
    can. `headroom` is the factor by which a limit is to be higher than what is in use. `keys` gives
    all keys of a table as of `as_of`; None where not all are known, as in a report.
    """

    rows: Rows
    meter: Metered | None = None
    headroom: float = 2.0
    keys: Callable[[str], Sequence[KnownKey]] | None = None
    as_of: datetime | None = None

    @classmethod
    def of(cls, run: Run, source: object, headroom: float = 2.0) -> "Knowledge":
        """Return what a scan of a source can be asked, while its database is open."""
        rows = run.rows
        assert rows is not None  # noqa: S101 - a scan always has its rows
        keys = cache(lambda table: known_keys(rows, table))
        meter = source if isinstance(source, Metered) else None
        return cls(rows, meter, headroom, keys, run.info.as_of)


class Wanted(msgspec.Struct, frozen=True):
    """What the remedy of a finding proposes for its key, whose state was so."""

    finding: Finding
    target: KeyTarget
    action: Action[Any]
    proposal: Proposal
    state: State
    traffic: KeyTraffic | None


def joined(alike: Sequence[Wanted]) -> State | None:
    """Return the fields that become other by one action; None where it deletes the key.

    Members that stay are told with those that do not, as a server might reset them.
    """
    made: State = {}
    for one in alike:
        if one.proposal.after is None:
            return None
        for field, value in one.proposal.after.items():
            before: Any = made.get(field, one.state.get(field))
            made[field] = {**before, **value} if field in one.action.merges else value
    state, lacking = alike[0].state, object()
    return {field: value for field, value in made.items() if state.get(field, lacking) != value}


class Remediable(msgspec.Struct, frozen=True):
    """An open finding with a remedy."""

    finding: Finding
    action: Action[Any]
    arguments: Any


def proposals(cases: Sequence[Remediable], known: Knowledge, left: list[Left]) -> list[Wanted]:
    """Ask every remedy what it proposes; those that propose nothing are left."""
    rows = _rows(cases, known)
    targets = [
        target_of(one.finding, rows.get((one.finding.resource.type, one.finding.resource.id), {}))
        for one in cases
    ]
    cut = [target for one, target in zip(cases, targets, strict=True) if one.action.cuts]
    asked = {(target.organization, target.project, target.id) for target in cut}
    usage = known.meter.usage(sorted(asked)) if known.meter is not None and asked else {}
    wanted: list[Wanted] = []
    for one, target in zip(cases, targets, strict=True):
        resource = one.finding.resource
        row = rows.get((resource.type, resource.id))
        reader = state_reader(resource.type)
        state = reader.state(row) if reader and row is not None else {}
        lacking = [field for field in one.action.needs if field not in state]
        if row is None:
            left.append(Left.of(one.finding, target, "gone", "the inventory has no such row"))
        elif lacking:
            reason = f"the source did not tell its {' and '.join(lacking)}"
            left.append(Left.of(one.finding, target, "unknown-state", reason))
        elif not (target.organization and target.project):
            reason = "the source did not tell its organization and project"
            left.append(Left.of(one.finding, target, "unknown-state", reason))
        else:
            told = usage.get(target.id, "")
            situation = Situation(
                organization=target.organization,
                project=target.project,
                state=state,
                usage=told if isinstance(told, KeyUsage) else None,
                why_not=told if isinstance(told, str) else "",
                headroom=known.headroom,
            )
            sums = row.get(reader.traffic) if reader else None
            try:
                proposal = one.action.propose(one.arguments, situation)
            except NotPossibleError as error:
                left.append(Left.of(one.finding, target, error.code, error.reason))
            else:
                made = _traffic(situation.usage, sums)
                wanted.append(Wanted(one.finding, target, one.action, proposal, state, made))
    return [_created(one) if one.action.creates else one for one in wanted]


def _created(one: Wanted) -> Wanted:
    """Turn what a project lacks into the key that it is to have; it has no state yet."""
    name = (one.proposal.after or {}).get("name")
    target = msgspec.structs.replace(
        one.target, type=one.action.creates, id="", name=name, url=None
    )
    return msgspec.structs.replace(one, target=target, state={})


def _rows(
    cases: Sequence[Remediable], known: Knowledge
) -> dict[tuple[str, str], Mapping[str, Any]]:
    ids: dict[str, set[str]] = {}
    for one in cases:
        ids.setdefault(one.finding.resource.type, set()).add(one.finding.resource.id)
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for table, wanted in ids.items():
        reader = state_reader(table)
        columns = (*reader.columns, reader.traffic) if reader else ("id",)
        for key, row in known.rows(table, columns, wanted).items():
            found[table, key] = row
    return found


def target_of(finding: Finding, row: Mapping[str, Any]) -> KeyTarget:
    """Return where the key of a finding is."""
    resource = finding.resource
    number = row.get("project_id")
    return KeyTarget(
        type=resource.type,
        organization=resource.organization or "",
        project=resource.project or "",
        project_id=None if number is None else str(number),
        id=resource.id,
        name=resource.name,
        url=resource.url,
    )


def _traffic(usage: KeyUsage | None, sums: object) -> KeyTraffic | None:
    if usage is not None:
        return KeyTraffic(usage.accepted, usage.days)
    return KeyTraffic(sums, PERIOD_DAYS) if isinstance(sums, int) else None


def contrary(group: Sequence[Wanted]) -> dict[int, str]:
    """Return the places in `group`, all of one key, that stand against another, and why.

    To delete a key is contrary to whatever else is asked of it; two values for one field are
    contrary, also where one of them is the present one: a rule asks that it stays.
    """
    found: dict[int, str] = {}
    for number, one in enumerate(group):
        others = dict.fromkeys(
            f"rule {other.finding.rule_id} asks for {other.action.name}"
            for other in group
            if _clash(one, other)
        )
        if others:
            found[number] = (
                f"{one.action.name} is contrary to what others ask of the key: "
                f"{', '.join(others)}; neither is done"
            )
    return found


def _clash(one: Wanted, other: Wanted) -> bool:
    mine, theirs = one.proposal.after, other.proposal.after
    if mine is None or theirs is None:
        return (mine is None) is not (theirs is None)
    for field in mine.keys() & theirs.keys():
        a, b = mine[field], theirs[field]
        if field in one.action.merges and field in other.action.merges:
            if any(a[name] != b[name] for name in a.keys() & b.keys()):
                return True
        elif a != b:
            return True
    return False
