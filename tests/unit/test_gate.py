from datetime import timedelta
from typing import Any

import msgspec
import pytest

from scanner.gate import OnUnknown, PolicyThresholds, Thresholds, due, judge, remarks
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.finding import Due, DueReason, Finding, Forecast, Resource
from scanner.model.history import Fate, HistoryProgress
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import GateResult, InventorySummary, RuleResult, TableSummary
from tests.unit.engine.support import AS_OF, rule
from tests.unit.history.factory import tracked

COMPLETE = TableCoverage(CoverageState.COMPLETE, "")
DENIED = TableCoverage(CoverageState.DENIED, "the token lacks project:read")


def inventory(
    coverage: TableCoverage = COMPLETE, rows: int = 3, *, needed: bool = True
) -> InventorySummary:
    return InventorySummary(("x",), {"sentry_key": TableSummary(rows, coverage, needed)}, "d")


def result(
    severity: Severity = Severity.MEDIUM,
    *,
    fail: int = 0,
    unknown: int = 0,
    error: int = 0,
    unseen: int = 0,
    waived: int = 0,
) -> RuleResult:
    tally = {
        (Outcome.FAIL, Disposition.OPEN): fail,
        (Outcome.UNKNOWN, Disposition.OPEN): unknown,
        (Outcome.ERROR, Disposition.OPEN): error,
        (Outcome.FAIL, Disposition.WAIVED): waived,
    }
    return RuleResult(rule("true", severity=severity), 1, 0, unseen, tally)


@pytest.mark.parametrize(
    ("found", "thresholds", "code"),
    [
        (result(), Thresholds(), 0),
        (result(fail=1), Thresholds(), 1),
        (result(fail=1), Thresholds(fail_on=Severity.HIGH), 0),
        (result(Severity.HIGH, fail=1), Thresholds(fail_on=Severity.HIGH), 1),
        (result(Severity.CRITICAL, fail=1), Thresholds(fail_on=Severity.HIGH), 1),
        (result(Severity.CRITICAL, fail=9), Thresholds(fail_on=None), 0),
        (result(unknown=1), Thresholds(), 1),
        (result(error=1), Thresholds(), 1),
        (result(unknown=1), Thresholds(on_unknown=OnUnknown.WARN), 0),
        (result(error=1), Thresholds(on_unknown=OnUnknown.IGNORE), 0),
        (result(fail=1, unknown=1), Thresholds(on_unknown=OnUnknown.WARN), 1),
        (result(waived=5), Thresholds(), 0),
        (result(unknown=2, unseen=2), Thresholds(allow_partial=True), 0),
        (result(unknown=3, unseen=2), Thresholds(allow_partial=True), 1),
    ],
)
def test_exit_code(found: RuleResult, thresholds: Thresholds, code: int) -> None:
    assert judge(inventory(), [found], thresholds).exit_code == code


def test_an_incomplete_inventory_outranks_findings() -> None:
    verdict = judge(inventory(DENIED), [result(fail=4)], Thresholds())
    assert (verdict.result, verdict.exit_code) == (GateResult.INCOMPLETE, 3)
    assert "project:read" in verdict.reasons[0]
    assert "4 violations" in verdict.reasons[1]


def test_allow_partial_judges_what_was_seen_and_says_so() -> None:
    verdict = judge(inventory(DENIED), [result(fail=1)], Thresholds(allow_partial=True))
    assert verdict.exit_code == 1
    assert any("allowed" in reason for reason in verdict.reasons)


def test_a_table_that_no_rule_reads_may_be_incomplete() -> None:
    tables = {
        "sentry_key": TableSummary(1, COMPLETE, True),
        "sentry_project": TableSummary(0, DENIED, False),
    }
    assert judge(InventorySummary((), tables, ""), [result()], Thresholds()).exit_code == 0


@pytest.mark.parametrize("allow", [True, False])
def test_no_resource_and_no_rule_are_never_green(allow: bool) -> None:  # noqa: FBT001
    thresholds = Thresholds(fail_on=None, on_unknown=OnUnknown.IGNORE, allow_partial=allow)
    assert judge(inventory(rows=0), [result()], thresholds).exit_code == 3
    assert judge(inventory(), [], thresholds).exit_code == 3


LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH


@pytest.mark.parametrize(
    ("found", "thresholds", "reasons"),
    [
        ([result(LOW, fail=3)], Thresholds(max_findings={LOW: 3}), []),
        (
            [result(LOW, fail=2, unknown=1, error=1)],
            Thresholds(max_findings={LOW: 3}),
            ["4 open findings of severity low, at most 3 allowed"],
        ),
        (
            [result(LOW, fail=3, unknown=9)],
            Thresholds(max_findings={LOW: 3}, on_unknown=OnUnknown.WARN),
            [],
        ),
        (
            [result(LOW, fail=3, unknown=9, unseen=9)],
            Thresholds(max_findings={LOW: 3}, allow_partial=True),
            [],
        ),
        (
            [result(LOW, fail=1), result(HIGH, fail=2)],
            Thresholds(fail_on=HIGH, max_findings={LOW: 0, HIGH: 1}),
            [
                "2 open findings of severity high, at most 1 allowed",
                "1 open finding of severity low, at most 0 allowed",
            ],
        ),
        (
            [result(MEDIUM, fail=1), result(HIGH, fail=2)],
            Thresholds(max_findings={HIGH: 2}),
            ["1 violation of severity low or worse"],
        ),
        ([result(LOW, waived=4)], Thresholds(max_findings={LOW: 0}), []),
    ],
)
def test_most_findings_of_a_severity(
    found: list[RuleResult], thresholds: Thresholds, reasons: list[str]
) -> None:
    verdict = judge(inventory(), found, thresholds)
    assert verdict.exit_code == (1 if reasons else 0)
    assert not reasons or list(verdict.reasons) == reasons


def of_policy(name: str, found: RuleResult) -> RuleResult:
    return msgspec.structs.replace(found, rule=msgspec.structs.replace(found.rule, policy=name))


@pytest.mark.parametrize(
    ("own", "reasons"),
    [
        (PolicyThresholds(fail_on=HIGH), ["1 violation of severity low or worse"]),
        (
            PolicyThresholds(fail_on=MEDIUM),
            [
                "1 violation of severity low or worse",
                "strict: 2 violations of severity medium or worse",
            ],
        ),
        (PolicyThresholds(max_findings={MEDIUM: 2}), ["1 violation of severity low or worse"]),
        (PolicyThresholds(fail_on=None), ["1 violation of severity low or worse"]),
    ],
)
def test_a_policy_is_judged_by_itself(own: PolicyThresholds, reasons: list[str]) -> None:
    found = [of_policy("strict", result(MEDIUM, fail=2)), of_policy("other", result(fail=1))]
    verdict = judge(inventory(), found, Thresholds(policies={"strict": own}))
    assert list(verdict.reasons) == reasons


def test_a_refusal_outranks_everything_but_is_not_alone() -> None:
    for coverage, word in ((COMPLETE, GateResult.FAILED), (DENIED, GateResult.INCOMPLETE)):
        verdict = judge(inventory(coverage), [result(fail=1)], Thresholds(), ["w is unused"])
        assert (verdict.result, verdict.exit_code) == (word, 2)
        assert verdict.reasons[0] == "w is unused"
        assert "1 violation" in verdict.reasons[-1]


def test_what_is_tolerated_is_told_with_a_pass() -> None:
    assert judge(inventory(), [result()], Thresholds()).reasons == ("every rule holds",)
    assert judge(inventory(), [result(waived=5)], Thresholds()).reasons == (
        "no open finding (5 waived)",
    )
    calm = judge(inventory(), [result(fail=1, waived=5)], Thresholds(fail_on=None))
    assert calm.reasons == ("1 finding within the thresholds (5 waived)",)


def test_what_is_let_through_with_a_warning_is_counted() -> None:
    found = [result(unknown=2, error=1, fail=1), result(unknown=1)]
    warned = remarks(found, Thresholds(on_unknown=OnUnknown.WARN))
    assert warned == (
        "3 unknown outcomes and 1 error did not count against the gate (on_unknown is warn)",
    )
    assert remarks([result(fail=1)], Thresholds(on_unknown=OnUnknown.WARN)) == ()
    for other in (OnUnknown.FAIL, OnUnknown.IGNORE):
        assert remarks(found, Thresholds(on_unknown=other)) == ()


