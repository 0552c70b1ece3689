"""An output that is one of the inputs is refused before anything is fetched, and left as it is."""

import json
import shutil
from pathlib import Path

import pytest

from tests.acceptance.support import TWO_KEYS, here

FILES = ("--inventory", "keys.json", "--as-of", "2026-06-01")
DEMO = ("--demo", "--as-of", "2026-06-01")

HEAD = "version: 1.0.0\ntitle: A policy\n"
BELOW = f"policy: below\n{HEAD}extends: [./base.json]\n"
BASE = f"policy: base\n{HEAD}extends: [sentry-baseline]\n"

CASES = [
    (("scan", *FILES), "keys.json"),
    (("scan", "--inventory", "."), "keys.json"),
    (("scan", "--inventory", "k*.json"), "keys.json"),
    (("scan", "--inventory", "link.json"), "keys.json"),
    (("scan", *FILES), "link.json"),
    (("scan", *FILES), "sub/../keys.json"),
    (("scan", *DEMO, "--policy", "./policy.json"), "policy.json"),
    (("scan", *DEMO, "--policy", "below.yaml"), "base.json"),
    (("scan", *FILES, "--project", "web", "--organizations-from", "fleet.txt"), "fleet.txt"),
    (("scan", *DEMO, "--ca-bundle", "fleet.txt"), "fleet.txt"),
    (("scan", *DEMO, "--waivers", "waivers.json"), "waivers.json"),
    (("scan", *DEMO, "--baseline", "known.json"), "known.json"),
    (("scan", *DEMO, "--owners", "owners.json"), "owners.json"),
    (("scan", *DEMO, "--earlier", "old.json", "-o", "r.html"), "old.json"),
    (("scan", *DEMO, "--locked-config", "locked.json"), "locked.json"),
    (("forecast", *FILES), "keys.json"),
    (("forecast", *DEMO, "--waivers", "waivers.json"), "waivers.json"),
    (("fix", "plan", *FILES), "keys.json"),
    (("fix", "plan", "--report", "old.json"), "old.json"),
    (("fix", "export", "--terraform", *FILES), "keys.json"),
    (("fix", "undo", "audit.json"), "audit.json"),
    (("fetch", "--demo", "--locked-config", "locked.json"), "locked.json"),
    (("baseline", "write", *FILES), "keys.json"),
    (("baseline", "write", *DEMO, "--waivers", "waivers.json"), "waivers.json"),
]


@pytest.mark.parametrize(("arguments", "output"), CASES, ids=lambda one: "-".join(one).strip("-"))
def test_no_input_is_overwritten(tmp_path: Path, arguments: tuple[str, ...], output: str) -> None:
    shutil.copy(TWO_KEYS, tmp_path / "keys.json")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.json").symlink_to("keys.json")
    (tmp_path / "fleet.txt").write_text("acme\n", "utf-8")
    (tmp_path / "below.yaml").write_text(BELOW, "utf-8")
    (tmp_path / "base.json").write_text(BASE, "utf-8")
    for name in ("policy", "waivers", "known", "owners", "old", "locked", "audit"):
        (tmp_path / f"{name}.json").write_text("{}", "utf-8")
    if "--earlier" in arguments:
        (tmp_path / "old.json").unlink()
        here("scan", *DEMO, "-o", "old.json", cwd=tmp_path)
    if "." in arguments:
        for path in tmp_path.glob("*.json"):
            if path.name != "keys.json":
                path.unlink()
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.*")}
    done = here(*arguments, "-o", output, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert f"{output}: is read by this command, and would be lost" in done.err
    assert "Give the output a name of its own." in done.err
    assert {path: path.read_bytes() for path in tmp_path.rglob("*.*")} == before
    assert not (tmp_path / "r.html").exists()


def test_a_baseline_is_read_and_written(tmp_path: Path) -> None:
    for _ in range(2):
        assert here("baseline", "write", *DEMO, "-o", "b.jsonl", cwd=tmp_path).code == 0
    (tmp_path / "keypolicy.yaml").write_text("baseline: b.jsonl\n", "utf-8")
    assert here("baseline", "prune", *DEMO, cwd=tmp_path).code == 0


def test_a_file_of_the_same_folder_may_be_written(tmp_path: Path) -> None:
    shutil.copy(TWO_KEYS, tmp_path / "keys.json")
    done = here("scan", *FILES, "-o", "r.json", "--policy", "sentry-baseline", cwd=tmp_path)
    assert done.code == 1
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))


@pytest.mark.parametrize(
    ("tested", "output"),
    [
        ("below.yaml", "below.yaml"),
        ("below.yaml", "below.test.yaml"),
        ("below.test.yaml", "below.yaml"),
        ("below.yaml", "base.json"),
        (".", "below.test.yaml"),
    ],
)
def test_results_of_test_cases_go_over_nothing_that_was_tested(
    tmp_path: Path, tested: str, output: str
) -> None:
    (tmp_path / "below.yaml").write_text(BELOW, "utf-8")
    (tmp_path / "base.json").write_text(BASE, "utf-8")
    (tmp_path / "below.test.yaml").write_text("policy: below\ncases: []\n", "utf-8")
    before = (tmp_path / output).read_bytes()
    done = here("test", tested, "--junit", output, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert f"{output}: is read by this command, and would be lost" in done.err
    assert (tmp_path / output).read_bytes() == before


WRITERS = (
    ("scan", *DEMO, "-o"),
    ("fetch", "--demo", "-o"),
    ("forecast", *DEMO, "-o"),
    ("fix", "plan", *DEMO, "-o"),
    ("baseline", "write", *DEMO, "-o"),
    ("history", "list", "-o"),
    ("history", "replay", "latest", "-o"),
    ("evidence", "export", "latest", "-o"),
    ("test", "sentry-baseline", "--junit"),
)


def test_nothing_is_written_into_a_kept_run(tmp_path: Path) -> None:
    """Neither over a part of it nor beside one, by whatever name the folder goes."""
    kept = {"KEYPOLICY_HISTORY": "kept"}
    assert here("scan", *DEMO, cwd=tmp_path, **kept).code == 1
    (run,) = (tmp_path / "kept").glob("*/")
    (tmp_path / "link").symlink_to(run)
    sealed = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    for number, command in enumerate(WRITERS):
        place = ("link/manifest.json", f"{run}/new.json", f"{run}/policies/new.json")[number % 3]
        done = here(*command, place, cwd=tmp_path, **kept)
        assert done.code == 2, (command, done.out + done.err)
        assert "is in a kept run" in done.err, (command, done.err)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == sealed
    assert here("scan", *DEMO, "-o", "kept/beside.json", cwd=tmp_path).code == 1
