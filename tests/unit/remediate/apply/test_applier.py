"""One action on one key of a simulated server, and everything that may go wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from msgspec.structs import replace

from scanner.remediate.apply.audit import ActionFate, read_audit
from scanner.remediate.document import KeyTraffic, PlanPolicy, Rotation
from tests.simulator import Limits, Simulator, World, faults
from tests.simulator.faults import Fault, on
from tests.unit.remediate.apply.applying import (
    LIMIT,
    action,
    apply,
    creation,
    expected,
    plan,
    states,
    world,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from scanner.remediate.apply.applier import Applied
    from scanner.remediate.document import PlannedAction, State


def _one(of: World, after: State | None = LIMIT, name: str = "") -> PlannedAction:
    owner = of.projects[0]
    return action(owner.keys[0], owner, after, name)


def _apply(sim: Simulator, tmp_path: Path, *actions: PlannedAction, **settings: Any) -> Applied:
    return apply(sim, plan(sim.url, *actions), tmp_path / "a.jsonl", **settings)[-1]


OPTIONS = {"hasReplay": True, "hasDebug": False}


@pytest.mark.parametrize(
    "after",
    [
        LIMIT,
        {"isActive": False},
        {"name": "renamed"},
        {"browserSdkVersion": "latest"},
        {"dynamicSdkLoaderOptions": {"hasReplay": True, "hasPerformance": True}},
        {"isActive": False, "name": "old (disabled 2026-11-26)"},
        None,
    ],
    ids=str,
)
def test_the_key_becomes_as_planned_and_nothing_else(tmp_path: Path, after: State | None) -> None:
    of = world()
    of.keys[0].sdk_version = "8.x"  # a PUT that does not name it resets it
    one = _one(of, after)
    if after and "dynamicSdkLoaderOptions" in after:
        options = states(of)[one.target.id]["dynamicSdkLoaderOptions"]
        one = _one(of, {"dynamicSdkLoaderOptions": {**options, **OPTIONS}})
    then = expected(of, one)
    with Simulator(of) as sim:
        done = _apply(sim, tmp_path, one)
    assert (done.fate, done.reason) == (ActionFate.APPLIED, "")
    assert states(of) == then
    assert len(of.writes) == 1
    announced, result = read_audit(tmp_path / "a.jsonl")
    assert (announced.result, result.result) == (ActionFate.SENDING, ActionFate.APPLIED)
    assert announced.request_id == result.request_id
    assert announced.request_id in {seen.headers.get("x-request-id") for seen in sim.log}
    assert result.after == then.get(one.target.id)


def test_several_changes_of_one_key(tmp_path: Path) -> None:
    """Each precondition is about the key as the plan found it, before all of them."""
    of = world()
    owner, key = of.projects[0], of.projects[0].keys[0]
    both = (action(key, owner, LIMIT), action(key, owner, {"name": "new"}, "rename"))
    then = expected(of, *both)
    with Simulator(of) as sim:
        assert _apply(sim, tmp_path, *both).fate is ActionFate.APPLIED
        again = apply(sim, plan(sim.url, *both), tmp_path / "other.jsonl")
    assert states(of) == then
    assert len(of.writes) == 2
    # Another plan, made of the same old state, and no log: the key itself tells.
    assert {one.fate for one in again} == {ActionFate.ALREADY}


@pytest.mark.parametrize("done", [(), (0,), (1,), (2,), (0, 1), (0, 2), (1, 2), (0, 1, 2)])
def test_a_log_that_is_lost_is_not_needed(tmp_path: Path, done: tuple[int, ...]) -> None:
    """Whichever changes of a key were done before it was lost, the others are done, and once."""
    of = world()
    owner, key = of.projects[0], of.projects[0].keys[0]
    all_three = (
        action(key, owner, LIMIT),
        action(key, owner, {"name": "new"}, "rename"),
        action(key, owner, {"isActive": False}, "disable"),
    )
    then = expected(of, *all_three)
    with Simulator(of) as sim:
        first = plan(sim.url, *(all_three[number] for number in done))
        apply(sim, first, tmp_path / "lost.jsonl")
        writes = len(of.writes)
        made = apply(sim, plan(sim.url, *all_three), tmp_path / "a.jsonl")
    assert [one.fate is ActionFate.ALREADY for one in made] == [n in done for n in range(3)]
    assert not any(one.is_surprise for one in made)
    assert states(of) == then
    assert len(of.writes) - writes == 3 - len(done)


def test_a_plan_is_applied_once(tmp_path: Path) -> None:
    of = world()
    with Simulator(of) as sim:
        made = plan(sim.url, _one(of))
        first = apply(sim, made, tmp_path / "a.jsonl")
        requests = sim.requests
        (again,) = apply(sim, made, tmp_path / "a.jsonl")
        elsewhere = apply(sim, made, tmp_path / "b.jsonl")
    assert first[0].is_new
    assert (again.fate, again.is_new) == (ActionFate.APPLIED, False)
    assert sim.requests - requests <= 4, "it was looked at again without need"
    assert elsewhere[0].fate is ActionFate.ALREADY  # without the log, the key itself tells
    assert len(of.writes) == 1


def _drop(of: World) -> None:
    of.projects[0].keys.pop(0)


def _limit(of: World) -> None:
    of.projects[0].keys[0].rate_limit = (7, 60)


def _rename(of: World) -> None:
    of.projects[0].keys[0].name = "somebody renamed it"


def _replace(of: World) -> None:
    of.projects[0].number = 4711


def _move(of: World) -> None:
    of.organization.projects.pop(0)


@pytest.mark.parametrize(
    ("change", "fate", "says"),
    [
        (_move, ActionFate.UNREAD, "no such thing on the server, or the token may not see it"),
        (_drop, ActionFate.VANISHED, "no such key"),
        (_limit, ActionFate.DRIFTED, 'rateLimit is {"count": 7, "window": 60} and was null'),
        (_rename, ActionFate.DRIFTED, "otherwise than when the plan was made"),
        (_replace, ActionFate.DRIFTED, "another project now"),
    ],
)
def test_nothing_is_sent_to_a_key_that_became_other(
    tmp_path: Path, change: Callable[[World], None], fate: ActionFate, says: str
) -> None:
    of = world()
    one = _one(of)
    change(of)
    before = states(of)
    with Simulator(of) as sim:
        done = _apply(sim, tmp_path, one)
    assert done.fate is fate
    assert says in done.reason
    assert (states(of), of.writes) == (before, [])


@pytest.mark.parametrize("rotation", [None, "disable", "delete"])
def test_a_renamed_project_is_found_again(tmp_path: Path, rotation: str | None) -> None:
    of = world()
    of.keys[0].daily = (0, 0, 0)
    one = _one(of)
    if rotation:
        one = replace(one, rotation=Rotation(one.target.id, rotation))
        of.projects[0].keys[1].name = f"its successor {one.target.id[:8]}"
    old = of.projects[0].slug
    of.projects[0].slug = "new-name"
    of.organization.renamed[old] = "new-name"
    with Simulator(of) as sim:
        assert _apply(sim, tmp_path, one).fate is ActionFate.APPLIED
    assert of.projects[0].keys[0].rate_limit == (1000, 3600)
    assert read_audit(tmp_path / "a.jsonl")[-1].target.project == "new-name"


POLICIES = (PlanPolicy("ours", "1.0.0", "0" * 64),)


@pytest.mark.parametrize(("after", "name"), [({"isActive": False}, "disable"), (None, "delete")])
@pytest.mark.parametrize(
    ("accepted", "daily", "fate"),
    [
        (0, (0, 0, 0), ActionFate.APPLIED),
        (0, (5, 0, 0), ActionFate.DRIFTED),
        (0, (0, 0, 5), ActionFate.DRIFTED),  # events that were filtered count as received
        (7, (5, 0, 0), ActionFate.APPLIED),  # the plan says what is lost
        (None, (5, 0, 0), ActionFate.APPLIED),  # and here that nobody looked
    ],
)
def test_a_key_that_was_silent_is_not_cut_off_once_it_is_in_use(
    tmp_path: Path,
    after: State | None,
    name: str,
    accepted: int | None,
    daily: tuple[int, int, int],
    fate: ActionFate,
) -> None:
    of = world()
    traffic = None if accepted is None else KeyTraffic(accepted, 30)
    one = replace(_one(of, after, name), traffic=traffic)
    of.keys[0].daily = daily
    before = states(of)
    with Simulator(of) as sim:
        done = _apply(sim, tmp_path, one)
    assert done.fate is fate
    if fate is ActionFate.DRIFTED:
        assert "it received " in done.reason
        assert (states(of), of.writes) == (before, [])


def test_a_key_whose_traffic_cannot_be_told_is_not_cut_off(tmp_path: Path) -> None:
    of = world()
    one = replace(_one(of, {"isActive": False}, "disable"), traffic=KeyTraffic(0, 30))
    with Simulator(of, faults=[faults.status(500, "/stats/")]) as sim:
        done = _apply(sim, tmp_path, one)
    assert (done.fate, of.writes) == (ActionFate.UNREAD, [])


@pytest.mark.parametrize("other", ["new name", "new name "])
def test_a_name_that_another_key_took_since_the_plan_is_not_given(
    tmp_path: Path, other: str
) -> None:
    of = world()
    one = _one(of, {"name": "new name"}, "rename")
    owner = of.projects[0]
    owner.keys[1].name = other
    before = states(of)
    with Simulator(of) as sim:
        (done,) = apply(sim, plan(sim.url, one, policies=POLICIES), tmp_path / "a.jsonl")
        assert done.fate is ActionFate.DRIFTED
        assert f"the key {owner.keys[1].public} of the project is called new name" in done.reason
        assert (states(of), of.writes) == (before, [])
        # An undo gives back what was, be it a name that two keys had.
        (done,) = apply(sim, plan(sim.url, one), tmp_path / "b.jsonl")
        assert done.fate is ActionFate.APPLIED


def test_a_name_that_is_free_or_of_another_project_is_given(tmp_path: Path) -> None:
    of = world()
    one = _one(of, {"name": "new name"}, "rename")
    of.projects[1].keys[0].name = "new name"
    with Simulator(of) as sim:
        (done,) = apply(sim, plan(sim.url, one, policies=POLICIES), tmp_path / "a.jsonl")
    assert done.fate is ActionFate.APPLIED


def test_a_key_that_cannot_be_seen_is_not_taken_for_gone(tmp_path: Path) -> None:
    """A wrong right has the status of a key that is gone: the project's list has to tell."""
    of = world()
    one = _one(of, None)
    where = f"/keys/{one.target.id}/"
    with Simulator(of, faults=[faults.status(404, where), faults.status(404, "/keys/\\?")]) as sim:
        done = _apply(sim, tmp_path, one)
    assert done.fate is ActionFate.UNREAD
    with Simulator(of, faults=[faults.status(404, where)]) as sim:
        found = _apply(sim, tmp_path, _one(of))
    assert found.fate is ActionFate.APPLIED  # the list has it, and shows that it was done
    assert of.writes == [("PUT", one.target.id)]  # the fault spoils the answer, not the change


