"""The gate of a run: out of what its report says of the settings come the settings themselves."""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from msgspec import UNSET

from scanner.base.errors import UsageError
from scanner.config import values
from scanner.gate import PolicyThresholds, Thresholds
from scanner.history.manifest import DamageError
from scanner.model.history import Sla
from scanner.model.outcome import Severity
from scanner.model.run import GateSetting

_OWN: Final = "gate."
_MAX_FINDINGS: Final = "max_findings "


def settings_of(told: Iterable[Mapping[str, Any]]) -> tuple[GateSetting, ...]:
    """Return the settings that a JSON report tells under `gate`."""
    return tuple(
        GateSetting(
            one["name"],
            one["value"],
            one["origin"],
            one["looser"],
            one["name"] != "locked_config"
            and one["origin"] != "the default"
            and not one["origin"].startswith("--"),
        )
        for one in told
    )


def thresholds_of(settings: Iterable[GateSetting], where: str) -> Thresholds:
    """Return what the gate tolerated: the reverse of config.gate.effective.

    Raises DamageError for what no scan writes.
    """
    told = {one.name: one.value for one in settings}
    try:
        return Thresholds(
            values.fail_on(told["fail_on"], where),
            values.on_unknown(told["on_unknown"], where),
            values.boolean(told["allow_partial"], where),
            _budgets(told["max_findings"], where),
            {
                name.removeprefix(_OWN): _own(value, where)
                for name, value in told.items()
                if name.startswith(_OWN)
            },
            values.boolean(told.get("fail_on_overdue", "false"), where),
            values.whole_days(told["fail_if_due_within"], where)
            if "fail_if_due_within" in told
            else None,
        )
    except (KeyError, UsageError) as error:
        why = f"was edited: it tells no settings of a gate ({error})"
        raise DamageError(why, "edited", where=where) from None


def sla_of(settings: Iterable[GateSetting], where: str) -> Sla:
    """Return the time that was allowed to fix findings. Raises DamageError as thresholds_of."""
    told = next((one.value for one in settings if one.name == "sla"), None)
    try:
        return {} if told is None else values.sla(told, where)
    except UsageError as error:
        raise DamageError(f"was edited: {error}", "edited", where=where) from None


def _budgets(text: str, where: str) -> dict[Severity, int]:
    return {} if text == "none" else values.max_findings(text, where)


def _own(text: str, where: str) -> PolicyThresholds:
    rest, mark, budgets = text.partition(_MAX_FINDINGS)
    fail_on = rest.removesuffix(", ").removeprefix("fail_on ")
    return PolicyThresholds(
        fail_on=values.fail_on(fail_on, where) if fail_on else UNSET,
        max_findings=_budgets(budgets, where) if mark else UNSET,
    )
