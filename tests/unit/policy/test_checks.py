"""What the built-in checks mean, beyond the cases of the shipped policies."""

from __future__ import annotations

import itertools
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.base.errors import Location
from scanner.base.yamlfile import YamlFile
from scanner.catalogue import TABLES
from scanner.model.rule import Predicate
from scanner.policy.checks import CHECKS, get_check
from scanner.policy.language.arguments import read_check
from scanner.policy.language.predicates import parameters_in
from scanner.policy.language.scope import ParameterScope
from tests.unit.policy.sql import verdicts

if TYPE_CHECKING:
    from scanner.policy.checks.interface import Macro

AS_OF = datetime(2026, 1, 1, tzinfo=UTC)


def _macro(check: str) -> Macro:
    source = YamlFile("p.yaml", f"check: {check}\n".encode())
    written = source.get(("check",))
    assert isinstance(written, dict)
    use, problems = read_check(source, ("check",), written, ParameterScope({}))
    assert problems == []
    assert use is not None
    assert use.macro is not None
    return use.macro


def _verdicts(check: str, *rows: dict[str, Any], table: str = "sentry_key") -> list[bool | None]:
    macro = _macro(check)
    predicate = Predicate(macro.text, macro.params, Location("p.yaml"))
    numbered = [{"id": f"{n:03}", **row} for n, row in enumerate(rows)]
    found = verdicts(predicate, table, numbered, AS_OF)
    return [found[row["id"]] for row in numbered]


@pytest.mark.parametrize("name", CHECKS)
def test_a_check_is_documented(name: str) -> None:
    check = get_check(name)
    assert check.name == name
    assert check.summary.endswith(".")
    assert len(check.description) > 60
    assert set(check.resources) <= set(TABLES)
    for slot in check.slots().values():
        assert slot.description


@pytest.mark.parametrize("name", CHECKS)
def test_the_example_of_a_check_works_and_names_columns(name: str) -> None:
    check = get_check(name)
    macro = _macro(check.example.removeprefix("check: "))
    assert {used for used, _ in parameters_in(macro.text)} == set(macro.params)
    rows = [{}] if name != "max_active_per_project" else [{"is_active": True}]
    example = check.example.removeprefix("check: ")
    assert _verdicts(example, *rows, table=check.resources[0]) == [None]


@pytest.mark.parametrize("name", CHECKS)
def test_the_message_of_a_check_names_columns_of_its_resources(name: str) -> None:
    check = get_check(name)
    for resource in check.resources:
        columns = dict.fromkeys(TABLES[resource].columns, "x")
        assert check.message.format(**columns)


def test_unknown_checks_are_refused() -> None:
    with pytest.raises(KeyError):
        get_check("interface")


@pytest.mark.parametrize(
    ("short", "long"),
    [
        ("{max_age: 90d}", "{max_age: {age: 90d}}"),
        ("{no_inactive: true}", "{no_inactive: {grace: 0s}}"),
        ("{rate_limit: true}", "{rate_limit: {required: true}}"),
        ("{rate_limit: 10/s}", "{rate_limit: {max_per_second: 10}}"),
        ("{name_matches: x}", "{name_matches: {pattern: x, search: false}}"),
        ("{max_active_per_project: 3}", "{max_active_per_project: {max: 3}}"),
        ("{unique_name: true}", "{unique_name: {}}"),
        ("{sdk_version: 8}", "{sdk_version: {min: 8}}"),
    ],
)
def test_short_forms(short: str, long: str) -> None:
    assert _macro(short) == _macro(long)


RATES: list[dict[str, Any]] = [
    {"has_rate_limit": True, "rate_limit_count": 100, "rate_limit_window": 60,
     "rate_limit_per_second": 100 / 60},
    {"has_rate_limit": True, "rate_limit_count": 101, "rate_limit_window": 60,
     "rate_limit_per_second": 101 / 60},
    {"has_rate_limit": True, "rate_limit_count": 100, "rate_limit_window": 61,
     "rate_limit_per_second": 100 / 61},
    {"has_rate_limit": False},
    {},
    {"has_rate_limit": True},
]  # fmt: skip


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{rate_limit: true}", [True, True, True, False, None, True]),
        ("{rate_limit: 100/m}", [True, False, True, False, None, None]),
        ("{rate_limit: {max_count: 100}}", [True, False, True, False, None, None]),
        ("{rate_limit: {max_window: 1m}}", [True, True, False, False, None, None]),
        (
            "{rate_limit: {required: false, max_per_second: 100/m}}",
            [True, False, True, True, None, None],
        ),
        (
            "{rate_limit: {max_per_second: 100/m, max_count: 100, max_window: 1m}}",
            [True, False, False, False, None, None],
        ),
    ],
)
def test_rate_limit(check: str, expected: list[bool | None]) -> None:
    assert _verdicts(check, *RATES) == expected


