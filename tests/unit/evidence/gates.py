"""What a report tells of thresholds, as the command has it."""

from scanner.config.gate import effective
from scanner.config.settings import Settings, Terminal
from scanner.gate import Thresholds
from scanner.model.inventory import Scope
from scanner.model.run import GateSetting


def settings_told(thresholds: Thresholds) -> tuple[GateSetting, ...]:
    settings = Settings(
        fail_on=thresholds.fail_on,
        on_unknown=thresholds.on_unknown,
        allow_partial=thresholds.allow_partial,
        max_findings=thresholds.max_findings,
        gate=thresholds.policies,
        fail_on_overdue=thresholds.overdue_only,
        fail_if_due_within=thresholds.due_within,
        terminal=Terminal(color=None, columns=None),
    )
    return effective(settings, Scope())
