"""What became of a request is said by the key as it is afterwards, whatever the answer was."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from scanner.http.failure import ApiError, Reason
from scanner.remediate.apply.audit import ActionFate
from scanner.remediate.apply.verdict import verdict
from tests.simulator import Simulator, faults
from tests.simulator.faults import on
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
    from pathlib import Path

    from scanner.remediate.document import State

BEFORE: State = {"name": "k", "isActive": True}
WANTED: State = {"isActive": False}
DONE = {**BEFORE, **WANTED}
OTHER = {**BEFORE, "name": "other"}
ANSWERED, REFUSED, BROKEN = None, False, True


@pytest.mark.parametrize(
    ("answer", "changes", "after", "fate"),
    [
        (ANSWERED, WANTED, DONE, ActionFate.APPLIED),
        (ANSWERED, WANTED, BEFORE, ActionFate.IGNORED),
        (ANSWERED, WANTED, {**DONE, "name": "other"}, ActionFate.SPREAD),
        (ANSWERED, WANTED, None, ActionFate.VANISHED),
        (ANSWERED, None, None, ActionFate.APPLIED),
        (ANSWERED, None, BEFORE, ActionFate.IGNORED),
        (REFUSED, WANTED, BEFORE, ActionFate.REFUSED),
        (REFUSED, WANTED, OTHER, ActionFate.REFUSED),
        (REFUSED, WANTED, DONE, ActionFate.APPLIED),
        (REFUSED, WANTED, None, ActionFate.VANISHED),
        (REFUSED, None, BEFORE, ActionFate.REFUSED),
        (REFUSED, None, OTHER, ActionFate.REFUSED),
        (REFUSED, None, None, ActionFate.APPLIED),
        (BROKEN, WANTED, BEFORE, ActionFate.NOT_DONE),
        (BROKEN, WANTED, OTHER, ActionFate.IGNORED),
        (BROKEN, WANTED, DONE, ActionFate.APPLIED),
        (BROKEN, WANTED, None, ActionFate.VANISHED),
        (BROKEN, None, BEFORE, ActionFate.NOT_DONE),
        (BROKEN, None, OTHER, ActionFate.NOT_DONE),
        (BROKEN, None, None, ActionFate.APPLIED),
    ],
)
def test_the_key_decides(
    answer: bool | None,  # noqa: FBT001 - a column of the table
    changes: State | None,
    after: State | None,
    fate: ActionFate,
) -> None:
    broken = None if answer is None else ApiError(Reason.SERVER, "it says no", unsure=answer)
    found, reason = verdict(changes, broken, changes, BEFORE, after)
    assert found is fate
    if broken is not None:
        assert "it says no" in reason
        assert ("looked up: it was done" in reason) is (fate is ActionFate.APPLIED)


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 412])
@pytest.mark.parametrize("method", ["PUT", "POST", "DELETE"])
def test_a_refusal_is_not_believed_where_the_key_shows_otherwise(
    tmp_path: Path, method: str, status: int, *, early: bool
) -> None:
    """A proxy that repeats a request answers with what came of the second."""
    of = world()
    owner = of.projects[0]
    key = owner.keys[0]
    one = {
        "PUT": action(key, owner, LIMIT),
        "POST": creation(owner, {"name": "fresh", "rateLimit": None}),
        "DELETE": action(key, owner, None),
    }[method]
    then = states(of) if early or method == "POST" else expected(of, one)
    with Simulator(of, faults=[on(method, faults.status(status), early=early)]) as sim:
        (done,) = apply(sim, plan(sim.url, one), tmp_path / "a.jsonl")
    assert done.fate is (ActionFate.REFUSED if early else ActionFate.APPLIED), done.reason
    assert sum(seen.method == method for seen in sim.log) == 1
    made = [name for name in states(of) if name not in then]
    assert len(made) == (not early and method == "POST")
    assert {name: state for name, state in states(of).items() if name in then} == then