VERSIONS = ["latest", "10.x", "8.x", "7.x", "v8", "8", "08.1.2", "8beta", "next", "", None]


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        (
            "{sdk_version: {min: 8}}",
            [True, True, True, False, True, True, True, None, None, None, None],
        ),
        (
            "{sdk_version: {allowed: [8.x, '8']}}",
            [True, False, True, False, False, True, False, False, False, False, None],
        ),
        (
            "{sdk_version: {min: 8, allow_latest: false}}",
            [False, True, True, False, True, True, True, None, None, None, None],
        ),
        (
            "{sdk_version: {min: 9, allowed: [8.x, 10.x], allow_latest: false}}",
            [False, True, False, False, False, False, False, False, False, False, None],
        ),
        (
            "{sdk_version: {allow_latest: false}}",
            [False, True, True, True, True, True, True, True, True, True, None],
        ),
    ],
)
def test_sdk_version(check: str, expected: list[bool | None]) -> None:
    assert _verdicts(check, *({"browser_sdk_version": v} for v in VERSIONS)) == expected


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{name_matches: 'web|api'}", [True, False, False, None]),
        ("{name_matches: {pattern: web, search: true}}", [True, True, False, None]),
        ("{name_matches: {forbidden: web}}", [False, True, True, None]),
        ("{name_matches: {forbidden: '(?i)WEB', search: true}}", [False, False, True, None]),
        ("{name_matches: {pattern: '.*b', forbidden: 'w.*'}}", [False, False, False, None]),
    ],
)
def test_name_matches(check: str, expected: list[bool | None]) -> None:
    assert _verdicts(check, *({"name": name} for name in ("web", "web2", "app", None))) == expected


def test_loader_options_are_all_needed() -> None:
    rows = [
        {"loader_has_replay": replay, "loader_has_debug": debug}
        for replay, debug in itertools.product((True, False, None), repeat=2)
    ]
    expected = [False, True, None, False, False, False, False, None, None]
    assert _verdicts("{loader_options: {replay: true, debug: false}}", *rows) == expected


# Brute force: a verdict on incomplete data is right if every way to complete it agrees.

KEY = st.fixed_dictionaries(
    {
        "is_active": st.sampled_from([True, True, False, None]),
        "date_created": st.sampled_from([AS_OF - timedelta(days=n) for n in range(4)] + [None]),
        "project_id": st.sampled_from([1, 1, 1, 2]),
        "name": st.sampled_from(["a", "A", "b", None]),
    }
)


