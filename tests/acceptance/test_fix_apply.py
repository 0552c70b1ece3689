"""`keypolicy fix apply` and `fix undo` as a user runs them, on a server with the real quirks."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout, suppress
from datetime import UTC, datetime
from io import StringIO
from typing import TYPE_CHECKING, Any
from unittest import mock

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from scanner.cli.main import main
from scanner.model.outcome import Risk
from scanner.remediate.apply.audit import AuditLog
from scanner.remediate.document import PlannedAction, write_plan
from tests.acceptance.support import ROOT, Result, keypolicy, report
from tests.simulator import CANARY, Simulator, World, faults
from tests.simulator.faults import on
from tests.unit.remediate.apply.applying import (
    LIMIT,
    WRITE,
    action,
    plan,
    states,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
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


def fixed(sim: Simulator, folder: Path, *arguments: object, token: str = WRITE) -> Result:
    """Run a step of `fix`; no secret may come out, or be in any file."""
    done = keypolicy("fix", *arguments, cwd=folder, SENTRY_AUTH_TOKEN=token, SENTRY_URL=sim.url)
    everything = done.out + done.err
    for path in folder.rglob("*"):
        everything += path.read_text("utf-8") if path.is_file() else ""
    assert CANARY not in everything
    return done


def save(folder: Path, sim: Simulator, *actions: PlannedAction, **facts: Any) -> None:
    (folder / "plan.json").write_bytes(write_plan(plan(sim.url, *actions, **facts)))


def limits(of: World) -> list[PlannedAction]:
    return [action(key, owner, LIMIT) for owner in of.projects for key in owner.keys]


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
        assert keypolicy(*scan, cwd=tmp_path, **environment).code == 1
        failed = {one["resource"]["id"] for one in report(tmp_path / "r.json")["findings"]}
        asked = fixed(sim, tmp_path, "plan", "--policy", "ours.yaml", "-o", "plan.json")
        assert asked.code == 1, asked.err
        assert states(of) == before, "planning changed something"
        planned = report(tmp_path / "plan.json")["actions"]
        more = ["--allow-irreversible"] if name == "delete" else []
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes", *more)
        assert done.code == 0, done.out + done.err
        again = keypolicy(*scan, cwd=tmp_path, **environment)
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


def refused(sim: Simulator, folder: Path, *arguments: object, token: str = WRITE) -> str:
    """Apply what is to be refused before anything is asked or sent; return why."""
    done = fixed(sim, folder, "apply", "plan.json", *arguments, token=token)
    assert done.code == 2, done.out + done.err
    assert sim.requests == 0
    assert not (folder / "plan.audit.jsonl").exists()
    return done.err


def test_a_plan_that_was_edited(tmp_path: Path) -> None:
    with Simulator(world()) as sim:
        save(tmp_path, sim, *limits(sim.world))
        path = tmp_path / "plan.json"
        path.write_text(path.read_text("utf-8").replace("1000", "9000", 1), "utf-8")
        assert "changed after it was made" in refused(sim, tmp_path, "--yes")


def test_a_plan_for_another_server(tmp_path: Path) -> None:
    """The plan does not choose where the token goes, nor does the default."""
    with Simulator(world()) as sim, Simulator(world()) as other:
        save(tmp_path, other, *limits(other.world))
        assert f"is a plan for {other.url}" in refused(sim, tmp_path, "--yes")
        assert other.requests == 0
        done = keypolicy("fix", "apply", "plan.json", cwd=tmp_path, SENTRY_AUTH_TOKEN=WRITE)
        assert (done.code, other.requests) == (2, 0)
        assert "https://sentry.io" in done.err


@pytest.mark.parametrize(
    ("facts", "arguments", "says"),
    [
        ({"organizations": ("globex",)}, (), "another organization: acme"),
        ({}, ("--org", "globex"), "another organization: acme"),
        ({"created_at": datetime(2026, 1, 1, tzinfo=UTC)}, (), "longer ago than 1d"),
        ({"created_at": datetime(2126, 1, 1, tzinfo=UTC)}, (), "in the future"),
        ({"created_at": datetime(2026, 1, 1)}, (), "longer ago than 1d"),  # noqa: DTZ001
        ({"created_at": datetime(1926, 1, 1, tzinfo=UTC)}, (), "made at no time"),
        ({"server": "nowhere"}, (), "not an http or https URL"),
        ({}, ("--max-changes", "5"), "has 6 changes, and at most 5"),
    ],
    ids=["organization", "--org", "old", "future", "zoneless", "1926", "server", "many"],
)
def test_a_plan_that_is_not_for_here_and_now(
    tmp_path: Path, facts: dict[str, Any], arguments: tuple[str, ...], says: str
) -> None:
    with Simulator(world()) as sim:
        save(tmp_path, sim, *limits(sim.world), **facts)
        assert says in refused(sim, tmp_path, "--yes", *arguments)


def test_two_actions_of_one_id(tmp_path: Path) -> None:
    with Simulator(world()) as sim:
        one = limits(sim.world)[0]
        save(tmp_path, sim, one, one)
        assert "two actions of one id" in refused(sim, tmp_path, "--yes")


def test_more_than_twenty_changes_are_asked_for(tmp_path: Path) -> None:
    with Simulator(world(keys=21)) as sim:
        save(tmp_path, sim, *limits(sim.world))
        assert "at most 20" in refused(sim, tmp_path, "--yes")
        assert fixed(sim, tmp_path, "apply", "plan.json", "--yes", "--max-changes", "21").code == 0


def test_a_deletion_is_never_made_unasked(tmp_path: Path) -> None:
    """Whatever the plan calls its risk."""
    of = world()
    owner = of.projects[0]
    one = structs.replace(action(owner.keys[0], owner, None), risk=Risk.SAFE)
    with Simulator(of) as sim:
        save(tmp_path, sim, one)
        assert "--allow-irreversible" in refused(sim, tmp_path, "--yes")
    assert of.writes == []


def test_nobody_to_ask(tmp_path: Path) -> None:
    with Simulator(world()) as sim:
        save(tmp_path, sim, *limits(sim.world))
        assert "give --yes" in refused(sim, tmp_path)
        assert "SENTRY_AUTH_TOKEN" in refused(sim, tmp_path, "--yes", token="")


@pytest.mark.skipif(sys.platform == "win32", reason="has no pseudo-terminals")
@pytest.mark.parametrize(("said", "writes"), [("yes", 1), ("y", 0), ("", 0)])
def test_a_person_is_asked(tmp_path: Path, said: str, writes: int) -> None:
    import pty  # noqa: PLC0415 - see above

    of = world(keys=1)
    with Simulator(of) as sim:
        save(tmp_path, sim, *limits(of))
        ours, theirs = pty.openpty()
        environment = {"SENTRY_AUTH_TOKEN": WRITE, "SENTRY_URL": sim.url, "HOME": str(tmp_path)}
        command = [sys.executable, "-m", "scanner", "fix", "apply", "plan.json"]
        with subprocess.Popen(
            command,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdin=theirs,
            stdout=theirs,
            stderr=subprocess.PIPE,
        ) as process:
            os.write(ours, f"{said}\n".encode())
            code = process.wait(60)
        os.close(theirs)
        shown = os.read(ours, 1 << 16).decode()
        os.close(ours)
    assert "Only `yes` does" in shown
    assert (code, len(of.writes)) == (0 if writes else 1, writes)


@pytest.mark.parametrize(
    ("scopes", "after", "lacks"),
    [
        (("org:read", "project:read"), LIMIT, "project:write (to update keys)"),
        (("org:read", "project:write"), None, "project:admin (to delete keys)"),
        (("org:read",), LIMIT, "project:read (to read keys)"),
    ],
)
def test_a_missing_scope_is_named_before_anything_is_sent(
    tmp_path: Path, scopes: tuple[str, ...], after: Any, lacks: str
) -> None:
    of = world(2, 6, *scopes)
    owner = of.projects[0]
    with Simulator(of) as sim:
        save(tmp_path, sim, action(owner.keys[0], owner, after))
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes", "--allow-irreversible")
        assert [seen.path for seen in sim.log] == ["/api/0/"]
    assert done.code == 2
    assert lacks in done.err
    assert of.writes == []


@pytest.mark.parametrize(
    ("after", "says"),
    [
        ({"useCase": "demo"}, "useCase: not to be set by update"),
        ({"isActive": False, "secret": "s"}, "secret: not to be set by update"),
        ({"rateLimit": {"count": 10}}, "missing required field `window`"),
        ({"dynamicSdkLoaderOptions": {"hasDebug": "x"}}, "Expected `bool`"),
    ],
)
def test_a_plan_that_somebody_else_sealed_sets_no_other_field(
    tmp_path: Path, after: Any, says: str
) -> None:
    of = world()
    owner = of.projects[0]
    good = action(owner.keys[1], owner, LIMIT)
    with Simulator(of) as sim:
        save(tmp_path, sim, good, action(owner.keys[0], owner, after))
        done = fixed(sim, tmp_path, "apply", "plan.json", "--yes")
        assert sim.requests == 0
    assert done.code == 2
    assert says in done.err
    assert of.writes == []


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    with Simulator(world()) as sim:
        save(tmp_path, sim, *limits(sim.world))
    assert fixed(sim, tmp_path, "apply", "plan.json", "--yes").code == 3


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


@pytest.fixture(scope="module")
def fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Simulator, Path, bytes]]:
    folder = tmp_path_factory.mktemp("fuzz")
    with Simulator(world()) as sim:
        save(folder, sim, *limits(sim.world))
        yield sim, folder / "plan.json", (folder / "plan.json").read_bytes()


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_change_of_a_plan_leads_to_a_request(
    fuzzed: tuple[Simulator, Path, bytes], data: st.DataObject
) -> None:
    sim, path, whole = fuzzed
    at = data.draw(st.integers(0, len(whole) - 1))
    until = data.draw(st.integers(at, min(at + 40, len(whole))))
    new = data.draw(
        st.binary(max_size=20) | st.text('0123456789"{}[],:abc', max_size=5).map(str.encode)
    )
    raw = whole[:at] + new + whole[until:]
    with suppress(ValueError):
        assume(json.loads(raw) != json.loads(whole))  # white space between values says nothing
    path.write_bytes(raw)
    before = sim.requests
    environment = {"SENTRY_AUTH_TOKEN": WRITE, "SENTRY_URL": sim.url, "HOME": str(path.parent)}
    with (
        mock.patch.dict(os.environ, environment),
        redirect_stderr(StringIO()) as said,
        redirect_stdout(StringIO()),
    ):
        code = main(["fix", "apply", str(path), "--yes", "--max-changes", "99999"])
    assert (code, sim.requests - before) == (2, 0)
    assert str(path) in said.getvalue()
