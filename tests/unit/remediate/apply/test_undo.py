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
from tests.simulator import Simulator, World, faults
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

    from scanner.remediate.document import Plan

NOW = datetime(2126, 1, 1, tzinfo=UTC)
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
