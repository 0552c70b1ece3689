"""Files of owners: the decoder and the schema agree, mistakes have places, and what never wins."""

import fnmatch
import re
from itertools import product
from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import PolicyError, UsageError
from scanner.base.resources import schema_path
from scanner.base.yamlfile import YamlFile
from scanner.triage.owner_document import MAX_ENTRIES, owners_schema
from scanner.triage.owners import check_names, check_owners, without_effect

SCHEMA = msgspec.json.decode(schema_path("owners").read_bytes())
ENTRY = {"owner": "web", "contact": "#web", "organization": "acme", "project": "web-*"}
CASE = {"owner": "web", "organization": "acme", "project": "web-1", "team": ["a", "b"]}


def source(document: Any) -> YamlFile:
    return YamlFile("owners.yaml", msgspec.json.encode(document))


def problems(document: Any) -> list[str]:
    try:
        check_owners(source(document))
    except PolicyError as error:
        return [problem.code for problem in error.problems]
    return []


def is_valid(document: Any) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid(document)


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    assert schema_path("owners").read_text("utf-8") == owners_schema(), "run: make schemas"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for name in ("OwnerDocument", "OwnerCaseDocument"):
        assert all(one["description"] for one in SCHEMA["$defs"][name]["properties"].values())


def test_what_is_sound() -> None:
    document = {"owners": [ENTRY, {"owner": None, "name": ["*", "?x"]}], "cases": [CASE]}
    assert is_valid(document)
    read = check_owners(source(document))
    assert read.owners.contacts == {"web": "#web"}
    assert read.owners.entries[1].conditions == {"name": ("*", "?x")}
    assert read.cases[0].facts["team"] == ("a", "b")


BAD_ENTRIES: list[dict[str, Any]] = [
    {"owner": ""}, {"owner": " "}, {"owner": 3}, {"owner": "a\nb"}, {"owner": "x" * 201},
    {"owner": "\u200b"}, {"project": ["\u2800"]},
    {"contact": ""}, {"contact": None}, {"project": ""}, {"project": []}, {"project": [""]},
    {"team": {}}, {"team": [None]}, {"name": None}, {"name": "a\u0000"}, {"projects": "a"},
    {"organization": ["a"] * 201},
]  # fmt: skip
BAD_CASES: list[dict[str, Any]] = [
    {"owner": 3}, {"project": ["a"]}, {"name": ""}, {"team": []}, {"contact": "a"},
]  # fmt: skip
BAD: list[dict[str, Any]] = [
    {}, {"owners": []}, {"owners": None}, {"owners": [3]}, {"owners": [ENTRY], "more": 1},
    {"owners": [ENTRY], "cases": None}, {"owners": [{"project": "a"}]},
    {"owners": [ENTRY] * (MAX_ENTRIES + 1)},
    *({"owners": [{**ENTRY, **change}]} for change in BAD_ENTRIES),
    *({"owners": [ENTRY], "cases": [{**CASE, **change}]} for change in BAD_CASES),
]  # fmt: skip


@pytest.mark.parametrize("document", BAD)
def test_what_the_schema_refuses_is_a_problem(document: Any) -> None:
    assert not is_valid(document)
    found = problems(document)
    assert found
    assert not {"bad-owners", "bad-value"} & set(found)


TEXTS = st.text(st.characters(exclude_categories=["C"]), max_size=3)
SHAPES = st.none() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)


@given(st.sampled_from(["owner", "contact", "organization", "project", "team", "name"]), SHAPES)
def test_no_shape_is_passed_over(key: str, value: Any) -> None:
    for document in (
        {"owners": [{**ENTRY, key: value}]},
        {"owners": [ENTRY], "cases": [{**CASE, key: value}]},
    ):
        assert bool(set(problems(document)) - {"unknown-owner"}) != is_valid(document)


def test_a_case_names_an_owner_of_the_file() -> None:
    document = {"owners": [ENTRY], "cases": [{**CASE, "owner": "wep"}]}
    with pytest.raises(PolicyError) as raised:
        check_owners(source(document))
    (problem,) = raised.value.problems
    assert problem.code == "unknown-owner"
    assert "Did you mean `web`?" in problem.hint


