"""What the tests of `fix apply` share: running it, and plans for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scanner.remediate.document import PlannedAction, write_plan
from tests.acceptance.support import Result, here
from tests.simulator import CANARY, Simulator, World
from tests.unit.remediate.apply.applying import LIMIT, WRITE, action, plan

if TYPE_CHECKING:
    from pathlib import Path


def fixed(sim: Simulator, folder: Path, *arguments: object, token: str = WRITE) -> Result:
    """Run a step of `fix`; no secret may come out, or be in any file."""
    done = here("fix", *arguments, cwd=folder, SENTRY_AUTH_TOKEN=token, SENTRY_URL=sim.url)
    everything = done.out + done.err
    for path in folder.rglob("*"):
        everything += path.read_text("utf-8") if path.is_file() else ""
    assert CANARY not in everything
    return done


def save(folder: Path, sim: Simulator, *actions: PlannedAction, **facts: Any) -> None:
    (folder / "plan.json").write_bytes(write_plan(plan(sim.url, *actions, **facts)))


def limits(of: World) -> list[PlannedAction]:
    return [action(key, owner, LIMIT) for owner in of.projects for key in owner.keys]
