"""What the tests of applying share: a world that may be changed, and plans for it."""

from __future__ import annotations

import copy
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from scanner.http.retry import RetryPolicy
from scanner.inventory.source import LiveSettings
from scanner.model.outcome import Risk
from scanner.model.token import Token
from scanner.providers.sentry.fix.remote import SentryRemote
from scanner.providers.sentry.state import state_of_record
from scanner.remediate.apply.applier import Applied, Applier
from scanner.remediate.apply.audit import Actor, AuditLog
from scanner.remediate.document import (
    KeyTarget,
    Plan,
    PlannedAction,
    PlanTool,
    Precondition,
    State,
    action_id,
)
from tests.simulator import CANARY, TODAY, Key, Project, Simulator, World, make_world, render

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

WHO = Actor("tester", "machine", "1")
FAST = RetryPolicy(attempts=2, throttled=3, first_wait=0.001, longest_wait=0.002)
LIMIT: State = {"rateLimit": {"count": 1000, "window": 3600}}
WRITE = f"sntryu_{CANARY}write"


def world(projects: int = 2, keys: int = 6, *scopes: str) -> World:
    """Return a world whose keys are told whole and may be changed with the token WRITE."""
    made = make_world(projects=projects, keys=keys)
    made.add_token(WRITE, *(scopes or ("org:read", "project:read", "project:admin")))
    for key in made.keys:
        key.active, key.rate_limit = True, None
    return made


def state(key: Key, owner: Project) -> State:
    """Return a key's state as the server tells it."""
    return state_of_record(render.key(key, owner, "http://sentry.example.invalid", TODAY))


def states(of: World) -> dict[str, State]:
    """Return the state of every key by its id."""
    return {key.public: state(key, owner) for owner in of.projects for key in owner.keys}


def action(key: Key, owner: Project, after: State | None, name: str = "") -> PlannedAction:
    """Plan a change of a key as it is now; None deletes it."""
    now = state(key, owner)
    target = KeyTarget(
        type="sentry_key",
        organization="acme",
        project=owner.slug,
        project_id=str(owner.number),
        id=key.public,
        name=key.name,
    )
    name = name or ("delete" if after is None else "set_rate_limit")
    return PlannedAction(
        id=action_id(name, target, after),
        action=name,
        risk=Risk.IRREVERSIBLE if after is None else Risk.SAFE,
        target=target,
        before={field: now[field] for field in after or {} if field in now},
        after=after,
        precondition=Precondition.of(now),
        reason="the test says so",
    )


def creation(owner: Project, after: State) -> PlannedAction:
    """Plan a new key."""
    target = KeyTarget(
        type="sentry_key",
        organization="acme",
        project=owner.slug,
        project_id=str(owner.number),
        name=after["name"],
    )
    return PlannedAction(
        id=action_id("create", target, after),
        action="create",
        risk=Risk.SAFE,
        target=target,
        before={},
        after=after,
        precondition=Precondition.of({}),
        reason="the test says so",
    )


def plan(server: str, /, *actions: PlannedAction, **changes: Any) -> Plan:
    """Return a plan that was made just now."""
    now = datetime.now(UTC)
    facts: dict[str, Any] = {
        "tool": PlanTool("keypolicy", "0.1.0"),
        "created_at": now,
        "as_of": now,
        "server": server,
        "organizations": ("acme",),
        "policies": (),
        "actions": actions,
        "left": (),
    }
    return Plan(**(facts | changes))


@contextmanager
def remote(sim: Simulator, token: str = WRITE, **settings: Any) -> Iterator[SentryRemote]:
    """Connect to the simulated server."""
    live = LiveSettings(url=sim.url, token=Token(token), retry=FAST, **settings)
    with SentryRemote(live) as connected:
        yield connected


def apply(sim: Simulator, what: Plan, log: Path, **settings: Any) -> list[Applied]:
    """Apply every action of a plan; no secret may be in the log."""
    with remote(sim, **settings) as connected, AuditLog(log) as audit:
        applier = Applier(what, connected, audit, WHO)
        done = [applier.apply(one) for one in what.actions]
    assert CANARY not in log.read_text("utf-8")
    assert all(CANARY not in one.reason for one in done)
    return done


def expected(of: World, *actions: PlannedAction) -> dict[str, State]:
    """Return the states that are to be after the actions: nothing else may change."""
    found = copy.deepcopy(states(of))
    for one in actions:
        if one.after is None:
            del found[one.target.id]
        else:
            found[one.target.id] |= one.after
    return found
