"""Streams and arguments as the surroundings leave them change no verdict, and are no fault."""

import io
import json
import os
import re
import subprocess
import sys
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from scanner.cli.main import main
from tests.acceptance.support import ROOT, TWO_KEYS, Result, here

UNREAD = 141
ASCII = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
LATIN = {"PYTHONIOENCODING": "latin-1"}
DEMO = ("--demo", "--as-of", "2026-11-20T00:00:00Z")
VERBS = {
    "scan": ("scan", *DEMO),
    "json": ("scan", *DEMO, "--format", "json"),
    "passes": ("scan", *DEMO, "--fail-on", "never"),
    "forecast": ("forecast", *DEMO),
    "lint": ("lint", "good.yaml"),
    "lint-bad": ("lint", "bad.yaml"),
    "test": ("test", "sentry-baseline"),
    "plan": ("fix", "plan", *DEMO),
    "query": ("query", "select * from sentry_key", *DEMO),
    "query-json": ("query", "select * from sentry_key", *DEMO, "--format", "json"),
    "rules": ("rules",),
    "explain": ("explain", "key-max-age"),
    "schema": ("schema", "policy"),
    "wrong": ("scan", *DEMO, "--policy", "none"),
    "wrong-argument": ("scan", "--none"),
}  # fmt: skip
FOR_THEIR_OUTPUT = {"query", "query-json", "rules", "explain", "schema"}


class Told(NamedTuple):
    code: int
    out: bytes
    err: str


def with_policies(folder: Path) -> Path:
    (folder / "bad.yaml").write_text("policy: x\n", "utf-8")
    (folder / "good.yaml").write_text(
        "policy: mine\nversion: 1.0.0\ntitle: Mine\nrules:\n"
        "  - {id: r, title: R, resource: sentry_key, severity: low, require: is_active}\n",
        "utf-8",
    )
    return folder


def shell(command: str, *arguments: str | bytes, cwd: Path, **environment: str) -> Told:
    ours = ("SENTRY_", "KEYPOLICY", "PYTHON", "LC_", "LANG")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(ours)}
    done = subprocess.run(
        ["bash", "-c", command, "bash", sys.executable, "-m", "scanner", *arguments],
        cwd=with_policies(cwd),
        env={**inherited, "PYTHONPATH": str(ROOT), "HOME": str(cwd), **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )
    told = Told(done.returncode, done.stdout, done.stderr.decode())
    for sign in ("fault of keypolicy", "Traceback", "Exception ignored"):
        assert sign not in told.err
    return told


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Result]:
    """What each verb does when nothing is amiss."""
    folder = with_policies(tmp_path_factory.mktemp("sound"))
    return {name: here(*verb, cwd=folder) for name, verb in VERBS.items()}


@pytest.fixture(scope="module")
def codes(sound: dict[str, Result]) -> dict[str, int]:
    return {name: done.code for name, done in sound.items()}


def test_the_verbs_end_in_many_ways(codes: dict[str, int]) -> None:
    assert {codes[name] for name in VERBS} == {0, 1, 2}


# A verb that is in vain without a reader both ways, and one of the others; the rest one way.
BOTH_WAYS = {"query", "scan"}
ONE_WAY = [name for name in VERBS if name not in BOTH_WAYS]


@pytest.mark.parametrize("name", sorted({*BOTH_WAYS, *ONE_WAY[::2]}))
def test_standard_output_that_is_closed(tmp_path: Path, codes: dict[str, int], name: str) -> None:
    told = shell('"$@" >&-', *VERBS[name], cwd=tmp_path)
    assert told.code == (2 if name in FOR_THEIR_OUTPUT else codes[name])
    assert ("standard output is closed" in told.err) == (name in FOR_THEIR_OUTPUT)


@pytest.mark.parametrize("name", sorted({*BOTH_WAYS, *ONE_WAY[1::2]}))
def test_a_reader_that_goes_away(tmp_path: Path, codes: dict[str, int], name: str) -> None:
    # The reader is gone before anything is written: how much a pipe takes does not matter.
    command = 'exec 3> >(exec true); sleep 0.3; "$@" >&3'
    told = shell(command, *VERBS[name], cwd=tmp_path)
    assert told.code == (UNREAD if name in FOR_THEIR_OUTPUT else codes[name])


CLOSED = ["2>&-", "2>/dev/full", "2>&- <&-"]


