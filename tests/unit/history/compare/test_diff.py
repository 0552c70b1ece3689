"""A diff is what sets say, and blames the keys only where both looked for the same."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.history.compare.diff import Diff, diff
from scanner.history.compare.snapshot import Demand, Snapshot
from scanner.model.coverage import Gap
from scanner.model.history import Fate, TrackedFinding
from scanner.model.inventory import Reach, Scope
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import GateResult, TrendPoint
from tests.unit.history.factory import DAY, tracked

CAME = ("new", "reopened", "demanded", "uncovered")
WENT = ("fixed", "released", "unseen")


def snap(*findings: TrackedFinding, day: int = 0, **more: Any) -> Snapshot:
    point = TrendPoint(
        DAY + timedelta(days=day), GateResult.FAILED, {}, {}, {}, frozenset({"acme"})
    )
    values: dict[str, Any] = {
        "label": "x",
        "point": point,
        "rules": {name: Demand("mine", "sentry_key", "x", "t") for name in ("r1", "r2")},
        "findings": {one.fingerprint: one for one in findings},
        "absent": {},
        "scope": Scope(),
        "reaches": (),
        "gaps": {},
    }
    return Snapshot(**{**values, **more})


def names(found: Diff, part: str) -> set[str]:
    return {one.fingerprint for one in getattr(found, part)}


def filled(found: Diff) -> dict[str, set[str]]:
    return {part: names(found, part) for part in (*CAME, *WENT) if getattr(found, part)}


WEB = tracked("w", id="k", project="web")


@pytest.mark.parametrize(
    ("more", "servers", "is_one"),
    [
        ({"project": "app"}, (None, None), True),
        ({"project": None, "organization": None}, (None, None), True),
        ({"organization": "globex"}, ("s", "s"), True),
        ({"organization": "globex"}, ("s", "t"), False),
        ({"organization": "globex"}, (None, None), False),
        ({"rule": "r2"}, ("s", "s"), False),
        ({"id": "other"}, ("s", "s"), False),
    ],
)
def test_what_is_told_to_be_elsewhere_is_the_same(
    more: dict[str, Any], servers: tuple[str | None, str | None], *, is_one: bool
) -> None:
    moved = tracked("v", **{"id": "k", "project": "web", **more}, disposition=Disposition.WAIVED)
    seen = TrendPoint(DAY, GateResult.FAILED, {}, {}, {}, None)
    first, second = (
        snap(one, point=seen, server=server)
        for one, server in zip((WEB, moved), servers, strict=True)
    )
    found = diff(first, second)
    assert filled(found) == ({} if is_one else {"new": {"v"}, "fixed": {"w"}})
    assert names(found, "still") == names(found, "waived") == ({"v"} if is_one else set())


KEYS, APPS = frozenset({"sentry_key"}), frozenset({"sentry_app"})


@pytest.mark.parametrize(
    ("reaches", "saw"),
    [
        ((), True),
        ((Reach(KEYS, Scope()),), True),
        # What does not tell its scope has all of a project of which it has something.
        ((Reach(KEYS),), False),
        ((Reach(KEYS, Scope(("acme",), ("web",))),), True),
        ((Reach(KEYS, Scope(("globex",))),), False),
        ((Reach(KEYS, Scope((), ("app",))),), False),
        ((Reach(KEYS, Scope(), ("status",)),), False),
        ((Reach(APPS, Scope((), ("app",))),), True),
        # Of several inputs it is enough that one was asked for the place.
        ((Reach(KEYS, Scope(("globex",))), Reach(KEYS, Scope(("acme",)))), True),
        ((Reach(KEYS, Scope(), ("status",)), Reach(KEYS, Scope(("acme",)))), True),
        ((Reach(KEYS, Scope(("globex",))), Reach(APPS, Scope(("acme",)))), False),
    ],
)
def test_a_snapshot_saw_what_one_of_its_inputs_was_asked_for(
    reaches: tuple[Reach, ...], *, saw: bool
) -> None:
    assert snap(reaches=reaches).saw(tracked(), snap()) is saw
    assert not snap(reaches=reaches, scope=Scope((), ("app",))).saw(tracked(), snap())
    assert filled(diff(snap(tracked()), snap(reaches=reaches))) == {
        "fixed" if saw else "unseen": {"f1"}
    }


@pytest.mark.parametrize(
    ("there", "became"),
    [
        (("sentry_key", "acme", "web"), "fixed"),
        (("sentry_key", "acme", "app"), "unseen"),
        (("sentry_key", "globex", "web"), "unseen"),
        (("sentry_project", "acme", "web"), "unseen"),
    ],
)
def test_an_input_that_does_not_tell_its_scope_closes_what_it_has_a_project_of(
    there: tuple[str, str | None, str], became: str
) -> None:
    second = snap(reaches=(Reach(KEYS),), filled=frozenset({there}))
    assert filled(diff(snap(tracked(project="web")), second)) == {became: {"f1"}}


@pytest.mark.parametrize(
    ("gap", "here", "there", "became"),
    [
        ("web", [], [], "unseen"),
        (None, [], [], "unseen"),
        ("app", [], [], "unseen"),  # it may be what `web` is called now
        ("app", [], ["app"], "fixed"),  # both were there before
        ("app", ["web"], [], "fixed"),  # it is still called so
    ],
)
def test_a_gap_of_a_renamed_project_closes_nothing(
    gap: str | None, here: list[str], there: list[str], became: str
) -> None:
    def filled_by(*projects: str) -> frozenset[tuple[str, str | None, str]]:
        return frozenset(("sentry_key", "acme", one) for one in projects)

    first = snap(WEB, filled=filled_by("web", *there))
    gaps = {"sentry_key": (Gap("r", "acme", gap),)}
    second = snap(gaps=gaps, filled=filled_by(*here))
    assert filled(diff(first, second)) == {became: {"w"}}
    came = {"unseen": "uncovered", "fixed": "new"}[became]
    assert filled(diff(second, first)) == {came: {"w"}}


@pytest.mark.parametrize(
    ("owners", "owner", "went", "came"),
    [
        (None, "mine", "fixed", "new"),
        (("mine",), "mine", "fixed", "new"),
        (("mine",), "other", "unseen", "uncovered"),
        (("mine",), None, "unseen", "uncovered"),
    ],
)
def test_what_is_narrowed_to_owners_says_nothing_of_others(
    owners: tuple[str, ...] | None, owner: str | None, went: str, came: str
) -> None:
    whole, narrowed = snap(tracked(owner=owner)), snap(owners=owners)
    assert filled(diff(whole, narrowed)) == {went: {"f1"}}
    assert filled(diff(narrowed, whole)) == {came: {"f1"}}
    notes = ["x told the findings of mine alone"] if owners else []
    assert [one for one in diff(whole, narrowed).notes if "told the" in one] == notes


@st.composite
def snapshots(draw: st.DrawFn) -> Snapshot:
    findings = [
        tracked(
            f"{rule}{organization}{project}{number}",
            rule=rule,
            organization=organization,
            project=project,
            disposition=draw(st.sampled_from(Disposition)),
        )
        for rule in draw(st.sets(st.sampled_from(("r1", "r2"))))
        for organization in ("acme", "globex")
        for project in ("web", "app")
        for number in draw(st.sets(st.sampled_from(range(3))))
    ]
    ran = draw(st.sets(st.sampled_from(("r1", "r2")))) | {one.rule for one in findings}
    demands = {
        name: Demand("mine", "sentry_key", draw(st.sampled_from(("x", "y", None))), "t")
        for name in ran
    }
    scope = Scope(draw(st.sampled_from([(), ("acme",)])), draw(st.sampled_from([(), ("web",)])))
    gaps = draw(st.sampled_from([(), (Gap("denied", "globex"),), (Gap("denied", "acme", "app"),)]))
    seen = frozenset(draw(st.sets(st.sampled_from(("acme", "globex")))))
    point = TrendPoint(DAY, GateResult.FAILED, {}, {}, {}, seen)
    return snap(*findings, rules=demands, scope=scope, gaps={"sentry_key": gaps}, point=point)


@settings(max_examples=50)
@given(snapshots(), snapshots())
def test_a_diff_is_what_sets_say(first: Snapshot, second: Snapshot) -> None:
    found = diff(first, second)
    came, went = [names(found, part) for part in CAME], [names(found, part) for part in WENT]
    assert set().union(*came) == second.findings.keys() - first.findings.keys()
    assert set().union(*went) == first.findings.keys() - second.findings.keys()
    assert names(found, "still") == first.findings.keys() & second.findings.keys()
    for parts in (came, went):
        assert sum(map(len, parts)) == len(set().union(*parts))
    for part in ("waived", "lapsed", "worse"):
        assert names(found, part) <= names(found, "still")
    for one in found.fixed:
        assert second.saw(one, first)
        assert second.rules[one.rule].is_as(first.rules[one.rule])
    for one in found.new:
        assert first.saw(one, second)


@settings(max_examples=30)
@given(snapshots())
def test_nothing_is_different_from_itself(one: Snapshot) -> None:
    found = diff(one, one)
    assert filled(found) == {}
    assert not found.waived
    assert len(found.still) == len(one.findings)


@settings(max_examples=50)
@given(snapshots(), snapshots())
def test_backwards_what_came_went(first: Snapshot, second: Snapshot) -> None:
    forwards, backwards = diff(first, second), diff(second, first)
    assert names(forwards, "demanded") == names(backwards, "released")
    assert names(forwards, "uncovered") == names(backwards, "unseen")
    assert names(forwards, "waived") == names(backwards, "lapsed")


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"disposition": Disposition.BASELINED}, {}, {"lapsed"}),
        ({}, {"disposition": Disposition.BASELINED}, {"waived"}),
        ({"disposition": Disposition.WAIVED}, {"disposition": Disposition.BASELINED}, set()),
        ({"outcome": Outcome.UNKNOWN}, {}, {"worse"}),
        ({"outcome": Outcome.UNKNOWN}, {"outcome": Outcome.ERROR}, {"worse"}),
        ({}, {"outcome": Outcome.UNKNOWN}, set()),
        ({}, {"severity": Severity.CRITICAL}, {"worse"}),
        ({}, {"severity": Severity.LOW}, set()),
        ({}, {"severity": Severity.CRITICAL, "disposition": Disposition.WAIVED}, {"waived"}),
        (
            {"outcome": Outcome.UNKNOWN, "disposition": Disposition.BASELINED},
            {},
            {"lapsed", "worse"},
        ),
    ],
)
def test_what_is_still_there_may_weigh_more(
    before: dict[str, Any], after: dict[str, Any], told: set[str]
) -> None:
    first, second = (snap(tracked("a", **more)) for more in (before, after))
    found = diff(first, second)
    assert {part for part in ("waived", "lapsed", "worse") if getattr(found, part)} == told
    assert names(found, "still") == {"a"}


def test_what_a_history_knows_comes_before_a_guess() -> None:
    gone, unseen = tracked("a"), tracked("b")
    absent = {
        "a": tracked("a", fate=Fate.GONE, project="renamed"),
        "b": tracked("b", fate=Fate.UNSEEN),
    }
    found = diff(snap(gone, unseen), snap(day=1, absent=absent))
    assert filled(found) == {"fixed": {"a"}, "unseen": {"b"}}


def test_a_reopened_finding_was_known_before() -> None:
    first = DAY - timedelta(days=1)
    back = tracked(opened=DAY + timedelta(days=1), first_seen=first, fixed_at=DAY)
    assert filled(diff(snap(), snap(back, day=1))) == {"reopened": {"f1"}}
    # What went with its rule and came with the key was fixed by nobody; the run tells it as new.
    released = tracked(opened=DAY + timedelta(days=1), first_seen=first)
    assert filled(diff(snap(), snap(released, day=1))) == {"new": {"f1"}}
    fresh = tracked(opened=DAY + timedelta(days=2), first_seen=DAY + timedelta(days=1))
    assert filled(diff(snap(), snap(fresh, day=3))) == {"new": {"f1"}}


def test_a_filter_leaves_out_what_it_does_not_name() -> None:
    reach = Reach(frozenset({"sentry_key"}), Scope(), ("status",))
    assert filled(diff(snap(tracked()), snap(reaches=(reach,)))) == {"unseen": {"f1"}}
    other = Reach(frozenset({"sentry_project"}), Scope(), ("status",))
    assert filled(diff(snap(tracked()), snap(reaches=(other,)))) == {"fixed": {"f1"}}


KEYS = frozenset({"sentry_key"})


@pytest.mark.parametrize(
    ("more", "notes"),
    [
        ({}, []),
        ({"scope": Scope(("acme",))}, []),  # which organizations are other is told by itself
        ({"scope": Scope((), ("web",))}, ["x looked at project web alone"]),
        ({"scope": Scope((), ("a", "b"))}, ["x looked at projects a and b alone"]),
        ({"reaches": (Reach(KEYS, Scope()), Reach(KEYS, None))}, []),
        ({"reaches": (Reach(KEYS, Scope((), ("web",))),)}, ["x had an input of project web alone"]),
        (
            {"reaches": (Reach(KEYS, Scope((), ("web",))),), "scope": Scope((), ("web",))},
            ["x looked at project web alone"],
        ),
        (
            {"reaches": (Reach(KEYS, Scope(), ("status",)), Reach(KEYS, Scope(), ("status",)))},
            ["x had an input that was fetched with a filter (status)"],
        ),
    ],
)
def test_what_one_of_the_two_did_not_look_at_is_told(
    more: dict[str, Any], notes: list[str]
) -> None:
    """Also where both are narrowed alike: then nothing is different, and little was compared."""
    whole = snap(tracked("a"))
    narrowed = snap(tracked("a"), **more)
    assert [one for one in diff(whole, narrowed).notes if one.startswith("x ")] == notes
    assert [one for one in diff(narrowed, whole).notes if one.startswith("x ")] == notes
    both = [note.replace("x ", "both ", 1) for note in notes]
    assert [
        one for one in diff(narrowed, narrowed).notes if one.startswith(("x ", "both "))
    ] == both


def test_reports_are_held_against_the_policy_where_rules_are_not_told() -> None:
    report = {"r1": Demand("mine", "sentry_key", None, "t")}
    untold = {"r1": Demand("mine", "sentry_key", None, None)}
    assert filled(diff(snap(tracked(), rules=report), snap())) == {"fixed": {"f1"}}
    assert filled(diff(snap(tracked(), rules=untold), snap())) == {"released": {"f1"}}
