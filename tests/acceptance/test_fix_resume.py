"""An apply that is killed or cut off goes on where it was, and does nothing twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from scanner.remediate.document import PlannedAction, State, write_plan
from tests.acceptance.support import AS_IN_A_TERMINAL, ROOT, begin, here
from tests.simulator import CANARY, Simulator, World, faults
from tests.simulator.faults import on
from tests.unit.remediate.apply.applying import (
    LIMIT,
    WRITE,
    action,
    apply,
    creation,
    expected,
    plan,
    states,
    world,
)

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess

LATENCY = 0.002

NEW: State = {
    "rateLimit": {"count": 5, "window": 60},
    "browserSdkVersion": "latest",
    "dynamicSdkLoaderOptions": {"hasReplay": True},
}


def mixture(of: World, number: int) -> list[PlannedAction]:
    """Plan so many changes: of ten, eight are updates, one deletes, and one makes a key."""
    found = [(key, owner) for owner in of.projects for key in owner.keys]
    made: list[PlannedAction] = []
    for place, (key, owner) in enumerate(found[:number]):
        if place % 10 == 3:
            made.append(action(key, owner, None))
        elif place % 10 == 7:
            made.append(creation(owner, {"name": f"new {place}", **NEW}))
        else:
            made.append(action(key, owner, [LIMIT, {"isActive": False}][place % 2]))
    return made


def assert_as_planned(of: World, actions: list[PlannedAction], then: dict[str, State]) -> None:
    """Every key is as it was to be, each change was done once, and no other key is there."""
    after = states(of)
    new = {key: after.pop(key) for key in set(after) - set(then)}
    assert after == then
    planned = [one.after or {} for one in actions if not one.target.id]
    assert sorted(one["name"] for one in new.values()) == sorted(one["name"] for one in planned)
    for one in new.values():
        assert one["rateLimit"] == NEW["rateLimit"]
        assert one["browserSdkVersion"] == "latest"
    count = Counter(of.writes)
    assert set(count.values()) == {1}, count
    # Making a key takes a second request for what the first does not take.
    assert len(of.writes) == len(actions) + len(planned)


def start(sim: Simulator, folder: Path) -> ForkServerProcess:
    """Begin to apply in another process."""
    return begin(
        *("fix", "apply", "plan.json", "--yes", "--allow-irreversible", "--max-changes", "1000"),
        cwd=folder,
        SENTRY_AUTH_TOKEN=WRITE,
        SENTRY_URL=sim.url,
    )


def killed(folder: Path, changes: int, kills: int, seed: int) -> int:
    """Kill one apply again and again at random moments; return how often it really was at work."""
    rng = random.Random(seed)  # noqa: S311 - which moments, not secrecy
    of = world(10, changes)
    actions = mixture(of, changes)
    then = expected(of, *(one for one in actions if one.target.id))
    hit = 0
    with Simulator(of, latency=LATENCY) as sim:
        (folder / "plan.json").write_bytes(write_plan(plan(sim.url, *actions)))
        for left in range(kills, 0, -1):
            process = start(sim, folder)
            most = max(len(actions) * 3 // kills, 4)
            until = sim.requests + rng.randint(1, 2 * most if left > 1 else most)
            ends = time.monotonic() + 60
            while sim.requests < until and process.is_alive() and time.monotonic() < ends:
                time.sleep(0.0002)
            time.sleep(rng.uniform(0, 2 * LATENCY))
            hit += process.is_alive()
            process.kill()
            process.join(60)
            time.sleep(5 * LATENCY)  # what the killed process had sent is done by now
        process = start(sim, folder)
        process.join(120)
        assert process.exitcode == 0, (folder / "plan.audit.jsonl").read_text("utf-8")[-2000:]
    assert_as_planned(of, actions, then)
    assert CANARY not in (folder / "plan.audit.jsonl").read_text("utf-8")
    return hit


@pytest.mark.skipif(sys.platform == "win32", reason="has no forkserver")
def test_a_killed_apply_goes_on_where_it_was(tmp_path: Path) -> None:
    assert killed(tmp_path, changes=20, kills=4, seed=7) >= 3


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signal")
def test_an_interrupted_apply_goes_on_where_it_was(tmp_path: Path) -> None:
    of = world(3, 10)
    actions = mixture(of, 10)
    then = expected(of, *(one for one in actions if one.target.id))
    command = ("fix", "apply", "plan.json", "--yes", "--allow-irreversible")
    with Simulator(of, latency=0.1) as sim:  # so that it goes on until it is interrupted
        (tmp_path / "plan.json").write_bytes(write_plan(plan(sim.url, *actions)))
        environment = {"SENTRY_AUTH_TOKEN": WRITE, "SENTRY_URL": sim.url, "HOME": str(tmp_path)}
        with subprocess.Popen(
            [sys.executable, "-c", AS_IN_A_TERMINAL, *command],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            while sim.requests < 12:
                time.sleep(0.001)
            process.send_signal(signal.SIGINT)
            said = process.communicate(timeout=60)[1]
        assert (process.returncode, said) == (130, b"keypolicy: interrupted\n")
        assert 0 < len(of.writes) < 12
        time.sleep(0.3)  # what was under way is done by now
        done = here(*command, cwd=tmp_path, **environment)
    assert done.code == 0, done.out
    assert_as_planned(of, actions, then)


OF_EACH_KIND = (0, 1, 3, 7)
"""A limit, a key that is switched off, one that is deleted, and one that is made."""


def cut(folder: Path, at: int, *, early: bool) -> bool:
    """Cut the connection at one request, before or after it is done; go on until all is done.

    Returns whether there was such a request.
    """
    of = world(3, 8)
    actions = [mixture(of, 8)[number] for number in OF_EACH_KIND]
    then = expected(of, *(one for one in actions if one.target.id))
    log = folder / f"{at}-{early}.jsonl"
    fault = faults.reset(at={at})
    fault.early = early
    with Simulator(of, faults=[fault]) as sim:
        what = plan(sim.url, *actions)
        for _ in range(3):
            results = apply(sim, what, log)
            if not any(one.is_surprise for one in results):
                break
    assert not any(one.is_surprise for one in results), results
    assert_as_planned(of, actions, then)
    return fault.done > 0


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
def test_a_connection_that_is_cut_at_any_request(tmp_path: Path, *, early: bool) -> None:
    at = 1
    while cut(tmp_path, at, early=early):
        at += 1
    assert at > 12  # four changes, of three requests or more


@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_every_change_is_answered_by_an_error(tmp_path: Path, method: str) -> None:
    """The server does what is asked and says 500: nothing is sent again."""
    of = world(3, 10)
    actions = mixture(of, 10)
    then = expected(of, *(one for one in actions if one.target.id))
    with Simulator(of, faults=[on(method, faults.status(500))]) as sim:
        results = apply(sim, plan(sim.url, *actions), tmp_path / "a.jsonl")
    assert not any(one.is_surprise for one in results)
    assert_as_planned(of, actions, then)


def test_a_torn_last_line_counts_for_nothing(tmp_path: Path) -> None:
    of = world(3, 8)
    actions = mixture(of, 8)
    then = expected(of, *(one for one in actions if one.target.id))
    log = tmp_path / "a.jsonl"
    with Simulator(of) as sim:
        what: Any = plan(sim.url, *actions)
        apply(sim, what, log)
        whole = log.read_bytes()
        log.write_bytes(whole[:-20])
        results = apply(sim, what, log)
    assert not any(one.is_surprise for one in results)
    assert log.read_bytes().startswith(whole[: whole[:-20].rindex(b"\n")])
    assert_as_planned(of, actions, then)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_an_output_that_is_full_does_not_say_that_nothing_was_changed(tmp_path: Path) -> None:
    of = world(1, 3)
    actions = [action(key, owner, LIMIT) for owner in of.projects for key in owner.keys]
    then = expected(of, *actions)
    with Simulator(of) as sim:
        (tmp_path / "plan.json").write_bytes(write_plan(plan(sim.url, *actions)))
        settings = {"SENTRY_AUTH_TOKEN": WRITE, "SENTRY_URL": sim.url, "HOME": str(tmp_path)}
        arguments = ("fix", "apply", "plan.json", "--yes", "-q")
        command = ["bash", "-c", 'exec "$@" > /dev/full', "bash", sys.executable, "-m", "scanner"]
        done = subprocess.run(
            [*command, *arguments],
            cwd=tmp_path,
            env={**os.environ, **settings, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 2
        assert b"What was changed until now is in plan.audit.jsonl" in done.stderr
        assert b"Nothing was decided" not in done.stderr
        assert here(*arguments, cwd=tmp_path, **settings).code == 0
    assert states(of) == then
    assert len(of.writes) == len(actions)