def test_globs_with_wildcards_are_bounded() -> None:
    few = [{"owner": "a", "name": [f"{n}-{m}*" for m in range(200)]} for n in range(25)]
    assert problems({"owners": few}) == []
    assert problems({"owners": [*few, {"owner": "a", "name": "plain"}]}) == []
    assert problems({"owners": [*few, {"owner": "a", "name": "one*"}]}) == ["too-long"]


def test_names_for_the_command_line() -> None:
    owners = check_owners(source({"owners": [ENTRY]})).owners
    check_names(["web"], owners)
    check_names([], None)
    with pytest.raises(UsageError, match="Did you mean `web`"):
        check_names(["webb"], owners)
    with pytest.raises(UsageError, match="--owners FILE"):
        check_names(["web"], None)


def shadowed(*entries: dict[str, Any]) -> list[int]:
    text = "owners:\n" + "".join(f"  - {msgspec.json.encode(one).decode()}\n" for one in entries)
    read = check_owners(YamlFile("owners.yaml", text.encode()))
    return [problem.location.line - 2 for problem in without_effect(read)]


@pytest.mark.parametrize(
    ("entries", "expected"),
    [
        ([{"owner": "a"}, {"owner": "b"}], [0]),
        ([{"owner": "a", "project": "x"}, {"owner": "b"}], [0]),
        ([{"owner": "a"}, {"owner": "b", "project": "*"}], []),  # of some, no project is known
        ([{"owner": "a", "project": "web-1"}, {"owner": "a", "project": "web-*"}], [0]),
        ([{"owner": "a", "project": "web-*"}, {"owner": "a", "project": "web-1"}], []),
        ([{"owner": "a", "project": ["x", "y"]}, {"owner": "b", "project": ["y", "z", "x"]}], [0]),
        ([{"owner": "a", "project": ["x", "q"]}, {"owner": "b", "project": ["y", "z", "x"]}], []),
        ([{"owner": "a", "project": "x", "name": "n"}, {"owner": "b", "name": "?"}], [0]),
        ([{"owner": "a", "name": "n"}, {"owner": "b", "project": "x", "name": "n"}], []),
        ([{"owner": "a", "team": "*?"}, {"owner": "b", "team": "?*"}], [0]),
        ([{"owner": "a", "team": "A"}, {"owner": "b", "team": "a"}], []),
    ],
)
def test_what_never_wins(entries: list[dict[str, Any]], expected: list[int]) -> None:
    assert shadowed(*entries) == expected


GLOB = st.text("ab*?", min_size=1, max_size=4)
WORDS = ["".join(word) for size in range(6) for word in product("abc", repeat=size)]


@given(GLOB, GLOB)
def test_a_glob_is_shadowed_by_one_that_matches_whatever_it_matches(first: str, later: str) -> None:
    matching = re.compile(fnmatch.translate(first)).match
    wide = re.compile(fnmatch.translate(later)).match
    included = all(wide(word) for word in [*WORDS, "cc" * 5] if matching(word))
    found = shadowed({"owner": "a", "name": first}, {"owner": "b", "name": later})
    # `?*` over `*a` is not noticed: nothing is claimed that is not so, but not all is told.
    assert (not found or included) if "?" in later else found == ([0] if included else [])


@pytest.mark.parametrize("glob", ["^pay.*$", "pay-%", "pay-.*"])
@pytest.mark.parametrize("fact", ["organization", "project", "team", "name"])
def test_a_pattern_of_another_language_is_told(fact: str, glob: str) -> None:
    is_possible = fact == "name" and glob == "pay-.*"  # a name may have dots
    assert shadowed({"owner": "a", fact: [glob, "x"]}) == ([] if is_possible else [0])


@pytest.mark.parametrize("glob", ["pay-*", "pay_1.x", "?", "*"])
@pytest.mark.parametrize("fact", ["organization", "project", "team", "name"])
def test_a_glob_is_not(fact: str, glob: str) -> None:
    assert shadowed({"owner": "a", fact: glob}) == []
