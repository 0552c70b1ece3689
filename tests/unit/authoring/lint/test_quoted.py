"""Parameters where they are plain text are told at their `$`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.authoring.lint.policies import lint
from tests.unit.authoring.files import write_policy

if TYPE_CHECKING:
    from pathlib import Path

HEAD = "params:\n  txt: {type: string, default: web}\n"
CODE = "param-as-text"


@pytest.mark.parametrize(
    ("rule", "column", "hint"),
    [
        ("require: name = '$txt'", 22, "quotes: $txt."),
        ("require: \"name = '$txt'\"", 23, "quotes: $txt."),
        ("require: project_slug like '$txt-%'", 33, "$txt || '-%'"),
        ("require: is_active\nwhere: name <> '$txt'", 21, "quotes: $txt."),
        ("require: is_active\nmessage: 'want $txt'", 20, "A message takes columns only"),
        ("check: {name_matches: '$txt-.*'}", 28, "the whole of an argument"),
        ("check: {name_matches: {pattern: '$txt-.*'}}", 38, "the whole of an argument"),
        ("require: is_active\nfix: {rename: 'a $txt'}", 22, "the whole of an argument"),
        ("require: name = $txt", 0, ""),
        ("require: name = '$other'", 0, ""),
        ("require: regexp_matches(name, 'a$')\nmessage: costs $5", 0, ""),
        ("check: {name_matches: $txt}", 0, ""),
    ],
)
def test_where_a_parameter_is_plain_text(tmp_path: Path, rule: str, column: int, hint: str) -> None:
    path = write_policy(tmp_path, {"r": rule}, head=HEAD)
    found = [one.problem for one in lint([str(path)], {}).diagnostics if one.problem.code == CODE]
    assert [one.location.column for one in found] == ([column] if column else [])
    assert all(hint in one.hint for one in found)
    assert all("`$txt` is plain text here" in one.message for one in found)


@pytest.mark.parametrize(
    ("message", "columns"),
    [
        ("{{name}} and {{ id }}", [15, 28]),
        ("${name} costs $5", [15]),
        ("key $name", [19]),
        ("{{{name}}}, {name}: {{other}} $other", []),
        ("want $txt", []),
    ],
)
def test_a_column_in_the_way_of_other_templates_is_told(
    tmp_path: Path, message: str, columns: list[int]
) -> None:
    path = write_policy(tmp_path, {"r": f"require: is_active\nmessage: '{message}'"}, head=HEAD)
    problems = [one.problem for one in lint([str(path)], {}).diagnostics]
    found = [one for one in problems if one.code == "column-as-text"]
    assert [one.location.column for one in found] == columns
    assert all(one.hint.startswith(("Write {name};", "Write {id};")) for one in found)


def test_an_override_is_told_in_its_own_file_alone(tmp_path: Path) -> None:
    write_policy(tmp_path, {"r": "require: name = '$txt'"}, head=HEAD, name="base")
    top = tmp_path / "top.yaml"
    top.write_text(
        "policy: top\nversion: 1.0.0\ntitle: Top\nextends: [base.yaml]\n"
        "override:\n  r:\n    where: name <> '$txt'\n",
        "utf-8",
    )
    found = [one.problem for one in lint([str(top)], {}).diagnostics if one.problem.code == CODE]
    assert [(one.location.line, one.location.column) for one in found] == [(7, 21)]


def test_a_parameter_in_the_braces_of_a_message_is_told_as_such(tmp_path: Path) -> None:
    path = write_policy(tmp_path, {"r": "require: name = $txt\nmessage: 'want {txt}'"}, head=HEAD)
    found = [one.problem for one in lint([str(path)], {}).diagnostics]
    (problem,) = [one for one in found if one.code == "unknown-column"]
    assert problem.hint == "It is a parameter; a message takes columns only."
