"""Lists of texts and of globs in predicates, held against what they mean."""

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import Location
from scanner.engine.database import Connection
from scanner.engine.predicate.guard import Guard, GuardError
from scanner.engine.predicate.weight import MOST
from scanner.model.rule import ParamValue, Predicate
from scanner.policy.language.patterns import from_glob, matches
from tests.unit.engine.support import database

HERE = Location("test.yaml", 1, 1)
ROW: dict[str, object] = {"id": "k1", "name": "web-1", "project_teams": ["web", "ops"]}


def holds(text: str, *, row: dict[str, object] | None = None, **params: ParamValue) -> bool | None:
    with database([{**ROW, **(row or {})}]) as connection:
        return answer(connection, text, **params)


def answer(connection: Connection, text: str, **params: ParamValue) -> bool | None:
    checked = Guard(connection).check(Predicate(text, params, HERE), "sentry_key", "r0_")
    found = connection.execute(f"SELECT {checked.sql} FROM sentry_key", checked.params).fetchone()
    assert found is not None
    assert found[0] is None or isinstance(found[0], bool)
    return found[0]


@pytest.mark.parametrize("function", ["list_has_any", "array_has_any"])
def test_a_list_has_any_of_a_parameter(function: str) -> None:
    text = f"{function}(project_teams, $teams)"
    assert holds(text, teams=["x", "ops"]) is True
    assert holds(text, teams=["x"]) is False
    assert holds(text, teams=[]) is False
    assert holds(text, row={"project_teams": None}, teams=["x"]) is None
    assert holds(text, row={"project_teams": []}, teams=["x"]) is False


def test_a_list_has_all_of_a_parameter_either_way() -> None:
    assert holds("list_has_all(project_teams, $t)", t=["ops", "web"]) is True
    assert holds("list_has_all(project_teams, $t)", t=[]) is True
    assert holds("list_has_all($t, project_teams)", t=["ops"]) is False
    assert holds("array_has_all($t, project_teams)", t=["ops", "web", "x"]) is True
    assert holds("list_has_all($t, project_teams)", row={"project_teams": None}, t=[]) is None


@pytest.mark.parametrize(
    "function", ["contains", "list_contains", "list_has", "array_contains", "array_has"]
)
def test_a_list_holds_a_value(function: str) -> None:
    assert holds(f"{function}(project_teams, 'ops')") is True
    assert holds(f"{function}(project_teams, 'op')") is False
    assert holds(f"{function}($names, name)", names=["web-1"]) is True
    assert holds(f"{function}(project_teams, 'a')", row={"project_teams": None}) is None


def test_items_do_not_take_the_names_of_other_parameters() -> None:
    assert holds("name = $t_0 AND list_has_any(project_teams, $t)", t=["ops"], t_0="web-1") is True
    assert holds("name = $t_0 AND name IN $t", t=["web-1"], t_0="other") is False


@pytest.mark.parametrize(
    ("globs", "name", "expected"),
    [
        (["web-*"], "web-1", True),
        (["web-?"], "web-1", True),
        (["web-?"], "web-12", False),
        (["WEB-*"], "web-1", False),
        (["eb-*"], "web-1", False),
        (["web"], "web-1", False),
        (["x", "*-1"], "web-1", True),
        (["[w]eb-1"], "web-1", False),
        (["[w]*"], "[w]eb", True),
        (["a.c"], "abc", False),
        (["*b*"], "a\nb\nc", True),
        ([], "web-1", False),
        (["*"], None, None),
        ([""], "", True),
    ],
)
def test_globs(globs: list[str], name: str | None, *, expected: bool | None) -> None:
    assert holds("name_matches_any(name, $globs)", row={"name": name}, globs=globs) is expected
    if globs:
        written = ", ".join(f"'{glob}'" for glob in globs)
        assert holds(f"name_matches_any(name, [{written}])", row={"name": name}) is expected


@given(st.text("ab[]*?.\\\n", max_size=6), st.text("ab[].\\\n", max_size=6))
def test_a_glob_has_two_wildcards_and_no_other_meaning(glob: str, text: str) -> None:
    expected = fnmatch.fnmatchcase(text, glob.replace("[", "[[]"))
    assert matches(from_glob(glob), text) is expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("name_matches_any(name, [name])", "forbidden-pattern"),
        ("name_matches_any(name, lower('A'))", "forbidden-pattern"),
        ("name_matches_any(name)", "bad-call"),
        ("name_matches_any(nmae, 'x')", "unknown-column"),
        ("name_matches_any(name, $nothing)", "unknown-parameter"),
        (f"name_matches_any(name, '{'x' * 2_000}')", "pattern-too-large"),
        ("project_teams = $globs", "list-parameter"),
    ],
)
def test_what_is_refused(text: str, code: str) -> None:
    with pytest.raises(GuardError) as raised:
        holds(text, globs=["x"])
    assert raised.value.problem.code == code


def test_a_list_of_globs_is_bounded() -> None:
    many: ParamValue = [f"name-{number}-*" for number in range(MOST.nodes)]
    with pytest.raises(GuardError) as raised:
        holds("name_matches_any(name, $globs)", globs=many)
    assert raised.value.problem.code == "predicate-too-large"
