"""`keypolicy init`, and that what it writes works at once."""

import subprocess
import sys
from pathlib import Path

import pytest

from scanner.cli.main import VERBS
from tests.acceptance.support import here

WRITTEN = [
    ".github/workflows/keypolicy.yml",
    ".keypolicy/config.schema.json",
    ".keypolicy/policy-tests.schema.json",
    ".keypolicy/policy.schema.json",
    "keypolicy.yaml",
    "policies/our-keys.test.yaml",
    "policies/our-keys.yaml",
]


def _files(folder: Path) -> list[str]:
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_an_empty_repository_scans_green(tmp_path: Path) -> None:
    done = here("init", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert _files(tmp_path) == WRITTEN
    scan = here("scan", "--demo", cwd=tmp_path)
    assert scan.code == 0
    assert scan.out.startswith("PASSED")
    assert "our-keys 0.1.0" in scan.out


@pytest.mark.parametrize("verb", ["lint", "test"])
def test_its_policies_lint_and_test(verb: str, tmp_path: Path) -> None:
    assert verb in VERBS
    assert here("init", cwd=tmp_path).code == 0
    done = here(verb, "policies", cwd=tmp_path)
    assert done.code == 0, done.out + done.err


def test_the_gate_is_a_gate(tmp_path: Path) -> None:
    assert here("init", cwd=tmp_path).code == 0
    done = here("scan", "--demo", "--param", "adopted=2020-01-01", cwd=tmp_path)
    assert done.code == 1
    assert here("scan", "--demo", "--fail-on", "high", cwd=tmp_path).code == 1


def test_its_workflow_has_nothing_for_an_auditor_of_workflows(tmp_path: Path) -> None:
    assert here("init", cwd=tmp_path).code == 0
    zizmor = Path(sys.executable).parent / "zizmor"
    workflow = ".github/workflows/keypolicy.yml"
    audit = subprocess.run(
        [zizmor, "--offline", "--no-progress", "--format", "plain", workflow],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert audit.returncode == 0, audit.stdout
    assert "No findings to report" in audit.stdout
    assert "(ignored)" not in audit.stdout


def test_into_another_folder(tmp_path: Path) -> None:
    done = here("init", "new/place", cwd=tmp_path)
    assert done.code == 0
    assert _files(tmp_path / "new" / "place") == WRITTEN
    assert "  cd new/place\n" in done.out


def test_it_never_overwrites_unasked(tmp_path: Path) -> None:
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "our-keys.yaml").write_text("mine")
    done = here("init", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert "policies/our-keys.yaml" in done.err
    assert _files(tmp_path) == ["policies/our-keys.yaml"]
    assert here("init", "--force", cwd=tmp_path).code == 0
    assert (tmp_path / "policies" / "our-keys.yaml").read_text("utf-8") != "mine"


def test_what_it_writes_works_from_a_folder_below(tmp_path: Path) -> None:
    here("init", cwd=tmp_path)
    (tmp_path / "sub").mkdir()
    above, below = (
        here(
            "scan",
            "--demo",
            "--as-of",
            "2026-11-01T00:00:00Z",
            "--format",
            "csv",
            cwd=folder,
            HOME=str(tmp_path),
        )
        for folder in (tmp_path, tmp_path / "sub")
    )
    assert (below.code, below.out) == (above.code, above.out)
    assert below.code == 0
    assert below.out


def test_where_no_folder_can_be_it_says_what_to_name(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("x")
    done = here("init", "taken", cwd=tmp_path)
    assert done.code == 2
    assert "taken: File exists" in done.err
    assert "keypolicy init DIR" in done.err
