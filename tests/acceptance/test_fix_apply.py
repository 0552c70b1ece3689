"""`keypolicy fix apply` and `fix undo` as a user runs them, on a server with the real quirks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from scanner.remediate.apply.audit import AuditLog
from tests.acceptance.fixing import fixed, limits, save
from tests.acceptance.support import here, report
from tests.simulator import CANARY, Simulator, faults
from tests.simulator.faults import on
from tests.unit.remediate.apply.applying import (
    states,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

RULE = """\
policy: ours
version: 1.0.0
title: Ours
rules:
  - id: ours
    title: Ours
    resource: {resource}
    severity: high
    require: {require}
    rationale: It is ours.
    remediation: Mend it.
    fix: {fix}
"""

ACTIONS = {
    "set_rate_limit": ("has_rate_limit", "{set_rate_limit: {count: 1000, window: 1h}}"),
    "disable": ("NOT is_active OR name <> 'target'", "{disable: true}"),
    "enable": ("is_active", "{enable: true}"),
    "delete": ("name <> 'target'", "{delete: true}"),
    "rename": ("name <> 'target'", '{rename: "{project}-{public}"}'),
    "set_sdk_version": ("browser_sdk_version = 'latest'", "{set_sdk_version: latest}"),
    "set_loader_options": ("NOT loader_has_debug", "{set_loader_options: {debug: false}}"),
    "create": ("key_count > 0", "{create: {name: web, count: 1000}}"),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_what_was_planned_is_gone_and_nothing_else_changed(tmp_path: Path, name: str) -> None:
    of = world()
    of.keys[1].active = of.keys[2].active = name != "enable"
    of.keys[1].name = of.keys[2].name = "target"
    of.keys[3].debug, of.keys[4].sdk_version = True, "8.x"
    if name == "create":
        of.projects[1].keys.clear()
    require, fix = ACTIONS[name]
    resource = "sentry_project" if name == "create" else "sentry_key"
    policy = RULE.format(resource=resource, require=json.dumps(require), fix=fix)
    (tmp_path / "ours.yaml").write_text(policy, "utf-8")
    scan = ("scan", "--policy", "ours.yaml", "-q", "-o", "r.json")
    before = states(of)
    with Simulator(of) as sim:
        environment = {"SENTRY_AUTH_TOKEN": of.token, "SENTRY_URL": sim.url}
        assert here(*scan, cwd=tmp_path, **environment).code == 1
        failed = {one["resource"]["id"] for one in report(tmp_path / "r.json")["findings"]}
        asked = fixed(sim, tmp_path, "plan", "--policy", "ours.yaml", "-o", "plan.json")
        assert asked.code == 1, asked.err
        assert states(of) == before, "planning changed something"
        planned = report(tmp_path / "plan.json")["actions"]
        more = ["--allow-irreversible"] if name == "delete" else []
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes", *more)
        assert done.code == 0, done.out + done.err
        again = here(*scan, cwd=tmp_path, **environment)
        assert again.code == 0, again.out
        after = states(of)
        assert len(of.writes) == len(planned) > 0
        _take_back(sim, tmp_path, before, name)
    expected = dict(before)
    for one in planned:
        if one["after"] is None:
            del expected[one["target"]["id"]]
        elif one["target"]["id"]:
            expected[one["target"]["id"]] = expected[one["target"]["id"]] | one["after"]
    if name == "create":
        (new,) = after.keys() - before.keys()
        assert after.pop(new)["rateLimit"] == {"count": 1000, "window": 3600}
        assert f"its DSN: http://{new}@" in done.out
    else:
        assert {one["target"]["id"] for one in planned} == failed
    assert after == expected


def _take_back(sim: Simulator, folder: Path, before: dict[str, Any], name: str) -> None:
    """Undo what was applied, as far as it can be undone."""
    writes = len(sim.world.writes)
    undone = fixed(sim, folder, "undo", "plan.audit.jsonl", "-o", "undo.json")
    assert undone.code == (0 if name == "delete" else 1), undone.err
    more = ["--allow-irreversible"] if name == "create" else []
    assert fixed(sim, folder, "apply", "undo.json", "--yes", *more).code == 0
    left = report(folder / "undo.json")["left"]
    if name == "delete":
        assert {one["code"] for one in left} == {"irreversible"}
        assert len(sim.world.writes) == writes
        return
    assert left == []
    assert states(sim.world) == before


def test_it_stops_at_the_first_surprise_and_goes_on_later(tmp_path: Path) -> None:
    of = world()
    apply = ("apply", "plan.json", "--yes")
    with Simulator(of) as sim:
        actions = limits(of)
        save(tmp_path, sim, *actions)
        lost = next(p for p in of.projects for k in p.keys if k.public == actions[2].target.id)
        lost.keys = [key for key in lost.keys if key.public != actions[2].target.id]
        stopped = fixed(sim, tmp_path, *apply)
        assert stopped.code == 1
        assert "vanished: set_rate_limit acme/" in stopped.out
        assert "3 changes not begun" in stopped.out
        assert len(of.writes) == 2
        went_on = fixed(sim, tmp_path, *apply, "--keep-going")
    assert went_on.code == 1
    assert "Applied 5 of 6 changes, 2 of them in an earlier run" in went_on.out
    assert len(of.writes) == len(set(of.writes)) == 5


def test_an_ignored_rate_limit_counts_as_not_applied(tmp_path: Path) -> None:
    of = world()
    of.organization.rate_limits = False
    with Simulator(of) as sim:
        save(tmp_path, sim, *limits(of))
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes", "-q")
    assert done.code == 1
    assert done.out.startswith("ignored: set_rate_limit")
    assert "organizations without the feature" in done.out


@pytest.mark.parametrize("method", ["GET", "PUT"])
@pytest.mark.parametrize("code", [302, 307])
def test_a_redirecting_server_does_not_lead_the_token_away(
    tmp_path: Path, method: str, code: int
) -> None:
    of = world()
    with Simulator(of) as sim, Simulator(world()) as elsewhere:
        where = f"{elsewhere.url}/api/0/projects/acme/x/keys/y/"
        sim.faults = [on(method, faults.redirect(where, "/keys/", code=code), early=True)]
        save(tmp_path, sim, *limits(of))
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes")
        assert elsewhere.requests == 0
    assert done.code == 1
    assert "redirects to 127.0.0.1" in done.out
    assert of.writes == []


def test_names_from_elsewhere_harm_neither_terminal_nor_log(tmp_path: Path) -> None:
    """`fixed` looks for the secret in everything that comes out, the audit log too."""
    of = world()
    of.keys[0].name = f"\x1b[31mred\u202e sntryu_{CANARY}00000000"
    of.keys[1].name = f"{of.keys[1].secret}"
    policy = RULE.format(
        resource="sentry_key", require="has_rate_limit", fix="{set_rate_limit: {count: 9}}"
    )
    (tmp_path / "ours.yaml").write_text(policy, "utf-8")
    with Simulator(of) as sim:
        assert fixed(sim, tmp_path, "plan", "--policy", "ours.yaml", "-o", "plan.json").code == 1
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes")
        undone = fixed(sim, tmp_path, "undo", "plan.audit.jsonl")
    assert (done.code, undone.code) == (0, 1)
    assert "red\\u202e [redacted]" in done.out
    assert "\x1b" not in done.out + done.err + undone.out
    assert of.keys[0].name.endswith("00000000")


def test_an_audit_log_that_was_altered_is_not_added_to(tmp_path: Path) -> None:
    of = world()
    apply = ("apply", "plan.json", "--yes", "--keep-going")
    with Simulator(of) as sim:
        save(tmp_path, sim, *limits(of))
        assert fixed(sim, tmp_path, *apply).code == 0
        log = tmp_path / "plan.audit.jsonl"
        lines = log.read_bytes().splitlines(keepends=True)
        log.write_bytes(b"".join(lines[:3] + lines[4:]))
        before = log.read_bytes()
        done = fixed(sim, tmp_path, *apply)
        assert (done.code, len(of.writes)) == (2, 6)
        assert "plan.audit.jsonl:4: does not follow from the line before" in done.err
        assert fixed(sim, tmp_path, "undo", "plan.audit.jsonl").code == 2
        unset = fixed(sim, tmp_path, "undo", "plan.audit.jsonl", "--plan", "")
        assert (unset.code, "an empty digest" in unset.err) == (2, True)
    assert log.read_bytes() == before


def test_two_at_once_do_not_share_a_log(tmp_path: Path) -> None:
    of = world()
    with Simulator(of) as sim, AuditLog(tmp_path / "plan.audit.jsonl"):
        save(tmp_path, sim, *limits(of))
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes")
    assert (done.code, of.writes) == (2, [])
    assert "is in use" in done.err


def test_what_drifted_after_it_was_applied_is_not_taken_back(tmp_path: Path) -> None:
    of = world()
    with Simulator(of) as sim:
        save(tmp_path, sim, *limits(of))
        assert fixed(sim, tmp_path, "apply", "plan.json", "--yes").code == 0
        of.keys[0].rate_limit = (5, 60)
        assert fixed(sim, tmp_path, "undo", "plan.audit.jsonl", "-o", "undo.json").code == 1
        done = fixed(sim, tmp_path, "apply", "undo.json", "--yes", "--keep-going")
    assert done.code == 1
    assert done.out.count("drifted:") == 1
    assert [key.rate_limit for key in of.keys] == [(5, 60), *[None] * 5]


def test_an_undo_that_does_not_know_all_ends_in_3(tmp_path: Path) -> None:
    """One change was done, and of the other nobody could see what became."""
    of = world(1, 2)
    with Simulator(of) as sim:
        save(tmp_path, sim, *limits(of))
        sim.faults = [faults.reset("/keys/", at=range(5, 99))]
        assert fixed(sim, tmp_path, "apply", "plan.json", "--yes").code == 1
        undone = fixed(sim, tmp_path, "undo", "plan.audit.jsonl", "-o", "undo.json")
        assert undone.code == 3, undone.out
        assert "1 change " in undone.out
        assert "apply its plan again" in " ".join(undone.out.split())
        sim.faults = []
        assert fixed(sim, tmp_path, "apply", "plan.json", "--yes").code == 0
        assert fixed(sim, tmp_path, "undo", "plan.audit.jsonl", "-o", "undo.json").code == 1
        assert fixed(sim, tmp_path, "apply", "undo.json", "--yes").code == 0
    assert [key.rate_limit for key in of.keys] == [None, None]