def _completions(rows: list[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    """Every way to fill in activity and date; a date may fall before, between or after others."""
    dates = [AS_OF - timedelta(days=n, hours=h) for n in range(4) for h in (-12, 12)]
    choices = [
        {
            "is_active": [True, False] if row["is_active"] is None else [row["is_active"]],
            "date_created": dates if row["date_created"] is None else [row["date_created"]],
        }
        for row in rows
    ]
    options = [list(itertools.product(*choice.values())) for choice in choices]
    return [
        [
            {**row, "id": f"{n:03}", "is_active": active, "date_created": date}
            for n, (row, (active, date)) in enumerate(zip(rows, chosen, strict=True))
        ]
        for chosen in itertools.product(*options)
    ]


def _within(rows: list[dict[str, Any]], limit: int) -> list[bool]:
    """Reference: the newest `limit` active keys of each project pass, and inactive ones."""
    verdict = []
    for row in rows:
        active = [r for r in rows if r["is_active"] and r["project_id"] == row["project_id"]]
        newest = sorted(active, key=lambda r: (-r["date_created"].timestamp(), r["id"]))[:limit]
        verdict.append(not row["is_active"] or row in newest)
    return verdict


@settings(max_examples=30, deadline=None)
@given(st.lists(KEY, min_size=1, max_size=4), st.integers(1, 2))
def test_max_active_per_project_agrees_with_every_completion(
    rows: list[dict[str, Any]], limit: int
) -> None:
    undated = sum(row["date_created"] is None for row in rows)
    rows = rows[:3] if undated > 2 else rows
    found = _verdicts(f"{{max_active_per_project: {limit}}}", *rows)
    worlds = [_within(world, limit) for world in _completions(rows)]
    for n, verdict in enumerate(found):
        possible = {world[n] for world in worlds}
        if verdict is not None:
            assert possible == {verdict}
        elif rows[n]["is_active"] is not None and rows[n]["date_created"] is not None:
            assert possible == {True, False}, "unknown, although every completion agrees"


@settings(max_examples=30, deadline=None)
@given(st.lists(KEY, min_size=1, max_size=5), st.booleans())
def test_unique_name_agrees_with_every_completion(
    rows: list[dict[str, Any]],
    ignore_case: bool,  # noqa: FBT001
) -> None:
    check = f"{{unique_name: {{ignore_case: {str(ignore_case).lower()}}}}}"
    found = _verdicts(check, *rows)
    for n, (row, verdict) in enumerate(zip(rows, found, strict=True)):
        others = [
            other["name"]
            for m, other in enumerate(rows)
            if m != n and other["project_id"] == row["project_id"]
        ]
        if ignore_case:
            others = [other and other.lower() for other in others]
        name = row["name"] and row["name"].lower() if ignore_case else row["name"]
        if not others:
            assert verdict is True
        elif name is not None and name in others:
            assert verdict is False
        elif name is None or None in others:
            assert verdict is None
        else:
            assert verdict is True


def test_macros_hold_no_values() -> None:
    macro = _macro("{name_matches: \"x' or '1'='1\"}")
    assert "or" not in macro.text
    assert msgspec.structs.asdict(macro)["params"] == {"pattern": "x' or '1'='1"}


_ORG_READ = {"scopes": ["org:read"]}
_ADMIN = {"scopes": ["org:read", "org:admin"]}
_NOTHING: dict[str, Any] = {"scopes": []}


@pytest.mark.parametrize(
    ("check", "expected"),
    [
        ("{scopes: {forbidden: ['org:admin', 'member:admin']}}", [True, False, True, None]),
        ("{scopes: {allowed: ['org:read', 'project:read']}}", [True, False, True, None]),
        ("{scopes: {allowed: []}}", [False, False, True, None]),
        ("{scopes: {allowed: ['org:admin'], forbidden: ['x']}}", [False, False, True, None]),
    ],
)
def test_scopes_beyond_what_is_allowed_fail(check: str, expected: list[bool | None]) -> None:
    rows = [_ORG_READ, _ADMIN, _NOTHING, {}]
    assert _verdicts(check, *rows, table="sentry_token") == expected


@pytest.mark.parametrize("check", ["{scopes: {}}", "{scopes: {forbidden: []}}"])
def test_scopes_that_demand_nothing_are_refused(check: str) -> None:
    source = YamlFile("p.yaml", f"check: {check}\n".encode())
    written = source.get(("check",))
    assert isinstance(written, dict)
    _, problems = read_check(source, ("check",), written, ParameterScope({}))
    assert problems


@pytest.mark.parametrize("time", ["7d", "31d", "90d"])
def test_only_the_thirty_days_that_are_counted_can_be_judged(time: str) -> None:
    source = YamlFile("p.yaml", f"check: {{unused_for: {time}}}\n".encode())
    written = source.get(("check",))
    assert isinstance(written, dict)
    _, problems = read_check(source, ("check",), written, ParameterScope({}))
    assert [problem.code for problem in problems] == ["out-of-range"]


def test_a_key_younger_than_the_period_is_not_unused() -> None:
    counts = dict.fromkeys(
        (f"events_{what}_30d" for what in ("accepted", "dropped", "filtered")), 0
    )
    dates = (AS_OF - timedelta(days=30), AS_OF - timedelta(days=29, hours=23), None)
    rows = [{**counts, "date_created": date} for date in dates]
    assert _verdicts("{unused_for: 30d}", *rows) == [False, True, None]


WITHOUT_SENTRY = """
from scanner.model import provider
provider.PROVIDERS[:] = ["tests.unit.providers.acme"]
from scanner.policy.checks import CHECKS, get_check
from scanner.policy.checks.no_inactive import CHECK
assert CHECKS == ("max_age", "name_matches")
for check in (*map(get_check, CHECKS), CHECK):
    print(check.description, *(slot.meaning for slot in check.slots().values()))
"""


def test_what_is_said_of_one_service_is_its_own() -> None:
    """With another provider alone, the checks of all say nothing about Sentry."""
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_SENTRY],
        cwd=Path(__file__).parents[3],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "unknown creation date is unknown. Longest allowed age" in done.stdout
    assert "before the as-of time. How long" in done.stdout
    assert "Sentry" not in done.stdout
