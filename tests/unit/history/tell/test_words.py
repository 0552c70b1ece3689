from datetime import timedelta

import msgspec
import pytest

from scanner.history.manifest import Manifest, SeenTable
from scanner.history.tell.words import by_severity, coverage, day, findings, scope_of
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Scope
from scanner.model.outcome import WORST_FIRST
from scanner.report.sheet.lines import terminal
from scanner.report.sheet.sheet import Sheet
from tests.unit.history.factory import DAY, manifest, tracked


def looked(**more: object) -> Manifest:
    made = manifest()
    return msgspec.structs.replace(made, looked=msgspec.structs.replace(made.looked, **more))


def test_times_are_told_to_the_minute() -> None:
    assert day(DAY + timedelta(hours=3, minutes=4, seconds=59)) == "2026-06-01 03:04"


def test_numbers_stand_worst_first() -> None:
    ranks = {severity: 1_000 * (at + 1) for at, severity in enumerate(WORST_FIRST)}
    assert by_severity(ranks.__getitem__)[:2] == ["1,000", "2,000"]


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"sentry_key": (CoverageState.COMPLETE, True)}, "whole"),
        ({"sentry_key": (CoverageState.COMPLETE, False)}, "nothing"),
        ({}, "nothing"),
        (
            {
                "sentry_key": (CoverageState.PARTIAL, True),
                "sentry_project": (CoverageState.ABSENT, False),
            },
            "sentry_key partial",
        ),
    ],
)
def test_what_was_not_seen_of_what_rules_read_is_told(
    tables: dict[str, tuple[CoverageState, bool]], told: str
) -> None:
    seen = {name: SeenTable(1, state, needed=needed) for name, (state, needed) in tables.items()}
    assert coverage(looked(tables=seen)) == told


def test_a_scope_is_told_by_what_was_asked_for_then_by_what_was_seen() -> None:
    assert scope_of(looked(organizations={"acme": 1, "globex": 2})) == "acme, globex"
    assert scope_of(looked(scope=Scope(("typo",)), organizations={"acme": 1})) == "typo"
    assert scope_of(looked(scope=Scope((), ("web", "app")))) == "web, app of acme"
    assert scope_of(looked(organizations={})) == "no organization"
    fleet = {f"o{number}": 1 for number in range(9)}
    assert scope_of(looked(organizations=fleet)) == "o0, o1, o2, o3, o4, o5 and 3 more"


def test_findings_beyond_the_most_are_counted() -> None:
    sheet = Sheet()
    findings(sheet, "new", [], 2)
    assert not sheet.sections
    some = [tracked(f"f{number}", due=DAY if number else None) for number in range(3)]
    findings(sheet, "new", some, 2)
    lines = list(terminal(sheet))
    assert lines[0] == "New (3)"
    assert lines[-1] == "  and 1 more: --format json has all"
    assert [line.split()[-1] for line in lines[2:4]] == ["2026-06-01", "2026-06-01"]
    assert sum(line.count("2026-06-01") for line in lines) == 3, "one has no due date"
