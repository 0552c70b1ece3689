"""What changes keys: creating, updating and deleting, with Sentry's refusals and silences."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tests.simulator.message import Request, Response, answer
from tests.simulator.world import CANARY, Key

if TYPE_CHECKING:
    from tests.simulator.world import Organization, Project, World

_LONGEST_WINDOW = 86_400
_LONGEST_NAME = 64
_DEFAULT_SDK = "7.x"
_CHOICES = {
    "browserSdkVersion": ("latest", "8.x", "7.x"),
    "useCase": ("user", "profiling", "tempest", "demo"),
}
_OPTIONS = {
    "hasReplay": "replay",
    "hasPerformance": "performance",
    "hasDebug": "debug",
    "hasFeedback": "feedback",
    "hasLogsAndMetrics": "logs",
}

Wanted = dict[str, Any]


def create_key(world: World, home: Organization, owner: Project, call: Request) -> Key | Response:
    """Add a key to the project and return it, or the refusal.

    Real servers take name, rateLimit and useCase, and pass over the rest without a word.
    """
    wanted = _wanted(call)
    if refusal := _refusal(wanted, "GET, POST, HEAD, OPTIONS"):
        return refusal
    number = max((key.number for key in world.keys), default=0) + 1
    key = Key(
        number=number,
        public=f"{number:032x}",
        secret=f"{CANARY}{number:020x}",
        name=wanted.get("name") or "Unnamed Key",
        active=True,
        created=datetime.now(UTC),
        rate_limit=None,
        use_case=wanted.get("useCase", "user"),
    )
    _limit(key, home, wanted)
    owner.keys.append(key)
    world.writes.append(("POST", key.public))
    return key


def update_key(
    world: World, home: Organization, key: Key, request: Request, allow: str
) -> Response | None:
    """Change the key as asked; return the refusal if there is one.

    As real servers do: a rate limit without its window breaks the server, an organization without
    the feature keeps the old limit without a word, options of the loader are merged, and a request
    that does not send browserSdkVersion resets it.
    """
    wanted = _wanted(request)
    if refusal := _refusal(wanted, allow):
        return refusal
    _limit(key, home, wanted)
    key.active = wanted.get("isActive", key.active)
    key.name = wanted.get("name") or key.name
    key.sdk_version = wanted.get("browserSdkVersion") or _DEFAULT_SDK
    for option, value in (wanted.get("dynamicSdkLoaderOptions") or {}).items():
        setattr(key, _OPTIONS[option], value)
    world.writes.append(("PUT", key.public))
    return None


def delete_key(world: World, owner: Project, key: Key) -> None:
    """Take the key away for good."""
    owner.keys.remove(key)
    world.writes.append(("DELETE", key.public))


def _wanted(request: Request) -> Wanted:
    """Return what is asked for; white space around a name is taken off without a word."""
    wanted: Wanted = json.loads(request.body or b"{}")
    if isinstance(wanted.get("name"), str):
        wanted["name"] = wanted["name"].strip()
    return wanted


def _limit(key: Key, home: Organization, wanted: Wanted) -> None:
    if "rateLimit" in wanted and home.rate_limits:
        limit = wanted["rateLimit"]
        key.rate_limit = (limit["count"], limit["window"]) if limit else None


def _refusal(wanted: Wanted, allow: str) -> Response | None:
    limit = wanted.get("rateLimit")
    if limit and ("window" not in limit or "count" not in limit):
        problem = {"detail": "Internal Error", "errorId": "0" * 32}
        return answer(500, problem, allow=allow)
    problems: dict[str, Any] = {}
    if limit and (wrong := _limit_problems(limit)):
        problems["rateLimit"] = wrong
    for field, choices in _CHOICES.items():
        if field in wanted and wanted[field] not in choices:
            problems[field] = [f'"{wanted[field]}" is not a valid choice.']
    if len(wanted.get("name") or "") > _LONGEST_NAME:
        problems["name"] = [f"Ensure this field has no more than {_LONGEST_NAME} characters."]
    if not isinstance(wanted.get("isActive", True), bool):
        problems["isActive"] = ["Must be a valid boolean."]
    return answer(400, problems, allow=allow) if problems else None


def _limit_problems(limit: dict[str, int]) -> dict[str, list[str]]:
    problems = {}
    for part in ("count", "window"):
        if limit[part] < 0:
            problems[part] = ["Ensure this value is greater than or equal to 0."]
    if limit["window"] > _LONGEST_WINDOW:
        problems["window"] = [f"Ensure this value is less than or equal to {_LONGEST_WINDOW}."]
    return problems
