"""How much quicker a whole scan is than Cloud Custodian's filters alone, over parsed records.

    python -m venv C7N && C7N/bin/pip install c7n
    python benchmarks/peers.py --c7n C7N/bin/python [--keys 100000] [--runs 3]

Cloud Custodian knows no keys of Sentry. What is measured are its value and reduce filters, as its
policies use them, over the records of the same seeded file, which are parsed before its clock
starts. Ours is the whole process: start, reading, all outcomes, a JSON report with all findings.
They take turns, and the counts of each rule must agree. What the filters cannot say is put so that
these keys make no difference: a rate is a count, as all windows are of an hour; an age is a date,
as theirs is of today; of equal names they tell all but the first, so those are counted here too.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import versions
from benchmarks.inventory import write_keys
from benchmarks.scan import ran, scan_command

FILTERS: dict[str, list[Any]] = {
    "b-max-age": [
        {"isActive": True},
        {
            "type": "value",
            "key": "dateCreated",
            "value_type": "date",
            "op": "lt",
            "value": "2025-10-03T00:00:00+00:00",
        },
    ],
    "b-inactive": [{"isActive": False}],
    "b-limit": [{"isActive": True}, {"rateLimit": "absent"}],
    "b-ceiling": [{"type": "value", "key": "rateLimit.count", "op": "gt", "value": 39_600}],
    "b-name": [{"name": "Default"}],
    "b-pattern": [
        {
            "not": [
                {
                    "type": "value",
                    "key": "name",
                    "op": "regex",
                    "value": "^(.*-(prod|staging)|ci-runner)$",
                }
            ]
        }
    ],
    "b-active": [
        {"isActive": True},
        {"type": "reduce", "group-by": "projectId", "discard": 4},
    ],
    "b-unique": [
        {
            "type": "reduce",
            "group-by": "join('/', [to_string(projectId), name])",
            "discard": 1,
        }
    ],
    "b-sdk": [
        {
            "type": "value",
            "key": "browserSdkVersion",
            "op": "in",
            "value": [f"{number}.x" for number in range(4, 8)],
        }
    ],
    "b-debug": [{"dynamicSdkLoaderOptions.hasDebug": True}],
}
"""What breaks each rule of ten-rules.yaml, as a policy of Cloud Custodian would say it."""

THEIRS = """
import json, sys, time
from types import SimpleNamespace
from c7n.filters.core import FilterRegistry
from c7n.version import version

keys = json.load(open(sys.argv[1], encoding="utf-8"))
registry = FilterRegistry("key.filters")
manager = SimpleNamespace(filter_registry=registry, type="key", data={}, config=None)
manager.get_model = lambda: SimpleNamespace(id="id")
told = {}
started = time.perf_counter(), time.process_time()
for rule, filters in json.loads(sys.argv[2]).items():
    left = keys
    for one in filters:
        left = registry.factory(one, manager).process(left, None)
    told[rule] = len(left)
taken = time.perf_counter() - started[0], time.process_time() - started[1]
print(json.dumps([version, *taken, told]))
"""


def theirs(python: str, keys: Path) -> tuple[str, float, float, dict[str, int]]:
    """Return the version of c7n, the time by the clock, that of the processor, and the counts."""
    done = subprocess.run(
        [python, "-c", THEIRS, str(keys), json.dumps(FILTERS)],
        capture_output=True,
        text=True,
        check=True,
    )
    version, clock, busy, told = json.loads(done.stdout)
    return version, clock, busy, told


def ours(report: Path) -> dict[str, int]:
    """Return how many keys break each rule; of equal names all but the first."""
    told = json.loads(report.read_text("utf-8"))
    counts = {rule["id"]: rule["counts"]["fail"] for rule in told["rules"]}
    found = [one for one in told["findings"] if one["rule_id"] == "b-unique"]
    names = {(one["evidence"]["project_id"], one["resource"]["name"]) for one in found}
    counts["b-unique"] -= len(names)
    return {rule: counts[rule] for rule in FILTERS}


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--c7n", required=True, help="the Python that has c7n")
    parser.add_argument("--keys", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        keys, report = write_keys(folder / "keys.json", arguments.keys), folder / "r.json"
        clocks, busy = [], []
        for _ in range(arguments.runs):
            version, clock, processor, told = theirs(arguments.c7n, keys)
            cost = ran(scan_command(keys, [report]), (0, 1))
            clocks.append((clock, cost.clock))
            busy.append((processor, cost.busy))
        mine = ours(report)
    print(f"{versions()}, c7n {version}; medians of {arguments.runs} runs, in turns")
    print(f"{arguments.keys:,} keys, ten rules: {sum(told.values()):,} found by c7n's filters")
    for what, pairs in (("by the clock", clocks), ("processor time", busy)):
        one, two = (statistics.median(side) for side in zip(*pairs, strict=True))
        print(
            f"    {what:16} c7n's filters {one:7.2f} s, our scan {two:6.2f} s: {one / two:5.1f} x"
        )
    for rule, count in told.items():
        print(f"    {rule:12} {count:>8,} {'agrees' if mine[rule] == count else mine[rule]}")
    if mine != told:
        raise SystemExit("the counts differ")


if __name__ == "__main__":
    main()
