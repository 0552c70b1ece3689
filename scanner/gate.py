"""The gate: from what a scan found to an exit code; the same whatever the report's format."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec

from scanner.model.outcome import Outcome
from scanner.model.run import GateResult, InventorySummary, RuleResult, Verdict
from scanner.model.severity import Severity

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_INCOMPLETE: Final = 3

NEVER: Final = "never"
"""The value of `fail_on` with which no finding fails the gate."""


class OnUnknown(StrEnum):
    """What an unknown or error outcome means to the gate: a failure, a remark, or nothing."""

    FAIL = "fail"
    WARN = "warn"
    IGNORE = "ignore"


class Thresholds(msgspec.Struct, frozen=True):
    """What the gate tolerates. `fail_on` is the lowest severity that fails it, None is never."""

    fail_on: Severity | None = Severity.LOW
    on_unknown: OnUnknown = OnUnknown.FAIL
    allow_partial: bool = False


def judge(
    inventory: InventorySummary, results: Sequence[RuleResult], thresholds: Thresholds
) -> Verdict:
    """Decide. An inventory that was not seen whole outranks findings: it is never green."""
    blind = _blind(inventory, results)
    missing = [
        f"{name} is {coverage.state.value}: {coverage.reason}"
        for name, coverage in inventory.incomplete.items()
    ]
    failing = _failing(results, thresholds)
    if blind or (missing and not thresholds.allow_partial):
        reasons = (*blind, *missing, *failing)
        return Verdict(GateResult.INCOMPLETE, EXIT_INCOMPLETE, reasons)
    noted = tuple(f"{reason} (allowed)" for reason in missing)
    if failing:
        return Verdict(GateResult.FAILED, EXIT_FAILED, (*failing, *noted))
    return Verdict(GateResult.PASSED, EXIT_PASSED, (_passed(results), *noted))


def _blind(inventory: InventorySummary, results: Sequence[RuleResult]) -> tuple[str, ...]:
    if not results:
        return ("no rule was run",)
    if not any(table.rows for table in inventory.tables.values() if table.needed):
        names = ", ".join(name for name, table in inventory.tables.items() if table.needed)
        return (f"no resource was seen in {names}",)
    return ()


def _failing(results: Sequence[RuleResult], thresholds: Thresholds) -> tuple[str, ...]:
    if thresholds.fail_on is None:
        return ()
    counted = [result for result in results if result.rule.severity.rank >= thresholds.fail_on.rank]
    reasons = []
    failed = sum(result.open(Outcome.FAIL) for result in counted)
    if failed:
        reasons.append(_count(failed, "violation", thresholds.fail_on))
    if thresholds.on_unknown is OnUnknown.FAIL:
        unknown = sum(result.open(Outcome.UNKNOWN) for result in counted)
        if thresholds.allow_partial:
            # The user accepted that parts were not seen; missing facts on a seen row still count.
            unknown -= sum(result.unseen for result in counted)
        errors = sum(result.open(Outcome.ERROR) for result in counted)
        if unknown:
            reasons.append(_count(unknown, "unknown outcome", thresholds.fail_on))
        if errors:
            reasons.append(_count(errors, "error", thresholds.fail_on))
    return tuple(reasons)


def _count(number: int, what: str, fail_on: Severity) -> str:
    plural = "" if number == 1 else "s"
    return f"{number:,} {what}{plural} of severity {fail_on.value} or worse"


def _passed(results: Sequence[RuleResult]) -> str:
    found = sum(result.open_findings for result in results)
    if not found:
        return "every rule holds"
    return f"{found:,} finding{'' if found == 1 else 's'} within the thresholds"
