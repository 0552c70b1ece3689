"""The schema of an inventory's lines is that of the code, and says what is read."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scanner.base.resources import schema_path
from scanner.cli.main import main
from scanner.inventory.records import fault
from scanner.inventory.schema import inventory_schema

SCHEMA = jsonschema.Draft202012Validator(json.loads(inventory_schema()))
KEY: dict[str, Any] = {"id": "k", "projectId": 7, "dateCreated": "2026-01-01T00:00:00Z"}


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    shipped = schema_path("inventory").read_text("utf-8")
    assert shipped == inventory_schema(), "run: make schemas"
    jsonschema.Draft202012Validator.check_schema(json.loads(shipped))


def test_every_line_of_a_fetch_is_valid(tmp_path: Path) -> None:
    path = tmp_path / "demo.jsonl"
    assert main(["fetch", "--demo", "-q", "-o", str(path)]) == 0
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    assert {line["kind"] for line in lines} >= {"inventory", "sentry_key", "sentry_project", "end"}
    assert [line for line in lines if not SCHEMA.is_valid(line)] == []


@pytest.mark.parametrize(
    "changes",
    [
        *({"id": ""}, {"id": 7}, {"isActive": "yes"}, {"rateLimit": {"count": "10"}}),
        *({"projectId": "2.5"}, {"projectID": 2**63}, {"dateCreated": "yesterday"}),
        *({"dsn": []}, {"dynamicSdkLoaderOptions": {"hasDebug": 1}}),
    ],
)
def test_what_is_refused_when_it_is_read_is_invalid(changes: dict[str, Any]) -> None:
    sound = {"kind": "sentry_key", "organization": "acme", "project": None, "record": KEY}
    assert SCHEMA.is_valid(sound)
    wrong = {**KEY, **changes}
    assert fault("sentry_key", wrong) is not None
    assert not SCHEMA.is_valid({**sound, "record": wrong})


@pytest.mark.parametrize(
    "line",
    [
        {"kind": "sentry_keys", "record": {"id": "k"}},
        {"kind": "sentry_key", "organization": "", "record": {"id": "k"}},
        {"kind": "inventory", "record": {"version": 3}},
        {"kind": "end", "record": {"coverage": {"sentry_keys": {"state": "complete"}}}},
        {"kind": "end", "record": {"coverage": {"sentry_key": {"state": "whole", "reason": ""}}}},
    ],
)
def test_an_envelope_of_another_form_is_invalid(line: dict[str, Any]) -> None:
    assert not SCHEMA.is_valid(line)
