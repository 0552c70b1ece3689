"""A seeded generator of key inventories in the shape of Sentry's API, for benchmarks."""

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Scope

_KINDS = ("csp", "security", "minidump", "nel", "unreal", "cdn", "crons", "playstation")
_NAMES = ("Default", "web-prod", "api-prod", "ci-runner", "mobile-staging", "backend-prod")
_BASE = datetime(2026, 1, 1, tzinfo=UTC)

AS_OF = "2026-01-01T00:00:00Z"
"""The time that the generated dates are about."""


def write_keys(path: Path, count: int, seed: int = 7) -> Path:
    """Write `count` keys as one JSON array, as an answer of the API; the same for one seed."""
    rnd = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write("[\n" if number == 0 else ",\n")
            json.dump(_key(rnd, number), file)
        file.write("\n]\n")
    return path


def write_lines(path: Path, count: int, seed: int = 7) -> Path:
    """Write the same keys as lines, one record each, as of the API."""
    rnd = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            file.write(json.dumps(_key(rnd, number)) + "\n")
    return path


def write_inventory(path: Path, count: int, seed: int = 7) -> Path:
    """Write the same keys with their projects, as lines of the product's own inventory."""
    rnd = random.Random(seed)
    with Spool(path, sources=("made up",), server="https://s.test", scope=Scope()) as spool:
        acme = {"id": "1", "slug": "acme"}
        spool.add("sentry_organization", acme, organization="acme", project=None)
        for number in range(count):
            key = _key(rnd, number)
            slug = f"p{key['projectId']}"
            if number % 4 == 0:
                project = {"id": str(key["projectId"]), "slug": slug, "platform": "python"}
                spool.add("sentry_project", project, organization="acme", project=slug)
            spool.add("sentry_key", key, organization="acme", project=slug)
        whole = TableCoverage(CoverageState.COMPLETE, "made up")
        return spool.finish(dict.fromkeys(spool.rows, whole))


def _key(rnd: random.Random, number: int) -> dict[str, Any]:
    public, secret = (f"{rnd.getrandbits(128):032x}" for _ in range(2))
    project = 4_505_000_000_000_000 + number // 4
    host = "o450.ingest.example.invalid"
    dsn = {kind: f"https://{host}/api/{project}/{kind}/?sentry_key={public}" for kind in _KINDS}
    dsn["public"] = f"https://{public}@{host}/{project}"
    dsn["secret"] = f"https://{public}:{secret}@{host}/{project}"
    limited = rnd.random() < 0.93
    name = rnd.choice(_NAMES) if rnd.random() < 0.2 else f"service-{number}-prod"
    return {
        "id": public,
        "name": name,
        "label": name,
        "public": public,
        "secret": secret,
        "projectId": project,
        "isActive": rnd.random() < 0.97,
        "rateLimit": {"window": 3600, "count": rnd.randint(1, 40_000)} if limited else None,
        "dsn": dsn,
        "browserSdkVersion": rnd.choice(("8.x", "9.x", "10.x", "latest")),
        "browserSdk": {"choices": [["latest", "latest"], ["10.x", "10.x"], ["9.x", "9.x"]]},
        "dateCreated": (_BASE - timedelta(days=rnd.random() * 104)).isoformat(),
        "dynamicSdkLoaderOptions": {
            "hasReplay": rnd.random() < 0.2,
            "hasPerformance": True,
            "hasDebug": rnd.random() < 0.02,
            "hasFeedback": False,
            "hasLogsAndMetrics": False,
        },
        "useCase": "user",
    }
