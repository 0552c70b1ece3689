"""A further provider takes a room of its own and one line that names it, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
CANARY = "acme-123456789012"
RUN = """
import sys
from scanner.model import provider
provider.PROVIDERS.append("tests.unit.providers.acme")
from scanner.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
POLICY = """
policy: acme-keys
version: 1.0.0
title: Keys of Acme
rules:
  - id: acme-age
    title: Keys of Acme are young
    resource: acme_key
    severity: high
    check: {max_age: 90d}
    message: "{name} is {age_days} days old"
  - id: acme-name
    title: Keys of Acme have a stage
    resource: acme_key
    severity: low
    require: regexp_matches(name, '-(prod|staging)$')
    message: "{name} tells no stage"
"""
KEYS = [
    {"id": "1", "nick": "web-prod", "made": "2026-05-01T00:00:00Z", "acmeSecret": f"x{CANARY}"},
    {"id": "2", "nick": f"old {CANARY}", "made": "2020-01-01T00:00:00Z"},
    {"id": "3", "nick": "db-staging"},
]

REPORTS = ("json", "html", "sarif", "oscal.json")


def _run(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", RUN, *arguments],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_its_file_is_known_judged_and_reported(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(POLICY)
    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    as_of = ("--as-of", "2026-06-01", "--inventory", "keys.json", "--policy", "acme.yaml")
    files = [option for suffix in REPORTS for option in ("-o", f"out.{suffix}")]
    done = _run(tmp_path, "scan", *as_of, *files)
    assert done.returncode == 1, done.stderr
    report = json.loads((tmp_path / "out.json").read_bytes())
    assert report["inventory"]["tables"]["acme_key"]["rows"] == 3
    found = {(one["rule_id"], one["resource"]["id"], one["outcome"]) for one in report["findings"]}
    assert found == {
        ("acme-age", "2", "fail"),
        ("acme-age", "3", "unknown"),
        ("acme-name", "2", "fail"),
    }
    outputs = [done.stdout, done.stderr]
    outputs += [path.read_text("utf-8") for path in tmp_path.glob("out.*")]
    assert not [text for text in outputs if CANARY in text]
    assert "old [redacted]" in done.stdout
    assert "Sentry client keys and Acme service keys" in (tmp_path / "out.sarif").read_text("utf-8")
    oscal = json.loads((tmp_path / "out.oscal.json").read_bytes())["assessment-results"]
    parts = oscal["results"][0]["local-definitions"]["components"]
    assert [part["title"] for part in parts] == ["keypolicy", "Acme"]


def test_its_tables_have_the_language_and_the_query(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(POLICY)
    (tmp_path / "keys.json").write_text(json.dumps(KEYS[:1]))
    assert _run(tmp_path, "lint", "acme.yaml").returncode == 0
    asked = ("query", "select name, age_days from acme_key", "--as-of", "2026-06-01")
    done = _run(tmp_path, *asked, "--inventory", "keys.json", "--format", "csv")
    assert "web-prod,31" in done.stdout, done.stderr


def test_a_wrong_record_is_told_precisely(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(POLICY)
    (tmp_path / "keys.json").write_text('[{"id": "1", "nick": 7, "made": "2026-05-01"}]')
    done = _run(tmp_path, "scan", "--inventory", "keys.json", "--policy", "acme.yaml")
    assert done.returncode == 2
    assert "nick" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_line_it_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text(json.dumps(KEYS))
    done = subprocess.run(
        [sys.executable, "-m", "scanner", "scan", "--inventory", "keys.json"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "records of an unknown kind" in done.stderr
