"""How quick the loop of an author is: lint and test of many rules, each a process of its own.

    python benchmarks/authoring.py [--rules 200] [--runs 5] [--mutate]

Figures are the best of some runs, start of the interpreter included.
"""

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import versions
from benchmarks.scan import best_of

KINDS = (
    ("where: is_active\n    require: age_days <= {n}", "age_days: {n}", "age_days: {m}", True),
    ("require: name <> 'key-{n}'", "name: web", "name: key-{n}", False),
    (
        "check: {{max_age: {n}d}}",
        "date_created: {day}",
        "date_created: 2020-01-01T00:00:00Z",
        False,
    ),
    (
        "require: count(*) over (partition by project_id, name) <= {n}",
        "project_id: {n}",
        None,
        False,
    ),
)
"""Bodies of rules with a row that passes and one that fails, and whether there is a `where`."""


def write_rules(folder: Path, count: int) -> Path:
    """Write a policy of so many rules, with cases for every outcome of each."""
    rules = ["policy: many\nversion: 1.0.0\ntitle: Many rules\nrules:\n"]
    cases = ["policy: many\nas_of: 2026-01-01T00:00:00Z\ncases:\n"]
    for number in range(count):
        body, good, bad, has_where = KINDS[number % len(KINDS)]
        values = {"n": number + 2, "m": number + 3, "day": "2025-12-31T12:00:00Z"}
        rules.append(
            f"  - id: rule-{number}\n    title: Rule {number}\n    resource: sentry_key\n"
            f"    severity: low\n    {body.format(**values)}\n"
            f'    message: "{{name}} breaks rule {number}"\n    remediation: Mend it.\n'
        )
        lead = "is_active: true, " if has_where else ""
        cases.append(
            f"  - name: rule {number}\n    rule: rule-{number}\n"
            f"    pass: [{{{lead}{good.format(**values)}}}]\n"
        )
        if bad:
            cases.append(f"    fail: [{{{lead}{bad.format(**values)}}}]\n    unknown: [{{}}]\n")
        if has_where:
            cases.append("    not_applicable: [{is_active: false}]\n")
    path = folder / "many.yaml"
    path.write_text("".join(rules), encoding="utf-8")
    (folder / "many.test.yaml").write_text("".join(cases), encoding="utf-8")
    return path


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rules", type=int, default=200)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--mutate", action="store_true")
    arguments = parser.parse_args()
    print(versions())
    bare = best_of(arguments.runs, [sys.executable, "-c", "import duckdb"])
    print(f"bare `import duckdb` {bare:.2f} s")
    with tempfile.TemporaryDirectory() as folder:
        path = write_rules(Path(folder), arguments.rules)
        verbs = [["lint"], ["test"], ["test", "--coverage"]]
        verbs += [["test", "--mutate"]] if arguments.mutate else []
        for verb in verbs:
            command = [sys.executable, "-m", "scanner", *verb, str(path)]
            runs = 1 if "--mutate" in verb else arguments.runs
            taken = best_of(runs, command, (0, 1))
            print(f"{' '.join(verb):<16} {arguments.rules} rules: {taken:.2f} s")


if __name__ == "__main__":
    main()