def test_a_scan_in_which_no_rule_judged_anything_is_not_green() -> None:
    about_nothing = RuleResult(rule("true", where="false"), 0, 9, 0, {})
    verdict = judge(inventory(), [about_nothing, about_nothing], Thresholds(allow_partial=True))
    assert verdict.exit_code == 3
    assert "no rule judged any resource" in verdict.reasons[0]
    unseen = msgspec.structs.replace(
        about_nothing, unseen=1, tally={(Outcome.UNKNOWN, Disposition.OPEN): 1}
    )
    assert judge(inventory(), [unseen], Thresholds(allow_partial=True)).exit_code == 3
    assert judge(inventory(), [about_nothing, result()], Thresholds()).exit_code == 0


def coming(day: int, outcome: Outcome = Outcome.FAIL, was_open: Outcome | None = None) -> Due:
    finding = Finding(
        rule_id="r",
        policy="p",
        severity=Severity.MEDIUM,
        outcome=outcome,
        disposition=Disposition.OPEN,
        message="m",
        resource=Resource("sentry_key", "k", None, None, None, None),
        evidence=msgspec.Raw(b"{}"),
        fingerprint="f",
    )
    return Due(
        day=day,
        at=AS_OF + timedelta(days=day),
        reason=DueReason.BREAKS,
        finding=finding,
        before=Outcome.PASS,
        was_open=was_open,
    )


def looking_ahead(*dues: Due) -> Forecast:
    return Forecast(AS_OF, 90, dues, (), 1, 1)


MEDIUM_2 = {Severity.MEDIUM: 2}


@pytest.mark.parametrize(
    ("found", "dues", "thresholds", "reasons"),
    [
        (result(), [coming(14)], Thresholds(), ["1 violation of severity low or worse"]),
        (result(), [coming(15)], Thresholds(), []),
        (result(), [coming(3)], Thresholds(fail_on=Severity.HIGH), []),
        (result(), [coming(3)], Thresholds(fail_on=None), []),
        (result(), [coming(3)], Thresholds(policies={"p": PolicyThresholds(fail_on=None)}), []),
        (result(), [coming(3), coming(4)], Thresholds(max_findings=MEDIUM_2), []),
        (
            result(fail=1),
            [coming(3), coming(4)],
            Thresholds(max_findings=MEDIUM_2),
            ["3 open findings of severity medium, at most 2 allowed"],
        ),
        (
            result(fail=2),
            [coming(3)],
            Thresholds(overdue_only=True),
            ["3 violations of severity low or worse"],
        ),
        (result(), [coming(3, Outcome.UNKNOWN)], Thresholds(on_unknown=OnUnknown.WARN), []),
        (
            result(),
            [coming(3, Outcome.UNKNOWN), coming(5, was_open=Outcome.UNKNOWN)],
            Thresholds(),
            ["1 violation of severity low or worse"],
        ),
        (result(fail=1), [], Thresholds(), []),
    ],
)
def test_what_falls_due_counts_as_it_will(
    found: RuleResult, dues: list[Due], thresholds: Thresholds, reasons: list[str]
) -> None:
    within = "within 14 days (to 2026-03-15): "
    assert due([found], thresholds, looking_ahead(*dues), 14) == tuple(
        within + reason for reason in reasons
    )


def test_what_falls_due_fails_only_where_it_is_asked_for() -> None:
    ahead = looking_ahead(coming(3))
    assert judge(inventory(), [result()], Thresholds(), (), ahead).exit_code == 0
    asked = Thresholds(due_within=14)
    verdict = judge(inventory(), [result()], asked, (), ahead)
    assert (verdict.result, verdict.exit_code) == (GateResult.FAILED, 1)
    assert judge(inventory(DENIED), [result()], asked, (), ahead).exit_code == 3


