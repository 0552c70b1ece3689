"""A fetch that is killed goes on where it was: the same inventory, with fewer requests."""

from __future__ import annotations

import json
import random
import time
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.support import Result, begin, keypolicy
from tests.simulator import CANARY, SELF_HOSTED_23_7, TODAY, Flavour, Simulator, make_world

if TYPE_CHECKING:
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

KILLS = 12  # with SIGKILL, at random moments
LATENCY = 0.02


def records(path: Path) -> list[str]:
    """The inventory without its order and the time of the fetch, however it is told."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        envelope = json.loads(line)
        if envelope["kind"] == "inventory":
            del envelope["record"]["fetched_at"]
        if envelope["kind"] == "end":
            for table in envelope["record"]["coverage"].values():
                del table["reason"]
        found.append(json.dumps(envelope, sort_keys=True))
    return sorted(found)


def start(sim: Simulator, folder: Path) -> ForkServerProcess:
    """Begin a fetch in another process."""
    return begin(
        *("fetch", "--url", sim.url, "-o", "i.jsonl", "--quiet"),
        cwd=folder,
        SENTRY_AUTH_TOKEN=sim.world.token,
    )


def finish(process: ForkServerProcess) -> int | None:
    process.join(60)
    return process.exitcode


def wait_for(sim: Simulator, requests: int, process: ForkServerProcess) -> None:
    ends = time.monotonic() + 60
    while sim.requests < requests and process.is_alive() and time.monotonic() < ends:
        time.sleep(0.001)


@pytest.mark.parametrize(
    ("flavour", "kills"), [(TODAY, 5), (SELF_HOSTED_23_7, KILLS - 5)], ids=["whole", "each"]
)
def test_a_killed_fetch_goes_on_where_it_was(tmp_path: Path, flavour: Flavour, kills: int) -> None:
    rng = random.Random(20)  # noqa: S311 - which moments, not secrecy
    world = make_world(projects=8, keys=350)
    with Simulator(world, flavour, latency=LATENCY) as sim:
        undisturbed = tmp_path / "undisturbed"
        undisturbed.mkdir()
        assert finish(start(sim, undisturbed)) == 0
        whole = sim.requests
        expected = records(undisturbed / "i.jsonl")
        for number in range(kills):
            folder = tmp_path / str(number)
            folder.mkdir()
            sim.log.clear()
            process = start(sim, folder)
            # From the first answer that is kept to the last request of all.
            wait_for(sim, rng.randint(4, whole), process)
            time.sleep(rng.uniform(0, 2 * LATENCY))
            process.kill()
            finish(process)
            if (folder / "i.jsonl").exists():
                continue  # it was done before the kill
            journal = folder / "i.jsonl.journal"
            kept = max(len(journal.read_bytes().splitlines()) - 1, 0) if journal.exists() else 0
            if journal.exists():
                assert CANARY not in journal.read_text("utf-8")
            # Whatever the killed process had asked is answered by now.
            time.sleep(2 * LATENCY)
            sim.log.clear()
            assert finish(start(sim, folder)) == 0
            assert records(folder / "i.jsonl") == expected
            assert sim.requests <= whole - kept + 1
            assert not journal.exists()


def fetched_anew(sim: Simulator, folder: Path, token: str) -> Result:
    """Fetch with this token, after a fetch that was killed."""
    process = start(sim, folder)
    wait_for(sim, 6, process)
    process.kill()
    finish(process)
    return keypolicy(
        *("fetch", "--url", sim.url, "-o", "i.jsonl"), cwd=folder, SENTRY_AUTH_TOKEN=token
    )


def test_a_resumed_fetch_says_so_and_asks_less(tmp_path: Path) -> None:
    world = make_world(projects=5, keys=450)
    with Simulator(world, latency=LATENCY) as sim:
        done = fetched_anew(sim, tmp_path, world.token)
    assert done.code == 0, done.err
    assert "were used and not asked for again" in done.err
    assert CANARY not in done.err


def test_another_token_does_not_take_over_the_journal(tmp_path: Path) -> None:
    world = make_world(projects=5, keys=450)
    other = world.add_token(f"sntryu_{CANARY}b", "org:read")
    with Simulator(world, latency=LATENCY) as sim:
        done = fetched_anew(sim, tmp_path, other)
    assert "were used" not in done.err
