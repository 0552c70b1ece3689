"""Scans of files and of the demonstration, end to end."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import ROOT, TWO_KEYS, findings, here, report

SECRETS = (
    "189485c3b8ccf582bf5e12c530ef8858",
    "5c241ebc42ccfbec281cbefbedc7ab96",
    "bcd99b3790b3441c85ce4b1eaa854f66",
)
PEGASUS, OARFISH = "60120449b6b1d5e45f75561e6dabd80b", "da8d69cb17e80677b76e08fde4656b93"


def test_a_verbatim_answer_of_the_api(tmp_path: Path) -> None:
    outputs = [tmp_path / f"r.{suffix}" for suffix in ("sarif", "json", "html")]
    arguments = [part for path in outputs for part in ("-o", path)]
    done = here(
        "scan",
        "--inventory",
        TWO_KEYS,
        "--org",
        "acme",
        "--project",
        "web",
        *arguments,
        cwd=tmp_path,
    )
    assert done.code == 1
    limits = {(k, o) for r, o, k, _ in findings(tmp_path / "r.json") if r == "key-rate-limit"}
    assert limits == {(OARFISH, "fail")}
    everything = done.out + done.err + "".join(path.read_text("utf-8") for path in outputs)
    for secret in SECRETS:
        assert secret not in everything
    one = report(tmp_path / "r.json")["findings"][0]["resource"]
    assert (one["organization"], one["project"]) == ("acme", "web")
    assert one["url"].startswith("https://sentry.io/settings/acme/projects/web/keys/")


def test_the_demo_shows_findings_and_writes_reports(tmp_path: Path) -> None:
    done = here("scan", "--demo", "-o", "r.json", "-o", "r.sarif", "-o", "r.html", cwd=tmp_path)
    assert done.code == 1
    assert done.out.startswith("FAILED")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["r.html", "r.json", "r.sarif"]
    data = report(tmp_path / "r.json")
    assert {one["outcome"] for one in data["findings"]} == {"fail", "unknown"}
    assert {rule["id"] for rule in data["rules"] if not rule["counts"]["fail"]} == set()


def test_standard_output_is_data_when_a_format_is_asked_for(tmp_path: Path) -> None:
    done = here("scan", "--demo", "--format", "json", cwd=tmp_path)
    assert json.loads(done.out)["gate"]["exit_code"] == done.code == 1


@pytest.mark.parametrize("name", ["json", "sarif", "html", "terminal"])
def test_the_exit_code_does_not_depend_on_the_format(tmp_path: Path, name: str) -> None:
    assert here("scan", "--demo", "--format", name, cwd=tmp_path).code == 1
    calm = here("scan", "--demo", "--fail-on", "never", "--format", name, cwd=tmp_path)
    assert calm.code == 0


def test_parameters_and_thresholds_from_the_command_line(tmp_path: Path) -> None:
    scan = ("scan", "--inventory", TWO_KEYS, "--org", "acme", "--project", "web", "-o", "r.json")
    here(*scan, "--param", "max_age=9000d", cwd=tmp_path)
    assert not [one for one in findings(tmp_path / "r.json") if one[0] == "key-max-age"]
    assert here(*scan, "--param", "max_age=9000d", "--fail-on", "critical", cwd=tmp_path).code == 0


def test_two_scans_of_one_inventory_differ_only_in_the_run(tmp_path: Path) -> None:
    for name in ("a", "b"):
        here(
            *("scan", "--inventory", TWO_KEYS, "--org", "acme", "--as-of", "2026-01-01"),
            *("-o", f"{name}.json", "-o", f"{name}.sarif"),
            cwd=tmp_path,
        )
    first, second = (report(tmp_path / f"{name}.json") for name in "ab")
    assert _differences(first, second) <= {"/run/id", "/run/started_at", "/run/finished_at"}
    assert first["run"]["as_of"] == second["run"]["as_of"] == "2026-01-01T00:00:00Z"
    left, right = (report(tmp_path / f"{name}.sarif") for name in "ab")
    invocation = "/runs/0/invocations/0"
    assert _differences(left, right) <= {
        "/runs/0/properties/runId",
        f"{invocation}/startTimeUtc",
        f"{invocation}/endTimeUtc",
    }


def _differences(left: Any, right: Any, path: str = "") -> set[str]:
    if isinstance(left, dict) and isinstance(right, dict) and list(left) == list(right):
        return {p for name in left for p in _differences(left[name], right[name], f"{path}/{name}")}
    if isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = enumerate(zip(left, right, strict=True))
        return {p for n, (one, two) in pairs for p in _differences(one, two, f"{path}/{n}")}
    return set() if left == right else {path}


COLUMNS = "select id, name, is_active, secret, project_slug, public from sentry_key"
QUERIES = [
    COLUMNS,
    f"{COLUMNS} where project_slug = 'go'",
    f"{COLUMNS} where not is_active",
    f"{COLUMNS} where date_created <= now() - interval '90 days'",
]


@pytest.mark.parametrize("sql", QUERIES)
def test_steampipes_published_queries_run_unchanged(tmp_path: Path, sql: str) -> None:
    done = here("query", "--demo", sql, "--format", "json", cwd=tmp_path)
    rows = json.loads(done.out)
    assert done.code == 0
    assert rows
    assert all(row["secret"] is None for row in rows)
    if sql == COLUMNS:  # how a table is written does not depend on the query
        table = here("query", "--demo", sql, cwd=tmp_path).out
        assert re.search(rf"\({len(rows)} rows?\)", table)


@pytest.mark.parametrize(
    "sql",
    ["drop table sentry_key", "select * from read_text('/etc/passwd')", "attach 'x.db'",
     "select * from duckdb_settings()", "copy sentry_key to 'x'", "select nope from sentry_key",
     "select 1; select 2", "select getenv('HOME')", "select cast(name as int) from sentry_key"],
)  # fmt: skip
def test_a_query_only_reads_the_tables(tmp_path: Path, sql: str) -> None:
    done = here("query", "--demo", sql, cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("keypolicy: query: ")
    assert not list(tmp_path.iterdir())


def test_scanning_what_fetch_saved_gives_the_same(tmp_path: Path) -> None:
    as_of = ("--as-of", "2026-06-01T00:00:00Z")
    here("scan", "--demo", *as_of, "-o", "live.json", cwd=tmp_path)
    for suffix in ("jsonl", "json", "parquet"):
        saved = f"saved.{suffix}"
        assert here("fetch", "--demo", *as_of, "-o", saved, cwd=tmp_path).code == 0
        here("scan", "--inventory", saved, *as_of, "-o", f"{suffix}.json", cwd=tmp_path)
        assert findings(tmp_path / f"{suffix}.json") == findings(tmp_path / "live.json")
        digests = {report(tmp_path / f"{n}.json")["inventory"]["digest"] for n in ("live", suffix)}
        assert len(digests) == 1


def test_json_lines_and_a_project_list(tmp_path: Path) -> None:
    keys = json.loads(TWO_KEYS.read_text("utf-8"))
    (tmp_path / "keys.jsonl").write_text("\n".join(map(json.dumps, keys)), "utf-8")
    projects = [
        {
            "id": "4505281256090153",
            "slug": "web",
            "name": "Web",
            "platform": "javascript",
            "teams": [],
        }
    ]
    (tmp_path / "projects.json").write_text(json.dumps(projects), "utf-8")
    done = here(
        *("query", "--inventory", "keys.jsonl", "--inventory", "projects.json", "--org", "acme"),
        "select project_slug, project_platform from sentry_key",
        *("--format", "csv"),
        cwd=tmp_path,
    )
    assert done.out.splitlines() == ["project_slug,project_platform"] + ["web,javascript"] * 2


def test_the_version_needs_no_heavy_import(tmp_path: Path) -> None:
    code = (
        "import sys; from scanner.cli.main import main\n"
        "try: main(['--version'])\n"
        "except SystemExit: pass\n"
        "print(sorted({'duckdb', 'httpx', 'jinja2', 'jsonschema', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"
    assert done.stdout.startswith("keypolicy ")
    assert not list(tmp_path.iterdir())


def test_a_reader_that_stops_does_not_change_the_verdict(tmp_path: Path) -> None:
    scan = f"{sys.executable} -m scanner scan --demo --format json"
    command = f"{scan} | head -c 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)},
        check=False,
    )
    assert done.stdout == "{1\n"
    assert not done.stderr


def test_earlier_reports_make_a_trend(tmp_path: Path) -> None:
    here("scan", "--demo", "--as-of", "2026-01-01", "-o", "old.json", cwd=tmp_path)
    done = here("scan", "--demo", "--earlier", "old.json", "-o", "r.html", cwd=tmp_path)
    assert done.code == 1
    assert "<h3>Trend</h3>" in (tmp_path / "r.html").read_text("utf-8")
    wrong = here("scan", "--demo", "--earlier", TWO_KEYS, "-o", "x.html", cwd=tmp_path)
    assert wrong.code == 2
    assert not (tmp_path / "x.html").exists()


def test_ids_are_told_on_request(tmp_path: Path) -> None:
    plain = here("scan", "--demo", cwd=tmp_path)
    verbose = here("scan", "--demo", "--verbose", cwd=tmp_path)
    notebooks = "id b43841172bbe47105ee9814abf7b3882"
    assert notebooks in verbose.out
    assert notebooks not in plain.out
    assert verbose.code == plain.code


def test_an_earlier_report_that_nothing_uses_is_told(tmp_path: Path) -> None:
    here("scan", "--demo", "-o", "first.json", cwd=tmp_path)
    unused = here("scan", "--demo", "--earlier", "first.json", cwd=tmp_path)
    assert "--earlier is used by nothing" in unused.err
    used = here("scan", "--demo", "--earlier", "first.json", "-o", "second.html", cwd=tmp_path)
    assert "--earlier" not in used.err


_EXPORT = ("--inventory", TWO_KEYS, "--org", "acme", "--project", "web")


@pytest.mark.parametrize(
    ("arguments", "unused", "used"),
    [
        (("--demo",), ("--url", "https://sentry.example"), None),
        (_EXPORT, ("--ca-bundle", "none.pem"), None),
        (_EXPORT, ("--insecure-http",), None),
        (_EXPORT, ("--max-time", "5"), None),
        (("--demo",), ("--sarif-include-suppressed",), ("-o", "r.sarif")),
        (("--demo",), ("--no-history-inventory",), ("--history", "runs")),
        (("--demo",), ("--strict-waivers",), ("--waivers", "none.yaml")),
    ],
)
def test_an_option_that_nothing_uses_is_told(
    tmp_path: Path,
    arguments: tuple[object, ...],
    unused: tuple[str, ...],
    used: tuple[str, ...] | None,
) -> None:
    (tmp_path / "none.yaml").write_text("waivers: []\n")
    done = here("scan", *arguments, *unused, cwd=tmp_path)
    assert f"{unused[0]} is used by nothing" in done.err
    assert done.code == 1
    if used:
        assert here("scan", *arguments, *unused, *used, cwd=tmp_path).err == ""


def test_the_server_tells_the_pages_of_an_export(tmp_path: Path) -> None:
    done = here("scan", *_EXPORT, "--url", "https://sentry.example", cwd=tmp_path)
    assert done.err == ""


def test_policies_that_a_folder_hides_are_told(tmp_path: Path) -> None:
    (tmp_path / "rules" / "team").mkdir(parents=True)
    for number, folder in enumerate(("rules", "rules/team")):
        (tmp_path / folder / "p.yaml").write_text(
            f"policy: p{number}\nversion: 1.0.0\ntitle: T\nrules:\n"
            f"  - {{id: r{number}, resource: sentry_key, severity: low, require: id IS NOT NULL}}\n"
        )
    done = here("scan", "--demo", "--policy", "rules", cwd=tmp_path)
    assert done.code == 0
    assert "rules/team has policies, too, which were not read" in done.err
    both = ("--policy", "rules", "--policy", "rules/team")
    assert here("scan", "--demo", *both, cwd=tmp_path).err == ""


def test_a_place_that_is_named_twice_is_one(tmp_path: Path) -> None:
    (tmp_path / "fleet.txt").write_text("acme\n")
    again = ("--org", "acme", "--organizations-from", "fleet.txt", "--project", "web")
    once = here("scan", *_EXPORT, "-o", "once.json", cwd=tmp_path)
    twice = here("scan", *_EXPORT, *again, "-o", "twice.json", cwd=tmp_path)
    assert (twice.code, twice.err) == (once.code, "")
    assert findings(tmp_path / "twice.json") == findings(tmp_path / "once.json")


def test_a_project_that_is_not_there_comes_with_a_suggestion(tmp_path: Path) -> None:
    done = here("scan", "--demo", "--project", "chekout", cwd=tmp_path)
    assert done.code == 3
    assert "'checkout'" in done.out
