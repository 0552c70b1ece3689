"""The JSON Schemas: up to date, described, and of one mind with the decoder."""

from __future__ import annotations

import copy
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from scanner.base.errors import PolicyError
from scanner.base.resources import schema_path
from scanner.base.shape.schema import explain, validator
from scanner.base.yamlfile import YamlFile, read_source
from scanner.policy.files.case_document import CasesDocument
from scanner.policy.files.cases import cases_beside
from scanner.policy.files.document import PolicyDocument
from scanner.policy.files.locate import shipped_policies
from scanner.policy.files.schema_source import SCHEMAS, render
from scanner.policy.language.static import check_rule
from tests.corpus import names, unpack

BROKEN = Path(__file__).parents[2] / "policy" / "files" / "broken"
TYPES: dict[str, type] = {"policy": PolicyDocument, "policy-tests": CasesDocument}
# What the schema leaves to the code: bounds, and how arguments and resources go together.
BEYOND = {"out-of-range", "bad-argument", "check-resource"}


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_is_what_the_types_make_of_it(name: str) -> None:
    """If this fails, run `python -m scanner.policy.files.schema_source`."""
    assert schema_path(name).read_text(encoding="utf-8") == render(name)


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_file_is_a_schema(name: str) -> None:
    Draft202012Validator.check_schema(msgspec.json.decode(schema_path(name).read_bytes()))


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_key_is_described(name: str) -> None:
    schema = msgspec.json.decode(schema_path(name).read_bytes())
    undescribed = [
        f"{title}.{key}"
        for title, definition in schema["$defs"].items()
        for key, value in definition.get("properties", {}).items()
        if "description" not in value
    ]
    assert undescribed == []


def _decodes(data: object, kind: type) -> bool:
    try:
        msgspec.convert(data, kind, strict=True)
    except msgspec.ValidationError:
        return False
    return True


def _sound_rules(source: YamlFile) -> bool | None:
    """Whether the rules are sound without parameters; None if only what the schema leaves out."""
    data: Any = source.data
    rules = data.get("rules", []) if isinstance(data, dict) else []
    rules = rules if isinstance(rules, list) else []
    found = [problem for n in range(len(rules)) for problem in check_rule(source, ("rules", n))]
    if not found:
        return True
    return None if {problem.code for problem in found} <= BEYOND else False


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(BROKEN, tmp_path_factory.mktemp("broken"))


@pytest.mark.parametrize("name", names(BROKEN))
def test_decoder_and_schema_agree_on_the_broken_policies(broken: Path, name: str) -> None:
    path = broken / name
    try:
        source = read_source(path, path.name)
    except PolicyError:
        return  # not even YAML
    valid = validator("policy").is_valid(source.data)
    sound = _sound_rules(source)
    if sound is not None:
        assert (_decodes(source.data, PolicyDocument) and sound) is valid


@cache
def _shipped(name: str, schema: str) -> Any:
    path = shipped_policies()[name]
    path = path if schema == "policy" else cases_beside(path)
    return read_source(path, path.name).data


def _paths(data: Any, here: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = data.items() if isinstance(data, dict) else enumerate(data)
    return [
        path
        for key, value in items
        for path in [(*here, key), *(_paths(value, (*here, key)) if _nested(value) else [])]
    ]


def _nested(value: object) -> bool:
    return isinstance(value, (dict, list))


JUNK: st.SearchStrategy[Any] = st.sampled_from(
    [None, True, 0, -1, 1.5, "", " ", "x", "low", "90d", "1.0.0", "$x", "\n", [], ["x"], [1], {},
     {"x": 1}, {"max_age": "90d"}, {"max_age": {}}, {"type": "integer"}, "sentry_key"]
)  # fmt: skip


@settings(max_examples=25, deadline=None)
@given(st.data())
@pytest.mark.parametrize("schema", TYPES)
@pytest.mark.parametrize("name", sorted(shipped_policies()))
def test_decoder_and_schema_agree_on_mutations(name: str, schema: str, data: st.DataObject) -> None:
    document = copy.deepcopy(_shipped(name, schema))
    for _ in range(data.draw(st.integers(1, 2))):
        *parents, last = data.draw(st.sampled_from(_paths(document)))
        target = document
        for step in parents:
            target = target[step]
        if data.draw(st.booleans()):
            del target[last]
        elif isinstance(target, dict) and data.draw(st.booleans()):
            target[data.draw(st.sampled_from(["x", "ids", "Check", "a b", ""]))] = target.pop(last)
        else:
            # A copy: the next step may change it, and then the next example would start with that.
            target[last] = copy.deepcopy(data.draw(JUNK))
    source = YamlFile("p.yaml", msgspec.json.encode(document))
    sound = _sound_rules(source) if schema == "policy" else True
    decoded = _decodes(source.data, TYPES[schema])
    if sound is not None:
        assert (decoded and sound) is validator(schema).is_valid(source.data)
    if not decoded:
        assert explain(source, schema) or (sound is False and schema == "policy")


@pytest.mark.parametrize(
    ("written", "told", "hint"),
    [
        ("[4507]", "the number 4507", 'Put it in quotes: "4507".'),
        ("[00000000000000000000000000000001]", "0001,", 'Put it in quotes: "0000'),
        ("[null]", "this is empty", "Write text."),
        ("['']", "must not be empty", "write a few words"),
        ("4507", "the number 4507", "Write a list of ids"),
    ],
)
def test_a_number_for_a_text_is_told_as_it_is_written(
    tmp_path: Path, written: str, told: str, hint: str
) -> None:
    path = tmp_path / "w.yaml"
    path.write_text(f"waivers:\n  - id: w\n    policy: p\n    match: {written}\n", "utf-8")
    problems = [
        one for one in explain(read_source(path, path.name), "waivers") if one.location.line == 4
    ]
    assert [told in one.message for one in problems] == [True]
    assert hint in problems[0].hint


def test_a_number_with_a_fraction_of_nothing_is_not_whole(tmp_path: Path) -> None:
    path = tmp_path / "keypolicy.yaml"
    path.write_text("max_findings: {low: 1.0}\nfail_if_due_within: 14\n", "utf-8")
    first, second = explain(read_source(path, path.name), "config")
    assert (first.location.line, first.location.column) == (1, 21)
    assert "not a whole number" in first.message
    assert "days or weeks" in second.hint
