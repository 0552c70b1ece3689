"""What the system refuses, and times at the ends of the calendar: exit code 2, never 4."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.acceptance.support import ROOT, here

LONG = "n" * 300
VERBS = {
    "scan": ("scan", "--demo"),
    "scan json": ("scan", "--demo", "--format", "json"),
    "query": ("query", "SELECT * FROM sentry_key", "--demo"),
    "rules": ("rules",),
    "lint": ("lint", "bad.yaml"),
    "test": ("test", "sentry-baseline"),
    "explain": ("explain", "key-max-age"),
    "schema": ("schema", "policy"),
}


def _shell(command: str, *arguments: str, cwd: Path) -> tuple[int, str]:
    """Run keypolicy with a shell's setting before it."""
    environment = {
        k: v for k, v in os.environ.items() if not k.startswith(("SENTRY_", "KEYPOLICY"))
    }
    done = subprocess.run(
        ["sh", "-c", command, "sh", sys.executable, "-m", "scanner", *arguments],
        cwd=cwd,
        env={**environment, "PYTHONPATH": str(ROOT), "HOME": str(cwd)},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("verb", VERBS.values(), ids=list(VERBS))
def test_standard_output_on_a_full_disk(tmp_path: Path, verb: tuple[str, ...]) -> None:
    (tmp_path / "bad.yaml").write_text("policy: x\n")
    code, told = _shell('exec "$@" > /dev/full', *verb, cwd=tmp_path)
    assert code == 2
    assert "No space left on device" in told
    assert "fault of keypolicy" not in told
    assert "Traceback" not in told
    assert "Exception ignored" not in told


@pytest.mark.parametrize(
    ("blocks", "verb"),
    [
        (0, ("scan", "--demo", "-o", "r.json")),
        (1, ("scan", "--demo", "-o", "r.json")),
        (0, ("fetch", "--demo", "-o", "i.jsonl")),
        (1, ("fetch", "--demo", "-o", "i.jsonl")),
        (1, ("fetch", "--demo", "-o", "i.parquet")),
        (1, ("baseline", "write", "--demo", "-o", "b.jsonl")),
        (0, ("test", "sentry-baseline", "--junit", "j.xml")),
        (0, ("init",)),
        (1, ("init",)),
    ],
)
def test_files_that_may_not_grow(tmp_path: Path, blocks: int, verb: tuple[str, ...]) -> None:
    work = tmp_path / "work"
    work.mkdir()
    code, told = _shell(f'ulimit -f {blocks}; exec "$@"', *verb, cwd=work)
    assert code == 2, told
    assert "fault of keypolicy" not in told
    assert "Traceback" not in told
    left = [path.name for path in work.rglob("*") if path.is_file()]
    assert left == []


@pytest.mark.parametrize("path", [f"{LONG}.json", "no/such/r.json", "folder.json", "loop.json"])
def test_the_path_of_a_result_is_tried_first(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder.json").mkdir()
    (tmp_path / "loop.json").symlink_to("loop.json")
    before = sorted(tmp_path.iterdir())
    for verb in (
        ("scan", "--inventory", "missing.json", "-o"),
        ("baseline", "write", "--inventory", "missing.json", "-o"),
        ("fetch", "-o"),
    ):
        done = here(*verb, path, cwd=tmp_path)
        assert done.code == 2
        assert path in done.err
        assert "missing.json" not in done.err, "the inventory was looked at first"
    assert sorted(tmp_path.iterdir()) == before


def test_two_reports_of_one_name(tmp_path: Path) -> None:
    (tmp_path / "link.json").symlink_to("r.json")
    done = here("scan", "--demo", "-o", "r.json", "-o", "./link.json", cwd=tmp_path)
    assert done.code == 2
    assert "same file as r.json" in done.err
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("name", ["i.jsonl", "i.json", "i.parquet"])
def test_fetches_into_one_file_at_once(tmp_path: Path, name: str) -> None:
    command = [sys.executable, "-m", "scanner", "fetch", "--demo", "-q", "-o", name]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(tmp_path)}
    running = [subprocess.Popen(command, cwd=tmp_path, env=environment) for _ in range(4)]
    assert [one.wait(120) for one in running] == [0] * 4
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert here("scan", "--inventory", name, "-q", cwd=tmp_path).code == 1


TIMES = [
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59-14:00",
    "0001-01-01",
    "9999-12-31",
    "1969-12-31T23:59:59Z",
]


@pytest.mark.parametrize("time", TIMES)
def test_times_at_the_ends_of_the_calendar(tmp_path: Path, time: str) -> None:
    for verb in (
        ("scan", "--demo"),
        ("query", "SELECT 1", "--demo"),
        ("baseline", "write", "--demo", "-o", "b.jsonl"),
        ("waivers", "list", "w.yaml"),
    ):
        done = here(*verb, "--as-of", time, cwd=tmp_path)
        assert done.code == 2
        assert "--as-of" in done.err


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a baseline and a report."""
    folder = tmp_path_factory.mktemp("written")
    assert here("baseline", "write", "--demo", "-o", "b.jsonl", cwd=folder).code == 0
    assert here("scan", "--demo", "-o", "r.json", cwd=folder).code == 1
    return folder


@pytest.mark.parametrize("time", TIMES)
def test_times_in_files_at_the_ends_of_the_calendar(
    tmp_path: Path, written: Path, time: str
) -> None:
    time = time if "T" in time else f"{time}T00:00:00Z"
    head, line, *_ = (written / "b.jsonl").read_text().splitlines()
    entry = json.loads(line) | {"first_seen": time}
    (tmp_path / "b.jsonl").write_text(f"{head}\n{json.dumps(entry)}\n")
    for verb in (("scan", "--demo", "--baseline"), ("baseline", "prune", "--demo", "-o")):
        done = here(*verb, "b.jsonl", cwd=tmp_path)
        assert done.code == 2
        assert "b.jsonl:2" in done.err
    report = json.loads((written / "r.json").read_text())
    report["run"]["as_of"] = time
    (tmp_path / "r.json").write_text(json.dumps(report))
    done = here("scan", "--demo", "--earlier", "r.json", cwd=tmp_path)
    assert done.code == 2
    assert "r.json" in done.err


def test_a_policy_test_at_the_end_of_the_calendar(tmp_path: Path) -> None:
    policy = "policy: p\nversion: 1.0.0\ntitle: P\nrules: [{id: r, resource: sentry_key,"
    (tmp_path / "p.yaml").write_text(f"{policy} severity: low, check: {{max_age: 90d}}}}]\n")
    case = "cases: [{name: a, rule: r, pass: [{date_created: 2026-01-01T00:00:00Z}]}]\n"
    (tmp_path / "p.test.yaml").write_text(f"policy: p\nas_of: '{TIMES[0]}'\n{case}")
    for verb in ("test", "lint"):
        done = here(verb, "p.yaml", cwd=tmp_path)
        assert done.code == 2
        assert "p.test.yaml:2" in done.out


def test_no_home(tmp_path: Path) -> None:
    code, told = _shell('unset HOME; exec "$@"', "scan", "--demo", "-q", cwd=tmp_path)
    assert code == 1, told


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
@pytest.mark.parametrize("name", ["terminal", "json", "csv", "prometheus"])
def test_nothing_is_printed_beside_a_report_that_cannot_be_written(
    tmp_path: Path, name: str
) -> None:
    (tmp_path / "r.html").symlink_to("/dev/full")
    done = here("scan", "--demo", "-o", "r.html", "-o", "r.json", "--format", name, cwd=tmp_path)
    assert done.code == 2
    assert "r.html" in done.err
    assert "No space left on device" in done.err
    assert done.out == ""
    assert not (tmp_path / "r.json").exists()
