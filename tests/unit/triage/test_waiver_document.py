"""The decoder and the schema have to agree: one decides, the other explains."""

from typing import Any

import jsonschema
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.resources import schema_path
from scanner.base.yamlfile import YamlFile
from scanner.triage.waivers import check_waivers, waivers_schema
from tests.acceptance.tolerance import WAIVER

SCHEMA = msgspec.json.decode(schema_path("waivers").read_bytes())


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    assert schema_path("waivers").read_text("utf-8") == waivers_schema(), "run: make schemas"
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    properties = SCHEMA["$defs"]["WaiverDocument"]["properties"]
    assert all(one["description"] for one in properties.values())


def problems(waiver: Any) -> list[str]:
    source = YamlFile("w.yaml", msgspec.json.encode({"waivers": [waiver]}))
    return [problem.code for problem in check_waivers(source, [], 365).problems]


def is_valid(waiver: Any) -> bool:
    return jsonschema.Draft202012Validator(SCHEMA).is_valid({"waivers": [waiver]})


BAD = [
    {"id": ""}, {"id": "a b"}, {"id": "x" * 81}, {"id": 3}, {"rule": ""}, {"rule": []},
    {"rule": ["a", ""]}, {"rule": [1]}, {"rule": None}, {"match": ""}, {"match": []},
    {"match": [" "]}, {"match": {}}, {"match": 3}, {"reason": " "}, {"owner": ""},
    {"approved_by": 3}, {"created": "2026-1-1"}, {"expires": "soon"}, {"expires": "2026-01-01\n"},
    {"ticket": ""}, {"colour": "red"}, {"policy": ""}, {"policy": ["a"]},
]  # fmt: skip


@pytest.mark.parametrize("change", BAD)
def test_what_the_schema_refuses_is_a_problem(change: dict[str, Any]) -> None:
    waiver = {**WAIVER, **change}
    assert not is_valid(waiver)
    found = set(problems(waiver)) - {"unknown-rule", "unknown-policy"}
    assert found
    assert "bad-waivers" not in found


@pytest.mark.parametrize("missing", [*WAIVER])
def test_what_is_missing(missing: str) -> None:
    waiver = {key: value for key, value in WAIVER.items() if key != missing}
    assert not is_valid(waiver)
    assert set(problems(waiver)) & {"missing-key", "no-rule"}


TEXTS = st.text(st.characters(exclude_categories=["C"]), max_size=3)
SHAPES = st.none() | st.integers() | TEXTS | st.lists(TEXTS, max_size=2)


@given(st.sampled_from([*WAIVER, "policy", "ticket"]), SHAPES)
def test_no_shape_is_passed_over(key: str, value: Any) -> None:
    waiver = {**WAIVER, key: value}
    beyond_schema = {"unknown-rule", "unknown-policy", "bad-day", "bad-term", "bare-id"}
    assert bool(set(problems(waiver)) - beyond_schema) != is_valid(waiver)
