"""What a run kept, judged anew as of then: in come a run and settings, out comes a scan."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.scratch import scratch
from scanner.config.gate import effective
from scanner.config.settings import Settings
from scanner.history.folder import StoredRun
from scanner.history.kept import KeptFiles, KeptSource, own_params
from scanner.model.run import Run
from scanner.pipeline import ScanRequest, scan
from scanner.triage.interface import TERM_DAYS

_THERE_AT_ONCE: Final = "a replay does not tell since when findings are open, so all of them count"
_NO_FORECAST: Final = "a replay judges what was found then, not what fell due later"
_NO_BASELINE: Final = "of a replay with other policies nothing is tolerated that it lists"
_OF_RUN: Final = ("policies", "params", "waivers", "baseline", "owners")
_ORIGIN: Final = "the run"


@contextmanager
def replayed(
    run: StoredRun, settings: Settings, *, table: bool = False, ahead: int = 0
) -> Iterator[Run]:
    """Scan what a run kept: with the policies that are named, or with its own and its waivers.

    `ahead` is for how many days to look ahead, 0 for none. Raises DamageError.
    """
    with scratch() as private:
        folder = private / "table"
        folder.mkdir()
        files = None if settings.policies else KeptFiles.unpacked(run, private)
        told = _in_effect(run, settings, is_own=files is not None)
        scope = run.manifest.looked.scope
        triage = told.triage
        if files is not None:
            triage = msgspec.structs.replace(
                files.triage,
                strict_waivers=triage.strict_waivers,
                notice_days=triage.notice_days,
            )
        request = ScanRequest(
            source=KeptSource(run),
            scope=scope,
            policies=told.policies if files is None else files.policies,
            params=told.params,
            as_of=run.manifest.run.as_of,
            thresholds=told.thresholds,
            triage=triage,
            gate=effective(told, scope),
            policies_place=told.policies_place,
            folder=folder if table else None,
            ahead=ahead,
        )
        with scan(request) as found:
            warnings = *found.warnings, *dropped(settings)
            yield msgspec.structs.replace(found, warnings=warnings)


def _in_effect(run: StoredRun, settings: Settings, *, is_own: bool) -> Settings:
    """Return the settings that a replay is judged under, as its report tells them."""
    manifest = run.manifest
    origins = {**settings.origins, **dict.fromkeys(("organizations", "projects"), _ORIGIN)}
    told = msgspec.structs.replace(
        settings, baseline=None, sla={}, fail_on_overdue=False, fail_if_due_within=None
    )
    if not is_own:
        origins.pop("baseline", None)
        return msgspec.structs.replace(told, origins=origins)

    def part(name: str | None) -> Path | None:
        return None if name is None else Path(name)

    return msgspec.structs.replace(
        told,
        policies=tuple(policy.name for policy in manifest.policies),
        policies_place=None,
        params=own_params(run),
        waivers=part(manifest.waivers),
        baseline=part(manifest.baseline),
        owners=part(manifest.owners),
        waiver_term_days=TERM_DAYS,  # a waiver that is too long would have stopped the scan then
        origins={**origins, **dict.fromkeys(_OF_RUN, _ORIGIN)},
    )


def dropped(settings: Settings) -> Iterator[str]:
    """Tell of the settings of the gate that a replay cannot have.

    What a run has of its own is none of them: the report tells which it is.
    """
    for name, is_given, why in (
        ("fail_on_overdue", settings.fail_on_overdue, _THERE_AT_ONCE),
        ("fail_if_due_within", settings.fail_if_due_within is not None, _NO_FORECAST),
        ("baseline", settings.policies and settings.baseline is not None, _NO_BASELINE),
    ):
        if is_given:
            yield f"{settings.origin(name)} does not count: {why}"
