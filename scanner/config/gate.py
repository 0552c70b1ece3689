"""The settings that decide what is looked at and tolerated, as reports tell them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Final

from msgspec import UNSET

from scanner.catalogue.redact import redact_text
from scanner.gate import NEVER, OnUnknown, PolicyThresholds, Thresholds
from scanner.model.inventory import Scope
from scanner.model.outcome import Severity
from scanner.model.run import GateSetting
from scanner.policy.language.values import format_duration
from scanner.triage.interface import TERM_DAYS

if TYPE_CHECKING:
    from scanner.config.settings import Settings

NONE: Final = "none"
"""The value of a setting that names nothing."""

_DEFAULT: Final = Thresholds()


def effective(found: "Settings", scope: Scope) -> tuple[GateSetting, ...]:
    """Return the settings in effect: those of the gate always, the others where they are given.

    `scope` is what the scan looks at: files are not narrowed by what a setting says of a server.
    """
    return tuple(_settings(found, scope))


def _settings(found: "Settings", scope: Scope) -> Iterator[GateSetting]:
    def told(name: str, value: str, *, looser: bool = False) -> GateSetting:
        origin = found.origin(name.partition(".")[0])
        is_given = name in found.origins and not origin.startswith("--")
        return GateSetting(name, value, origin, looser, is_given)

    if found.locked is not None:
        yield GateSetting("locked_config", *found.locked)
    yield told("fail_on", _severity(found.fail_on), looser=_is_looser(found.fail_on))
    yield told("on_unknown", found.on_unknown, looser=found.on_unknown is not OnUnknown.FAIL)
    yield told("allow_partial", str(found.allow_partial).lower(), looser=found.allow_partial)
    budgets = found.max_findings
    yield told("max_findings", _budgets(budgets), looser=any(budgets.values()))
    for policy, own in found.gate.items():
        yield told(f"gate.{policy}", _own(own), looser=_is_loosening(own))
    for name, value, is_looser in _timed(found):
        yield told(name, value, looser=is_looser)
    for name, path in (("waivers", found.waivers), ("baseline", found.baseline)):
        yield told(name, NONE if path is None else str(path), looser=path is not None)
    if found.waiver_term_days != TERM_DAYS:
        days = found.waiver_term_days
        yield told("waiver_term_days", str(days), looser=days > TERM_DAYS)
    params = [f"{name}={redact_text(value)}" for name, value in found.params.items()]
    for name, values in (
        ("policies", found.policies),
        ("params", params),
        ("organizations", scope.organizations),
        ("projects", scope.projects),
        ("owners", (str(found.owners),) if found.owners else ()),
    ):
        if values:
            yield told(name, _listed(values))


def _timed(found: "Settings") -> Iterator[tuple[str, str, bool]]:
    """Give what is about time where it is given: name, value, and whether it tolerates more."""
    if found.fail_on_overdue:
        yield "fail_on_overdue", "true", True
    if found.fail_if_due_within is not None:
        yield "fail_if_due_within", f"{found.fail_if_due_within}d", False
    if found.sla:
        allowed = (f"{name}={format_duration(time)}" for name, time in found.sla.items())
        yield "sla", _listed(allowed), False


def _severity(fail_on: Severity | None) -> str:
    return NEVER if fail_on is None else fail_on.value


def _is_looser(fail_on: Severity | None) -> bool:
    return fail_on is not _DEFAULT.fail_on


def _budgets(budgets: Mapping[Severity, int]) -> str:
    return _listed(f"{severity}={number}" for severity, number in budgets.items()) or NONE


def _own(own: PolicyThresholds) -> str:
    parts = []
    if own.fail_on is not UNSET:
        parts.append(f"fail_on {_severity(own.fail_on)}")
    if own.max_findings is not UNSET:
        parts.append(f"max_findings {_budgets(own.max_findings)}")
    return _listed(parts)


def _is_loosening(own: PolicyThresholds) -> bool:
    loose_limit = own.fail_on is not UNSET and _is_looser(own.fail_on)
    return loose_limit or (own.max_findings is not UNSET and any(own.max_findings.values()))


def _listed(parts: Iterable[str]) -> str:
    return ", ".join(parts)
