"""A machine that an example runs on: its folders, its commands, a server, a dead man's switch."""

import json
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.acceptance.support import ROOT, Result, here
from tests.simulator import CANARY, Simulator, World, faults, make_world

EXAMPLES = ROOT / "examples"

POLICY = """\
policy: ours
version: 1.0.0
title: Ours
rules:
  - id: limited
    title: Limited
    resource: sentry_key
    severity: high
    check: {rate_limit: true}
    rationale: Loops of errors.
    remediation: Set one.
"""
SETTINGS = "policies: [ours.yaml]\n"
PACKAGE = "keypolicy==0.1.0"
_PLACES = re.compile(r"/(?:opt|etc|var/lib)/keypolicy|/usr/local/bin|/tmp/keypolicy\b")
_SECRET = "d15c0nnec7ed"

_PYTHON = f"""\
if [ "$1 $2" = "-m venv" ]; then
  for place; do :; done
  mkdir -p "$place/bin"
  cp "$MACHINE_BIN/keypolicy" "$MACHINE_BIN/pip" "$place/bin"
else
  exec {sys.executable} "$@"
fi"""


class Machine:
    """Folders below one root, commands that log what they are called with, and two servers.

    Paths of the examples are moved below the root. What the examples install is this checkout.
    """

    def __init__(self, root: Path, simulator: Simulator, switch: "Switch") -> None:
        self.root, self.simulator, self.switch = root, simulator, switch
        self.bin = root / "bin"
        self.calls = root / "calls.log"
        self.command("keypolicy", f'PYTHONPATH={ROOT} exec {sys.executable} -m scanner "$@"')
        self.command("pip", "")
        self.command("python", _PYTHON)
        self.command("sleep", "")
        for name in ("curl", "git"):
            self.command(name, f'exec {shutil.which(name)} "$@"')

    @property
    def world(self) -> World:
        return self.simulator.world

    def moved(self, text: str) -> str:
        """Return a text with the paths of the examples below the root."""
        return _PLACES.sub(lambda found: f"{self.root}{found[0]}", text)

    def place(self, path: str) -> Path:
        return Path(self.moved(path))

    def command(self, name: str, script: str, folder: Path | None = None) -> None:
        """Put a command where scripts find it; it logs its arguments and is this script."""
        path = (folder or self.bin) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        log = f'echo "{name} $*" >> {self.calls}\n'
        path.write_text(f"#!/bin/sh\n{log}{script}\n", "utf-8")
        path.chmod(0o755)

    def settings(self, folder: Path, policy: str = POLICY) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "keypolicy.yaml").write_text(SETTINGS, "utf-8")
        (folder / "ours.yaml").write_text(policy, "utf-8")

    def mend(self) -> None:
        """Make every key comply."""
        for key in self.world.keys:
            key.rate_limit = (100, 60)

    def hide(self) -> None:
        """Let the server tell nothing of the organization's keys, and of one project not either."""
        self.simulator.faults = [
            faults.status(403, "/organizations/[^/]+/project-keys/"),
            faults.status(403, f"/{self.world.projects[0].slug}/keys/"),
        ]

    def run(self, cwd: Path, *command: str, **environment: str) -> Result:
        """Run a command as a platform would, with this environment alone."""
        done = subprocess.run(
            [self.moved(word) for word in command],
            cwd=cwd,
            env={
                "PATH": f"{self.bin}:/usr/bin:/bin",
                "HOME": str(self.root),
                "MACHINE_BIN": str(self.bin),
                **environment,
            },
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        result = Result(done.returncode, done.stdout, done.stderr)
        for secret in (CANARY, _SECRET):
            assert secret not in done.stdout + done.stderr
            assert not self.calls.exists() or secret not in self.calls.read_text("utf-8")
        assert "Traceback" not in done.stderr, done.stderr
        return result

    def secrets(self) -> dict[str, str]:
        """What a platform would keep as secrets, and the server's address."""
        return {
            "SENTRY_AUTH_TOKEN": self.world.token,
            "SENTRY_URL": self.simulator.url,
            "PING_URL": self.switch.url,
            "KEYPOLICY_PACKAGE": PACKAGE,
        }

    def called(self, name: str) -> list[str]:
        """What a command was called with."""
        lines = self.calls.read_text("utf-8").splitlines() if self.calls.exists() else []
        return [line.removeprefix(f"{name} ") for line in lines if line.startswith(f"{name} ")]

    def runs(self, history: Path) -> list[dict[str, Any]]:
        """The runs of a history that is as it was; no secret is in any file beside it."""
        if not (history / "keypolicy-history.json").exists():
            return []
        sound = here("history", "verify", "--history", history, cwd=self.root)
        assert sound.code == 0, sound.err
        for path in history.parent.rglob("*"):
            assert not path.is_file() or CANARY.encode() not in path.read_bytes(), path
        told = here("history", "list", "--history", history, "--format", "json", cwd=self.root)
        runs: list[dict[str, Any]] = json.loads(told.out)
        return runs


class Switch:
    """A dead man's switch: an HTTP server that knows what it was asked for."""

    def __init__(self, url: str, told: list[str]) -> None:
        self.url, self._told = url, told

    def told(self) -> list[str]:
        """What was asked for since the last time: nothing, or /fail, after the URL."""
        told = [path.removeprefix(f"/{_SECRET}") for path in self._told]
        self._told.clear()
        return told


@contextmanager
def _switch() -> Iterator[Switch]:
    told: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            told.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield Switch(f"http://127.0.0.1:{server.server_port}/{_SECRET}", told)
        server.shutdown()
        thread.join()


@contextmanager
def machine(root: Path) -> Iterator[Machine]:
    """Give a machine with a server of nine keys, some of which have no rate limit."""
    world = make_world(projects=3, keys=9)
    assert any(key.rate_limit is None for key in world.keys)
    with Simulator(world) as simulator, _switch() as switch:
        yield Machine(root, simulator, switch)


class Repository:
    """A bare repository with a branch for the history, made as the head of an example says."""

    def __init__(self, machine: Machine, example: Path) -> None:
        self.machine = machine
        self.path = machine.root / "acme" / "keys.git"
        self._git("init", "--quiet", "--bare", "--initial-branch=main", str(self.path))
        # As GitLab's servers do.
        self._git("config", "receive.advertisePushOptions", "true", cwd=self.path)
        self._git("clone", "--quiet", str(self.path), "work")
        self.push(POLICY)
        head = (line for line in example.read_text("utf-8").splitlines() if line[:1] == "#")
        setup = [line.lstrip("# ") for line in head if line.lstrip("# ").startswith("git ")]
        assert [line.split()[1] for line in setup] == ["switch", "commit", "push"]
        done = machine.run(self._work, "/bin/sh", "-ec", "\n".join(setup), **IDENTITY)
        assert done.code == 0, done.err
        self._git("switch", "--quiet", "main", cwd=self._work)

    @property
    def _work(self) -> Path:
        return self.machine.root / "work"

    def push(self, policy: str) -> None:
        """Put a policy into the repository."""
        self.machine.settings(self._work, policy)
        self._git("add", ".", cwd=self._work)
        self._git("commit", "--quiet", "--message=Policies", cwd=self._work)
        self._git("push", "--quiet", "origin", "HEAD:main", cwd=self._work)

    def clone(self, folder: Path, branch: str = "main") -> Path:
        self._git("clone", "--quiet", "--depth=1", f"--branch={branch}", self.url, str(folder))
        return folder

    @property
    def url(self) -> str:
        return f"file://{self.path}"

    def runs(self) -> list[dict[str, Any]]:
        """The runs on the branch of the history."""
        folder = self.machine.root / "look"
        shutil.rmtree(folder, ignore_errors=True)
        self.clone(folder, "keypolicy-history")
        return self.machine.runs(folder / "runs")

    def _git(self, *arguments: str, cwd: Path | None = None) -> None:
        environment = {"HOME": str(self.machine.root), "PATH": "/usr/bin:/bin", **IDENTITY}
        subprocess.run(
            ["git", *arguments],
            cwd=cwd or self.machine.root,
            env=environment,
            check=True,
            capture_output=True,
        )


IDENTITY: Mapping[str, str] = {
    f"GIT_{role}_{what}": value
    for role in ("AUTHOR", "COMMITTER")
    for what, value in (("NAME", "Ann"), ("EMAIL", "ann@example.com"))
}
