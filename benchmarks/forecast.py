"""A forecast beside the scans that would tell the same: in comes a number of keys, out come times.

    python benchmarks/forecast.py [--keys 5000] [--days 90] [--scans 9] [--repeats 5]

Whole processes, in turns, medians. Of the scans, one a day from as-of on, so many are run as
`--scans` says, spread over all days; what all would take is their mean times the days. That both
tell the same is held by tests/unit/engine/forecast/test_property.py, to the day.
"""

import argparse
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import Step, medians, versions
from benchmarks.world import START, World


def command(verb: str, day: int, *more: str) -> list[str]:
    """Return a command about a day."""
    as_of = (START + timedelta(days=day)).isoformat()
    shared = ("--inventory", "keys.jsonl", "--as-of", as_of, "--policy", "sentry-strict")
    return [verb, *shared, "--quiet", *more]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, usual in (("--keys", 5_000), ("--days", 90), ("--scans", 9), ("--repeats", 5)):
        parser.add_argument(name, type=int, default=usual)
    given = parser.parse_args()
    days = [round((n + 0.5) * given.days / given.scans) for n in range(given.scans)]
    print(versions())
    print(f"{given.keys:,} keys, {given.days} days, medians of {given.repeats}", flush=True)
    with tempfile.TemporaryDirectory(prefix="keypolicy-forecast-") as name:
        folder = Path(name)
        World(given.keys).write(folder / "keys.jsonl")
        steps = {f"scan of day {day}": Step(command("scan", day)) for day in days}
        ahead = ("--days", str(given.days))
        steps["forecast"] = Step(command("forecast", 0, *ahead))
        steps["scan of today"] = Step(command("scan", 0))
        due = ("--fail-if-due-within", f"{given.days}d")
        steps["scan of today that looks ahead"] = Step(command("scan", 0, *due))
        found = medians(steps, folder, given.repeats)
    for what, cost in found.items():
        print(f"{what}: {cost}")
    scans = [found[f"scan of day {day}"] for day in days]
    for what, place in (("processor time", 0), ("the clock", 1)):
        every = fmean(one[place] for one in scans) * given.days
        part = found["forecast"][place] / every
        print(f"{given.days} scans: {every:.1f} s of {what}; the forecast is {part:.1%} of it")
    more = found["scan of today that looks ahead"].busy / found["scan of today"].busy
    print(f"a scan that looks ahead takes {more:.2f} x one that does not, in processor time")


if __name__ == "__main__":
    main()
