"""Every way to hide that a value is missing is warned of, and only those."""

import itertools
from pathlib import Path

import duckdb
import pytest

from scanner.authoring.lint import swallow
from scanner.authoring.lint.policies import lint
from scanner.engine.database import Connection, connect
from scanner.engine.predicate import vocabulary

VALUES = {
    "VARCHAR": "'day'",
    "BIGINT": "2",
    "DOUBLE": "1.5",
    "TIMESTAMPTZ": "TIMESTAMPTZ '2026-01-01 00:00:00+00'",
    "INTERVAL": "INTERVAL 1 DAY",
    "JSON": """CAST('{"a": [1]}' AS JSON)""",
    "VARCHAR[]": "['day', 'a']",
    "BOOLEAN": "true",
}

OPERATORS = {
    "OPERATOR_NOT": ["NOT {0}"],
    "COMPARE_IN": ["{0} IN (true, false)"],
    "COMPARE_NOT_IN": ["{0} NOT IN (true)"],
    "ARRAY_EXTRACT": ["[1, 2][{1}]", "{2}[1]"],
}
"""Operators that keep NULL; the others are those that lint looks at by themselves."""


def value(connection: Connection, call: str) -> object:
    """Return the value of a call, an exception where there is no such call."""
    try:
        return connection.execute(f"SELECT {call}").fetchall()[0][0]
    except duckdb.Error as error:
        return error


def counts(connection: Connection, name: str) -> set[int]:
    """Ask DuckDB: how many arguments a call may have, of three at most; it lists not all."""
    forms = connection.execute(
        "SELECT len(parameter_types), varargs IS NOT NULL FROM duckdb_functions()"
        " WHERE function_name = $name",
        {"name": name},
    ).fetchall()
    return {
        count
        for count in (1, 2, 3)
        if not forms or any(count == n or (is_open and count > n) for n, is_open in forms)
    }


def hides(connection: Connection, name: str) -> bool:
    """Ask DuckDB: whether some call has a value though an argument is NULL."""
    found = False
    for count in counts(connection, name):
        for types in itertools.product(VALUES, repeat=count):
            if count == 3 and types[0] != types[1]:  # enough to find each form
                continue
            arguments = [VALUES[kind] for kind in types]
            whole = value(connection, f'"{name}"({", ".join(arguments)})')
            if isinstance(whole, duckdb.Error) or whole is None:
                continue
            for place, kind in enumerate(types):
                missing = [*arguments]
                missing[place] = f"CAST(NULL AS {kind})"
                call = f'"{name}"({", ".join(missing)})'
                made = value(connection, call)
                found = found or not (made is None or isinstance(made, duckdb.Error))
            if found:
                return True
    return found


def test_all_allowed_functions_that_hide_a_missing_value_are_known() -> None:
    with connect() as connection:
        found = {name for name in vocabulary.FUNCTIONS if hides(connection, name)}
    # Lists are joined with +, and only list_value makes one: it is named already.
    assert found - {"+"} == set(swallow.FUNCTIONS)


def test_all_allowed_operators_are_known() -> None:
    apart = {"OPERATOR_IS_NULL", "OPERATOR_IS_NOT_NULL", "OPERATOR_COALESCE"}
    assert apart | set(OPERATORS) == vocabulary.OPERATORS
    nulls = ("CAST(NULL AS BOOLEAN)", "CAST(NULL AS BIGINT)", "CAST(NULL AS BIGINT[])")
    with connect() as connection:
        for forms in OPERATORS.values():
            assert [value(connection, form.format(*nulls)) for form in forms] == [None] * len(forms)


def test_all_windows_are_known() -> None:
    """Those that are left go by rows, or give the value of one: its NULL stays."""
    rest = {"count_star", "row_number", "rank", "dense_rank"}
    rest |= {"first_value", "last_value", "lag", "lead"}
    assert rest | swallow.WINDOWS == set(vocabulary.WINDOWS)


def told(folder: Path, require: str, where: str = "") -> list[str]:
    """Lint one rule; returns what its warnings name as hidden."""
    policy = folder / "p.yaml"
    about = f"\n    where: |\n      {where}" if where else ""
    policy.write_text(
        "policy: p\nversion: 1.0.0\ntitle: P\nrules:\n  - id: r\n    title: R\n"
        f"    resource: sentry_key\n    severity: low\n    remediation: Mend.{about}\n"
        f"    require: |\n      {require}\n",
        "utf-8",
    )
    found = lint([str(policy)], {})
    assert found.errors == 0, [str(one.problem) for one in found.diagnostics]
    mine = [one.problem for one in found.diagnostics if one.problem.code == "null-swallowed"]
    assert all("IS NULL OR" in problem.hint and problem.location.line > 9 for problem in mine)
    return [problem.message.split("`")[1] for problem in mine]


