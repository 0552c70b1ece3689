"""A year of daily scans with --history: in comes a number of keys, out come sizes and times.

    python benchmarks/history.py [KEYS] [DAYS]

Keys are rotated and churn, projects are renamed, the policy changes once, and on three days an
organization is denied. Times are CPU seconds of one process, so that a busy machine shows less.
"""

import contextlib
import io
import random
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from scanner.cli.main import main
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Scope

START = datetime(2026, 1, 1, tzinfo=UTC)
ORGANIZATIONS = ("acme", "globex")
GAP_DAYS = frozenset({100, 101, 250})
POLICY_DAY = 180


class World:
    """Keys and projects that change from day to day; the same seed makes the same year."""

    def __init__(self, keys: int) -> None:
        self._rng = random.Random(12)
        self._made = 0
        self.day = START
        self.slugs = {number: f"project-{number}" for number in range(max(1, keys // 20))}
        self.keys = [self._key(self._rng.randrange(400)) for _ in range(keys)]

    def _key(self, age: int) -> dict[str, Any]:
        self._made += 1
        rng = self._rng
        limit = {"window": 60, "count": 100} if rng.random() < 0.8 else None
        return {
            "id": f"{rng.getrandbits(128):032x}",
            "name": rng.choice(("Default", "web-prod", "ci-runner-prod", "api-staging")),
            "project": rng.choice(list(self.slugs)),
            "isActive": rng.random() > 0.05,
            "dateCreated": (self.day - timedelta(days=age)).isoformat(),
            "rateLimit": limit,
        }

    def pass_a_day(self) -> None:
        """Rotate a hundredth of the keys, mend and spoil some, rename a project now and then."""
        self.day += timedelta(days=1)
        rng = self._rng
        for _ in range(len(self.keys) // 100):
            self.keys[rng.randrange(len(self.keys))] = self._key(0)
        for _ in range(len(self.keys) // 500):
            key = rng.choice(self.keys)
            key["rateLimit"] = None if key["rateLimit"] else {"window": 60, "count": 100}
        if rng.random() < 0.1:
            number = rng.choice(list(self.slugs))
            self.slugs[number] = f"project-{number}-{rng.randrange(1000)}"

    def write(self, path: Path, denied: str | None) -> None:
        """Write the inventory of today."""
        gaps = (Gap("Access was denied.", denied),) if denied else ()
        state = CoverageState.PARTIAL if denied else CoverageState.COMPLETE
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
                number = key["project"]
                organization = ORGANIZATIONS[number % 2]
                if organization != denied:
                    record = {name: value for name, value in key.items() if name != "project"}
                    record |= {"public": key["id"], "projectId": number}
                    slug = self.slugs[number]
                    spool.add("sentry_key", record, organization=organization, project=slug)
            tables = ("sentry_project", "sentry_key")
            told = "Access was denied." if denied else ""
            spool.finish(dict.fromkeys(tables, TableCoverage(state, told, gaps)))


def measured(*arguments: object) -> float:
    """Run the command and return its CPU seconds."""
    before = time.process_time()
    with contextlib.redirect_stdout(io.TextIOWrapper(io.BytesIO())):
        main([*map(str, arguments)])
    return time.process_time() - before


def year(folder: Path, keys: int, days: int) -> None:
    """Run the year and print what it took."""
    world, history, inventory = World(keys), folder / "history", folder / "day.jsonl"
    times = []
    for day in range(days):
        world.write(inventory, "globex" if day in GAP_DAYS else None)
        policy = ("--param", "max_age=60d") if day >= POLICY_DAY else ()
        scan = ("scan", "--inventory", inventory, "--as-of", world.day.isoformat(), "-q", *policy)
        times.append(measured(*scan, "--history", history))
        if day in {1, days - 1}:
            print(f"day {day}: without a history {measured(*scan):.2f} s", flush=True)
        if day % 20 == 1:
            print(f"day {day}: {times[-1]:.2f} s", flush=True)
        world.pass_a_day()
    size = sum(path.stat().st_size for path in history.rglob("*") if path.is_file())
    middle = sorted(times[1:11])[5], sorted(times[-10:])[5]
    print(f"{keys:,} keys, {days} days: {size / 1e6:.0f} MB, {size / days / 1e3:.0f} kB a run")
    print(f"scan, median of the days 2 to 11: {middle[0]:.2f} s, of the last ten {middle[1]:.2f} s")
    for action in (("trend",), ("diff", "previous", "latest"), ("list",), ("verify",)):
        taken = measured("history", *action, "--history", history)
        print(f"history {' '.join(action)}: {taken:.2f} s", flush=True)


if __name__ == "__main__":
    chosen = [int(argument) for argument in sys.argv[1:]]
    place = Path(tempfile.mkdtemp(prefix="keypolicy-year-"))
    try:
        year(place, *(chosen + [5_000, 365][len(chosen) :]))
    finally:
        shutil.rmtree(place)
