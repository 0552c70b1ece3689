"""What `explain` tells of a rule: provenance, columns, words, and where to look instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.authoring.explain.merged import merged_yaml
from scanner.authoring.explain.rule import Explanation, explain
from scanner.authoring.explain.words import Worded
from scanner.base.errors import Location, PolicyError, UsageError
from scanner.base.given import GivenParams
from scanner.engine.database import connect
from scanner.engine.outline import outline
from scanner.engine.predicate.guard import Guard
from scanner.model.rule import Predicate

if TYPE_CHECKING:
    from pathlib import Path

BASE = """\
policy: base
version: 1.0.0
params:
  age: {type: duration, default: 90d, description: How old}
  other: {type: integer, default: 3}
rules:
  - id: old-key
    resource: sentry_key
    severity: low
    where: is_active
    check: {max_age: $age}
  - id: own-sql
    resource: sentry_key
    severity: low
    require: |
      rate_limit_count < $other
      or dsn is null
"""


def _write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text, encoding="utf-8")
    return str(folder / name)


def _explain(folder: Path, rule: str, changes: str = "", **params: str) -> Explanation:
    _write(folder, "base.yaml", BASE)
    text = f"policy: top\nversion: 1.0.0\nextends: [base.yaml]\n{changes}"
    return explain([_write(folder, "top.yaml", text)], params, rule).explanation


def _origins(explanation: Explanation) -> list[tuple[str, str, str, int]]:
    found = []
    for one in explanation.parameters:
        file, *rest = one.location.rsplit("/", 1)[-1].split(":")
        found.append((one.value, one.origin, file, int(rest[0]) if rest else 0))
    return found


def test_a_default_comes_from_the_declaration(tmp_path: Path) -> None:
    assert _origins(_explain(tmp_path, "old-key")) == [("90d", "default", "base.yaml", 4)]


def test_a_policy_that_extends_gives_a_value(tmp_path: Path) -> None:
    found = _explain(tmp_path, "old-key", "params: {age: 30d}\n")
    assert _origins(found) == [("30d", "policy", "top.yaml", 4)]


def test_an_override_gives_a_value_to_one_rule(tmp_path: Path) -> None:
    found = _explain(
        tmp_path, "old-key", "override:\n  old-key: {params: {age: 7d}, severity: high}\n"
    )
    assert _origins(found) == [("7d", "override", "top.yaml", 5)]
    assert set(found.changed) == {"severity", "params.age"}
    assert found.severity == "high"


def test_the_command_line_wins(tmp_path: Path) -> None:
    found = _explain(tmp_path, "old-key", "params: {age: 30d}\n", age="12h")
    assert _origins(found) == [("12h", "command line", "--param age", 0)]
    assert found.requirement.values["age"] == "12h"


def test_a_setting_is_told_where_it_was_given(tmp_path: Path) -> None:
    base = _write(tmp_path, "base.yaml", BASE)
    for place in (Location("keypolicy.yaml", 3, 9), Location("age in KEYPOLICY_PARAMS")):
        given = GivenParams({"age": "12h"}, {"age": place})
        found = explain([base], given, "old-key").explanation
        assert _origins(found) == [("12h", "setting", place.file, place.line)]
        assert f"# setting: {place}" in merged_yaml([base], given)


def test_only_parameters_that_the_rule_uses(tmp_path: Path) -> None:
    assert [one.name for one in _explain(tmp_path, "own-sql").parameters] == ["other"]


def test_columns_with_their_meaning_and_the_heavy_ones(tmp_path: Path) -> None:
    found = {one.name: one for one in _explain(tmp_path, "own-sql").columns}
    assert set(found) == {"rate_limit_count", "dsn"}
    assert found["dsn"].heavy
    assert not found["rate_limit_count"].heavy
    assert found["dsn"].doc


def test_sql_as_written_and_as_run(tmp_path: Path) -> None:
    found = _explain(tmp_path, "own-sql")
    assert found.requirement.written == "rate_limit_count < $other\nor dsn is null\n"
    assert found.requirement.sql == "((rate_limit_count < $other) OR (dsn IS NULL))"
    assert found.demand == [
        "at least one of these holds:",
        "- rate_limit_count is less than 3",
        "- dsn is missing",
    ]


def test_a_check_tells_its_arguments_and_parameters(tmp_path: Path) -> None:
    found = _explain(tmp_path, "old-key")
    assert found.check == "{max_age: $age}"
    assert found.demand[-1] == "- age is 90d (from $age)"
    assert found.requirement.values == {"age": "90d", "as_of": "the scan's time"}


def test_a_parameter_called_as_of_does_not_hide_the_time(tmp_path: Path) -> None:
    text = (
        "policy: p\nversion: 1.0.0\nparams: {as_of: {type: integer, default: 1}}\nrules:\n"
        "  - {id: r, resource: sentry_key, severity: low,"
        ' require: "age_days > $as_of and now() > date_created"}\n'
    )
    found = explain([_write(tmp_path, "p.yaml", text)], {}, "r").explanation
    assert found.requirement.values == {"_as_of": "1", "as_of": "the scan's time"}


def test_an_unknown_rule_has_a_suggestion() -> None:
    with pytest.raises(UsageError) as caught:
        explain(["sentry-baseline"], {}, "key-maxage")
    assert "Did you mean `key-max-age`?" in str(caught.value)
    assert caught.value.exit_code == 2


def test_a_rule_of_another_shipped_policy_is_pointed_to() -> None:
    with pytest.raises(UsageError, match=r"--policy sentry-strict"):
        explain(["sentry-baseline"], {}, "key-name-convention")


def test_a_disabled_rule_says_so_and_where() -> None:
    with pytest.raises(UsageError, match=r"disables the rule") as caught:
        explain(["sentry-strict"], {}, "key-default-name")
    assert caught.value.where.startswith("policies/sentry-strict.yaml:")


def test_an_unsound_policy_is_told_as_such(tmp_path: Path) -> None:
    with pytest.raises(PolicyError):
        explain([_write(tmp_path, "p.yaml", "policy: p\n")], {}, "r")


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("is_active", ["is_active is true"]),
        ("not is_active", ["is_active is false"]),
        ("name is not null", ["name is known"]),
        ("name in ('a', 'b')", ["name is one of 'a', 'b'"]),
        ("name between 'a' and 'b'", ["name is between 'a' and 'b'"]),
        ("name like 'a%'", ["name is like 'a%'"]),
        ("regexp_matches(name, 'x', 'i')", ["regexp_matches(\"name\", 'x', 'i') is true"]),
        ("age_days >= 1", ["age_days is at least 1"]),
        (
            "case when is_active then null else true end",
            [
                "the first case that holds decides:",
                "- if is_active is true",
                "    then it is unknown",
                "- otherwise it holds",
            ],
        ),
        (
            "not (is_active and name = 'x')",
            [
                "this does not hold:",
                "- all of these hold:",
                "  - is_active is true",
                "  - name is 'x'",
            ],
        ),
    ],
)
def test_words(sql: str, words: list[str]) -> None:
    with connect() as connection:
        checked = Guard(connection).check(Predicate(sql, {}, Location("p")), "sentry_key", "")
        assert Worded({}).lines(outline(connection, checked.sql)) == words
