"""The files that travel with the product are found however it was installed."""

import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from scanner.base import resources

ROOT = Path(__file__).parents[3]
SCRIPT = """
import json, scanner.base.resources as r
print(json.dumps([str(r.policies_dir()), str(r.templates_dir()), str(r.schema_path("config"))]))
"""


def _places(*, path: Path, cwd: Path) -> list[Path]:
    """Ask a fresh interpreter that finds the package in `path` and nowhere else."""
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(path)!r}){SCRIPT}"],
        capture_output=True,
        text=True,
        check=True,
        cwd=cwd,
    )
    return [Path(place) for place in json.loads(done.stdout)]


def test_in_a_checkout() -> None:
    assert resources.policies_dir() == ROOT / "policies"
    assert resources.templates_dir() == ROOT / "reports" / "templates"
    assert resources.schema_path("config") == ROOT / "scanner" / "schemas" / "config.json"
    assert resources.schema_path("config").is_file()


def test_from_another_folder(tmp_path: Path) -> None:
    policies, templates, schema = _places(path=ROOT, cwd=tmp_path)
    assert policies == ROOT / "policies"
    assert templates == ROOT / "reports" / "templates"
    assert schema.is_file()


def test_an_installed_package_brings_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scanner" / "_data" / "policies").mkdir(parents=True)
    monkeypatch.setattr(resources, "_PACKAGE", tmp_path / "scanner")
    assert resources.policies_dir() == tmp_path / "scanner" / "_data" / "policies"
    assert resources.templates_dir() == tmp_path / "reports" / "templates"


def test_in_a_wheel(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="building a wheel offline takes hatchling here")
    build = "import hatchling.build, sys; hatchling.build.build_wheel(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (wheel,) = tmp_path.glob("*.whl")
    unpacked = tmp_path / "site"
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(unpacked)
    policies, templates, schema = _places(path=unpacked, cwd=tmp_path)
    assert policies == unpacked / "scanner" / "_data" / "policies"
    assert templates == unpacked / "scanner" / "_data" / "templates"
    for there, here in ((policies, ROOT / "policies"), (templates, ROOT / "reports/templates")):
        assert _files(there) == _files(here)
    assert schema.is_file()
    assert (unpacked / "scanner" / "providers" / "sentry" / "demo.json").is_file()
    assert (unpacked / "scanner" / "py.typed").is_file()
    assert not (unpacked / "tests").exists()


def test_a_source_distribution_can_be_tested(tmp_path: Path) -> None:
    pytest.importorskip("hatchling", reason="building it offline takes hatchling here")
    build = "import hatchling.build, sys; hatchling.build.build_sdist(sys.argv[1])"
    subprocess.run(
        [sys.executable, "-c", build, str(tmp_path)], cwd=ROOT, check=True, capture_output=True
    )
    (archive,) = tmp_path.glob("*.tar.gz")
    listed = subprocess.run(
        [sys.executable, "-m", "tarfile", "-l", archive], check=True, capture_output=True, text=True
    )
    found = {line.partition("/")[2].strip() for line in listed.stdout.splitlines()}
    # What README calls, and what the tests read.
    wanted = (".ci/run", ".ci/test", ".importlinter", ".pre-commit-hooks.yaml", "pyproject.toml")
    assert found.issuperset(wanted)
    folders = ("scanner", "tests", "benchmarks")
    here = {str(one.relative_to(ROOT)) for name in folders for one in (ROOT / name).rglob("*.py")}
    assert found.issuperset(here)


def _files(folder: Path) -> dict[str, bytes]:
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
