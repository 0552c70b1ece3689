"""Steps of rotations as actions of a plan, beside the other remedies of the same keys."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from scanner.base.errors import Location
from scanner.model.finding import Finding, Resource
from scanner.model.outcome import Disposition, Outcome, Risk, Severity
from scanner.model.rule import Predicate, Remedy, Rule
from scanner.remediate.document import Left, PlannedAction, Precondition, Rotation
from scanner.remediate.keys import known_keys
from scanner.remediate.plan import Choice, make_plan
from scanner.remediate.proposals import Knowledge

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
OLD, NEW = "0a1b2c3d" + "0" * 24, "f" * 32
HERE = Location("p.yaml", 1, 1)
TRUE = Predicate("true", {}, HERE)


def rule(action: str = "rotate", rule_id: str = "too-old", **arguments: Any) -> Rule:
    return Rule(
        id=rule_id,
        policy="ours",
        title="",
        severity=Severity.HIGH,
        resource="sentry_key",
        requirement=TRUE,
        location=HERE,
        fix=Remedy(action, arguments, HERE),
    )


def row(key: str = OLD, name: str = "Prod", *, days: float = 800, **of: Any) -> dict[str, Any]:
    return {
        "id": key,
        "name": name,
        "organization_slug": "acme",
        "project_slug": "shop",
        "project_id": 7,
        "is_active": True,
        "has_rate_limit": True,
        "rate_limit_count": 10,
        "rate_limit_window": 60,
        "date_created": (NOW - days * DAY).isoformat(),
        "events_accepted_30d": 0,
        "events_dropped_30d": 0,
        "events_filtered_30d": 0,
        "events_until": NOW.isoformat(),
        **of,
    }


def new(**of: Any) -> dict[str, Any]:
    return row(NEW, "Prod (successor of 0a1b2c3d)", **{"days": 20, **of})


def finding(rule_id: str = "too-old", key: str = OLD, **of: Any) -> Finding:
    found = Finding(
        rule_id=rule_id,
        policy="ours",
        severity=Severity.HIGH,
        outcome=Outcome.FAIL,
        disposition=Disposition.OPEN,
        message="is too old",
        resource=Resource("sentry_key", key, "Prod", "acme", "shop", None),
        evidence=msgspec.Raw(b"{}"),
        fingerprint="f" * 32,
    )
    return msgspec.structs.replace(found, **of)


def plan(
    findings: Sequence[Finding],
    *rows: dict[str, Any],
    rules: Sequence[Rule] = (),
    choice: Choice | None = None,
    report: bool = False,
) -> tuple[tuple[PlannedAction, ...], tuple[Left, ...]]:
    known = {one["id"]: one for one in rows}

    def told(
        table: str, columns: Sequence[str], ids: Collection[str] | None = None
    ) -> Mapping[str, Mapping[str, Any]]:
        del table, columns
        return {key: known[key] for key in (known if ids is None else ids) if key in known}

    knowledge = Knowledge(
        told, keys=None if report else lambda table: known_keys(told, table), as_of=NOW
    )
    all_rules = {("ours", one.id): one for one in (rules or [rule()])}
    return make_plan(findings, all_rules, choice or Choice(), knowledge)


def test_the_first_step() -> None:
    (action,), left = plan([finding()], row())
    assert left == ()
    assert (action.action, action.risk) == ("create", Risk.SAFE)
    assert action.rotation == Rotation(OLD, "create")
    assert (action.target.id, action.target.name) == ("", "Prod (successor of 0a1b2c3d)")
    assert action.target.project_id == "7"
    assert action.before == {}
    assert action.precondition == Precondition.of({"name": "Prod (successor of 0a1b2c3d)"})
    assert action.reason.startswith("is too old; a successor of Prod")
    assert [cause.rule_id for cause in action.findings] == ["too-old"]


def test_the_second_step_says_what_the_key_received() -> None:
    used = row(
        events_accepted_30d=4,
        events_dropped_30d=2,
        events_last_day=(NOW - 12.5 * DAY).isoformat(),
    )
    (action,), _ = plan([finding()], used, new())
    assert (action.action, action.risk) == ("disable", Risk.DISRUPTIVE)
    assert action.rotation == Rotation(OLD, "disable")
    assert action.before == {"isActive": True, "name": "Prod"}
    assert action.after == {"isActive": False, "name": "Prod (disabled 2026-06-01)"}
    assert action.traffic is not None
    assert (action.traffic.accepted, action.traffic.days) == (4, 30)


def test_the_last_step_comes_without_a_finding() -> None:
    """A rule about active keys finds the disabled one no more."""
    gone = row(name="Prod (disabled 2026-04-01)", is_active=False)
    (action,), left = plan([], gone, new())
    assert left == ()
    assert (action.action, action.risk, action.after) == ("delete", Risk.IRREVERSIBLE, None)
    assert action.rotation == Rotation(OLD, "delete")
    assert action.before["name"] == "Prod (disabled 2026-04-01)"
    assert [(cause.rule_id, cause.policy) for cause in action.findings] == [("too-old", "ours")]


def test_what_waits_is_left_with_the_reason() -> None:
    actions, (left,) = plan([finding()], row(), new(days=1))
    assert actions == ()
    assert (left.code, left.fingerprint) == ("rotation", "f" * 32)
    assert "not disabled before" in left.reason
    disabled = row(name="Prod (disabled 2026-05-31)", is_active=False)
    actions, (left,) = plan([], disabled, new())
    assert actions == ()
    assert "not deleted before" in left.reason


def test_without_statistics_nothing_is_disabled() -> None:
    actions, (left,) = plan([finding()], row(events_until=None), new())
    assert actions == ()
    assert "without usage statistics" in left.reason


def test_a_waiver_stops_the_rotation() -> None:
    waived = finding(disposition=Disposition.WAIVED, waiver="w1")
    actions, (left,) = plan([waived], row(), new())
    assert actions == ()
    assert left.code == "waived"


def test_a_report_does_not_do() -> None:
    actions, (left,) = plan([finding()], row(), report=True)
    assert actions == ()
    assert left.code == "unseen"


def test_a_key_whose_place_is_not_known() -> None:
    actions, (left,) = plan([finding()], row(project_slug=None))
    assert actions == ()
    assert left.code == "unknown-state"


@pytest.mark.parametrize("other", ["disable", "delete"])
def test_to_cut_the_key_off_at_once_is_contrary(other: str) -> None:
    rules = [rule(), rule(other, "bad")]
    actions, left = plan([finding(), finding("bad")], row(), new(), rules=rules)
    assert actions == ()
    assert [(one.rule_id, one.code) for one in left] == [
        ("bad", "conflict"),
        ("too-old", "conflict"),
    ]


def test_to_rotate_in_two_ways_is_contrary() -> None:
    rules = [rule(), rule(rule_id="leaked", grace=DAY)]
    actions, left = plan([finding(), finding("leaked")], row(), rules=rules)
    assert actions == ()
    assert {one.code for one in left} == {"conflict"}


def test_two_rules_that_rotate_alike_are_one_action() -> None:
    rules = [rule(), rule(rule_id="leaked")]
    (action,), left = plan([finding(), finding("leaked", message="leaked")], row(), rules=rules)
    assert left == ()
    assert [cause.rule_id for cause in action.findings] == ["leaked", "too-old"]
    assert action.reason.startswith("is too old; leaked; ")


def test_another_change_of_the_key_goes_on_beside_the_first_step() -> None:
    rules = [rule(), rule("set_rate_limit", "limit", count=5)]
    actions, _ = plan([finding(), finding("limit")], row(), rules=rules)
    assert [one.action for one in actions] == ["create", "set_rate_limit"]


def test_no_key_is_renamed_by_whose_name_a_rotation_is_known() -> None:
    rules = [rule(), rule("rename", "named", to="{project}-{name}")]
    found = [finding("named", NEW), finding("named", "other"), finding("named")]
    rows = (row(), new(), row("other", "Other"))
    actions, left = plan(found, *rows, rules=rules)
    assert [one.target.id for one in actions] == ["other"]
    assert [(one.target.id, one.code) for one in left] == [(OLD, "conflict"), (NEW, "conflict")]


def test_two_keys_of_one_name_are_rotated_side_by_side() -> None:
    twin = "9" * 32
    rows = (
        *(row(), new(), row(twin), row("8" * 32, "Prod (successor of 99999999)", days=20)),
        row("7" * 32, "Prod (disabled 2026-01-01)", is_active=False),
    )
    actions, left = plan([finding(), finding(key=twin)], *rows)
    assert left == ()
    assert [(one.action, one.target.id) for one in actions] == [("disable", OLD), ("disable", twin)]


def test_what_is_not_chosen_is_not_gone_on_with() -> None:
    gone = row(name="Prod (disabled 2026-04-01)", is_active=False)
    for choice in (
        Choice(rules=frozenset({"other"})),
        Choice(keys=("other",)),
        Choice(projects=frozenset({"other"})),
        Choice(severity=Severity.CRITICAL),
    ):
        assert plan([], gone, new(), choice=choice) == ((), ())
    assert len(plan([], gone, new(), choice=Choice(keys=(OLD[:8],)))[0]) == 1
