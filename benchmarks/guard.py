"""What the worst predicates cost: time and memory of the guard, each in a process of its own.

    python benchmarks/guard.py [--rows 100]

The corpus is tests/unit/engine/hostile.txt, which is refused, and a few that are allowed but as
heavy as they can be made, over rows with long names. Memory is the peak of the process above that
of one that checks `is_active`.
"""

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import versions

ROOT = Path(__file__).parents[1]
HOSTILE = ROOT / "tests" / "unit" / "engine" / "hostile.txt"

CHILD = """
import json, resource, sys, time
from datetime import UTC, datetime
from scanner.engine.database import connect, seal
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.prepare import prepare
from scanner.base.errors import Location, PolicyError
from scanner.model.rule import Predicate, Rule
from scanner.model.outcome import Severity
texts, rows, width = json.load(sys.stdin)
place = Location("p.yaml", 1, 1)
items = ["v" + str(n) for n in range(1_000)]
rules = [Rule("r" + str(n), "p", "t", Severity.LOW, "sentry_key",
    Predicate(text, {"l": items} if "$l" in text else {}, place), place)
    for n, text in enumerate(texts)]
with connect() as connection:
    connection.execute("INSERT INTO sentry_key (id, name, is_active, age_days, dsn, rate_limit)"
        " SELECT i, repeat('a', $width), true, i, json_object('public', repeat('b', 1000)),"
        " '[1, 2, 3]' FROM range($rows) AS t(i)", {"rows": rows, "width": width})
    started = time.perf_counter()
    try:
        prepared = prepare(connection, rules)
        seal(connection)
        (found, *_) = evaluate(connection, prepared, datetime.now(UTC))
        outcome = ", ".join(sorted(found.counts))
    except PolicyError as error:
        outcome = "refused: " + error.problems[0].code
    seconds = time.perf_counter() - started
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([outcome, seconds, peak]))
"""

HEAVY = {
    "repetition of repetition": "regexp_matches(name, '((((a{0,30}){0,30}a)*)*b)*$')",
    "ambiguous groups": "regexp_matches(name, '(a|aa|aaa|a*)*b')",
    "largest repetition": "regexp_matches(name, '(.*a){200}b')",
    "wide alternatives": "regexp_matches(name, '"
    + "|".join(f"a{{{n}}}b" for n in range(200))
    + "')",
    "many wildcards": "name like '%" + "a%" * 500 + "b'",
    "many wildcards, any case": "name ilike '%" + "_a%" * 400 + "b'",
    "name joined often": "length(" + " || ".join(["name"] * 400) + ") > 0",
    "concat of concat": "length(" + "concat(name, " * 55 + "name" + ")" * 55 + ") > 0",
    "deepest brackets": "(" * 64 + "is_active" + ")" * 64,
    "deeper brackets": "(" * 2_000 + "is_active" + ")" * 2_000,
    "longest chain": " and ".join(["is_active"] * 300),
    "many windows": " and ".join(f"count(*) over (order by age_days + {n}) > 0" for n in range(60)),
    "large literal": f"name <> '{'x' * 3_900}'",
    "long number": "1" * 3_900 + " > 1",
    "cases in cases": "case when is_active then " * 60 + "true" + " end" * 60,
    "long list": "name in (" + ", ".join(f"'{n}'" for n in range(500)) + ")",
    "casts in casts": "cast(" * 60 + "age_days" + " as varchar)" * 60 + " = '1'",
}

TOGETHER = {
    "40 x concat of 25 names": [
        "length(concat(" + "name, " * 25 + f"'{n}')) > 0" for n in range(40)
    ],
    "7 x concat of 31 DSNs": ["length(concat(" + "dsn, " * 31 + f"'{n}')) > 0" for n in range(7)],
    "9 x concat of 31 DSNs": ["length(concat(" + "dsn, " * 31 + f"'{n}')) > 0" for n in range(9)],
    "120 Unicode classes": [rf"regexp_matches(name, '\pL+{n}')" for n in range(120)],
    "40 lists of 1,000": [f"name in $l or age_days = {n}" for n in range(40)],
    "41 lists of 1,000": [f"name in $l or age_days = {n}" for n in range(41)],
    "100 x 150 comparisons": [
        " and ".join(f"age_days<>{n}{m}" for m in range(150)) for n in range(100)
    ],
}
"""Many predicates at once, up to what they may cost together and beyond; 10,000 keys as usual."""

PATIENCE = 30
"""Seconds after which a predicate is given up."""


class Cost(NamedTuple):
    """What one predicate came to."""

    name: str
    outcome: str
    seconds: float
    megabytes: float


def cost(name: str, texts: list[str], rows: int, base: float = 0, width: int = 5_000) -> Cost:
    """Run predicates together in a process of their own."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHILD],
            input=json.dumps([texts, rows, width]),
            capture_output=True,
            text=True,
            cwd=ROOT,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Cost(name, "not done in time", PATIENCE, 0)
    if done.returncode:
        raise SystemExit(f"{name}: {done.stderr}")
    # RE2 complains on standard output where a pattern is too large for its fast way.
    outcome, seconds, peak = json.loads(
        next(line for line in reversed(done.stdout.splitlines()) if line.startswith('["'))
    )
    return Cost(name, outcome, seconds, peak / 1024 - base)


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100)
    rows = parser.parse_args().rows
    print(versions())
    lines = HOSTILE.read_text("utf-8").splitlines()
    corpus = [line.split("\t", 1)[1] for line in lines if line and not line.startswith("#")]
    base = cost("is_active", ["is_active"], rows)
    print(f"is_active: {base.seconds:.3f} s, {base.megabytes:.0f} MB in all")
    refused = [cost(text, [text], rows, base.megabytes) for text in corpus]
    allowed = [cost(name, [text], rows, base.megabytes) for name, text in HEAVY.items()]
    passed = sum(not one.outcome.startswith("refused") for one in refused)
    print(f"{len(refused)} hostile predicates, {passed} of them not refused")
    _worst("hostile", refused)
    for one in allowed:
        print(f"  {one.name:<26} {one.seconds:6.3f} s {one.megabytes:6.1f} MB  {one.outcome}")
    _worst("heavy", allowed)
    base = cost("is_active", ["is_active"], 10_000, width=60)
    many = [cost(name, texts, 10_000, base.megabytes, 60) for name, texts in TOGETHER.items()]
    for one in many:
        print(f"  {one.name:<26} {one.seconds:6.3f} s {one.megabytes:6.1f} MB  {one.outcome}")
    _worst("many together, 10,000 keys", many)


def _worst(kind: str, costs: list[Cost]) -> None:
    slow = max(costs, key=lambda one: one.seconds)
    large = max(costs, key=lambda one: one.megabytes)
    print(f"worst of {kind}: {slow.seconds:.3f} s ({slow.name[:60]})")
    print(f"worst of {kind}: {large.megabytes:.1f} MB ({large.name[:60]})")


if __name__ == "__main__":
    main()
