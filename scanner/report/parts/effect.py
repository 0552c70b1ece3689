"""What the verdict says and under which settings: the same words in every format."""

from typing import Final

from scanner.base.text import clean, plural
from scanner.model.outcome import WORST_FIRST, Disposition
from scanner.model.run import GateSetting, Run

_GATE: Final = (
    *("fail_on", "on_unknown", "allow_partial", "max_findings", "waivers", "baseline"),
    "fail_if_due_within",
)
"""The settings that every report tells, whatever they are; the last only where it is given."""

_EXIT_CODES: Final = {
    1: "the gate failed",
    2: "a usage, configuration or policy error",
    3: "the inventory is incomplete, so compliance cannot be told",
    4: "an internal error",
}


def open_findings(run: Run) -> str:
    """Return how many findings are open: `3 open findings (1 high, 2 low)`."""
    counts = run.open_by_severity()
    told = ", ".join(f"{counts[one]:,} {one}" for one in WORST_FIRST if counts[one])
    return plural(sum(counts.values()), "open finding") + (f" ({told})" if told else "")


def meaning(run: Run) -> str:
    """Say what the exit code means; compliant is only what leaves nothing open or tolerated."""
    code = run.verdict.exit_code
    if code:
        return _EXIT_CODES.get(code, "unknown")
    if sum(run.open_by_severity().values()):
        return f"the gate passed, with {open_findings(run)}"
    tolerated = [
        f"{number:,} {disposition}"
        for disposition in (Disposition.WAIVED, Disposition.BASELINED)
        if (number := sum(result.disposed(disposition) for result in run.results))
    ]
    return f"no finding is open ({', '.join(tolerated)})" if tolerated else "compliant"


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


def _told(setting: GateSetting) -> str:
    return clean(f"{setting.name} is {setting.value} ({setting.origin})")