def test_an_ignored_rate_limit_is_told(tmp_path: Path) -> None:
    of = world()
    of.organization.rate_limits = False
    before = states(of)
    with Simulator(of) as sim:
        done = _apply(sim, tmp_path, _one(of))
    assert done.fate is ActionFate.IGNORED
    assert "rateLimit is null" in done.reason
    assert states(of) == before


def test_what_becomes_other_besides_is_told(tmp_path: Path) -> None:
    of = world()
    key = of.projects[0].keys[0]

    def meddle(number: int, _world: World) -> None:
        if number == 4:  # between the change and reading back
            key.active = False

    with Simulator(of, on_request=meddle) as sim:
        done = _apply(sim, tmp_path, _one(of))
    assert [seen.method for seen in sim.log] == ["GET", "GET", "PUT", "GET"]
    assert (done.fate, done.reason) == (ActionFate.SPREAD, "done, and besides: isActive is false")


@pytest.mark.parametrize("status", [400, 403, 404, 409])
def test_a_refusal_is_told_and_nothing_was_done(tmp_path: Path, status: int) -> None:
    of = world()
    with Simulator(of, faults=[on("PUT", faults.status(status), early=True)]) as sim:
        done = _apply(sim, tmp_path, _one(of))
    assert done.fate is ActionFate.REFUSED
    assert of.writes == []
    assert sum(seen.method == "PUT" for seen in sim.log) == 1


