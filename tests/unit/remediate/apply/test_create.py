"""A key is made in the project that was planned, whatever that is called, and in no other."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from scanner.remediate.apply.audit import ActionFate, read_audit
from scanner.remediate.apply.undo import undo_plan
from tests.simulator import Simulator, World, faults
from tests.simulator.faults import on
from tests.unit.remediate.apply.applying import apply, creation, plan, world

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime.now(UTC)
NEW = {"name": "fresh", "rateLimit": None}
DETAILS = r"/api/0/projects/acme/[^/]+/\?"
LISTED = r"/keys/\?"


def _renamed(of: World, *, again: bool) -> None:
    """Rename the first project; `again`: another one takes its slug."""
    home, owner = of.organization, of.projects[0]
    old, owner.slug = owner.slug, "new-name"
    if again:
        home.projects.append(copy.copy(owner))
        of.projects[-1].number, of.projects[-1].slug = 777, old
        of.projects[-1].keys = [copy.copy(key) for key in owner.keys]
    else:
        home.renamed[old] = "new-name"


@pytest.mark.parametrize("empty", [True, False], ids=["no key", "keys"])
def test_a_project_that_was_renamed_is_found(tmp_path: Path, *, empty: bool) -> None:
    of = world()
    owner = of.projects[0]
    if empty:
        owner.keys.clear()
    one = creation(owner, NEW)
    _renamed(of, again=False)
    with Simulator(of) as sim:
        (done,) = apply(sim, plan(sim.url, one), tmp_path / "a.jsonl")
    assert done.fate is ActionFate.APPLIED, done.reason
    assert [key.name for key in owner.keys][-1] == "fresh"
    assert read_audit(tmp_path / "a.jsonl")[-1].target.project == "new-name"


@pytest.mark.parametrize("pause", [{}, {"Retry-After": "1"}])
def test_a_proxy_that_refuses_for_going_too_fast_what_was_done(
    tmp_path: Path, pause: dict[str, str]
) -> None:
    of = world()
    one = creation(of.projects[0], NEW)
    late = on("POST", faults.status(429, headers=pause, times=2))
    with Simulator(of, faults=[late]) as sim:
        (done,) = apply(sim, plan(sim.url, one), tmp_path / "a.jsonl")
    assert (done.fate, len(of.writes)) == (ActionFate.APPLIED, 1), done.reason


def test_a_refusal_for_going_too_fast_whose_key_cannot_be_looked_up(tmp_path: Path) -> None:
    of = world()
    one = creation(of.projects[0], NEW)
    late = on("POST", faults.status(429, headers={"Retry-After": "0"}, times=1))
    gone = on("GET", faults.status(403, LISTED, at={2, 3}))
    with Simulator(of, faults=[late, gone]) as sim:
        what = plan(sim.url, one)
        fates = [apply(sim, what, tmp_path / "a.jsonl")[0].fate for _ in range(2)]
    assert (fates, len(of.writes)) == ([ActionFate.UNSURE, ActionFate.APPLIED], 1)


@pytest.mark.parametrize("details", [True, False])
def test_a_list_that_lags_behind_makes_no_second_key(tmp_path: Path, *, details: bool) -> None:
    """The server said which key it made: that is asked for where the list does not have it yet."""
    of = world()
    one, old = creation(of.projects[0], NEW), {key.public for key in of.keys}
    lags = on("GET", faults.records(lambda rows: [r for r in rows if r["id"] in old], LISTED))
    lost = [] if details else [on("GET", faults.status(404, r"/keys/[0-9a-f]+/"))]
    log = tmp_path / "a.jsonl"
    with Simulator(of, faults=[lags, *lost]) as sim:
        what = plan(sim.url, one)
        fates = [apply(sim, what, log)[0].fate for _ in range(2)]
    with_details = [ActionFate.APPLIED, ActionFate.APPLIED]
    assert fates == (with_details if details else [ActionFate.UNSURE, ActionFate.VANISHED])
    assert len(of.writes) == 1


@pytest.mark.parametrize("lost", [(), (faults.status(404, DETAILS),)], ids=["details", "list"])
@pytest.mark.parametrize("empty", [True, False], ids=["no key", "keys"])
def test_a_project_that_took_the_name_gets_no_key(
    tmp_path: Path, lost: tuple[faults.Fault, ...], *, empty: bool
) -> None:
    """Where a project has no key, no key tells which project it is."""
    of = world()
    if empty:
        of.projects[0].keys.clear()
    one = creation(of.projects[0], NEW)
    _renamed(of, again=True)
    with Simulator(of, faults=lost) as sim:
        (done,) = apply(sim, plan(sim.url, one), tmp_path / "a.jsonl")
    assert done.fate is ActionFate.DRIFTED
    assert "is another project now: its id is 777, not " in done.reason
    assert of.writes == []


def test_a_project_that_cannot_be_told_gets_no_key(tmp_path: Path) -> None:
    of = world()
    of.projects[0].keys.clear()
    one = creation(of.projects[0], NEW)
    with Simulator(of, faults=[faults.status(403, DETAILS)]) as sim:
        (done,) = apply(sim, plan(sim.url, one), tmp_path / "a.jsonl")
    assert done.fate is ActionFate.UNREAD
    assert of.writes == []


@pytest.mark.parametrize(
    "more",
    [
        {"rateLimit": {"count": 5, "window": 60}},
        {"browserSdkVersion": "latest"},
        {"dynamicSdkLoaderOptions": {"hasDebug": True}},
    ],
    ids=["limit", "version", "options"],
)
def test_a_key_for_which_the_server_refused_ours_is_left_alone(
    tmp_path: Path, more: dict[str, object]
) -> None:
    """Somebody else made one of the name just now: 409."""
    of = world()
    owner = of.projects[0]
    theirs = copy.copy(owner.keys[0])
    theirs.public, theirs.number, theirs.name = "c" * 32, 999, "fresh"
    theirs.sdk_version = "7.x"

    def meddle(_number: int, _world: World) -> None:
        if sim.log[-1].method == "POST" and theirs not in owner.keys:
            owner.keys.append(theirs)

    conflict = faults.on("POST", faults.status(409), early=True)
    with Simulator(of, faults=[conflict], on_request=meddle) as sim:
        made = plan(sim.url, creation(owner, {**NEW, **more}))
        (done,) = apply(sim, made, tmp_path / "a.jsonl")
        assert done.fate is ActionFate.REFUSED
        assert "the project has a key of the name now" in done.reason
        (again,) = apply(sim, made, tmp_path / "a.jsonl")
    assert again.fate is ActionFate.DRIFTED
    assert of.writes == []
    assert undo_plan(read_audit(tmp_path / "a.jsonl"), "", NOW, "a.jsonl").actions == ()


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_key_that_was_made_at_another_time_is_not_ours(tmp_path: Path, *, is_ours: bool) -> None:
    """A run was killed before its request left, and somebody made a key of the name since."""
    of = world()
    owner = of.projects[0]
    key = copy.copy(owner.keys[0])
    key.public, key.number, key.name, key.sdk_version = "c" * 32, 999, "fresh", "7.x"
    key.created = datetime.now(UTC) + timedelta(hours=0 if is_ours else 3)
    cut = [faults.reset("/keys/", at=range(2, 99))]  # all but the first look
    with Simulator(of, faults=cut) as sim:
        made = plan(sim.url, creation(owner, {**NEW, "browserSdkVersion": "latest"}))
        (done,) = apply(sim, made, tmp_path / "a.jsonl")
        assert done.fate is ActionFate.UNSURE
        of.writes.clear()
        owner.keys[:] = [one for one in owner.keys if one.name != "fresh"] + [key]
        sim.faults = []
        (again,) = apply(sim, made, tmp_path / "a.jsonl")
    assert again.fate is (ActionFate.APPLIED if is_ours else ActionFate.DRIFTED)
    assert of.writes == ([("PUT", key.public)] if is_ours else [])
    taken = undo_plan(read_audit(tmp_path / "a.jsonl"), "", NOW, "a.jsonl")
    assert len(taken.actions) == is_ours
