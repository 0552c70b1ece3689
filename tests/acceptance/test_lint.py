from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.support import ROOT, here
from tests.corpus import names, unpack
from tests.unit.authoring.files import write_cases, write_policy

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = {"r": "where: is_active\nrequire: is_activ"}


@pytest.mark.parametrize("name", ["sentry-baseline", "sentry-strict", "sentry-tokens"])
def test_shipped_policies_are_clean(tmp_path: Path, name: str) -> None:
    done = here("lint", name, "--strict", cwd=tmp_path)
    assert (done.code, done.out) == (0, "")
    assert "nothing to complain of" in done.err


def test_lint_refuses_together_what_scan_refuses_together(tmp_path: Path) -> None:
    linted = here("lint", "sentry-baseline", "sentry-strict", cwd=tmp_path)
    both = ("--policy", "sentry-baseline", "--policy", "sentry-strict")
    scanned = here("scan", "--demo", *both, cwd=tmp_path)
    assert (linted.code, scanned.code) == (2, 2)
    assert "do not ask the same" in linted.out
    assert "do not ask the same" in scanned.err


def test_an_error_has_its_place_its_line_and_a_hint(tmp_path: Path) -> None:
    write_policy(tmp_path, BROKEN)
    done = here("lint", "p.yaml", cwd=tmp_path)
    assert done.code == 2
    assert (
        "p.yaml:9:14: error: The predicate names an unknown column `is_activ` of sentry_key"
        " [unknown-column]\n"
        "  |     require: is_activ\n"
        "  |              ^\n"
        "  Did you mean `is_active`?\n"
    ) in done.out
    assert done.err == "1 policy, 1 rule: 1 error, 1 warning.\n"


def test_warnings_alone_are_fine_unless_strict(tmp_path: Path) -> None:
    write_policy(tmp_path, {"r": "require: is_active"})
    assert here("lint", "p.yaml", cwd=tmp_path).code == 0
    assert here("lint", "p.yaml", "--strict", cwd=tmp_path).code == 2


@pytest.mark.parametrize("name", ["json", "sarif", "github", "text"])
def test_formats(tmp_path: Path, name: str) -> None:
    write_policy(tmp_path, BROKEN)
    done = here("lint", "p.yaml", "--format", name, cwd=tmp_path)
    assert done.code == 2
    if name in {"json", "sarif"}:
        assert json.loads(done.out)
    assert "unknown-column" in done.out


def test_broken_cases_beside_the_policy_are_errors(tmp_path: Path) -> None:
    write_policy(tmp_path, {"r": "require: is_active"})
    write_cases(tmp_path, "- {name: c, rule: nope, pass: [{}]}")
    done = here("lint", ".", cwd=tmp_path)
    assert done.code == 2
    assert "p.test.yaml:4:21: error:" in done.out


@pytest.mark.parametrize(
    "content", [b"", b"\xff\xfe", b"a: [", b"\x00", b"- 1", b"policy: &a [*a]"]
)
def test_what_is_no_policy_is_told_with_a_place(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "p.yaml").write_bytes(content)
    done = here("lint", "p.yaml", cwd=tmp_path)
    assert done.code == 2
    assert done.out.startswith("p.yaml:")


def test_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    write_policy(tmp_path, {"r": 'require: "name = \\e[31m"'})
    done = here("lint", "p.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "\x1b" not in done.out + done.err


@pytest.mark.parametrize("verb", ["lint", "test"])
@pytest.mark.parametrize("path", ["nope.yaml", "sentry-basline", "nope.test.yaml", "/"])
def test_what_names_no_policy_is_a_usage_error(tmp_path: Path, verb: str, path: str) -> None:
    done = here(verb, path, cwd=tmp_path)
    assert done.code == 2
    assert done.err.startswith("keypolicy: ")


def test_the_whole_loader_corpus_is_refused(tmp_path: Path) -> None:
    corpus = ROOT / "tests" / "unit" / "policy" / "files" / "broken"
    folder = unpack(corpus, tmp_path / "broken")
    files = [folder / name for name in names(corpus)]
    done = here("lint", *files, "--format", "json", cwd=tmp_path)
    assert done.code == 2
    told = {one["file"] for one in json.loads(done.out)["diagnostics"] if one["level"] == "error"}
    # Those that extend a broken file are told in that file.
    assert len(told) >= len(files) - 10
