"""What the tests of the live source share: a fetch from a simulator, and reading what it wrote."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from scanner.http.retry import RetryPolicy
from scanner.inventory.source import LiveSettings
from scanner.model.inventory import Needs, Scope
from scanner.model.token import Token
from scanner.providers.sentry.live.source import FetchReport, SentrySource

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.inventory.progress import Progress
    from tests.simulator import Simulator, World

TABLES = frozenset({"sentry_organization", "sentry_project", "sentry_key"})
FAST = RetryPolicy(throttled=4, first_wait=0.001, longest_wait=0.01)


def fetch(
    simulator: Simulator,
    output: Path,
    *,
    scope: Scope | None = None,
    tables: frozenset[str] = TABLES,
    needs: Needs | None = None,
    token: str | None = None,
    progress: Progress | None = None,
    **settings: Any,
) -> FetchReport:
    """Fetch from the simulator, with waits too short to notice."""
    made = LiveSettings(url=simulator.url, token=Token(token or simulator.world.token), retry=FAST)
    source = SentrySource(msgspec.structs.replace(made, **settings), progress)
    return source.fetch(scope or Scope(), needs or Needs.of(tables), output)


def envelopes(path: Path, kind: str) -> list[dict[str, Any]]:
    """Return the file's envelopes of one kind, ordered by the record's id."""
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found = [line for line in lines if line["kind"] == kind]
    return sorted(found, key=lambda line: str(line["record"].get("id")))


def table(path: Path, kind: str) -> dict[str, tuple[str | None, str | None]]:
    """Return organization and project of each record by its id; fail on a record twice."""
    found = envelopes(path, kind)
    made = {line["record"]["id"]: (line["organization"], line["project"]) for line in found}
    assert len(made) == len(found), f"a record of {kind} was written twice"
    return made


def expected_keys(world: World) -> dict[str, tuple[str | None, str | None]]:
    """Return the place of each key of the world, by the public part of its DSN."""
    return {
        key.public: (org.slug, project.slug)
        for org in world.organizations
        for project in org.projects
        for key in project.keys
    }
