"""A plan is read as it was written, or not at all."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from scanner.base.errors import UsageError
from scanner.base.resources import schema_path
from scanner.model.outcome import Risk, Severity
from scanner.remediate.document import (
    Cause,
    KeyTarget,
    KeyTraffic,
    Left,
    Plan,
    PlannedAction,
    PlanPolicy,
    PlanTool,
    Precondition,
    Rotation,
    State,
    action_id,
    plan_schema,
    read_plan,
    write_plan,
)

if TYPE_CHECKING:
    from pathlib import Path

STATE: State = {"id": "7", "name": "web", "isActive": True, "rateLimit": None}
TARGET = KeyTarget(
    type="sentry_key", organization="acme", project="shop", project_id="1", id="7", name="web"
)


def make_plan() -> Plan:
    """Return a plan with every kind of part."""
    after = {"rateLimit": {"count": 1000, "window": 3600}}
    limit = PlannedAction(
        id=action_id("set_rate_limit", TARGET, after),
        action="set_rate_limit",
        risk=Risk.SAFE,
        target=TARGET,
        before={"rateLimit": None},
        after=after,
        precondition=Precondition.of(STATE),
        findings=(Cause("key-rate-limit", "sentry-baseline", Severity.HIGH, "ab" * 32),),
        reason="web has no rate limit",
        notes=("usage was not looked at",),
        traffic=KeyTraffic(12, 30),
    )
    delete = PlannedAction(
        id=action_id("delete", TARGET, None),
        action="delete",
        risk=Risk.IRREVERSIBLE,
        target=TARGET,
        before={},
        after=None,
        precondition=Precondition.of(STATE),
        reason="the old key of a rotation",
        rotation=Rotation("7", "delete"),
    )
    left = Left(
        target=TARGET,
        rule_id="key-max-age",
        policy="sentry-baseline",
        fingerprint="cd" * 32,
        code="no-remedy",
        reason="the rule has no `fix`",
    )
    moment = datetime(2026, 11, 1, tzinfo=UTC)
    return Plan(
        tool=PlanTool("keypolicy", "0.1.0"),
        created_at=moment,
        as_of=moment,
        server="https://sentry.example",
        organizations=("acme",),
        policies=(PlanPolicy("sentry-baseline", "1.0.0", "ef" * 32),),
        actions=(limit, delete),
        left=(left,),
    )


def test_a_plan_comes_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "plan.json"
    path.write_bytes(write_plan(make_plan()))
    assert read_plan(path) == make_plan()
    assert path.read_bytes() == write_plan(read_plan(path))


def test_the_file_keeps_its_schema() -> None:
    schema = json.loads(schema_path("plan").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(json.loads(write_plan(make_plan())), schema)
    assert schema_path("plan").read_text() == plan_schema(), "make schemas"


def _values(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    children: list[tuple[str | int, Any]] = []
    if isinstance(value, dict):
        children = list(value.items())
    elif isinstance(value, list):
        children = list(enumerate(value))
    return [path, *(place for key, child in children for place in _values(child, (*path, key)))]


@pytest.mark.parametrize("place", _values(json.loads(write_plan(make_plan())))[1:], ids=str)
def test_whatever_was_changed_is_seen(tmp_path: Path, place: tuple[str | int, ...]) -> None:
    content = json.loads(write_plan(make_plan()))
    parent = content
    for key in place[:-1]:
        parent = parent[key]
    parent[place[-1]] = "changed"
    _refused(tmp_path, json.dumps(content).encode())


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{}",
        b"null",
        b'{"kind": "other"}',
        b"\xff",
        b"[" * 100_000,
        write_plan(make_plan()).replace(b'"server"', b'"server": "https://a", "server"', 1),
        write_plan(make_plan()).replace(b"  ", b"", 1)[:-200],
    ],
)
def test_what_is_no_plan_is_refused(tmp_path: Path, raw: bytes) -> None:
    _refused(tmp_path, raw)


def test_a_plan_of_a_newer_version_says_so(tmp_path: Path) -> None:
    raw = write_plan(make_plan()).replace(b'"schema_version": "1"', b'"schema_version": "2"')
    assert "of schema version '2'; this release reads 1" in _refused(tmp_path, raw)


def test_a_plan_that_tells_no_version_is_not_called_none(tmp_path: Path) -> None:
    raw = write_plan(make_plan()).replace(b'"schema_version": "1",', b"")
    assert "is a plan without a schema version" in _refused(tmp_path, raw)


def _refused(tmp_path: Path, raw: bytes) -> str:
    path = tmp_path / "plan.json"
    path.write_bytes(raw)
    with pytest.raises(UsageError) as caught:
        read_plan(path)
    assert caught.value.where == str(path)
    assert caught.value.remedy
    return caught.value.message


@pytest.mark.parametrize(
    ("change", "holds"),
    [
        ({}, True),
        ({"useCase": "user"}, True),  # what was not known then is no other state now
        ({"isActive": False}, False),
        ({"rateLimit": {"count": 1, "window": 60}}, False),
    ],
)
def test_a_precondition_is_about_what_was_known(change: State, *, holds: bool) -> None:
    assert Precondition.of(STATE).holds(STATE | change) is holds


def test_a_field_that_is_gone_is_another_state() -> None:
    assert not Precondition.of(STATE).holds({k: v for k, v in STATE.items() if k != "rateLimit"})
