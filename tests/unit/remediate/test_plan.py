"""Findings become actions, or are left with a reason; contrary remedies never both become one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.base.errors import Location
from scanner.model.finding import Finding, Resource
from scanner.model.outcome import Disposition, Outcome, Risk, Severity
from scanner.model.rule import ParamValue, Predicate, Remedy, Rule
from scanner.policy.actions.interface import KeyUsage
from scanner.remediate.document import (
    KeyTarget,
    KeyTraffic,
    Left,
    Plan,
    PlannedAction,
    PlanTool,
    Precondition,
    write_plan,
)
from scanner.remediate.keys import KnownKey
from scanner.remediate.plan import Choice, make_plan
from scanner.remediate.proposals import Knowledge, Metered

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

NOWHERE = Location("p.yaml", 1, 1)
ROW: dict[str, Any] = {
    "id": "k1",
    "name": "web",
    "public": "k1",
    "project_id": 7,
    "is_active": True,
    "has_rate_limit": False,
    "browser_sdk_version": "7.x",
    "loader_has_debug": True,
    "loader_has_replay": False,
}
LIMIT: tuple[str, dict[str, ParamValue]] = ("set_rate_limit", {"count": 1000})


def rule(
    name: str, fix: tuple[str, dict[str, ParamValue]] | None, table: str = "sentry_key"
) -> Rule:
    return Rule(
        id=name,
        policy="p",
        title=name,
        severity=Severity.HIGH,
        resource=table,
        requirement=Predicate("false", {}, NOWHERE),
        location=NOWHERE,
        fix=None if fix is None else Remedy(fix[0], fix[1], NOWHERE),
    )


def finding(name: str, key: str = "k1", **changes: Any) -> Finding:
    made = Finding(
        rule_id=name,
        policy="p",
        severity=Severity.HIGH,
        outcome=Outcome.FAIL,
        disposition=Disposition.OPEN,
        message=f"{name} is broken",
        resource=Resource("sentry_key", key, "web", "acme", "shop", None, "7"),
        evidence=msgspec.Raw(b"{}"),
        fingerprint=f"{name}-{key}",
    )
    return msgspec.structs.replace(made, **changes)


class Meter:
    """A source whose keys accept what it is told."""

    def __init__(self, usage: Mapping[str, KeyUsage | str]) -> None:
        self.told = usage
        self.asked: list[tuple[str, str, str]] = []

    def usage(self, keys: Iterable[tuple[str, str, str]]) -> Mapping[str, KeyUsage | str]:
        self.asked = list(keys)
        return self.told


def plan(
    findings: Sequence[Finding],
    rules: Sequence[Rule],
    rows: Mapping[str, dict[str, Any]] | None = None,
    choice: Choice | None = None,
    meter: Metered | None = None,
    keys: Sequence[KnownKey] | None = None,
) -> tuple[tuple[PlannedAction, ...], tuple[Left, ...]]:
    known = {"k1": ROW} if rows is None else rows

    def looked_up(
        table: str, columns: Sequence[str], ids: Collection[str] | None = None
    ) -> dict[str, dict[str, Any]]:
        del table
        found = {key: known[key] for key in (known if ids is None else ids) if key in known}
        return {key: {c: row[c] for c in columns if c in row} for key, row in found.items()}

    by_id = {(one.policy, one.id): one for one in rules}
    told = None if keys is None else lambda _: keys
    moment = None if keys is None else datetime(2026, 6, 1, tzinfo=UTC)
    known_now = Knowledge(looked_up, meter, keys=told, as_of=moment)
    return make_plan(findings, by_id, choice or Choice(), known_now)


def codes(left: Iterable[Left]) -> set[tuple[str, str]]:
    return {(one.rule_id, one.code) for one in left}


def test_a_finding_becomes_an_action_with_what_it_was_planned_on() -> None:
    (action,), left = plan([finding("a")], [rule("a", LIMIT)])
    assert left == ()
    assert action.action == "set_rate_limit"
    assert action.before == {"rateLimit": None}
    assert action.after == {"rateLimit": {"count": 1000, "window": 3600}}
    assert action.target.project_id == "7"
    assert action.reason == "a is broken"
    state = {
        "id": "k1",
        "name": "web",
        "public": "k1",
        "projectId": "7",
        "isActive": True,
        "rateLimit": None,
        "browserSdkVersion": "7.x",
        "dynamicSdkLoaderOptions": {"hasDebug": True, "hasReplay": False},
    }
    assert action.precondition == Precondition.of(state)
    assert not action.precondition.holds(state | {"name": "api"})
    assert [cause.fingerprint for cause in action.findings] == ["a-k1"]


def test_what_is_left_says_why() -> None:
    rules = [rule("fixed", LIMIT), rule("bare", None)]
    open_ones = [
        finding("fixed", disposition=Disposition.WAIVED, waiver="w1"),
        finding("fixed", "k2", disposition=Disposition.BASELINED),
        finding("fixed", "", message="Not seen: no right"),
        finding("fixed", "k3", outcome=Outcome.UNKNOWN),
        finding("fixed", "k4", outcome=Outcome.ERROR),
        finding("fixed", "k5"),
        finding("bare", "k6"),
        finding("unheard-of", "k7"),
        finding("fixed", "k8"),
        finding("fixed", "k9", resource=Resource("sentry_key", "k9", "x", "acme", None, None)),
    ]
    rows = {"k8": {"id": "k8", "name": "web"}, "k9": {**ROW, "id": "k9"}}
    actions, left = plan(open_ones, rules, rows)
    assert actions == ()
    assert {(one.fingerprint, one.code) for one in left} == {
        ("fixed-k1", "waived"),
        ("fixed-k2", "baselined"),
        ("fixed-", "unseen"),
        ("fixed-k3", "unknown"),
        ("fixed-k4", "error"),
        ("fixed-k5", "gone"),
        ("bare-k6", "no-remedy"),
        ("unheard-of-k7", "no-remedy"),
        ("fixed-k8", "unknown-state"),
        ("fixed-k9", "unknown-state"),
    }
    reasons = {one.fingerprint: one.reason for one in left}
    assert reasons["fixed-k1"] == "waived by w1"
    assert reasons["fixed-k8"] == "the source did not tell its rateLimit"


def test_findings_of_one_action_are_one_whatever_their_order() -> None:
    rules = [rule("a", LIMIT), rule("b", ("rename", {"to": "api"})), rule("c", LIMIT)]
    findings = [finding(name) for name in "abc"]
    actions, left = plan(findings, rules)
    assert left == ()
    assert [one.action for one in actions] == ["rename", "set_rate_limit"]
    assert [cause.rule_id for cause in actions[1].findings] == ["a", "c"]
    assert actions[1].reason == "a is broken; c is broken"
    assert plan(findings[::-1], rules)[0][0] == actions[0]


def test_two_options_are_no_contradiction_and_the_others_are_told_along() -> None:
    rules = [
        rule("a", ("set_loader_options", {"debug": False})),
        rule("b", ("set_loader_options", {"replay": True})),
        rule("c", ("set_loader_options", {"replay": False})),
    ]
    (action,), left = plan([finding("a"), finding("b")], rules)
    assert action.after == {"dynamicSdkLoaderOptions": {"hasDebug": False, "hasReplay": True}}
    assert left == ()
    (action,), left = plan([finding(name) for name in "abc"], rules)
    assert action.after == {"dynamicSdkLoaderOptions": {"hasDebug": False, "hasReplay": False}}
    assert codes(left) == {("b", "conflict"), ("c", "conflict")}


@pytest.mark.parametrize(
    ("one", "other", "is_contrary"),
    [
        (LIMIT, ("set_rate_limit", {"count": 500}), True),
        (("disable", {}), ("enable", {}), True),
        (("delete", {}), LIMIT, True),
        (("delete", {}), ("disable", {}), True),
        (("delete", {}), ("delete", {}), False),
        (("disable", {}), LIMIT, False),
        (("rename", {"to": "api"}), LIMIT, False),
        (("rename", {"to": "api"}), ("rename", {"to": "web"}), True),  # web: as it is now
    ],
)
def test_contrary_remedies(
    one: tuple[str, dict[str, ParamValue]],
    other: tuple[str, dict[str, ParamValue]],
    is_contrary: bool,  # noqa: FBT001 - a case's expectation
) -> None:
    actions, left = plan([finding("a"), finding("b")], [rule("a", one), rule("b", other)])
    if is_contrary:
        assert actions == ()
        assert codes(left) == {("a", "conflict"), ("b", "conflict")}
        assert "rule b asks for" in left[0].reason
    else:
        assert "conflict" not in {one.code for one in left}
        assert len(actions) == len({one[0], other[0]})


def test_two_keys_of_a_project_never_get_one_name() -> None:
    rules = [rule("a", ("rename", {"to": "{project}"}))]
    rows = {key: {**ROW, "id": key} for key in ("k1", "k2")}
    actions, left = plan([finding("a", key) for key in rows], rules, rows)
    assert actions == ()
    assert codes(left) == {("a", "conflict")}
    assert "would be called shop too" in left[0].reason


def present(key: str, name: str, project: str = "shop") -> KnownKey:
    target = KeyTarget(type="sentry_key", organization="acme", project=project, id=key, name=name)
    return KnownKey(target, {"id": key, "name": name})


@pytest.mark.parametrize("to", ["api", " api", "api ", "\tapi\n"])
@pytest.mark.parametrize("called", ["api", " api", "api ", "web", "API"])
@pytest.mark.parametrize("project", ["shop", "other"])
@pytest.mark.parametrize("action", ["rename", "create"])
def test_a_name_that_another_key_of_the_project_has_is_left_to_it(
    to: str, called: str, project: str, action: str
) -> None:
    keys = [present("k1", "web"), present("k2", called, project)]
    if action == "rename":
        found, rules = finding("a"), [rule("a", ("rename", {"to": to}))]
        actions, left = plan([found], rules, keys=keys)
    else:
        shop = Resource("sentry_project", "7", "Shop", "acme", "shop", None, "7")
        rules = [rule("a", ("create", {"name": to}), "sentry_project")]
        found = finding("a", "7", resource=shop)
        actions, left = plan([found], rules, {"7": {"id": "7"}}, keys=keys)
    if called.strip() == "api" and project == "shop":
        assert actions == ()
        assert codes(left) == {("a", "conflict" if action == "rename" else "already-so")}
        assert left[0].reason == "another key of the project is called api"
    else:
        assert [one.after and one.after["name"] for one in actions] == ["api"]
        assert left == ()


def test_where_not_all_keys_are_told_a_name_may_be_taken_and_that_is_said() -> None:
    (action,), _ = plan([finding("a")], [rule("a", ("rename", {"to": "api"}))])
    assert "is not known: not all keys were told" in action.notes[-1]


def test_what_is_so_already_is_no_change() -> None:
    actions, left = plan([finding("a")], [rule("a", ("enable", {}))])
    assert actions == ()
    assert codes(left) == {("a", "already-so")}


def test_usage_is_asked_for_only_of_keys_that_may_be_cut_off() -> None:
    rules = [rule("a", LIMIT), rule("b", ("rename", {"to": "api"}))]
    meter = Meter({"k1": KeyUsage((0,) * 719 + (300,))})
    rows = {key: {**ROW, "id": key} for key in ("k1", "k2")}
    actions, _ = plan([finding("a"), finding("b", "k2")], rules, rows, meter=meter)
    assert meter.asked == [("acme", "shop", "k1")]
    limit = next(one for one in actions if one.action == "set_rate_limit")
    assert limit.after == {"rateLimit": {"count": 600, "window": 3600}}
    assert limit.risk is Risk.SAFE
    assert limit.traffic == KeyTraffic(300, 30)


def test_what_could_not_be_looked_at_is_told_and_not_called_safe() -> None:
    (action,), _ = plan([finding("a")], [rule("a", LIMIT)], meter=Meter({"k1": "no right to it."}))
    assert action.risk is Risk.DISRUPTIVE
    assert action.notes[0].startswith("usage was not looked at (no right to it): 1,000 in 1h")


def test_sums_of_an_inventory_are_the_traffic_where_nobody_can_be_asked() -> None:
    rules = [rule("a", ("disable", {}))]
    told = plan([finding("a")], rules, {"k1": {**ROW, "events_accepted_30d": 9}})[0][0]
    assert told.traffic == KeyTraffic(9, 30)
    assert "is lost" in told.notes[0]
    quiet = plan([finding("a")], rules, {"k1": {**ROW, "events_accepted_30d": 0}})[0][0]
    assert "does not prove it unused" in quiet.notes[0]
    silent = plan([finding("a")], rules)[0][0]
    assert silent.traffic is None
    assert "was not looked at" in silent.notes[0]


def test_a_new_key_has_no_state_before_it() -> None:
    rules = [rule("a", ("create", {"name": "web", "count": 5}), "sentry_project")]
    shop = Resource("sentry_project", "7", "Shop", "acme", "shop", "https://s/shop", "7")
    (action,), left = plan([finding("a", "7", resource=shop)], rules, {"7": {"id": "7"}})
    assert left == ()
    assert (action.target.type, action.target.id, action.target.name) == ("sentry_key", "", "web")
    assert action.before == {}
    assert action.after == {"name": "web", "rateLimit": {"count": 5, "window": 3600}}
    assert action.precondition == Precondition.of({"name": "web"})


def test_a_choice_narrows_both_lists() -> None:
    rules = [rule("a", LIMIT), rule("b", None)]
    rows = {key: {**ROW, "id": key} for key in ("k1", "other")}
    findings = [finding("a"), finding("a", "other"), finding("b")]
    for choice, expected in (
        (Choice(rules=frozenset({"b"})), (0, 1)),
        (Choice(keys=("oth",)), (1, 0)),
        (Choice(keys=("web",)), (2, 1)),
        (Choice(keys=("eb",)), (0, 0)),
        (Choice(severity=Severity.CRITICAL), (0, 0)),
        (Choice(projects=frozenset({"shop"})), (2, 1)),
        (Choice(projects=frozenset({"sho"})), (0, 0)),
    ):
        actions, left = plan(findings, rules, rows, choice)
        assert (len(actions), len(left)) == expected, choice


FIXES: list[tuple[str, dict[str, ParamValue]]] = [
    LIMIT,
    ("set_rate_limit", {"count": 500, "window": timedelta(minutes=1)}),
    ("disable", {}),
    ("enable", {}),
    ("delete", {}),
    ("rename", {"to": "api"}),
    ("rename", {"to": "{project}-{public}"}),
    ("set_sdk_version", {"version": "10.x"}),
    ("set_sdk_version", {"version": "7.x"}),
    ("set_loader_options", {"debug": False}),
    ("set_loader_options", {"debug": True, "replay": True}),
]
WANTED = st.lists(
    st.tuples(st.sampled_from(range(len(FIXES))), st.sampled_from(["k1", "k2", "k3"])),
    max_size=12,
)


@settings(max_examples=150)
@given(WANTED, st.randoms())
def test_contrary_changes_are_never_both_planned(
    wanted: list[tuple[int, str]], random: Any
) -> None:
    wanted = list(dict.fromkeys(wanted))
    rules = [rule(f"r{number}", fix) for number, fix in enumerate(FIXES)]
    rows = {key: {**ROW, "id": key, "public": key * 8} for key in ("k1", "k2", "k3")}
    findings = [finding(f"r{number}", key) for number, key in wanted]
    actions, left = plan(findings, rules, rows)
    by_key: dict[str, list[PlannedAction]] = {}
    for one in actions:
        by_key.setdefault(one.target.id, []).append(one)
    for mine in by_key.values():
        fields = [field for one in mine for field in (one.after or {})]
        assert len(fields) == len(set(fields))
        assert len(mine) == 1 or all(one.after is not None for one in mine)
    assert len({one.id for one in actions}) == len(actions)
    told = [cause.fingerprint for one in actions for cause in one.findings]
    told += [one.fingerprint for one in left]
    assert sorted(told) == sorted(one.fingerprint for one in findings)
    # In whatever order the findings come, the plan is the same but for the order of reasons.
    random.shuffle(findings)
    again, left_again = plan(findings, rules, rows)
    assert [one.id for one in again] == [one.id for one in actions]
    assert codes(left_again) == codes(left)


@given(st.integers(min_value=0), st.integers(1, 255))
def test_any_changed_byte_of_a_plan_is_noticed(place: int, flip: int) -> None:
    from pathlib import Path  # noqa: PLC0415 - a name for the message alone

    from scanner.base.errors import UsageError  # noqa: PLC0415
    from scanner.remediate import document  # noqa: PLC0415

    actions, left = plan([finding("a"), finding("b")], [rule("a", LIMIT), rule("b", None)])
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    whole = write_plan(
        Plan(
            tool=PlanTool("keypolicy", "0"),
            created_at=moment,
            as_of=moment,
            server="https://s.example",
            organizations=("acme",),
            policies=(),
            actions=actions,
            left=left,
        )
    )
    at = place % len(whole)
    spoiled = whole[:at] + bytes([whole[at] ^ flip]) + whole[at + 1 :]
    read = document._read  # noqa: SLF001 - the reader without a file
    try:
        found = read(spoiled, str(Path("p.json")))
    except UsageError:
        return
    # Only white space may differ: it says nothing.
    assert write_plan(found) == whole
