"""What becomes of findings between two runs: a run closes only what it looked at."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import Location
from scanner.history.track import REMEMBERED, UNSEEN, Before, track
from scanner.model.coverage import Gap
from scanner.model.finding import Identity, Place
from scanner.model.history import Fate, TrackedFinding
from scanner.model.inventory import Reach, Scope
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.rule import Predicate, Rule
from scanner.triage.decide import Decision
from scanner.triage.interface import Sight

TABLE = "sentry_key"
DAY = datetime(2026, 6, 1, tzinfo=UTC)
HERE = Location("p.yaml", 1, 1)
ORGANIZATIONS, PROJECTS, IDS, RULES = ("o1", "o2"), ("p1", "p2"), ("a", "b", "c"), ("r1", "r2")


class Key(NamedTuple):
    organization: str
    project: str
    id: str


def rule(name: str = "r1", demand: str = "x", severity: Severity = Severity.HIGH) -> Rule:
    return Rule(
        id=name,
        policy="p",
        title="t",
        severity=severity,
        resource=TABLE,
        requirement=Predicate(demand, {}, HERE),
        location=HERE,
    )


class World:
    """Keys, and which of them fail which rule: what `Facts` tells of it."""

    def __init__(self, keys: Iterable[Key], failing: Iterable[tuple[str, Key]]) -> None:
        self.keys = frozenset(keys)
        self.failing = frozenset(failing)

    def seen(self, scope: Scope, gaps: Sequence[Gap]) -> "World":
        keys = {
            key
            for key in self.keys
            if (not scope.organizations or key.organization in scope.organizations)
            and (not scope.projects or key.project in scope.projects)
            and not any(
                gap.organization == key.organization and gap.project in {None, key.project}
                for gap in gaps
            )
        }
        return World(keys, {(name, key) for name, key in self.failing if key in keys})

    def identities(self, of: Rule, predicates: Sequence[int]) -> list[Identity]:
        assert not predicates
        return [
            Identity(Outcome.FAIL, key.organization, key.project, key.id, [], key.project, "n")
            for name, key in sorted(self.failing)
            if name == of.id
        ]

    def spread(self, of: Rule) -> dict[tuple[str | None, str | None], int]:
        raise AssertionError(of)

    def matches(self, predicate: int) -> int:
        raise AssertionError(predicate)

    def existing(self, table: str, ids: frozenset[str]) -> list[tuple[str, Place]]:
        return [(key.id, _place(key)) for key in self.keys if table == TABLE and key.id in ids]

    def places(self, table: str) -> list[Place]:
        return [_place(key) for key in self.keys if table == TABLE]


def _place(key: Key) -> Place:
    return Place(key.organization, key.project, key.project)


def run(
    world: World,
    before: Before | None = None,
    *,
    day: int = 0,
    rules: Sequence[Rule] = (rule(),),
    scope: Scope | None = None,
    gaps: Sequence[Gap] = (),
    decisions: dict[str, Decision] | None = None,
    sla: dict[Severity, timedelta] | None = None,
    is_one_server: bool = False,
) -> Before:
    """Track one run and return what the next one is to carry on."""
    asked = scope or Scope()
    reaches = (Reach(frozenset({TABLE}), Scope()),)
    sight = Sight(asked, {TABLE: tuple(gaps)}, reaches, is_one_server)
    found = track(
        rules,
        world.seen(asked, gaps),
        sight,
        decisions or {},
        before,
        DAY + timedelta(days=day),
        sla or {},
    )
    demands = {**(before.demands if before else {}), **{one.id: one.demand for one in rules}}
    return Before({one.fingerprint: one for one in found}, demands)


def fates(after: Before) -> dict[str, Fate]:
    return {one.id: one.fate for one in after.findings.values()}


def only(after: Before) -> TrackedFinding:
    (found,) = after.findings.values()
    return found


A = Key("o1", "p1", "a")
FAILS, PASSES = World([A], [("r1", A)]), World([A], [])
NOTHING = World([Key("o1", "p1", "z")], [])


def test_a_finding_through_its_life() -> None:
    first = run(FAILS)
    assert (only(first).fate, only(first).opened) == (Fate.NEW, DAY)
    second = run(FAILS, first, day=1)
    assert (only(second).fate, only(second).first_seen) == (Fate.STILL, DAY)
    third = run(PASSES, second, day=4)
    assert (only(third).fate, only(third).days_to_fix) == (Fate.FIXED, 4.0)
    fourth = run(PASSES, third, day=5)
    assert (only(fourth).fate, only(fourth).fixed_at) == (Fate.GONE, DAY + timedelta(days=4))
    fifth = run(FAILS, fourth, day=6)
    back = only(fifth)
    assert (back.fate, back.reopened, back.first_seen) == (Fate.REOPENED, 1, DAY)
    assert back.opened == DAY + timedelta(days=6)
    assert only(run(FAILS, fifth, day=7)).opened == DAY + timedelta(days=6)


def test_what_was_fixed_is_remembered_for_a_while() -> None:
    fixed = run(PASSES, run(FAILS), day=1)
    assert run(PASSES, fixed, day=1 + REMEMBERED.days).findings
    assert not run(PASSES, fixed, day=2 + REMEMBERED.days).findings


def test_a_key_that_is_gone_is_told_once() -> None:
    fixed = run(NOTHING, run(FAILS), day=1)
    assert (only(fixed).fate, only(fixed).is_removed) == (Fate.FIXED, True)
    assert not run(NOTHING, fixed, day=2).findings
    assert only(run(FAILS, run(NOTHING, fixed, day=2), day=3)).fate is Fate.NEW


@pytest.mark.parametrize("between", [False, True])
@pytest.mark.parametrize(
    ("meanwhile", "away", "fate", "days"),
    [
        (PASSES, REMEMBERED.days, Fate.REOPENED, 0),
        (PASSES, REMEMBERED.days + 1, Fate.NEW, REMEMBERED.days + 2),
        (NOTHING, 1, Fate.NEW, 2),
    ],
)
def test_what_comes_back_is_told_alike_whether_or_not_a_run_came_between(
    meanwhile: World, away: int, fate: Fate, days: int, *, between: bool
) -> None:
    past = run(meanwhile, run(FAILS), day=1)
    if between:
        past = run(meanwhile, past, day=1 + away)
    back = only(run(FAILS, past, day=1 + away))
    assert (back.fate, back.first_seen) == (fate, DAY + timedelta(days=days))
    assert (back.reopened, back.opened) == (fate is Fate.REOPENED, DAY + timedelta(days=1 + away))
    assert (back.fixed_at is None) is (fate is Fate.NEW)


def test_a_rule_that_demands_something_else() -> None:
    before = run(PASSES)
    other = (rule(demand="y"),)
    demanded = run(FAILS, before, day=1, rules=other)
    assert only(demanded).fate is Fate.DEMANDED
    released = run(PASSES, demanded, day=2)
    assert (only(released).fate, only(released).fixed_at) == (Fate.RELEASED, None)
    gone = run(PASSES, released, day=3)
    assert only(gone).days_to_fix is None
    # Its time to be fixed begins anew: meanwhile the rule did not ask for it.
    back = only(run(FAILS, gone, day=4))
    assert (back.fate, back.opened, back.first_seen) == (
        Fate.NEW, DAY + timedelta(days=4), DAY + timedelta(days=1),
    )  # fmt: skip


def test_what_went_with_its_rule_is_remembered_from_when_it_was_found_last() -> None:
    """Though it was fixed once, long before."""
    back = run(FAILS, run(PASSES, run(FAILS), day=1), day=2)
    late = run(FAILS, back, day=200)
    gone = run(PASSES, late, day=201, rules=(rule(demand="y"),))
    assert only(gone).fate is Fate.RELEASED
    assert only(run(PASSES, gone, day=202, rules=(rule(demand="y"),))).fate is Fate.GONE
    again = only(run(FAILS, gone, day=203))
    assert (again.fate, again.first_seen) == (Fate.DEMANDED, DAY)


def test_another_severity_is_no_other_demand() -> None:
    before = run(FAILS)
    after = run(PASSES, before, day=1, rules=(rule(severity=Severity.LOW),))
    assert only(after).fate is Fate.FIXED


def test_a_rule_that_is_not_run_is_unseen_until_it_is() -> None:
    before = run(FAILS, rules=(rule(), rule("r2")))
    unseen = run(FAILS, before, day=1, rules=(rule("r2"),))
    assert only(unseen).fate is Fate.UNSEEN
    assert only(run(FAILS, unseen, day=2, rules=(rule(), rule("r2")))).fate is Fate.STILL
    assert not run(FAILS, unseen, day=UNSEEN.days + 1, rules=(rule("r2"),)).findings


def test_due_counts_from_when_it_was_opened() -> None:
    sla = {Severity.HIGH: timedelta(days=10)}
    first = run(FAILS, sla=sla)
    later = run(FAILS, first, day=3, sla=sla)
    assert only(later).due == DAY + timedelta(days=10)
    assert not only(later).is_overdue(DAY + timedelta(days=10))
    assert only(later).is_overdue(DAY + timedelta(days=10, seconds=1))
    back = run(FAILS, run(PASSES, later, day=4, sla=sla), day=5, sla=sla)
    assert only(back).due == DAY + timedelta(days=15)
    assert only(run(FAILS, sla={Severity.LOW: timedelta(days=1)})).due is None


def test_what_a_baseline_knows_longer_counts() -> None:
    name = only(run(FAILS)).fingerprint
    earlier = DAY - timedelta(days=30)
    known = {name: Decision(Disposition.BASELINED, first_seen=earlier)}
    found = only(run(FAILS, decisions=known))
    assert (found.first_seen, found.opened, found.disposition) == (
        earlier,
        earlier,
        Disposition.BASELINED,
    )
    assert not found.is_overdue(DAY + timedelta(days=999))


WEB, API, OTHER = Key("o1", "p1", "a"), Key("o1", "p2", "a"), Key("o2", "p1", "a")
REST = [Key("o1", "p1", "z"), Key("o1", "p2", "z"), Key("o2", "p1", "z")]
SLA = {Severity.HIGH: timedelta(days=10)}


def at(key: Key, *, fails: bool = True) -> World:
    return World([key, *REST], [("r1", key)] if fails else [])


@pytest.mark.parametrize("is_one_server", [False, True])
@pytest.mark.parametrize("course", [(API,), (API, API, API), (API, WEB), (API, WEB, API, API)])
def test_a_key_that_moves_takes_its_finding_along(
    course: tuple[Key, ...], *, is_one_server: bool
) -> None:
    known = run(at(WEB), sla=SLA)
    for day, key in enumerate(course, start=1):
        known = run(at(key), known, day=day, sla=SLA, is_one_server=is_one_server)
        one = only(known)
        assert (one.project, one.fate, one.opened) == (key.project, Fate.STILL, DAY)
        assert (one.first_seen, one.due) == (DAY, DAY + timedelta(days=10))
    fixed = only(run(at(course[-1], fails=False), known, day=9))
    assert (fixed.fate, fixed.days_to_fix, fixed.is_removed) == (Fate.FIXED, 9.0, False)
    # What is fixed at one place comes back at another.
    fixed_ = run(at(course[-1], fails=False), known, day=9)
    back = only(run(at(WEB if course[-1] is API else API), fixed_, day=10, sla=SLA))
    assert (back.fate, back.reopened, back.opened) == (
        Fate.REOPENED, 1, DAY + timedelta(days=10),
    )  # fmt: skip


def test_a_key_moves_between_organizations_of_one_server_alone() -> None:
    moved = only(run(at(OTHER), run(at(WEB)), day=1, is_one_server=True))
    assert (moved.organization, moved.fate, moved.opened) == ("o2", Fate.STILL, DAY)
    apart = run(at(OTHER), run(at(WEB)), day=1)
    assert {one.organization: one.fate for one in apart.findings.values()} == {
        "o1": Fate.FIXED,
        "o2": Fate.NEW,
    }


def test_a_key_that_moves_and_passes_is_fixed() -> None:
    assert only(run(at(API, fails=False), run(at(WEB)), day=1)).fate is Fate.FIXED


def test_what_an_earlier_release_counted_twice_is_one_again() -> None:
    first, second = only(run(at(WEB))), only(run(at(API), day=3))
    unseen = msgspec.structs.replace(first, fate=Fate.UNSEEN)
    both = Before({one.fingerprint: one for one in (unseen, second)}, {"r1": "x"})
    one = only(run(at(API), both, day=4))
    assert (one.project, one.fate, one.opened) == ("p2", Fate.STILL, DAY)


KEYS = st.builds(
    Key, st.sampled_from(ORGANIZATIONS), st.sampled_from(PROJECTS), st.sampled_from(IDS)
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    keys = draw(st.frozensets(KEYS, max_size=8))
    pairs = st.tuples(st.sampled_from(RULES), st.sampled_from(sorted(keys) or [A]))
    return World(keys, [pair for pair in draw(st.frozensets(pairs)) if pair[1] in keys])


SCOPES = st.builds(
    Scope,
    st.lists(st.sampled_from(ORGANIZATIONS), unique=True, max_size=1).map(tuple),
    st.lists(st.sampled_from(PROJECTS), unique=True, max_size=1).map(tuple),
)
GAPS = st.lists(
    st.builds(
        Gap,
        st.just("denied"),
        st.sampled_from(ORGANIZATIONS),
        st.sampled_from([None, *PROJECTS]),
    ),
    max_size=2,
)


def _moved(pair: tuple[str, Key], world: World) -> bool:
    """Whether the world has the finding in another project of the organization."""
    name, key = pair
    return any(
        of == name and (one.organization, one.id) == (key.organization, key.id) and one != key
        for of, one in world.failing
    )


@given(worlds(), worlds(), SCOPES, GAPS, st.sets(st.sampled_from(RULES), min_size=1))
def test_a_narrower_scan_never_closes_what_it_did_not_see(
    first: World, second: World, scope: Scope, gaps: list[Gap], names: set[str]
) -> None:
    before = run(first, rules=[rule(name) for name in RULES])
    rules = [rule(name) for name in sorted(names)]
    after = run(second, before, day=1, rules=rules, scope=scope, gaps=gaps)
    seen = second.seen(scope, gaps)
    found = {(one.rule, Key(one.organization or "", one.project or "", one.id)): one.fate
             for one in after.findings.values()}  # fmt: skip
    for pair in first.failing:
        name, key = pair
        looked = (
            name in names
            and (not scope.organizations or key.organization in scope.organizations)
            and (not scope.projects or key.project in scope.projects)
            and not any(
                gap.organization == key.organization and gap.project in {None, key.project}
                for gap in gaps
            )
        )
        if pair in seen.failing and name in names:
            assert found[pair] is Fate.STILL
        elif name in names and _moved(pair, seen):
            assert pair not in found  # it goes on where the key is now
        elif not looked:
            assert found[pair] is Fate.UNSEEN
        else:
            # An organization or project of which nothing is left may be one that is not shown.
            assert found[pair] in {Fate.FIXED, Fate.UNSEEN}
            # And a key of this id elsewhere may be the one, whose place is told otherwise now.
            namesakes = {one for one in seen.keys if one.id == key.id} - {key}
            if any(one[:2] == key[:2] for one in seen.keys) and not namesakes:
                assert found[pair] is Fate.FIXED
    fresh = {pair for pair in seen.failing if pair[0] in names} - first.failing
    fresh -= {pair for pair in fresh if _moved(pair, first) and not _moved(pair, seen)}
    assert {pair for pair, fate in found.items() if fate is Fate.NEW} == fresh
