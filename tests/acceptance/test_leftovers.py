"""However a command ends, nothing of it stays in TMPDIR; of one that is killed, until the next."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.acceptance.support import AS_IN_A_TERMINAL, ROOT, keypolicy

AS_OF = ("--as-of", "2026-03-01")
KEPT = ("--history", "past")
INSECURE = ("--insecure-http", "-o", "i.jsonl")
ENDS = {
    "passes": (0, ("scan", "--demo", "--fail-on", "never", *AS_OF, "-o", "r.parquet")),
    "fails": (1, ("scan", "--demo", *AS_OF, *KEPT, "-o", "r.json", "-o", "r.html")),
    "bad rule": (2, ("scan", "--demo", *AS_OF, "--policy", "p.yaml")),
    "bad file": (2, ("scan", "--inventory", "p.yaml", *AS_OF)),
    "bad query": (2, ("query", "SELECT 1/x", "--demo")),
    "nothing there": (3, ("scan", "--demo", "--org", "none", *AS_OF)),
    "no server": (3, ("fetch", "--url", "http://127.0.0.1:9", "--max-time", "1", *INSECURE)),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_command_that_ends_leaves_nothing(tmp_path: Path, name: str) -> None:
    code, arguments = ENDS[name]
    (tmp_path / "p.yaml").write_text("policy: p\n", "utf-8")
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    token = {"SENTRY_AUTH_TOKEN": "x", "SENTRY_ORG": "acme"} if arguments[0] == "fetch" else {}
    done = keypolicy(*arguments, cwd=tmp_path, TMPDIR=str(scratch), **token)
    assert done.code == code, done.err
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP", "SIGKILL"])
def test_a_command_that_is_stopped_leaves_nothing_for_long(tmp_path: Path, name: str) -> None:
    """At random moments, from a seed."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    inherited = {one: text for one, text in os.environ.items() if not one.startswith("KEYPOLICY_")}
    environment = {**inherited, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)}
    scan = [
        sys.executable,
        "-c",
        AS_IN_A_TERMINAL,
        "scan",
        "--demo",
        *AS_OF,
        *KEPT,
        "-o",
        "r.parquet",
    ]

    def run(until: float) -> None:
        with subprocess.Popen(
            scan,
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            began = time.monotonic()
            while process.poll() is None and not any(scratch.glob("*/*")):
                time.sleep(0.01)
            while process.poll() is None and time.monotonic() - began < until:
                time.sleep(0.01)
            process.send_signal(getattr(signal, name))
            # Interrupted, or done: an interrupt is no fault of ours.
            said = process.communicate(timeout=60)[1]
            assert process.returncode in {1, 130, -getattr(signal, name)}
            if said == b"keypolicy: interrupted\n":
                assert {path.suffix for path in scratch.rglob("*") if path.is_file()} <= {".lock"}

    moments = random.Random(name)  # noqa: S311 - which moments, not secrecy
    for _ in range(2):
        run(moments.uniform(0, 1))
    done = keypolicy("scan", "--demo", *AS_OF, cwd=tmp_path, TMPDIR=str(scratch))
    assert done.code == 1, done.err
    assert list(scratch.iterdir()) == []


@pytest.mark.skipif(sys.platform == "win32", reason="has no such signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_a_command_that_is_told_to_end_removes_what_it_had(tmp_path: Path, name: str) -> None:
    """It waits for a server that takes its request and says nothing."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    start = f"import signal; signal.signal(signal.{name}, signal.SIG_DFL);"
    start += " from scanner.cli.main import main; raise SystemExit(main())"
    told = {"SENTRY_AUTH_TOKEN": "x", "SENTRY_ORG": "acme", "TMPDIR": str(scratch)}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with subprocess.Popen(
            [sys.executable, "-c", start, "scan", "--url", url, "-o", "r.json", "-o", "r.html"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **told},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        ) as process:
            asked = silent.accept()[0]
            with asked:
                asked.recv(1)
                process.send_signal(getattr(signal, name))
                said = process.communicate(timeout=60)[1]
    assert process.returncode == -getattr(signal, name)
    assert said.endswith(b"keypolicy: interrupted\n")
    assert [path.name for path in tmp_path.rglob("*")] == ["scratch"]
