"""systemd: a service, its timer, and what tells that it failed."""

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.acceptance.schedule.machine import EXAMPLES, POLICY, Machine
from tests.acceptance.support import Result

HOST = EXAMPLES / "host"
UNITS = ("keypolicy.service", "keypolicy.timer", "keypolicy-alert.service")
STATE, SETTINGS = "/var/lib/keypolicy", "/etc/keypolicy"
ANALYZE = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd is not installed"
)


def unit(name: str) -> dict[str, list[str]]:
    """The options of a unit, whatever their section."""
    found: dict[str, list[str]] = {}
    for line in (HOST / name).read_text("utf-8").replace("\\\n", " ").splitlines():
        if line and line[0] not in "#[":
            key, _, value = line.partition("=")
            found.setdefault(key, []).append(value)
    return found


def expanded(command: str, **environment: str) -> list[str]:
    """The arguments that systemd makes of a command line."""
    words = shlex.split(command.removeprefix("-"))
    named = [re.sub(r"\$\{(\w+)\}", lambda name: environment.get(name[1], ""), w) for w in words]
    return [word.replace("$$", "$") for word in named]


class Ended(NamedTuple):
    scan: Result
    ping: Result


class Service:
    """A machine that is set up as the head of keypolicy.service says."""

    def __init__(self, host: Machine) -> None:
        self.host, self.options = host, unit("keypolicy.service")
        self.state = host.place(STATE)
        host.settings(host.place(SETTINGS))
        (host.place(SETTINGS) / "environment").write_text(
            "".join(f"{name}={value}\n" for name, value in host.secrets().items()), "utf-8"
        )
        ping = host.place("/usr/local/bin") / "keypolicy-ping"
        ping.parent.mkdir(parents=True)
        shutil.copy(HOST / "keypolicy-ping", ping)
        host.place("/opt/keypolicy").mkdir(parents=True)
        host.place("/opt/keypolicy/bin").symlink_to(host.bin)

    def start(self) -> Ended:
        """Do what systemd does: the state's folder, the environment, then the commands."""
        (folder,) = self.options["StateDirectory"]
        assert self.host.place(f"/var/lib/{folder}") == self.state
        self.state.mkdir(parents=True, exist_ok=True)
        scan = self._run(self.options["ExecStart"])
        status = str(scan.code)
        return Ended(scan, self._run(self.options["ExecStopPost"], EXIT_STATUS=status))

    def _run(self, commands: list[str], **environment: str) -> Result:
        (command,) = commands
        (file,) = self.options["EnvironmentFile"]
        lines = self.host.place(file).read_text("utf-8").splitlines()
        given = dict(line.split("=", 1) for line in lines)
        (folder,) = self.options["WorkingDirectory"]
        words = expanded(command, **environment)
        return self.host.run(self.host.place(folder), *words, **(given | environment))

    def runs(self) -> int:
        return len(self.host.runs(self.state / "history"))


@pytest.fixture
def service(host: Machine) -> Service:
    return Service(host)


def test_two_days(service: Service) -> None:
    first = service.start()
    assert (first.scan.code, first.ping) == (1, Result(0, "", "")), first
    assert (service.runs(), service.host.switch.told()) == (1, [""])
    service.host.mend()
    second = service.start()
    assert (second.scan.code, second.ping.code) == (0, 0)
    assert (service.runs(), service.host.switch.told()) == (2, [""])
    assert (service.state / "report.html").stat().st_size > 0
    assert "keypolicy_gate_exit_code 0\n" in (service.state / "keypolicy.prom").read_text("utf-8")


def test_gaps_are_kept_and_told_at_once(service: Service) -> None:
    service.host.hide()
    assert service.start().scan.code == 3
    assert (service.runs(), service.host.switch.told()) == (1, ["/fail"])


def test_a_wrong_policy_is_told_at_once(service: Service) -> None:
    wrong = POLICY.replace("severity: high", "severity: hihg")
    service.host.settings(service.host.place(SETTINGS), wrong)
    assert service.start().scan.code == 2
    assert (service.runs(), service.host.switch.told()) == (0, ["/fail"])


def test_who_is_alerted_is_told_the_exit_code(host: Machine, tmp_path: Path) -> None:
    assert unit("keypolicy.service")["OnFailure"] == ["keypolicy-alert.service"]
    host.command("journalctl", "echo FAILED: 3 open findings")
    host.command("mail", "cat > mail")
    (command,) = unit("keypolicy-alert.service")["ExecStart"]
    done = host.run(tmp_path, *expanded(command), MONITOR_EXIT_STATUS="1")
    assert done == Result(0, "", "")
    assert (tmp_path / "mail").read_text("utf-8") == "FAILED: 3 open findings\n"
    (call,) = host.called("mail")
    assert re.fullmatch(r"-s keypolicy on \S+ ended with 1 security@example.com", call)


def test_a_day_that_was_missed_is_made_up_for() -> None:
    timer = unit("keypolicy.timer")
    assert (timer["Persistent"], timer["RandomizedDelaySec"]) == (["yes"], ["15min"])
    # A oneshot service that is active is not started a second time.
    assert unit("keypolicy.service")["Type"] == ["oneshot"]


@ANALYZE
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """With the programs that they name in place, and not a word of warning."""
    for path in ("/opt/keypolicy/bin/keypolicy", "/usr/local/bin/keypolicy-ping"):
        program = tmp_path / path.removeprefix("/")
        program.parent.mkdir(parents=True)
        program.write_text("#!/bin/sh\n")
        program.chmod(0o755)
    for name in UNITS:
        text = (HOST / name).read_text("utf-8")
        for place in ("/opt/", "/usr/local/"):
            text = text.replace(f"={place}", f"={tmp_path}{place}")
            text = text.replace(f"=-{place}", f"=-{tmp_path}{place}")
        (tmp_path / name).write_text(text, "utf-8")
    done = _analyze("verify", *(str(tmp_path / name) for name in UNITS))
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    wrong = (tmp_path / UNITS[0]).read_text("utf-8").replace("ProtectHome=", "ProtectHmoe=")
    (tmp_path / UNITS[0]).write_text(wrong, "utf-8")
    assert "ProtectHmoe" in _analyze("verify", str(tmp_path / UNITS[0])).stderr


@ANALYZE
def test_the_service_is_left_little(tmp_path: Path) -> None:
    """Of 10 points of exposure it has less than 1.5, most of it for the network that it needs."""
    told = _analyze("security", "--offline=true", "--threshold=15", str(HOST / UNITS[0]))
    assert told.returncode == 0, told.stdout
    bare = tmp_path / "bare.service"
    bare.write_text("[Service]\nExecStart=/bin/true\n", "utf-8")
    assert _analyze("security", "--offline=true", "--threshold=15", str(bare)).returncode == 1


@ANALYZE
def test_the_time_is_one() -> None:
    (calendar,) = unit("keypolicy.timer")["OnCalendar"]
    told = _analyze("calendar", calendar)
    assert told.returncode == 0
    assert calendar.endswith(" UTC")


def _analyze(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["systemd-analyze", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
