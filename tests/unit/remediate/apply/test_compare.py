"""Whether a key is as planned, as wanted, or otherwise."""

from __future__ import annotations

import pytest
from msgspec import structs

from scanner.model.outcome import Risk
from scanner.remediate.apply.compare import Standing, drift, fits, overlaid, spread, standing
from scanner.remediate.document import KeyTarget, PlannedAction, Precondition, State

STATE: State = {
    "id": "7",
    "name": "web",
    "isActive": True,
    "rateLimit": None,
    "dynamicSdkLoaderOptions": {"hasDebug": True, "hasReplay": False},
}
LIMIT = {"rateLimit": {"count": 5, "window": 60}}


def action(before: State, after: State | None) -> PlannedAction:
    return PlannedAction(
        id="a",
        action="x",
        risk=Risk.SAFE,
        target=KeyTarget(type="sentry_key", organization="acme", project="web", id="7"),
        before=before,
        after=after,
        precondition=Precondition.of(STATE),
        reason="",
    )


SET_LIMIT = action({"rateLimit": None}, LIMIT)
RENAME = action({"name": "web"}, {"name": "new"})


@pytest.mark.parametrize(
    ("wanted", "is_so"),
    [
        ({}, True),
        ({"rateLimit": None}, True),
        ({"isActive": True}, True),
        ({"isActive": 1}, False),  # what Python calls equal is another value in JSON
        ({"useCase": None}, False),  # absent is not null
        ({"dynamicSdkLoaderOptions": {"hasDebug": True}}, True),
        ({"dynamicSdkLoaderOptions": {"hasDebug": False}}, False),
        ({"dynamicSdkLoaderOptions": {"other": False}}, False),
        (LIMIT, False),
    ],
)
def test_fits(wanted: State, *, is_so: bool) -> None:
    assert fits(wanted, STATE) is is_so


@pytest.mark.parametrize(
    ("state", "own", "found"),
    [
        (STATE, [], Standing.AS_PLANNED),
        (STATE | {"useCase": "user"}, [], Standing.AS_PLANNED),  # not known when it was planned
        (STATE | LIMIT, [], Standing.DONE),
        (STATE | {"isActive": False}, [], Standing.OTHERWISE),
        (STATE | LIMIT | {"isActive": False}, [], Standing.OTHERWISE),
        (STATE | {"rateLimit": {"count": 6, "window": 60}}, [], Standing.OTHERWISE),
        ({k: v for k, v in STATE.items() if k != "name"}, [], Standing.OTHERWISE),
        (STATE | {"name": "new"}, [], Standing.OTHERWISE),
        (STATE | {"name": "new"}, [RENAME], Standing.AS_PLANNED),
        (STATE | {"name": "new"} | LIMIT, [RENAME], Standing.DONE),
        (STATE, [RENAME], Standing.OTHERWISE),  # somebody took the first change back
        (STATE | {"name": "third"}, [RENAME], Standing.OTHERWISE),
    ],
)
def test_standing(state: State, own: list[PlannedAction], found: Standing) -> None:
    assert standing(SET_LIMIT, state, own) is found


@pytest.mark.parametrize(
    ("state", "found"),
    [
        (STATE, Standing.AS_PLANNED),
        (STATE | {"name": "new"}, Standing.AS_PLANNED),  # as the other action wants it
        (STATE | {"name": "new"} | LIMIT, Standing.DONE),
        (STATE | LIMIT, Standing.DONE),
        (STATE | {"name": "third"}, Standing.OTHERWISE),
        (STATE | {"name": "new", "isActive": False}, Standing.OTHERWISE),
    ],
)
def test_what_another_action_wants_may_be_so(state: State, found: Standing) -> None:
    assert standing(SET_LIMIT, state, [], [RENAME]) is found
    gone = action({}, None)
    assert standing(SET_LIMIT, state, [], [RENAME, gone]) is found


def test_a_deletion_is_never_done_while_the_key_is_there() -> None:
    assert standing(action({}, None), STATE, []) is Standing.AS_PLANNED
    assert standing(action({}, None), STATE | LIMIT, []) is Standing.OTHERWISE


def test_what_is_otherwise_is_said() -> None:
    told = drift(SET_LIMIT, STATE | LIMIT)
    assert told.endswith('rateLimit is {"count": 5, "window": 60} and was null')
    assert "in one of: dynamicSdkLoaderOptions, id" in drift(SET_LIMIT, STATE | {"name": "x"})
    unknown = structs.replace(SET_LIMIT, before={"useCase": "user"})
    assert 'useCase is not told and was "user"' in drift(unknown, STATE)


def test_objects_are_merged_and_what_nobody_asked_for_is_seen() -> None:
    change: State = {"dynamicSdkLoaderOptions": {"hasDebug": False}}
    after = overlaid(STATE, change)
    assert after["dynamicSdkLoaderOptions"] == {"hasDebug": False, "hasReplay": False}
    assert spread(STATE, after, change) == []
    assert spread(STATE, after | {"isActive": False, "more": 1}, change) == ["isActive", "more"]
    assert spread(STATE, {"id": "7"}, {}) == sorted(set(STATE) - {"id"})
