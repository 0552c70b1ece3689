"""What many rules and many files cost: scan, lint and test of what differs only in number.

    python benchmarks/rules.py [--rules 10 100 1000] [--keys 1000 100000] [--files 64] [--runs 3]

Each figure is the median of some runs of a whole process, which take turns, as its processor time,
its time by the clock and its peak memory; ratios are to the first of a table. Scans print their
summary and the gate, no report of each finding. The rules are trivial ones that read one column, so
that what is measured is what a rule costs by itself; and ones like those of ten-rules.yaml. Lint
and test take those of `authoring.py`. Compiling is what a scan does with policies before it looks
at a key: they are read, guarded and bound to the tables. Everything is seeded.
"""

import argparse
import gc
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.authoring import write_rules
from benchmarks.costs import versions
from benchmarks.inventory import write_keys
from benchmarks.scan import Cost, scan_command, side_by_side
from scanner.engine.database import connect
from scanner.engine.judge.prepare import prepare
from scanner.policy.load import load_policies

HERE = Path(__file__).parents[1]

BODIES = (
    "where: is_active, check: {{max_age: 9{n}d}}",
    "require: \"is_active or label = 'n{n}'\"",
    "where: is_active, require: \"has_rate_limit or label = 'n{n}'\"",
    "where: has_rate_limit, check: {{rate_limit: {{max_per_second: 1{n}1/s}}}}",
    "require: \"name <> 'Default{n}'\"",
    "require: \"regexp_matches(name, '-(prod|staging|n{n})$') or name = 'ci-runner'\"",
    "check: {{max_active_per_project: 4{n}}}",
    'require: "count(*) over (partition by project_id, name) <= 4{n}"',
    'require: "age_days < 50{n}"',
    "require: \"not loader_has_debug or name = 'n{n}'\"",
)
"""Bodies of ten rules, each with a number in it."""


def trivial(folder: Path, count: int) -> Path:
    """Write a policy of so many rules that every key keeps."""
    rule = (
        "  - {{id: r-{n}, title: T, resource: sentry_key, severity: low,"
        " require: \"id <> 'n{n}'\"}}\n"
    )
    path = folder / f"trivial-{count}.yaml"
    rules = "".join(rule.format(n=number) for number in range(count))
    path.write_text(f"policy: trivial\nversion: 1.0.0\ntitle: Many\nrules:\n{rules}", "utf-8")
    return path


def varied(folder: Path, count: int) -> Path:
    """Write a policy of so many rules: those of ten-rules.yaml over and over, but for a number.

    Most of their findings are those of the first ten. A fifth of them are windows.
    """
    rules = []
    for number in range(count):
        body = BODIES[number % len(BODIES)].format(n=number // len(BODIES))
        rules.append(
            f"  - {{id: v-{number}, title: T, resource: sentry_key, severity: low, {body}}}\n"
        )
    path = folder / f"varied-{count}.yaml"
    text = f"policy: varied\nversion: 1.0.0\ntitle: Many\nrules:\n{''.join(rules)}"
    path.write_text(text, "utf-8")
    return path


def authored(folder: Path, count: int) -> Path:
    """Write a policy of so many rules of four kinds, with cases for each."""
    place = folder / f"authored-{count}"
    place.mkdir()
    return write_rules(place, count)


def compiled(policy: Path, runs: int) -> float:
    """Return the least processor time of reading a policy and preparing its rules."""
    taken = []
    for _ in range(runs):
        gc.collect()
        started = time.process_time()
        rules = [rule for one in load_policies((str(policy),), {}) for rule in one.rules]
        with connect() as connection:
            prepare(connection, rules)
        taken.append(time.process_time() - started)
    return min(taken)


def table(title: str, runs: int, commands: Mapping[str, Sequence[str]]) -> None:
    """Print what the commands take, beside the first of them."""
    found = side_by_side(runs, {name: (command, HERE) for name, command in commands.items()})
    first: Cost = next(iter(found.values()))
    print(f"\n{title}")
    for name, cost in found.items():
        print(
            f"    {name:22} {cost.busy:7.2f} s busy {cost.clock:7.2f} s {cost.peak:5.0f} MB |"
            f" {cost.busy / first.busy:5.2f}, {cost.clock / first.clock:5.2f} x the first"
        )
    sys.stdout.flush()


def split(folder: Path, keys: int, files: int) -> list[Path]:
    """Write so many files that hold what `write_keys` writes into one."""
    whole = write_keys(folder / "whole.json", keys).read_text("utf-8")
    lines = [line.removesuffix(",") for line in whole.splitlines() if line.startswith("{")]
    parts = folder / "parts"
    parts.mkdir()
    for number in range(files):
        text = ",\n".join(lines[number::files])
        (parts / f"{number:03}.json").write_text(f"[\n{text}\n]\n", "utf-8")
    return [folder / "whole.json", parts]


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, nargs="+", default=[10, 100, 1_000])
    parser.add_argument("--keys", type=int, nargs="+", default=[1_000, 100_000])
    parser.add_argument("--files", type=int, default=64)
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    runs, python = arguments.runs, [sys.executable, "-m", "scanner"]
    print(f"{versions()}; medians of {runs} runs, in turns; ratios of processor time and the clock")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        kinds = {"trivial": trivial, "varied": varied}
        made = {kind: {n: make(folder, n) for n in arguments.rules} for kind, make in kinds.items()}
        print("\ncompiling, processor time within a process, best of the runs")
        for kind, policies in made.items():
            for count, policy in policies.items():
                print(f"    {count:,} {kind} rules {compiled(policy, runs):9.3f} s", flush=True)
        for keys in arguments.keys:
            file = write_keys(folder / f"keys-{keys}.json", keys)
            for kind, policies in made.items():
                commands = {
                    f"{count:,} rules": scan_command(file, [], policy)
                    for count, policy in policies.items()
                    if count * keys <= 10_000_000  # the longest of them are no news
                }
                table(f"scan of {keys:,} keys, {kind} rules", runs, commands)
        written = {count: str(authored(folder, count)) for count in arguments.rules}
        for verb in ("lint", "test"):
            commands = {f"{n:,} rules": [*python, verb, policy] for n, policy in written.items()}
            table(f"{verb}, rules with cases", runs, commands)
        for keys in arguments.keys:
            place = folder / f"split-{keys}"
            place.mkdir()
            one, many = split(place, keys, arguments.files)
            commands = {
                "one file": scan_command(one, [folder / "r.json"]),
                f"{arguments.files} files": scan_command(many, [folder / "r.json"]),
            }
            table(f"{keys:,} keys, ten rules, JSON", runs, commands)


if __name__ == "__main__":
    main()