@pytest.mark.parametrize(
    ("require", "hidden"),
    [
        ("coalesce(rate_limit_count, 0) < 5", ["rate_limit_count"]),
        ("ifnull(name, 'x') = 'x'", ["name"]),
        ("coalesce(rate_limit_count, age_days) < 5", ["rate_limit_count"]),
        ("greatest(rate_limit_count, age_days) < 5", ["age_days", "rate_limit_count"]),
        ("least(1, rate_limit_count) < 5", ["rate_limit_count"]),
        ("concat(name, '-', label) <> 'a-b'", ["label", "name"]),
        ("nullif('x', name) = 'x'", ["name"]),
        ("list_contains([name, label], 'x')", ["label", "name"]),
        ("name IS DISTINCT FROM 'x'", ["name"]),
        ("name IS NOT DISTINCT FROM label", ["label", "name"]),
        ("(name = 'x') IS TRUE", ["name"]),
        ("(name = 'x') IS NOT FALSE", ["name"]),
        ("CASE WHEN name = 'x' THEN false ELSE true END", ["name"]),
        ("CASE WHEN name = 'x' THEN false WHEN is_active THEN true END", ["name"]),
        ("CASE name WHEN 'x' THEN false ELSE true END", ["name"]),
        ("count(name) OVER (PARTITION BY project_id) < 3", ["name"]),
        ("count(*) FILTER (is_active) OVER (PARTITION BY project_id) < 3", ["is_active"]),
        ("max(age_days) OVER () < 3", ["age_days"]),
        ("count(*) OVER (PARTITION BY project_id, name) < 3", ["name"]),
        ("count(*) OVER (PARTITION BY lower(use_case)) < 3", ["use_case"]),
        ("row_number() OVER (PARTITION BY project_id ORDER BY date_created) < 3", ["date_created"]),
        ("is_active AND NOT (coalesce(rate_limit_count, 0) < 5)", ["rate_limit_count"]),
    ],
)
def test_what_hides_a_missing_value_is_warned_of(
    tmp_path: Path, require: str, hidden: list[str]
) -> None:
    assert told(tmp_path, require) == hidden


@pytest.mark.parametrize(
    ("require", "where"),
    [
        ("rate_limit_count < 5 AND name <> 'x'", ""),
        ("rate_limit_count IS NULL OR coalesce(rate_limit_count, 0) < 5", ""),
        ("name IS NOT NULL AND count(*) OVER (PARTITION BY project_id, name) = 1", ""),
        ("coalesce(rate_limit_count, 0) < 5", "rate_limit_count IS NOT NULL"),
        ("coalesce(rate_limit_count, 0) < 5", "is_active AND rate_limit_count > 1"),
        ("CASE WHEN name IS NULL THEN NULL WHEN name = 'x' THEN false ELSE true END", ""),
        ("CASE WHEN name <> 'x' THEN is_active END", ""),
        ("name IS DISTINCT FROM NULL", ""),
        ("name || '-' || label <> 'a-b'", ""),
        ("count(*) OVER (PARTITION BY organization_slug, project_id, project_slug) < 3", ""),
        ("greatest(id, 'x') <> 'y'", ""),
        ("name IN ('x', 'y') AND list_contains(['x'], label)", ""),
    ],
)
def test_what_keeps_or_decides_about_a_missing_value_is_quiet(
    tmp_path: Path, require: str, where: str
) -> None:
    assert told(tmp_path, require, where) == []


def test_where_that_may_hold_without_a_value_decides_nothing(tmp_path: Path) -> None:
    hiding = "coalesce(rate_limit_count, 0) < 5"
    assert told(tmp_path, hiding, "rate_limit_count > 1 OR is_active") == ["rate_limit_count"]


def test_checks_are_not_the_authors_to_rewrite(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text(
        "policy: p\nversion: 1.0.0\ntitle: P\nrules:\n  - id: r\n    title: R\n"
        "    resource: sentry_key\n    severity: low\n    check: {max_active_per_project: 3}\n",
        "utf-8",
    )
    assert "null-swallowed" not in {one.problem.code for one in lint([str(policy)], {}).diagnostics}