def test_being_told_to_slow_down_is_waited_out(tmp_path: Path) -> None:
    of = world(keys=8)
    actions = [action(key, p, LIMIT) for p in of.projects for key in p.keys]
    slow = on("PUT", faults.status(429, headers={"Retry-After": "0"}, at={1, 4, 5}), early=True)
    with Simulator(of, limits=Limits(requests=5, window=1), faults=[slow]) as sim:
        done = apply(sim, plan(sim.url, *actions), tmp_path / "a.jsonl")
    assert {one.fate for one in done} == {ActionFate.APPLIED}
    assert len(of.writes) == len(set(of.writes)) == 8


BROKEN: dict[str, tuple[Callable[[], Fault], dict[str, Any]]] = {
    "500": (lambda: faults.status(500, at={1}), {}),
    "reset": (lambda: faults.reset(at={1}), {}),
    "cut": (lambda: faults.truncate(at={1}), {}),
    "page": (lambda: faults.html(at={1}), {}),
    "silence": (lambda: faults.stall(1.0, at={1}), {"timeout": 0.3}),
}


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("how", BROKEN)
@pytest.mark.parametrize("after", [LIMIT, None], ids=["PUT", "DELETE"])
def test_what_broke_off_is_looked_up_and_not_sent_again(
    tmp_path: Path, after: State | None, how: str, *, early: bool
) -> None:
    of = world()
    one = _one(of, after)
    then = expected(of, one)
    make, settings = BROKEN[how]
    method = "PUT" if after else "DELETE"
    fault: Fault = on(method, make(), early=early)
    with Simulator(of, faults=[fault]) as sim:
        done = _apply(sim, tmp_path, one, **settings)
        sent = [seen.method for seen in sim.log if seen.method != "GET"]
        assert sent == [method]
        assert done.fate is (ActionFate.NOT_DONE if early else ActionFate.APPLIED), done.reason
        # The answer to a deletion has no body that could be cut off.
        assert "looked up" in done.reason or (how, method, early) == ("cut", "DELETE", False)
    with Simulator(of) as sim:
        made = plan(sim.url, one)
        (resumed,) = apply(sim, made, tmp_path / "b.jsonl")
    assert not resumed.is_surprise
    assert states(of) == then
    assert len(of.writes) == 1


