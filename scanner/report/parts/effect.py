"""What the verdict says and under which settings: the same words in every format."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from scanner.base.text import clean, percent, plural
from scanner.model.outcome import WORST_FIRST, Disposition, Severity
from scanner.model.owner import OrganizationShare
from scanner.model.rule import Rule
from scanner.model.run import GateResult, GateSetting, Run

_GATE: Final = (
    *("fail_on", "on_unknown", "allow_partial", "max_findings", "waivers", "baseline"),
    "fail_if_due_within",
)
"""The settings that every report tells, whatever they are; the last only where it is given."""

_NAMED: Final = 4  # sources: of a fleet, each organization is one

STATES: Final = {
    GateResult.PASSED: "Passed",
    GateResult.FAILED: "Failed",
    GateResult.INCOMPLETE: "Incomplete",
}
"""Verdicts as headings and badges say them."""

_EXIT_CODES: Final = {
    1: "the gate failed",
    2: "a usage, configuration or policy error",
    3: "the inventory is incomplete, so compliance cannot be told",
    4: "an internal error",
}


def open_findings(run: Run) -> str:
    """Return how many findings are open: `3 open findings (1 high, 2 low)`."""
    return severities(run.open_by_severity())


def severities(counts: Mapping[Severity, int]) -> str:
    """Return numbers of open findings in words: `3 open findings (1 high, 2 low)`."""
    told = ", ".join(f"{counts[one]:,} {one}" for one in WORST_FIRST if counts.get(one))
    return plural(sum(counts.values()), "open finding") + (f" ({told})" if told else "")


def meaning(run: Run) -> str:
    """Say what the exit code means; compliant is only what leaves nothing open or tolerated."""
    code = run.verdict.exit_code
    if code:
        return _EXIT_CODES.get(code, "unknown")
    if sum(run.open_by_severity().values()):
        return f"the gate passed, with {open_findings(run)}"
    told = tolerated(run)
    return f"no finding is open ({', '.join(told)})" if told else "compliant"


def disposed(run: Run, disposition: Disposition) -> int:
    """Return how many findings triage gave this disposition."""
    return sum(result.disposed(disposition) for result in run.results)


def tolerated(run: Run) -> list[str]:
    """Return how many findings are not open, by why: `2 waived`; nothing of none."""
    return [
        f"{number:,} {disposition}"
        for disposition in (Disposition.WAIVED, Disposition.BASELINED)
        if (number := disposed(run, disposition))
    ]


def unexplained(run: Run) -> str:
    """Say why the gate did not pass where no open finding that is shown tells it; else nothing.

    A format of findings alone would look green then: nothing was seen, or all falls due later.
    """
    if run.verdict.result is GateResult.PASSED or any(map(run.open_shown, run.results)):
        return ""
    reasons = clean("; ".join(run.verdict.reasons)) or "no reason is known"
    return f"{run.verdict.result}: {reasons}"


def shares(run: Run) -> list[tuple[str, str, int]]:
    """Return the owners with a finding: who, their contact, and how many are open; worst first."""
    ranked = sorted(run.owners, key=lambda one: -one.by_disposition[Disposition.OPEN])
    return [
        (
            clean(one.owner or "nobody"),
            clean(one.contact),
            one.by_disposition[Disposition.OPEN],
        )
        for one in ranked
        if one.findings
    ]


def scanned(sources: Sequence[str]) -> str:
    """Return where the records came from; of very many, the first and the number of the others."""
    more = f" and {len(sources) - _NAMED:,} more" if len(sources) > _NAMED + 1 else ""
    return ", ".join(sources[: _NAMED if more else None]) + more or "nothing"


def rows_read(run: Run) -> list[str]:
    """Return how many rows there are of each table that rules read: `3 sentry_key rows`."""
    tables = run.inventory.tables.items()
    return [plural(table.rows, f"{name} row") for name, table in tables if table.needed]


def rate_of(passed: int, judged: int) -> str:
    """Return the part that passed, in percent; or that there was nothing to judge."""
    return percent(passed / judged) if judged else "not assessed"


class OrganizationPart(NamedTuple):
    """An organization's part of a scan, for readers; `rules` have open findings, worst first."""

    name: str
    share: OrganizationShare
    open_by_severity: dict[Severity, int]
    rules: list[tuple[Rule, int]]

    @property
    def open(self) -> int:
        """How many findings are open."""
        return sum(self.open_by_severity.values())

    @property
    def told(self) -> str:
        """What is open, as `open_findings` says it of the whole scan; and what was not seen."""
        told = severities(self.open_by_severity)
        if not self.rate.endswith("%"):
            return f"{told}, {self.rate}"
        gaps = f", {plural(self.share.gaps, 'part')} not seen" if self.share.gaps else ""
        return f"{told}, {self.rate} passed{gaps}"

    @property
    def rate(self) -> str:
        """The part of the checks that passed, in percent."""
        checks = self.share.checks
        if self.share.projects is None and not checks.passed + checks.failed:
            return "not seen"
        return rate_of(checks.passed, checks.passed + checks.failed + checks.unknown)


def parts(run: Run) -> list[OrganizationPart]:
    """Return the parts of the organizations of a scan of several, worst first."""
    rules = {result.rule.id: result.rule for result in run.results}
    found = []
    for share in run.organizations:
        by_severity = dict.fromkeys(WORST_FIRST, 0)
        by_rule = [(rules[rule], number) for rule, number in share.open_by_rule.items()]
        for rule, number in by_rule:
            by_severity[rule.severity] += number
        by_rule.sort(key=lambda one: (-one[0].severity.rank, -one[1], one[0].id))
        name = clean(share.slug) if share.slug is not None else "(no organization told)"
        found.append(OrganizationPart(name, share, by_severity, by_rule))
    return sorted(found, key=_badness)


def _badness(part: OrganizationPart) -> tuple[bool, list[int]]:
    """Put first what was not seen at all: it hides how bad it is."""
    is_seen = part.share.projects is not None or part.share.slug is None
    return is_seen, [-number for number in part.open_by_severity.values()]


def loosened(run: Run) -> list[str]:
    """Return the settings that tolerate more than the default does, each with its origin."""
    return [_told(setting) for setting in run.gate if setting.is_looser]


def given(run: Run) -> list[str]:
    """Return what the command line did not say of what is looked at, each with its origin."""
    return [_told(one) for one in run.gate if one.is_given and not one.is_looser]


def gate_words(run: Run) -> list[str]:
    """Return the gate's settings in effect: `fail_on low`."""
    return [
        clean(f"{one.name} {one.value}")
        for one in run.gate
        if one.name in _GATE or one.name.startswith("gate.")
    ]


def setting_read(name: str, value: str, origin: str, *, is_looser: bool) -> GateSetting:
    """Return a setting as a JSON report tells it: whether it was given, its origin says."""
    by_itself = origin == "the default" or origin.startswith("--")
    return GateSetting(name, value, origin, is_looser, name != "locked_config" and not by_itself)


def _told(setting: GateSetting) -> str:
    return clean(f"{setting.name} is {setting.value} ({setting.origin})")
