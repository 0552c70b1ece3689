"""What `keypolicy fix apply` refuses before a single request: plans, tokens and places."""

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
from tests.acceptance.fixing import fixed, limits, save
from tests.acceptance.support import ROOT, here
from tests.simulator import Simulator
from tests.unit.remediate.apply.applying import (
    LIMIT,
    WRITE,
    action,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


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
        done = here("fix", "apply", "plan.json", cwd=tmp_path, SENTRY_AUTH_TOKEN=WRITE)
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
        ({}, ("--max-age", "0s"), "longer ago than 0s"),
        ({}, ("--max-changes", "5"), "has 6 changes, and at most 5"),
        ({}, ("--max-changes", "0"), "has 6 changes, and at most 0"),
    ],
    ids=["organization", "--org", "old", "future", "zoneless", "1926", "server", "0s", "many", "0"],
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
        ({"rateLimit": {"count": 10}}, "`window` is missing"),
        ({"dynamicSdkLoaderOptions": {"hasDebug": "x"}}, "expected true or false, found text"),
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


@pytest.mark.parametrize("number", ["-1", "1.5", "many", "", "\u0665"])
def test_a_number_of_changes_that_is_none(tmp_path: Path, number: str) -> None:
    done = here("fix", "apply", "plan.json", f"--max-changes={number}", cwd=tmp_path)
    assert done.code == 2
    assert f"--max-changes: {number!r} is no whole number from 0" in done.err
