"""The gate: from what a scan found to an exit code; the same whatever the report's format."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.text import plural
from scanner.model.finding import Due, Forecast
from scanner.model.history import HistoryProgress
from scanner.model.outcome import WORST_FIRST, Disposition, Outcome, Severity
from scanner.model.run import GateResult, InventorySummary, RuleResult, Verdict

EXIT_PASSED: Final = 0
EXIT_FAILED: Final = 1
EXIT_REFUSED: Final = 2
EXIT_INCOMPLETE: Final = 3

NEVER: Final = "never"
"""The value of `fail_on` with which no finding fails the gate."""


class OnUnknown(StrEnum):
    """What an unknown or error outcome means to the gate: a failure, a warning, or nothing."""

    FAIL = "fail"
    WARN = "warn"
    IGNORE = "ignore"


class PolicyThresholds(msgspec.Struct, frozen=True):
    """What the gate tolerates of one policy; what is not set is as for the others."""

    fail_on: Severity | UnsetType | None = UNSET
    max_findings: dict[Severity, int] | UnsetType = UNSET


class Thresholds(msgspec.Struct, frozen=True):
    """What the gate tolerates.

    `fail_on` is the lowest severity of which any open finding fails, None is never.
    `max_findings` says for a severity how many open findings are tolerated, whatever `fail_on`
    says of it. `policies` are judged apart from the others, each by its own thresholds. With
    `overdue_only`, findings on rows count when the time to fix them is over; those that have none
    count at once, and all do where no history tells since when they are open.
    `due_within`: what a forecast finds for so many days fails today, where it will fail then.
    """

    fail_on: Severity | None = Severity.LOW
    on_unknown: OnUnknown = OnUnknown.FAIL
    allow_partial: bool = False
    max_findings: dict[Severity, int] = {}
    policies: dict[str, PolicyThresholds] = {}
    overdue_only: bool = False
    due_within: int | None = None


def judge(  # noqa: PLR0913, PLR0917 - whatever a verdict follows from
    inventory: InventorySummary,
    results: Sequence[RuleResult],
    thresholds: Thresholds,
    refusals: Sequence[str] = (),
    forecast: Forecast | None = None,
    progress: HistoryProgress | None = None,
) -> Verdict:
    """Decide. An inventory that was not seen whole outranks findings: it is never green.

    `refusals` are mistakes in the configuration that came out during the scan; they outrank both.
    `progress` tells until when there is time to fix what is open, where a history does.
    """
    blind = _blind(inventory, results)
    missing = [
        f"{name} is {coverage.state.value}: {coverage.reason}"
        for name, coverage in inventory.incomplete.items()
    ]
    failing = _failing(results, thresholds)
    if forecast is not None and thresholds.due_within is not None:
        failing += due(results, thresholds, forecast, thresholds.due_within, progress)
    if blind or (missing and not thresholds.allow_partial):
        reasons = (*refusals, *blind, *missing, *failing)
        code = EXIT_REFUSED if refusals else EXIT_INCOMPLETE
        return Verdict(GateResult.INCOMPLETE, code, reasons)
    noted = tuple(f"{reason} (allowed)" for reason in missing)
    if refusals or failing:
        code = EXIT_REFUSED if refusals else EXIT_FAILED
        return Verdict(GateResult.FAILED, code, (*refusals, *failing, *noted))
    return Verdict(GateResult.PASSED, EXIT_PASSED, (_passed(results), *noted))


def due(
    results: Sequence[RuleResult],
    thresholds: Thresholds,
    forecast: Forecast,
    days: int,
    progress: HistoryProgress | None = None,
) -> tuple[str, ...]:
    """Return why the gate would fail for what falls due in so many days, and does not today.

    All that falls due counts, as if nothing that is found today were mended before, and whatever
    time there is to fix it. With `overdue_only`, so does what is open today and has no time left
    by then, which only a history tells.
    """
    end = forecast.as_of + timedelta(days=days)
    whole = msgspec.structs.replace(thresholds, overdue_only=False)
    sure = _failing(results, whole), _failing(_coming(results, forecast.within(days)), whole)
    late: tuple[tuple[str, ...], tuple[str, ...]] = (), ()
    if thresholds.overdue_only and progress is not None:
        then = _late(results, progress.overdue(end))
        late = _failing(results, thresholds), _failing(then, thresholds)
    within = f"within {plural(days, 'day')} (to {end:%Y-%m-%d})"
    return tuple(
        f"{within}: {reason}"
        for today, later in (sure, late)
        for reason in later
        if reason not in today
    )


def _coming(results: Sequence[RuleResult], dues: Sequence[Due]) -> list[RuleResult]:
    """Return the results with what falls due among what is open."""
    coming: dict[str, Counter[Outcome]] = {}
    for one in dues:
        counts = coming.setdefault(one.finding.rule_id, Counter())
        counts[one.finding.outcome] += 1
        if one.was_open is not None:
            counts[one.was_open] -= 1
    later = []
    for result in results:
        tally = Counter(result.tally)
        for outcome, number in coming.get(result.rule.id, {}).items():
            tally[outcome, Disposition.OPEN] += number
        later.append(msgspec.structs.replace(result, tally=dict(tally)))
    return later


def _late(
    results: Sequence[RuleResult], overdue: Mapping[str, Mapping[Outcome, int]]
) -> list[RuleResult]:
    """Return the results with what is overdue then; where nobody can tell, as they are."""
    return [
        one
        if one.overdue is None
        else msgspec.structs.replace(one, overdue=overdue.get(one.rule.id, {}))
        for one in results
    ]


def remarks(results: Sequence[RuleResult], thresholds: Thresholds) -> tuple[str, ...]:
    """Tell what `on_unknown: warn` lets through: it is neither a pass nor a failure."""
    if thresholds.on_unknown is not OnUnknown.WARN:
        return ()
    unknown, errors = (
        sum(result.open(outcome) for result in results)
        for outcome in (Outcome.UNKNOWN, Outcome.ERROR)
    )
    told = [(unknown, "unknown outcome"), (errors, "error")]
    counted = " and ".join(plural(number, what) for number, what in told if number)
    return (f"{counted} did not count against the gate (on_unknown is warn)",) if counted else ()


def strangers(thresholds: Thresholds, policies: Collection[str]) -> tuple[str, ...]:
    """Warn of thresholds that are for no policy of the scan: a typo would make them void."""
    return tuple(
        f"`gate` has thresholds for {name}, which is not in this scan"
        for name in thresholds.policies
        if name not in policies
    )


def _blind(inventory: InventorySummary, results: Sequence[RuleResult]) -> tuple[str, ...]:
    if not results:
        return ("no rule was run",)
    if not any(table.rows for table in inventory.tables.values() if table.needed):
        names = ", ".join(name for name, table in inventory.tables.items() if table.needed)
        return (f"no resource was seen in {names}",)
    if all(result.evaluated == result.not_applicable for result in results):
        return ("no rule judged any resource: no row is in any rule's `where`",)
    return ()


def _failing(results: Sequence[RuleResult], thresholds: Thresholds) -> tuple[str, ...]:
    """Judge the policies that have thresholds of their own, and the others together.

    A rule that several policies share counts for each of them: the strictest decides.
    """
    apart = thresholds.policies
    others = [one for one in results if not apart.keys() >= set(one.rule.policies)]
    reasons = _over(others, thresholds)
    for name, own in apart.items():
        given = {f: v for f, v in msgspec.structs.asdict(own).items() if v is not UNSET}
        theirs = [one for one in results if name in one.rule.policies]
        judged = _over(theirs, msgspec.structs.replace(thresholds, **given))
        reasons += [f"{name}: {reason}" for reason in judged]
    return tuple(reasons)


def _over(results: Sequence[RuleResult], thresholds: Thresholds) -> list[str]:
    reasons = []
    budgets = thresholds.max_findings
    fail_on = thresholds.fail_on
    if fail_on is not None:
        strict = [
            _counted(result, thresholds)
            for result in results
            if result.rule.severity.rank >= fail_on.rank and result.rule.severity not in budgets
        ]
        for place, what in enumerate(("violation", "unknown outcome", "error")):
            if number := sum(counts[place] for counts in strict):
                late = "overdue " if thresholds.overdue_only else ""
                reasons.append(
                    f"{plural(number, f'{late}{what}')} of severity {fail_on.value} or worse"
                )
    for severity in WORST_FIRST:
        of_it = [result for result in results if result.rule.severity is severity]
        number = sum(sum(_counted(result, thresholds)) for result in of_it)
        if severity in budgets and number > budgets[severity]:
            most = f"at most {budgets[severity]:,} allowed"
            what = "overdue finding" if thresholds.overdue_only else "open finding"
            reasons.append(f"{plural(number, what)} of severity {severity.value}, {most}")
    return reasons


def _counted(result: RuleResult, thresholds: Thresholds) -> tuple[int, int, int]:
    """Return how many violations, unknown outcomes and errors count against the gate."""
    failed, unknown, errors = (
        result.open(outcome) for outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR)
    )
    if thresholds.overdue_only and result.overdue is not None:
        late = result.overdue
        failed, errors = late.get(Outcome.FAIL, 0), late.get(Outcome.ERROR, 0)
        # There is no time to see what could not be seen: that counts at once.
        unknown = late.get(Outcome.UNKNOWN, 0) + result.unseen
    if thresholds.on_unknown is not OnUnknown.FAIL:
        return failed, 0, 0
    # With allow_partial the user accepted that parts were not seen; missing facts still count.
    accepted = result.unseen if thresholds.allow_partial else 0
    return failed, unknown - accepted, errors


def _passed(results: Sequence[RuleResult]) -> str:
    counts = {
        disposition: sum(result.disposed(disposition) for result in results)
        for disposition in Disposition
    }
    found = counts.pop(Disposition.OPEN)
    tolerated = ", ".join(f"{n:,} {disposition.value}" for disposition, n in counts.items() if n)
    if not found and not tolerated:
        return "every rule holds"
    within = f"{plural(found, 'finding')} within the thresholds" if found else "no open finding"
    return f"{within} ({tolerated})" if tolerated else within