def test_what_cannot_be_looked_up_stays_open_until_it_can(tmp_path: Path) -> None:
    of = world()
    with Simulator(of) as sim:
        made = plan(sim.url, _one(of))
        after_change = on("GET", faults.reset("/keys/", at=range(2, 99)))
        sim.faults = [on("PUT", faults.reset()), after_change]
        (done,) = apply(sim, made, tmp_path / "a.jsonl")
        assert done.fate is ActionFate.UNSURE
        (still,) = apply(sim, made, tmp_path / "a.jsonl")
        assert still.fate is ActionFate.UNSURE
        sim.faults = []
        (found,) = apply(sim, made, tmp_path / "a.jsonl")
    assert found.fate is ActionFate.APPLIED
    assert "looked up" in found.reason
    assert len(of.writes) == 1
    last = read_audit(tmp_path / "a.jsonl")[-1]
    assert last.before is not None
    assert last.before["rateLimit"] is None


NEW: State = {
    "name": "fresh",
    "rateLimit": {"count": 5, "window": 60},
    "useCase": "user",
    "browserSdkVersion": "latest",
    "dynamicSdkLoaderOptions": {"hasReplay": True},
}


def test_a_key_is_made_with_what_making_does_not_take(tmp_path: Path) -> None:
    of = world()
    before = states(of)
    with Simulator(of) as sim:
        made = plan(sim.url, creation(of.projects[0], NEW))
        (done,) = apply(sim, made, tmp_path / "a.jsonl")
        (again,) = apply(sim, made, tmp_path / "a.jsonl")
        (adopted,) = apply(sim, made, tmp_path / "b.jsonl")
    assert (done.fate, again.fate, adopted.fate) == (
        ActionFate.APPLIED,
        ActionFate.APPLIED,
        ActionFate.ALREADY,
    )
    (new,) = [key for key in of.keys if key.public not in before]
    assert (new.name, new.rate_limit, new.sdk_version, new.replay) == (
        *("fresh", (5, 60), "latest"),
        True,
    )
    assert done.dsn is not None
    assert new.public in done.dsn
    assert [method for method, _ in of.writes] == ["POST", "PUT"]
    assert {k: v for k, v in states(of).items() if k in before} == before


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize("how", BROKEN)
def test_a_key_is_made_once_whatever_breaks_off(
    tmp_path: Path, method: str, how: str, *, early: bool
) -> None:
    of = world()
    count = len(of.keys)
    make, settings = BROKEN[how]
    with Simulator(of, faults=[on(method, make(), early=early)]) as sim:
        made = plan(sim.url, creation(of.projects[0], NEW))
        apply(sim, made, tmp_path / "a.jsonl", **settings)
        (done,) = apply(sim, made, tmp_path / "a.jsonl")
    assert done.fate is ActionFate.APPLIED, done.reason
    assert len(of.keys) == count + 1
    assert [one for one, _ in of.writes] == ["POST", "PUT"]
    assert of.projects[0].keys[-1].sdk_version == "latest"


