"""Every mistake of a rule is told in one run: none hides another one.

A file has a rule for each pair of mistakes; what is told of it is what is told of each alone.
"""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from scanner.authoring.lint.policies import lint
from tests.unit.authoring.files import write_cases, write_policy

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SOUND = {
    "resource": "sentry_key",
    "severity": "low",
    "where": "is_active",
    "require": "name <> 'x'",
    "message": "'{name}'",
    "remediation": "Mend it.",
}
MISTAKES = [
    ("title", "5", "wrong-type"),
    ("severity", "hgih", "bad-value"),
    ("severity", "$nope", "unknown-param"),
    ("where", "is_activ", "unknown-column"),
    ("where", "is_active AND", "sql-syntax"),
    ("where", "age_days", "not-boolean"),
    ("where", "age_days < $nope", "unknown-param"),
    ("where", "read_text(name) = 'x'", "forbidden-function"),
    ("where", "name = 'a' AND name = 'b'", "never-applies"),
    ("require", "is_activ", "unknown-column"),
    ("require", "name = (", "sql-syntax"),
    ("require", "age_days", "not-boolean"),
    ("require", "age_days < $nope", "unknown-param"),
    ("require", "regexp_matches(name, '[')", "bad-pattern"),
    ("require", "age_days < 3 AND age_days > 9", "never-passes"),
    ("require", "true", "wrong-type"),
    ("check", "{max_aeg: 3d}", "unknown-check"),
    ("check", "{max_age: 3x}", "bad-duration"),
    ("check", "{max_age: $nope}", "unknown-param"),
    ("check", "{name_matches: '['}", "bad-pattern"),
    ("check", "{max_age: 3d, no_inactive: true}", "too-long"),
    ("message", "'{nmae}'", "unknown-column"),
    ("message", "'{name:>9}'", "bad-message"),
    ("message", "'{name'", "bad-message"),
    ("remediation", "''", "missing-remediation"),
    ("remediation", "[x]", "wrong-type"),
    ("controls", "{cis-v9: ['5.3']}", "unknown-framework"),
    ("controls", "{cis-v8: ['5.99']}", "unknown-control"),
    ("controls", "{cis-v8: [5.3]}", "wrong-type"),
    ("fix", "{set_rate_limt: {count: 3}}", "unknown-action"),
    ("foo", "1", "unknown-key"),
]
HIDDEN = {("never-applies", "never-passes")}
"""What follows: a rule that is about no row is told to be that."""


def _body(mistakes: Sequence[tuple[str, str, str]]) -> str:
    written = SOUND | {key: text for key, text, _ in mistakes}
    if "check" in written:
        del written["require"]
    return "".join(f"    {key}: {text}\n" for key, text in written.items())


def _excludes(one: str, other: str) -> bool:
    return one == other or {one, other} == {"check", "require"}


def test_no_mistake_in_a_rule_hides_another(tmp_path: Path) -> None:
    pairs = [pair for pair in combinations(MISTAKES, 2) if not _excludes(pair[0][0], pair[1][0])]
    rules = [f"  - id: r-{number}\n{_body(pair)}" for number, pair in enumerate(pairs)]
    path = tmp_path / "p.yaml"
    path.write_text("policy: p\nversion: 1.0.0\nrules:\n" + "".join(rules), "utf-8")
    lines = path.read_text("utf-8").splitlines()
    starts = [number for number, line in enumerate(lines, 1) if line.startswith("  - id: ")]
    told: list[set[str]] = [set() for _ in pairs]
    for one in lint([str(path)], {}).diagnostics:
        line = one.problem.location.line
        if line >= starts[0] and one.problem.code != "missing-tests":
            told[sum(start <= line for start in starts) - 1].add(one.problem.code)
    for (first, second), codes in zip(pairs, told, strict=True):
        expected = {first[2], second[2]}
        if (first[2], second[2]) in HIDDEN:
            expected.discard(second[2])
            codes.discard(second[2])
        assert codes == expected, (first, second)
    assert len(pairs) > 350


def test_what_is_wrong_with_a_rule_of_a_taken_id_is_told(tmp_path: Path) -> None:
    path = write_policy(tmp_path, {"r": "require: is_active"})
    path.write_text(
        path.read_text("utf-8")
        + "  - {id: r, resource: sentry_key, severity: low, remediation: Mend it., where: is_activ,"
        " require: nmae = 'x'}\n",
        "utf-8",
    )
    write_cases(tmp_path, "- {name: c, rule: r, pass: [{is_active: true}]}")
    codes = [one.problem.code for one in lint([str(path)], {}).diagnostics]
    assert codes == ["duplicate-rule", "unknown-column", "unknown-column"]


def test_what_is_wrong_beside_a_wrong_key_of_an_override_is_told(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text(
        "policy: p\nversion: 1.0.0\nextends: [sentry-baseline]\noverride:\n"
        "  key-max-age: {severty: high, where: is_activ, message: '{nmae}'}\n",
        "utf-8",
    )
    codes = [one.problem.code for one in lint([str(path)], {}).diagnostics if one.is_error]
    assert codes == ["unknown-key", "unknown-column", "unknown-column"]


def test_a_parameter_without_a_value_hides_no_column(tmp_path: Path) -> None:
    requirement = "is_activ AND age_days < $days AND nmae IN $names"
    path = write_policy(tmp_path, {"r": f"require: {requirement}"})
    codes = {one.problem.code for one in lint([str(path)], {}).diagnostics if one.is_error}
    assert codes == {"unknown-column", "unknown-param"}
    columns = {one.problem.location.column for one in lint([str(path)], {}).diagnostics}
    assert {14 + requirement.index(part) for part in ("is_activ", "nmae")} <= columns


def test_a_key_that_comes_twice_hides_nothing(tmp_path: Path) -> None:
    body = "require: is_active\nrequire: nmae = 'x'\nwhere: is_activ\nwhere: name = 'x'"
    path = write_policy(tmp_path, {"r": body, "s": "check: {max_aeg: 3d}\nseverity: high"})
    found = [one.problem for one in lint([str(path)], {}).diagnostics if one.is_error]
    assert [(one.code, one.location.line) for one in found] == [
        ("duplicate-key", 9),
        ("unknown-column", 10),
        ("duplicate-key", 11),
        ("unknown-check", 16),
        ("duplicate-key", 17),
    ]
