import pytest

from scanner.gate import OnUnknown, Thresholds, judge
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.outcome import Disposition, Outcome
from scanner.model.run import GateResult, InventorySummary, RuleResult, TableSummary
from scanner.model.severity import Severity
from tests.unit.engine.support import rule

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