def test_a_key_of_the_name_is_not_made_again_nor_changed(tmp_path: Path) -> None:
    of = world()
    owner = of.projects[0]
    owner.keys[0].name = "fresh"
    before = states(of)
    with Simulator(of) as sim:
        done = _apply(sim, tmp_path, creation(owner, NEW))
        assert done.fate is ActionFate.DRIFTED
        assert "differs in: browserSdkVersion" in done.reason
        owner.keys[1].name = "fresh"
        assert "2 keys of the name" in _apply(sim, tmp_path, creation(owner, NEW)).reason
        owner.keys[1].name = before[owner.keys[1].public]["name"]
    assert (states(of), of.writes) == (before, [])


def test_a_name_that_the_server_trims_is_told_and_no_second_key_is_made(tmp_path: Path) -> None:
    of = world()
    owner, count = of.projects[0], len(of.keys)
    with Simulator(of) as sim:
        renamed = _apply(sim, tmp_path, action(owner.keys[0], owner, {"name": " x "}, "rename"))
        assert renamed.fate is ActionFate.IGNORED
        made = plan(sim.url, creation(owner, {**NEW, "name": " fresh "}))
        first = apply(sim, made, tmp_path / "b.jsonl")
        again = apply(sim, made, tmp_path / "b.jsonl")
    assert [one.fate for one in first + again] == [ActionFate.IGNORED] * 2
    assert 'name is "fresh"' in again[0].reason
    assert len(of.keys) == count + 1


def test_a_key_is_known_by_what_the_server_keeps_of_its_name(tmp_path: Path) -> None:
    of = world()
    owner, count = of.projects[0], len(of.keys)
    owner.keys[0].name = "fresh"
    with Simulator(of) as sim:
        for number, name in enumerate((" fresh", "fresh ", "\tfresh\n")):
            made = plan(sim.url, creation(owner, {"name": name, "rateLimit": None}))
            (done,) = apply(sim, made, tmp_path / f"{number}.jsonl")
            assert done.fate is ActionFate.DRIFTED
    assert (len(of.keys), of.writes) == (count, [])
