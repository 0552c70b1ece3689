"""What changes keys: creating and updating, with Sentry's refusals."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.simulator.message import Request, Response, answer
from tests.simulator.world import CANARY, Key

if TYPE_CHECKING:
    from tests.simulator.world import Project, World

_LONGEST_WINDOW = 86_400


def create_key(world: World, owner: Project, request: Request) -> Key:
    """Add a key to the project and return it."""
    wanted: dict[str, Any] = json.loads(request.body or b"{}")
    number = max((key.number for key in world.keys), default=0) + 1
    limit = wanted.get("rateLimit")
    key = Key(
        number=number,
        public=f"{number:032x}",
        secret=f"{CANARY}{number:020x}",
        name=wanted.get("name") or "Unnamed Key",
        active=True,
        created=datetime.now(UTC),
        rate_limit=(limit["count"], limit["window"]) if limit else None,
    )
    owner.keys.append(key)
    return key


def update_key(key: Key, request: Request, allow: str) -> Response | None:
    """Change the key as asked; return the refusal if there is one.

    As real servers do: a rate limit without its window breaks the server, and a request that
    does not send browserSdkVersion resets it.
    """
    wanted: dict[str, Any] = json.loads(request.body or b"{}")
    limit = wanted.get("rateLimit")
    if limit:
        if "window" not in limit or "count" not in limit:
            problem = {"detail": "Internal Error", "errorId": "0" * 32}
            return answer(500, problem, allow=allow)
        if problems := _limit_problems(limit):
            return answer(400, {"rateLimit": problems}, allow=allow)
    if "rateLimit" in wanted:
        key.rate_limit = (limit["count"], limit["window"]) if limit else None
    key.active = wanted.get("isActive", key.active)
    key.name = wanted.get("name", key.name)
    key.sdk_version = wanted.get("browserSdkVersion", "7.x")
    return None


def _limit_problems(limit: dict[str, int]) -> dict[str, list[str]]:
    problems = {}
    if limit["count"] < 0:
        problems["count"] = ["Ensure this value is greater than or equal to 0."]
    if limit["window"] > _LONGEST_WINDOW:
        problems["window"] = [f"Ensure this value is less than or equal to {_LONGEST_WINDOW}."]
    return problems
