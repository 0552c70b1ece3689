"""The gate of a run: out of what its report says of the settings come the settings themselves."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from scanner.base.errors import UsageError
from scanner.base.given import GivenParams
from scanner.base.shape.decode import UnfitError, converted
from scanner.config import values
from scanner.config.gate import NONE, effective
from scanner.config.settings import Settings, Terminal
from scanner.gate import PolicyThresholds, Thresholds
from scanner.history.manifest import DamageError, Manifest
from scanner.model.history import Sla
from scanner.model.outcome import Severity
from scanner.model.run import GateSetting
from scanner.report.parts.effect import setting_read
from scanner.triage.interface import TERM_DAYS

_OWN: Final = "gate."
_MAX_FINDINGS: Final = "max_findings "
_NAMED: Final = frozenset({"locked_config", "policies", "owners"})
"""Settings that say only how something was called when the scan was asked for."""

_WHERE_GIVEN: Final = frozenset({"params", "organizations", "projects"})
"""Those that follow from the run and that a scan without a command does not tell."""


class _ToldSetting(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    value: str
    origin: str
    looser: bool


def settings_of(told: object, where: str) -> tuple[GateSetting, ...]:
    """Return the settings that a JSON report tells under `gate`. Raises DamageError."""
    try:
        settings = converted(told, tuple[_ToldSetting, ...])
    except UnfitError as error:
        raise _edited(f"it tells no settings of a gate ({error})", where) from None
    return tuple(
        setting_read(one.name, one.value, one.origin, is_looser=one.looser) for one in settings
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
        raise _edited(f"it tells no settings of a gate ({error})", where) from None


def check_settings(settings: Sequence[GateSetting], manifest: Manifest, where: str) -> None:
    """Raise DamageError for settings that no scan tells: unknown, told twice, or said to be else.

    What a scan says of a setting follows from its value and from the run; the paths and places
    that people named follow from nothing.
    """
    told = {one.name: one.value for one in settings}
    thresholds = thresholds_of(settings, where)
    try:
        term = values.days(told.get("waiver_term_days", TERM_DAYS), where)
    except UsageError as error:
        raise _edited(str(error), where) from None
    found = Settings(
        fail_on=thresholds.fail_on,
        on_unknown=thresholds.on_unknown,
        allow_partial=thresholds.allow_partial,
        max_findings=thresholds.max_findings,
        gate=thresholds.policies,
        fail_on_overdue=thresholds.overdue_only,
        fail_if_due_within=thresholds.due_within,
        sla=dict(sla_of(settings, where)),
        waivers=None if manifest.waivers is None else Path(told.get("waivers", "")),
        baseline=None if manifest.baseline is None else Path(told.get("baseline", "")),
        waiver_term_days=term,
        params=GivenParams(manifest.params),
        terminal=Terminal(color=None, columns=None),
    )
    scope = manifest.looked.scope
    follows = {one.name: (one.value, one.is_looser) for one in effective(found, scope)}
    lacking = follows.keys() - told.keys() - _WHERE_GIVEN
    if lacking:
        raise _edited(f"it does not tell {', '.join(sorted(lacking))}", where)
    if len(told) != len(settings):
        raise _edited("it tells a setting twice", where)
    for one in settings:
        if one.name not in follows and (one.name not in _NAMED or one.is_looser):
            raise _edited(f"no scan tells {one.name} so", where)
        if follows.get(one.name, (one.value, one.is_looser)) != (one.value, one.is_looser):
            raise _edited(f"{one.name} is not what it says", where)


def sla_of(settings: Iterable[GateSetting], where: str) -> Sla:
    """Return the time that was allowed to fix findings. Raises DamageError as thresholds_of."""
    told = next((one.value for one in settings if one.name == "sla"), None)
    try:
        return {} if told is None else values.sla(told, where)
    except UsageError as error:
        raise _edited(str(error), where) from None


def _edited(why: str, where: str) -> DamageError:
    return DamageError(f"was edited: {why}", "edited", where=where)


def _budgets(text: str, where: str) -> dict[Severity, int]:
    return {} if text == NONE else values.max_findings(text, where)


def _own(text: str, where: str) -> PolicyThresholds:
    rest, mark, budgets = text.partition(_MAX_FINDINGS)
    fail_on = rest.removesuffix(", ").removeprefix("fail_on ")
    return PolicyThresholds(
        fail_on=values.fail_on(fail_on, where) if fail_on else UNSET,
        max_findings=_budgets(budgets, where) if mark else UNSET,
    )
