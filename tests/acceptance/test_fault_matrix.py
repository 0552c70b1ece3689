"""Faults of the simulator against a whole live scan: green only when it saw everything.

`pytest -s tests/acceptance/test_fault_matrix.py` prints the matrix: fault, exit code, coverage
of the keys, and whether the findings are those of a scan without faults.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec
import pytest

from scanner.base.errors import KeypolicyError
from scanner.gate import OnUnknown, Thresholds, judge
from scanner.inventory.source import LiveSettings
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Scope
from scanner.model.token import Token
from scanner.pipeline import ScanRequest, scan
from scanner.providers.sentry.live.source import SentrySource
from tests.simulator import Simulator, make_world
from tests.unit.providers.sentry.live.fetching import FAST
from tests.unit.providers.sentry.live.test_faults import (
    ASKED_OTHERWISE,
    FATAL,
    INCOMPLETE,
    SURVIVED,
    Case,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator import World

# That a fault which passes takes no key away is tested of every one where the faults are told.
CASES = [*SURVIVED[::2], *ASKED_OTHERWISE[::2], *INCOMPLETE, *FATAL]
AS_OF = datetime(2026, 6, 1, 12, tzinfo=UTC)
CALM = Case("no fault", list)

Findings = frozenset[tuple[str, str, str, str]]


class Outcome(msgspec.Struct, frozen=True):
    """What a scan came to; a scan that raised has neither coverage nor findings.

    `lenient` is the exit code where everything is let through, but an inventory that is not whole.
    """

    code: int
    lenient: int
    coverage: CoverageState | None = None
    findings: Findings = frozenset()


POLICY = """\
policy: facts
version: 1.0.0
title: Facts
rules:
  - id: told
    title: Every key breaks it, and its facts are told
    resource: sentry_key
    severity: high
    require: id IS NULL
    message: "{name} {is_active} {date_created} {rate_limit_count} {project_slug}"
"""
LENIENT = Thresholds(fail_on=None, on_unknown=OnUnknown.IGNORE)


def world() -> World:
    made = make_world(projects=12, keys=110)  # a page and some
    made.projects[7].slug = "api-007"
    return made


def scanned(case: Case, policy: Path) -> Outcome:
    with Simulator(world(), flavour=case.flavour, faults=case.script()) as sim:
        settings = LiveSettings(url=sim.url, token=Token(sim.world.token), retry=FAST)
        source = SentrySource(msgspec.structs.replace(settings, **case.settings))
        request = ScanRequest(source, Scope(), (str(policy),), {}, AS_OF, Thresholds())
        try:
            with scan(request) as run:
                return Outcome(
                    run.verdict.exit_code,
                    judge(run.inventory, run.results, LENIENT).exit_code,
                    run.inventory.tables["sentry_key"].coverage.state,
                    frozenset(
                        (one.rule_id, one.outcome.value, one.resource.id, one.message)
                        for one in run.findings
                    ),
                )
        except KeypolicyError as error:
            return Outcome(error.exit_code, error.exit_code)


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is missing of the keys, or told otherwise, is so in the findings."""
    file = tmp_path_factory.mktemp("rules") / "p.yaml"
    file.write_text(POLICY, "utf-8")
    return file


@pytest.fixture(scope="module")
def calm(policy: Path) -> Outcome:
    found = scanned(CALM, policy)
    assert len(found.findings) == len(world().keys)
    assert (found.code, found.lenient) == (1, 0)
    return found


def test_the_matrix_is_large_enough() -> None:
    assert len(CASES) >= 25


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_scan_is_green_only_when_it_saw_everything(
    case: Case, policy: Path, calm: Outcome
) -> None:
    found = scanned(case, policy)
    same = found.findings == calm.findings
    told = found.coverage.value if found.coverage else "none: it failed"
    print(f"\n{case!s:42} exit {found.code}  {told:16} same findings: {same}", end="")  # noqa: T201
    if found.coverage is CoverageState.COMPLETE:
        assert same
        assert found.code == calm.code
    else:
        assert (found.code, found.lenient) == (3, 3)
