"""No name that was redacted is ever set on a key, neither by a plan nor by exported code."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.support import here, report
from tests.simulator import Simulator
from tests.unit.remediate.apply.applying import world

if TYPE_CHECKING:
    from pathlib import Path

POLICY = """\
policy: ours
version: 1.0.0
title: Ours
rules:
  - id: ours
    title: Ours
    resource: sentry_key
    severity: high
    require: is_active IS NULL
    rationale: It is ours.
    remediation: Mend it.
    fix: {fix}
"""
SECRET = "sntryu_0123456789abcdef0123456789abcdef"
NAMES = ["Basic production frontend", f"web {SECRET}", f"https://a:{SECRET}@o1.example/2"]


FIXES = [
    ('{rename: "{name} of {project}"}', False),
    ('{rename: "{project}-{public}"}', True),
    ("{rotate: {grace: 0d}}", False),
    ('{rotate: {grace: 0d, name: "follows {key}"}}', True),
    ("{disable: true}", True),
]


@pytest.mark.parametrize(("fix", "is_planned"), FIXES)
def test_what_is_left_of_a_name_is_not_set(tmp_path: Path, fix: str, *, is_planned: bool) -> None:
    of = world(1, len(NAMES))
    for key, name in zip(of.keys, NAMES, strict=True):
        key.name = name
    (tmp_path / "ours.yaml").write_text(POLICY.replace("{fix}", fix), "utf-8")
    with Simulator(of) as sim:
        settings = {"SENTRY_AUTH_TOKEN": of.token, "SENTRY_URL": sim.url}
        plan = ("fix", "plan", "--policy", "ours.yaml", "-q", "-o", "plan.json")
        done = here(*plan, cwd=tmp_path, **settings)
    made = report(tmp_path / "plan.json")
    assert (done.code, len(made["actions"])) == ((1, 3) if is_planned else (0, 0)), done.err
    assert "[redacted]" not in json.dumps([one["after"] for one in made["actions"]])
    assert len(made["left"]) == (0 if is_planned else 3)
    for left in made["left"]:
        assert left["code"] == "unknown-state"
        assert left["reason"].startswith("its name holds what looks like a secret")


def test_a_rotation_does_not_retire_a_key_by_what_is_left_of_its_name(tmp_path: Path) -> None:
    of = world(1, 2)
    old, new = of.keys
    old.name, new.name = NAMES[0], f"follows {old.public[:8]}"
    new.created = datetime.now(UTC) - timedelta(days=20)
    fix = '{rotate: {grace: 0d, name: "follows {key}"}}'
    (tmp_path / "ours.yaml").write_text(POLICY.replace("{fix}", fix), "utf-8")
    with Simulator(of) as sim:
        settings = {"SENTRY_AUTH_TOKEN": of.token, "SENTRY_URL": sim.url}
        plan = ("fix", "plan", "--policy", "ours.yaml", "-q", "-o", "plan.json")
        here(*plan, "--key", old.public, cwd=tmp_path, **settings)
        status = ("fix", "status", "--policy", "ours.yaml")
        told = here(*status, cwd=tmp_path, **settings).out
    assert "waits: its name holds what looks like a secret" in " ".join(told.split())
    made = report(tmp_path / "plan.json")
    assert made["actions"] == []
    assert [one["code"] for one in made["left"]] == ["unknown-state"]


@pytest.mark.parametrize("tool", ["--terraform", "--alchemy"])
def test_a_key_of_such_a_name_is_not_exported(tmp_path: Path, tool: str) -> None:
    of = world(1, 1 + len(NAMES))
    for key, name in zip(of.keys, [*NAMES, "plain"], strict=True):
        key.name = name
    with Simulator(of) as sim:
        settings = {"SENTRY_AUTH_TOKEN": of.token, "SENTRY_URL": sim.url}
        done = here("fix", "export", tool, cwd=tmp_path, **settings)
    assert done.code == 1
    assert done.err.count("is left out: its name holds what looks like a secret") == len(NAMES)
    code = [line for line in done.out.splitlines() if not line.startswith(("#", "//"))]
    assert not any("[redacted]" in line for line in code)
    assert any('"plain"' in line for line in code)