@pytest.mark.parametrize(
    ("overdue", "thresholds", "code"),
    [
        ({}, Thresholds(overdue_only=True), 0),
        ({Outcome.FAIL: 1}, Thresholds(overdue_only=True), 1),
        ({Outcome.UNKNOWN: 1}, Thresholds(overdue_only=True), 1),
        ({Outcome.UNKNOWN: 1}, Thresholds(overdue_only=True, on_unknown=OnUnknown.WARN), 0),
        ({Outcome.FAIL: 1}, Thresholds(overdue_only=True, fail_on=Severity.HIGH), 0),
        ({Outcome.FAIL: 2}, Thresholds(overdue_only=True, max_findings={Severity.MEDIUM: 2}), 0),
        ({Outcome.FAIL: 3}, Thresholds(overdue_only=True, max_findings={Severity.MEDIUM: 2}), 1),
        ({Outcome.FAIL: 0}, Thresholds(), 1),
        (None, Thresholds(overdue_only=True), 1),
    ],
)
def test_what_is_not_overdue_does_not_count(
    overdue: dict[Outcome, int] | None, thresholds: Thresholds, code: int
) -> None:
    found = msgspec.structs.replace(result(fail=3, unknown=2, error=1), overdue=overdue)
    assert judge(inventory(), [found], thresholds).exit_code == code


def test_what_could_not_be_seen_has_no_time() -> None:
    found = msgspec.structs.replace(result(unknown=2, unseen=2), overdue={})
    verdict = judge(inventory(), [found], Thresholds(overdue_only=True))
    assert verdict.exit_code == 1
    assert verdict.reasons == ("2 overdue unknown outcomes of severity low or worse",)
    accepted = Thresholds(overdue_only=True, allow_partial=True)
    assert judge(inventory(), [found], accepted).exit_code == 0


def progress(*dues: int | None, **more: Any) -> HistoryProgress:
    """Open findings whose time is over after so many days; None is for those that have none."""
    found = [
        tracked(
            f"f{number}",
            rule="r",
            due=None if day is None else AS_OF + timedelta(days=day),
            **more,
        )
        for number, day in enumerate(dues)
    ]
    return HistoryProgress(None, tuple(found))


@pytest.mark.parametrize(
    ("days", "thresholds", "reasons"),
    [
        ([13], Thresholds(overdue_only=True), ["1 overdue violation of severity low or worse"]),
        ([14], Thresholds(overdue_only=True), []),  # its time is over after that moment
        ([15, 90], Thresholds(overdue_only=True), []),
        ([3, 90], Thresholds(), []),
        ([3], Thresholds(overdue_only=True, fail_on=Severity.HIGH), []),
        ([3, 4], Thresholds(overdue_only=True, max_findings=MEDIUM_2), []),
        (
            [3, 4, 5, 99],
            Thresholds(overdue_only=True, max_findings=MEDIUM_2),
            ["3 overdue findings of severity medium, at most 2 allowed"],
        ),
        ([None, -3], Thresholds(overdue_only=True), []),  # that fails today
        ([-3, 3], Thresholds(overdue_only=True), ["2 overdue violations of severity low or worse"]),
    ],
)
def test_what_will_be_overdue_counts_as_it_will(
    days: list[int | None], thresholds: Thresholds, reasons: list[str]
) -> None:
    told = progress(*days)
    found = msgspec.structs.replace(
        result(fail=len(days)), overdue=told.overdue(AS_OF).get("r", {})
    )
    asked = msgspec.structs.replace(thresholds, due_within=14)
    within = tuple(f"within 14 days (to 2026-03-15): {reason}" for reason in reasons)
    assert due([found], asked, looking_ahead(), 14, told) == within
    said = judge(inventory(), [found], asked, (), looking_ahead(), told).reasons
    assert tuple(one for one in said if one.startswith("within 14")) == within


@pytest.mark.parametrize("more", [{"fate": Fate.FIXED}, {"disposition": Disposition.WAIVED}])
def test_what_is_not_open_will_not_be_overdue(more: dict[str, Any]) -> None:
    found = msgspec.structs.replace(result(), overdue={})
    asked = Thresholds(overdue_only=True, due_within=14)
    assert due([found], asked, looking_ahead(), 14, progress(3, **more)) == ()
