"""Keys and projects of two organizations that change from day to day, for benchmarks of history.

In comes a number of keys, out come inventories; the same seed makes the same year. From the first
day on the ages are those that the rotation leads to in the long run, so that what there is to find
changes with the policy and not with the time.
"""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Scope

START = datetime(2026, 1, 1, tzinfo=UTC)
ORGANIZATIONS = ("acme", "globex")

_ROTATED = 0.01
_REPLACED = 0.002
_CHANGED = 0.002
_RENAMED = 0.1
_PER_PROJECT = 3
_NAMES = ("web-prod", "ci-runner-prod", "api-staging", "mobile-prod", "backend-staging")
_DEFAULT_NAMED = 0.1
_HOST = "o450.ingest.example.invalid"
_LIMIT = {"window": 60, "count": 100}


class World:
    """What there is on one day."""

    def __init__(self, keys: int, seed: int = 12) -> None:
        self._rng = random.Random(seed)
        self.day = START
        self.slugs = {number: f"project-{number}" for number in range(max(2, keys // _PER_PROJECT))}
        self.keys: list[dict[str, Any]] = []
        for _ in range(keys):
            project = self._rng.randrange(len(self.slugs))
            age = self._rng.expovariate(_ROTATED + _REPLACED)
            self.keys.append(self._key(project, timedelta(days=min(age, 1500.0))))

    def _key(self, project: int, age: timedelta) -> dict[str, Any]:
        rng = self._rng
        public = f"{rng.getrandbits(128):032x}"
        name = "Default" if rng.random() < _DEFAULT_NAMED else rng.choice(_NAMES)
        return {
            "id": public,
            "name": name,
            "label": name,
            "public": public,
            "projectId": project,
            "isActive": rng.random() > 0.05,
            "dateCreated": (self.day - age).isoformat(timespec="seconds"),
            "rateLimit": dict(_LIMIT) if rng.random() < 0.85 else None,
            "dsn": {"public": f"https://{public}@{_HOST}/{project}"},
            "browserSdkVersion": rng.choice(("9.x", "10.x")),
            "dynamicSdkLoaderOptions": {
                "hasReplay": rng.random() < 0.2,
                "hasPerformance": True,
                "hasDebug": rng.random() < 0.02,
            },
            "useCase": "user",
        }

    def pass_a_day(self) -> None:
        """Rotate, make, delete, mend and spoil some keys; rename a project now and then."""
        self.day += timedelta(days=1)
        rng, number = self._rng, len(self.keys)
        for _ in range(round(number * _ROTATED)):
            place = rng.randrange(len(self.keys))
            self.keys[place] = self._key(self.keys[place]["projectId"], timedelta())
        for _ in range(round(number * _REPLACED)):
            self.keys.pop(rng.randrange(len(self.keys)))
            self.keys.append(self._key(rng.randrange(len(self.slugs)), timedelta()))
        for _ in range(round(number * _CHANGED)):
            key = rng.choice(self.keys)
            key["rateLimit"] = None if key["rateLimit"] else dict(_LIMIT)
        if rng.random() < _RENAMED:
            renamed = rng.randrange(len(self.slugs))
            self.slugs[renamed] = f"project-{renamed}-{rng.randrange(1000)}"

    def write(self, path: Path, denied: str | None = None) -> Path:
        """Write the inventory of today; the organization `denied` could not be looked at."""
        gaps = (Gap("Access was denied.", denied),) if denied else ()
        state = CoverageState.PARTIAL if denied else CoverageState.COMPLETE
        path.unlink(missing_ok=True)
        with Spool(
            path, sources=("simulated",), server="https://s.example", scope=Scope()
        ) as spool:
            for number, slug in self.slugs.items():
                organization = ORGANIZATIONS[number % 2]
                if organization != denied:
                    team = {"slug": f"team-{number % 20}"}
                    record = {"id": str(number), "slug": slug, "name": slug, "teams": [team]}
                    spool.add("sentry_project", record, organization=organization, project=slug)
            for key in self.keys:
                number = key["projectId"]
                organization = ORGANIZATIONS[number % 2]
                if organization != denied:
                    slug = self.slugs[number]
                    spool.add("sentry_key", key, organization=organization, project=slug)
            tables = ("sentry_project", "sentry_key")
            told = "Access was denied." if denied else ""
            spool.finish(dict.fromkeys(tables, TableCoverage(state, told, gaps)))
        return path
