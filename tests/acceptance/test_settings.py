"""The gate's settings: seen in reports, locked to a file, and shipped names are taken."""

import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest

from scanner.base.resources import policies_dir
from tests.acceptance.support import TWO_KEYS, Result, here, report

DEMO = ("--demo", "--as-of", "2026-06-01")
LOOSE_YAML = "fail_on: never\n"
LOOSE_VARIABLE = {"KEYPOLICY_FAIL_ON": "never"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ci.yaml").write_text("fail_on: high\n", "utf-8")
    return tmp_path


def settings_of(path: Path) -> dict[str, dict[str, object]]:
    return {one["name"]: one for one in report(path)["gate"]["settings"]}


@pytest.mark.parametrize(
    ("file", "text", "environment", "flags", "origin"),
    [
        ("keypolicy.yaml", "fail_on: never\n", {}, (), "fail_on in keypolicy.yaml:1:1"),
        (".env", "KEYPOLICY_FAIL_ON=never\n", {}, (), "KEYPOLICY_FAIL_ON in .env"),
        ("other", "", LOOSE_VARIABLE, (), "KEYPOLICY_FAIL_ON"),
        ("other", "", {}, ("--fail-on", "never"), "--fail-on"),
    ],
)
def test_what_loosens_the_gate_is_seen_with_its_origin(
    folder: Path,
    file: str,
    text: str,
    environment: dict[str, str],
    flags: tuple[str, ...],
    origin: str,
) -> None:
    (folder / file).write_text(text, "utf-8")
    done = here("scan", *DEMO, *flags, "-q", "-o", "r.json", cwd=folder, **environment)
    assert done.code == 0
    assert f"loosened: fail_on is never ({origin})" in done.out
    assert "compliant" not in done.out
    assert "Exit code 0: the gate passed, with 72 open findings" in " ".join(done.out.split())
    setting = settings_of(folder / "r.json")["fail_on"]
    assert setting == {"name": "fail_on", "value": "never", "origin": origin, "looser": True}


def test_a_locked_file_alone_decides(folder: Path) -> None:
    (folder / "keypolicy.yaml").write_text("fail_on: never\non_unknown: ignore\n", "utf-8")
    (folder / ".env").write_text("KEYPOLICY_ALLOW_PARTIAL=1\n", "utf-8")
    scan = ("scan", *DEMO, "-o", "r.json")
    assert here(*scan, cwd=folder, **LOOSE_VARIABLE).code == 0
    for flags, environment in (
        (("--locked-config", "ci.yaml"), LOOSE_VARIABLE),
        ((), {**LOOSE_VARIABLE, "KEYPOLICY_CONFIG_ONLY": "ci.yaml"}),
    ):
        done = here(*scan, *flags, cwd=folder, **environment)
        assert done.code == 1
        assert "KEYPOLICY_FAIL_ON is not read: settings are locked to ci.yaml" in done.err
        found = settings_of(folder / "r.json")
        assert found["fail_on"]["value"] == "high"
        assert found["fail_on"]["origin"] == "fail_on in ci.yaml:1:1"
        assert found["on_unknown"]["origin"] == "the default"
        assert found["allow_partial"]["value"] == "false"
        assert found["locked_config"]["value"] == "ci.yaml"
    flag = here(*scan, "--locked-config", "ci.yaml", "--fail-on", "never", cwd=folder)
    assert flag.code == 0  # whoever locks the settings writes the command, too


@pytest.mark.parametrize(
    "arguments",
    [
        ("scan", *DEMO),
        ("baseline", "write", *DEMO, "-o", "b.jsonl"),
        ("query", "SELECT 1", *DEMO),
        ("explain", "key-max-age"),
        ("waivers", "check"),
        ("fetch", *DEMO, "-o", "i.jsonl"),
        ("rules",),
    ],
)
def test_every_verb_that_reads_settings_can_be_locked(
    folder: Path, arguments: tuple[str, ...]
) -> None:
    os.mkfifo(folder / "fifo")
    for name in ("", "none.yaml", ".", "fifo"):
        done = here(*arguments, "--locked-config", name, cwd=folder)
        assert done.code == 2
        told = f"{name!r} is not a regular file" if name in {".", "fifo"} else f"no file {name!r}"
        assert told in done.err
        assert "--locked-config: " in done.err
    locked = {"KEYPOLICY_CONFIG_ONLY": "none.yaml"}
    assert here(*arguments, cwd=folder, **locked).code == 2
    other = here(*arguments, "--locked-config", "ci.yaml", cwd=folder, **locked)
    assert other.code == 2
    assert "Leave one of the two out" in other.err
    (folder / ".env").write_text("KEYPOLICY_CONFIG_ONLY=ci.yaml\n", "utf-8")
    refused = here(*arguments, cwd=folder)
    assert refused.code == 2
    assert "KEYPOLICY_CONFIG_ONLY in .env: settings are not locked" in refused.err
    (folder / "keypolicy.yaml").write_text("nonsense: 1\n", "utf-8")
    (folder / "waivers.yaml").write_text("waivers: []\n", "utf-8")
    assert here(*arguments, cwd=folder).code == 2
    locked = {"KEYPOLICY_CONFIG_ONLY": "ci.yaml"}
    assert here(*arguments, cwd=folder, **locked).code in {0, 1}


IMPOSTOR = """\
policy: sentry-baseline
version: 1.0.0
title: Nothing
rules:
  - id: nothing
    title: Nothing
    resource: sentry_key
    severity: low
    require: id IS NOT NULL
"""


@pytest.mark.parametrize("name", ["sentry-baseline", "sentry-strict", "sentry-tokens"])
def test_the_name_of_a_shipped_policy_is_taken(tmp_path: Path, name: str) -> None:
    text = IMPOSTOR.replace("sentry-baseline", name)
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    child = text.replace(f"policy: {name}", "policy: mine\nextends: [./p.yaml]")
    (tmp_path / "child.yaml").write_text(child.replace("id: nothing", "id: more"), "utf-8")
    (tmp_path / "keypolicy.yaml").write_text("policies: [./p.yaml]\n", "utf-8")
    for arguments in (
        ("scan", *DEMO),
        ("scan", *DEMO, "--policy", "p.yaml"),
        ("scan", *DEMO, "--policy", "child.yaml"),
        ("lint", "p.yaml"),
        ("test", "p.yaml"),
        ("rules",),
        ("explain", "nothing", "--policy", "p.yaml"),
    ):
        done = here(*arguments, cwd=tmp_path)
        assert done.code == 2, arguments
        told = done.out + done.err
        assert "p.yaml:1:9: " in told, arguments
        assert f"`{name}` is the name of a shipped policy" in told
        assert "a name of its own" in told


def test_the_shipped_files_and_copies_of_them_stay_usable(tmp_path: Path) -> None:
    shutil.copytree(policies_dir(), tmp_path / "policies")
    for path in (policies_dir() / "sentry-strict.yaml", "policies/sentry-baseline.yaml"):
        assert here("lint", path, cwd=tmp_path).code == 0
    copy = here("scan", *DEMO, "--policy", "policies/sentry-baseline.yaml", cwd=tmp_path)
    assert copy.code == 1
    changed = tmp_path / "policies" / "sentry-baseline.yaml"
    changed.write_text(changed.read_text("utf-8") + "# changed\n", "utf-8")
    assert here("lint", "policies/sentry-baseline.yaml", cwd=tmp_path).code == 2


def test_unknown_outcomes_can_be_let_through_with_a_warning(tmp_path: Path) -> None:
    scan = ("scan", *DEMO, "--fail-on", "never", "--format", "github")
    said = "13 unknown outcomes did not count against the gate (on_unknown is warn)"
    warned = here(*scan, "--on-unknown", "warn", cwd=tmp_path)
    assert (warned.code, warned.err) == (0, f"keypolicy: warning: {said}\n")
    assert f"::warning title=keypolicy::{said}" in warned.out
    for other in ("fail", "ignore"):
        done = here(*scan, "--on-unknown", other, cwd=tmp_path)
        assert said not in done.out + done.err


def test_a_query_tells_which_table_it_did_not_see(tmp_path: Path) -> None:
    (tmp_path / "keys.json").write_text('[{"id": "a", "public": "a"}]', "utf-8")
    query = ("query", "--inventory", "keys.json", "--format", "jsonl")
    absent = here(*query, "SELECT count(*) AS n FROM sentry_project", cwd=tmp_path)
    assert json.loads(absent.out) == {"n": 0}
    assert absent.err == ("keypolicy: warning: sentry_project is absent: not in the inventory\n")
    seen = here(*query, "SELECT count(*) AS n FROM sentry_key", cwd=tmp_path)
    assert (json.loads(seen.out), seen.err) == ({"n": 1}, "")


def test_the_summary_has_examples_of_every_rule(tmp_path: Path) -> None:
    keys = [
        {"id": f"{n:05}", "public": "p", "name": f"key {n}", "isActive": True} for n in range(3_000)
    ]
    (tmp_path / "keys.json").write_text(json.dumps(keys), "utf-8")
    rules = "".join(
        f"  - {{id: r{n}, title: T, resource: sentry_key, severity: low, require: id = 'x'}}\n"
        for n in range(3)
    )
    text = f"policy: mine\nversion: 1.0.0\ntitle: Mine\nrules:\n{rules}"
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    done = here("scan", "--inventory", "keys.json", "--policy", "p.yaml", cwd=tmp_path)
    assert done.out.count("... and 2,997 more") == 3


NOT_APPLIED: list[tuple[dict[str, str], dict[str, str], list[str]]] = [
    ({}, {"SENTRY_ORG": "acme", "SENTRY_PROJECT": "web"}, ["SENTRY_ORG", "SENTRY_PROJECT"]),
    ({}, {"SENTRY_ORG": "acme"}, ["SENTRY_ORG"]),
    ({}, {"SENTRY_PROJECT": "web"}, ["SENTRY_PROJECT"]),
    ({".env": "SENTRY_ORG=acme\n"}, {}, ["SENTRY_ORG in .env"]),
    ({"keypolicy.yaml": "projects: [web]\n"}, {}, ["projects in keypolicy.yaml:1:1"]),
    ({".sentryclirc": "[defaults]\norg = acme\n"}, {}, ["org of [defaults]"]),
]
OF_FILES = [
    ("query", "select 1", "--inventory", str(TWO_KEYS)),
    ("query", "select 1", "--demo"),
    ("scan", "--inventory", str(TWO_KEYS), "-o", "r.json"),
    ("forecast", *DEMO),
]


@cache
def _plain(arguments: tuple[str, ...]) -> Result:
    """What a command does where nothing is set."""
    with tempfile.TemporaryDirectory() as folder:
        return here(*arguments, cwd=Path(folder))


@pytest.mark.parametrize(
    ("files", "environment", "origins", "arguments"),
    [
        *((*setting, OF_FILES[0]) for setting in NOT_APPLIED),
        *((*NOT_APPLIED[0], arguments) for arguments in OF_FILES[1:]),
    ],
)
def test_what_is_not_applied_to_files_is_warned_of(
    folder: Path,
    files: dict[str, str],
    environment: dict[str, str],
    origins: list[str],
    arguments: tuple[str, ...],
) -> None:
    plain = _plain(arguments)
    assert "not applied" not in plain.err
    for name, text in files.items():
        (folder / name).write_text(text, "utf-8")
    done = here(*arguments, cwd=folder, **environment)
    assert done.code == plain.code
    (line,) = [one for one in done.err.splitlines() if "not applied" in one]
    assert line.startswith("keypolicy: warning: ")
    assert all(origin in line for origin in origins)
    flags = ("--org", "acme", "--project", "web")
    assert "not applied" not in here(*arguments, *flags, cwd=folder, **environment).err


@pytest.mark.parametrize(
    ("file", "text", "where"),
    [
        ("keypolicy.yaml", "fail_on: low\npolicies: [nope]\n", "policies in keypolicy.yaml:2:1"),
        ("keypolicy.yaml", "policies: nope.yaml\n", "policies in keypolicy.yaml:1:1"),
        ("keypolicy.yaml", "policies: [bare/]\n", "policies in keypolicy.yaml:1:1: bare"),
        (".env", "KEYPOLICY_POLICY=nope\n", "KEYPOLICY_POLICY in .env"),
    ],
)
def test_a_policy_that_is_not_there_is_told_where_it_is_named(
    tmp_path: Path, file: str, text: str, where: str
) -> None:
    (tmp_path / "bare").mkdir()
    (tmp_path / file).write_text(text, "utf-8")
    for command in (
        ["scan", *DEMO],
        ["explain", "key-max-age"],
        ["explain", "--merged"],
        ["rules"],
    ):
        done = here(*command, cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert done.err.startswith(f"keypolicy: {where}: ")
        assert "--policy" not in done.err