# Every third verb one way, and all ways one that has no more to say, and one that has.
@pytest.mark.parametrize(
    ("name", "how"),
    sorted(
        {
            *((name, CLOSED[n % len(CLOSED)]) for n, name in enumerate([*VERBS][::3])),
            *product(("scan", "wrong"), CLOSED),
        }
    ),
)
def test_standard_error_that_takes_nothing(
    tmp_path: Path, codes: dict[str, int], name: str, how: str
) -> None:
    assert shell(f'"$@" {how}', *VERBS[name], cwd=tmp_path).code == codes[name]


@pytest.mark.parametrize("name", sorted({*BOTH_WAYS, *ONE_WAY[1::2]}))
def test_standard_output_of_text_alone(
    tmp_path: Path, name: str, sound: dict[str, Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A standard output that takes no bytes, as that of a notebook."""
    monkeypatch.chdir(with_policies(tmp_path))
    with monkeypatch.context() as patched:
        text = io.StringIO()
        patched.setattr(sys, "stdout", text)
        assert main(VERBS[name]) == sound[name].code
    ours = re.compile(r'"(?:id|started_at|finished_at)": "[^"]*"')
    assert ours.sub("", text.getvalue()) == ours.sub("", sound[name].out)


def test_standard_output_of_text_takes_no_binary_report(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = io.StringIO()
    monkeypatch.setattr(sys, "stdout", text)
    assert (main(("scan", "--demo", "--format", "parquet")), text.getvalue()) == (2, "")
    assert "-o FILE" in capsys.readouterr().err


def test_a_file_is_never_taken_for_a_stream_that_is_closed(tmp_path: Path) -> None:
    told = shell('"$@" <&- >&- 2>&-', "scan", "--demo", "-o", "r.json", "-v", cwd=tmp_path)
    assert told.code == 1
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["findings"]


# Each form where the locale has least, and each locale once.
@pytest.mark.parametrize(
    ("environment", "form"),
    [(ASCII, "table"), (ASCII, "json"), (ASCII, "jsonl"), (ASCII, "csv"),
     (LATIN, "table"), ({}, "table")],
    ids=["ascii-table", "ascii-json", "ascii-jsonl", "ascii-csv", "latin-1-table", "utf-8-table"],
)  # fmt: skip
def test_names_that_the_locale_does_not_have(
    tmp_path: Path, environment: dict[str, str], form: str
) -> None:
    name = "né 漢 \U0001f511"
    (key, _) = json.loads(TWO_KEYS.read_text("utf-8"))
    content: list[dict[str, Any]] = [{**key, "name": name}]
    (tmp_path / "u.json").write_text(json.dumps(content), "utf-8")
    arguments = ("query", "select name from sentry_key", "--inventory", "u.json", "--format", form)
    told = shell('"$@"', *arguments, cwd=tmp_path, **environment)
    assert told.code == 0
    assert name in told.out.decode()
    if form == "json":
        assert json.loads(told.out) == [{"name": name}]


@pytest.mark.parametrize(
    "arguments",
    [
        ("query", "--demo", b"select '\xff'"),
        ("scan", "--demo", "--policy", b"p\xff.yaml", "-o", "r.json"),
        ("scan", "--demo", "-o", b"\xff.json"),
        ("scan", "--inventory", b"\xff.json"),
        (b"\xff",),
        ("scan", "--inventory", "."),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, arguments: tuple[str | bytes, ...]) -> None:
    for name in (b"p\xff.yaml", b"\xff.json"):
        Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(TWO_KEYS.read_bytes())
    told = shell('"$@"', *arguments, cwd=tmp_path)
    assert (told.code, told.out) == (2, b"")
    assert "not text in UTF-8" in told.err


def test_a_setting_that_is_no_text_is_refused(tmp_path: Path) -> None:
    told = shell("KEYPOLICY_POLICY=$'p\\xff' \"$@\"", "scan", "--demo", cwd=tmp_path)
    assert told.code == 2
    assert "KEYPOLICY_POLICY" in told.err


def test_under_an_old_locale_the_remedy_is_another(tmp_path: Path) -> None:
    told = shell('"$@"', "query", "--demo", "select 'é'", cwd=tmp_path, **ASCII)
    assert told.code == 2
    assert "LC_ALL=C.UTF-8" in told.err
