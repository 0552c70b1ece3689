"""What a log tells of is taken back, as far as it can be, and the rest is said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from scanner.base.errors import UsageError
from scanner.model.outcome import Risk
from scanner.remediate.apply.audit import ActionFate, read_audit
from scanner.remediate.apply.undo import undo_plan
from scanner.remediate.document import Precondition
from tests.simulator import Key, Simulator, World, faults
from tests.simulator.faults import on
from tests.unit.remediate.apply.applying import (
    LIMIT,
    action,
    apply,
    creation,
    plan,
    states,
    world,
)

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.remediate.document import Plan, PlannedAction
    from tests.simulator.world import Project

NOW = datetime.now(UTC)
NEW = {"name": "fresh", "rateLimit": None, "browserSdkVersion": "latest"}


def undo(log: Path, chosen: str = "") -> Plan:
    return undo_plan(read_audit(log), chosen, NOW, str(log))


def test_all_is_taken_back_in_one_plan(tmp_path: Path) -> None:
    """Two changes of one key, a change of another, and a key that was made in two requests."""
    of = world()
    owner = of.projects[0]
    before, log = states(of), tmp_path / "a.jsonl"
    with Simulator(of) as sim:
        first, second = owner.keys[:2]
        changes = (
            action(first, owner, LIMIT),
            action(first, owner, {"isActive": False}, "disable"),
            action(second, owner, {"name": "new"}, "rename"),
            creation(owner, NEW),
        )
        assert not any(one.is_surprise for one in apply(sim, plan(sim.url, *changes), log))
        made = undo(log)
        assert (made.server, made.organizations, made.left) == (sim.url, ("acme",), ())
        names = sorted((one.action, one.risk) for one in made.actions)
        assert names == [
            ("delete", Risk.IRREVERSIBLE),
            ("enable", Risk.SAFE),
            ("rename", Risk.SAFE),
            ("set_rate_limit", Risk.SAFE),
        ]
        assert all(one.reason.startswith("takes back ") for one in made.actions)
        done = apply(sim, made, tmp_path / "b.jsonl")
    assert {one.fate for one in done} == {ActionFate.APPLIED}
    assert states(of) == before
    (left,) = undo(tmp_path / "b.jsonl").left  # the new key is deleted for good
    assert left.code == "irreversible"


def _rotated(of: World, folder: Path) -> tuple[Key, Key, Plan]:
    """Make a successor and disable the key, with one log; return both, and what undoes making."""
    owner, log = of.projects[0], folder / "a.jsonl"
    old = owner.keys[0]
    with Simulator(of) as sim:
        name = f"web (successor of {old.public[:8]})"
        apply(sim, plan(sim.url, creation(owner, {"name": name, "rateLimit": None})), log)
        first = read_audit(log)[0].plan
        made = undo(log, first)
        apply(sim, plan(sim.url, action(old, owner, {"isActive": False}, "disable")), log)
    (left,) = undo(log, first).left
    assert (left.code, undo(log, first).actions) == ("in-use", ())
    assert "which was disabled since then: it may be in use" in left.reason
    return old, owner.keys[-1], made


def test_a_new_key_is_not_taken_back_where_the_old_one_accepts_nothing(tmp_path: Path) -> None:
    """Also where the log does not tell it: the server is asked."""
    of = world()
    old, _, made = _rotated(of, tmp_path)
    with Simulator(of) as sim:
        made = structs.replace(made, server=sim.url)
        (done,) = apply(sim, made, tmp_path / "b.jsonl")
        assert done.fate is ActionFate.DRIFTED
        assert "which is not active: enable that one first" in done.reason
        old.active = True
        (done,) = apply(sim, made, tmp_path / "b.jsonl")
        assert done.fate is ActionFate.APPLIED


def test_a_new_key_that_is_in_use_is_not_taken_back(tmp_path: Path) -> None:
    of = world()
    old, new, made = _rotated(of, tmp_path)
    old.active, new.daily = True, (0, 0, 1)
    (one,) = made.actions
    assert "was not looked at" in one.notes[0]
    assert "`fix apply` asks the server" in one.notes[1]
    with Simulator(of) as sim:
        (done,) = apply(sim, structs.replace(made, server=sim.url), tmp_path / "b.jsonl")
    assert done.fate is ActionFate.DRIFTED
    assert "it received" in done.reason
    assert new in of.keys


def test_a_limit_that_comes_back_is_not_called_safe(tmp_path: Path) -> None:
    of = world()
    key, owner = of.projects[0].keys[0], of.projects[0]
    key.rate_limit = (7, 60)
    with Simulator(of) as sim:
        apply(sim, plan(sim.url, action(key, owner, LIMIT)), tmp_path / "a.jsonl")
    (one,) = undo(tmp_path / "a.jsonl").actions
    assert one.risk is Risk.DISRUPTIVE
    assert "was not looked at" in one.notes[0]


def _changes(what: str, owner: Project) -> list[PlannedAction]:
    """Return what is planned: a limit, a key that is made, or two changes of one key."""
    key = owner.keys[0]
    return {
        "limit": [action(key, owner, LIMIT)],
        "made": [creation(owner, NEW)],
        "both": [action(key, owner, LIMIT), action(key, owner, {"name": "n"}, "rename")],
    }[what]


@pytest.mark.parametrize("what", ["limit", "made", "both"])
def test_what_was_taken_back_is_not_called_applied(tmp_path: Path, what: str) -> None:
    """The same plan with the same log makes it again, and a third run does nothing."""
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    changes = _changes(what, owner)
    with Simulator(of) as sim:
        made = plan(sim.url, *changes)
        apply(sim, made, log)
        wanted = sorted(one["name"] for one in states(of).values())
        apply(sim, undo(log), log)
        assert sorted(one["name"] for one in states(of).values()) != wanted or what == "limit"
        writes = len(of.writes)
        again = apply(sim, made, log)
        assert {one.fate for one in again} == {ActionFate.APPLIED}
        assert all(
            one.is_new and one.reason.startswith("another plan took it back at") for one in again
        )
        assert sorted(one["name"] for one in states(of).values()) == wanted
        assert len(of.writes) > writes
        writes = len(of.writes)
        assert not any(one.is_new for one in apply(sim, made, log))
        assert len(of.writes) == writes


@pytest.mark.parametrize("what", ["limit", "made", "both"])
def test_what_was_taken_back_with_another_log_is_not_called_applied(
    tmp_path: Path, what: str
) -> None:
    """An undo has its own log: the first one does not know of it, the server does."""
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    changes = _changes(what, owner)
    with Simulator(of) as sim:
        made = plan(sim.url, *changes)
        apply(sim, made, log)
        wanted = sorted((one["name"], str(one["rateLimit"])) for one in states(of).values())
        for number in range(2):  # and what was made again is taken back again
            before, back = len(of.writes), undo(log)
            apply(sim, back, tmp_path / f"undo{number}.jsonl")
            assert len(of.writes) == before + len(changes)
            again = apply(sim, made, log)
            assert {one.fate for one in again} == {ActionFate.APPLIED}
            assert all(one.is_new and "no more; made again" in one.reason for one in again)
            found = sorted((one["name"], str(one["rateLimit"])) for one in states(of).values())
            assert found == wanted
            writes = len(of.writes)
            assert not any(one.is_new for one in apply(sim, made, log))
            assert len(of.writes) == writes


def test_what_somebody_changed_after_it_was_applied_is_no_longer_applied(tmp_path: Path) -> None:
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    key, gone = owner.keys[:2]
    with Simulator(of) as sim:
        made = plan(sim.url, action(key, owner, LIMIT), action(gone, owner, LIMIT))
        apply(sim, made, log)
        writes = len(of.writes)
        key.rate_limit = (7, 60)
        owner.keys.remove(gone)
        other, missing = apply(sim, made, log)
    assert (other.fate, missing.fate) == (ActionFate.DRIFTED, ActionFate.VANISHED)
    assert ", and is so no more; it is otherwise than when the plan was made" in other.reason
    assert ", and is there no more; the project has no such key" in missing.reason
    assert len(of.writes) == writes


def test_what_was_applied_and_cannot_be_read_is_not_called_applied(tmp_path: Path) -> None:
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    with Simulator(of) as sim:
        made = plan(sim.url, action(owner.keys[0], owner, LIMIT))
        apply(sim, made, log)
    with Simulator(of, faults=[faults.status(500, "/keys/")]) as sim:
        (done,) = apply(sim, made, log)
    assert (done.fate, done.is_new) == (ActionFate.UNREAD, True)


def test_what_another_plan_did_since_is_no_longer_applied(tmp_path: Path) -> None:
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    key = owner.keys[0]
    with Simulator(of) as sim:
        made = plan(sim.url, action(key, owner, LIMIT))
        apply(sim, made, log)
        # Another field: what was applied still is.
        apply(sim, plan(sim.url, action(key, owner, {"name": "n"}, "rename")), log)
        assert [one.fate for one in apply(sim, made, log)] == [ActionFate.APPLIED]
        other = {"rateLimit": {"count": 5, "window": 60}}
        apply(sim, plan(sim.url, action(key, owner, other)), log)
        (done,) = apply(sim, made, log)
    assert done.fate is ActionFate.DRIFTED
    assert done.reason.startswith("another plan took it back at")


def _applied(of: World, log: Path, *found: faults.Fault, after: object = LIMIT) -> None:
    owner = of.projects[0]
    with Simulator(of, faults=found) as sim:
        apply(sim, plan(sim.url, action(owner.keys[0], owner, after)), log)  # type: ignore[arg-type]


def test_a_deletion_is_not_taken_back(tmp_path: Path) -> None:
    _applied(world(), tmp_path / "a.jsonl", after=None)
    (left,) = undo(tmp_path / "a.jsonl").left
    assert (left.code, left.reason) == (
        "irreversible",
        "delete: the key is deleted: nothing brings back its DSN",
    )


@pytest.mark.parametrize(
    "fault",
    [
        on("PUT", faults.status(409), early=True),
        on("PUT", faults.reset(), early=True),
        faults.status(403, "/keys/"),
    ],
    ids=["refused", "not done", "unread"],
)
def test_what_was_not_done_needs_no_taking_back(tmp_path: Path, fault: faults.Fault) -> None:
    of = world()
    _applied(of, tmp_path / "a.jsonl", fault)
    made = undo(tmp_path / "a.jsonl")
    assert (of.writes, made.actions, made.left) == ([], (), ())


def test_what_broke_off_and_was_done_is_taken_back(tmp_path: Path) -> None:
    of = world()
    before, log = states(of), tmp_path / "a.jsonl"
    _applied(of, log, on("PUT", faults.reset()))
    with Simulator(of) as sim:
        assert undo(log).actions[0].after == {"rateLimit": None}
        made = undo_plan(read_audit(log), "", NOW, "")
        apply(sim, made, tmp_path / "b.jsonl")
    assert states(of) == before


def test_what_is_not_known_is_left(tmp_path: Path) -> None:
    _applied(
        world(),
        tmp_path / "a.jsonl",
        on("PUT", faults.reset()),
        on("GET", faults.reset("/keys/", at=range(2, 99))),
    )
    made = undo(tmp_path / "a.jsonl")
    assert made.actions == ()
    assert [(one.code, "apply its plan again" in one.reason) for one in made.left] == [
        ("unseen", True)
    ]


def test_a_redacted_name_cannot_be_given_back(tmp_path: Path) -> None:
    of = world()
    of.keys[0].name = "sntryu_0123456789abcdef"
    owner = next(one for one in of.projects if of.keys[0] in one.keys)
    log = tmp_path / "a.jsonl"
    one = action(owner.keys[0], owner, {"name": "new"}, "rename")
    known = states(of)[one.target.id] | {"name": "[redacted]"}
    one = structs.replace(one, before={"name": "[redacted]"}, precondition=Precondition.of(known))
    with Simulator(of) as sim:
        (done,) = apply(sim, plan(sim.url, one), log)
    assert done.fate is ActionFate.APPLIED
    (left,) = undo(log).left
    assert left.code == "unknown-state"


@pytest.mark.parametrize("others", [{}, {"hasDebug": False}])
def test_an_option_that_was_not_told_before_stays_and_is_told(
    tmp_path: Path, others: dict[str, bool]
) -> None:
    of = world()
    owner, log, field = of.projects[0], tmp_path / "a.jsonl", "dynamicSdkLoaderOptions"
    owner.keys[0].feedback, owner.keys[0].debug = False, True
    one = action(owner.keys[0], owner, {field: {"hasFeedback": True, **others}})
    with Simulator(of) as sim:
        assert apply(sim, plan(sim.url, one), log)[0].fate is ActionFate.APPLIED
    entries = []
    for entry in read_audit(log):  # as an older server would have told the key before
        told = dict(entry.before or {})
        told[field] = {name: on for name, on in told[field].items() if name != "hasFeedback"}
        entries.append(structs.replace(entry, before=told))
    made = undo_plan(entries, "", NOW, "a.jsonl")
    untold = f"{field}.hasFeedback"
    if others:
        (back,) = made.actions
        assert (back.after or {})[field]["hasDebug"]
        assert any(untold in note for note in back.notes)
    else:
        assert [(left.code, untold in left.reason) for left in made.left] == [
            ("unknown-state", True)
        ]
        assert made.actions == ()


def test_which_plan_is_taken_back(tmp_path: Path) -> None:
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    with Simulator(of) as sim:
        apply(sim, plan(sim.url, action(owner.keys[0], owner, LIMIT)), log)
        apply(sim, plan(sim.url, action(owner.keys[1], owner, {"name": "n"}, "rename")), log)
    first, second = dict.fromkeys(one.plan for one in read_audit(log))
    assert [one.action for one in undo(log).actions] == ["rename"]
    assert [one.action for one in undo(log, first[:10]).actions] == ["set_rate_limit"]
    assert undo(log, second) == undo(log)
    with pytest.raises(UsageError, match="no such plan"):
        undo(log, "zz")


def test_an_empty_log(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").touch()
    with pytest.raises(UsageError, match="no such plan"):
        undo(tmp_path / "a.jsonl")


@pytest.mark.parametrize(
    ("what", "later"),
    [
        ("limit", ActionFate.UNREAD),
        ("limit", ActionFate.DRIFTED),
        ("made", ActionFate.UNREAD),
    ],
)
def test_what_could_not_be_read_later_is_taken_back_all_the_same(
    tmp_path: Path, what: str, later: ActionFate
) -> None:
    """A plan that ended otherwise is run again, and the key cannot be read or became other."""
    of = world()
    of.organization.rate_limits = what == "limit"  # a new key does not get its limit
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    key = owner.keys[0]
    before = states(of)

    def meddle(number: int, _world: World) -> None:
        if number == 4 and what == "limit":  # between the change and reading back
            key.name = "other"

    with Simulator(of, on_request=meddle) as sim:
        limit = action(key, owner, LIMIT)
        made = plan(sim.url, limit if what == "limit" else creation(owner, {**NEW, **LIMIT}))
        (first,) = apply(sim, made, log)
        assert first.fate in {ActionFate.SPREAD, ActionFate.IGNORED}
        if later is ActionFate.UNREAD:
            sim.faults = [faults.status(403, "/keys/")]
        (again,) = apply(sim, made, log)
        sim.faults = []
        assert again.fate is later
        taken = undo(log)
        assert [one.action for one in taken.actions] == [
            "set_rate_limit" if what == "limit" else "delete"
        ]
        apply(sim, taken, tmp_path / "b.jsonl")
    assert {name: states(of)[name]["rateLimit"] for name in before} == {
        name: state["rateLimit"] for name, state in before.items()
    }


def test_what_somebody_else_did_meanwhile_stays(tmp_path: Path) -> None:
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    key = owner.keys[0]

    def meddle(number: int, _world: World) -> None:
        if number == 4:  # between the change and reading back
            key.name, key.use_case = "other", "demo"

    with Simulator(of, on_request=meddle) as sim:
        (done,) = apply(sim, plan(sim.url, action(key, owner, LIMIT)), log)
        assert done.fate is ActionFate.SPREAD
        made = undo(log)
        (one,) = made.actions
        assert one.after == {"rateLimit": None}
        assert one.notes == (
            "name, useCase became other at the same time, which nobody planned: that stays",
        )
        (done,) = apply(sim, made, tmp_path / "b.jsonl")
    assert done.fate is ActionFate.APPLIED
    assert (key.name, key.use_case, key.rate_limit) == ("other", "demo", None)


def test_the_plan_that_was_applied_last_is_taken_back(tmp_path: Path) -> None:
    """Not the one that the log names last for the first time: a plan may be applied once more."""
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    key = owner.keys[0]
    with Simulator(of) as sim:
        made = plan(sim.url, action(key, owner, LIMIT))
        apply(sim, made, log)
        apply(sim, undo(log), log)
        apply(sim, made, log)
        assert key.rate_limit == (1000, 3600)
        apply(sim, undo(log), log)
    assert key.rate_limit is None


def test_what_was_cut_off_and_is_otherwise_is_said(tmp_path: Path) -> None:
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    key = owner.keys[0]
    with Simulator(of) as sim:
        made = plan(sim.url, action(key, owner, LIMIT))
        sim.faults = [faults.status(500, "/keys/", at=range(2, 99))]
        apply(sim, made, log)
        assert "apply its plan again" in undo(log).left[0].reason
        sim.faults = []
        key.name = "other"
        (done,) = apply(sim, made, log)
        assert done.fate is ActionFate.DRIFTED
    (left,) = undo(log).left
    assert left.code == "unseen"
    assert "what became of it is not known: it is otherwise" in left.reason


def test_a_key_that_is_gone_needs_no_taking_back(tmp_path: Path) -> None:
    of = world()
    owner, log = of.projects[0], tmp_path / "a.jsonl"
    key = owner.keys[0]

    def meddle(number: int, _world: World) -> None:
        if number == 4:  # between the change and reading back
            owner.keys.remove(key)

    with Simulator(of, on_request=meddle) as sim:
        (done,) = apply(sim, plan(sim.url, action(key, owner, LIMIT)), log)
    assert done.fate is ActionFate.VANISHED
    made = undo(log)
    assert made.actions == ()
    assert [one.code for one in made.left] == ["gone"]
