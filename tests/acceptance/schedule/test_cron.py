"""Cron: a script that scans once a day, and its line of a crontab."""

import fcntl
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.acceptance.schedule.machine import EXAMPLES, POLICY, Machine
from tests.acceptance.support import Result

HOST = EXAMPLES / "host"
CRONTAB = HOST / "keypolicy.crontab"
STATE = "/var/lib/keypolicy"


@pytest.fixture
def day(host: Machine) -> "Day":
    return Day(host)


class Day:
    """A machine that is set up as the head of keypolicy-daily says."""

    def __init__(self, host: Machine) -> None:
        self.host = host
        self.state = host.place(STATE)
        self.state.mkdir(parents=True)
        self.settings = host.place("/etc/keypolicy")
        host.settings(self.settings)
        secrets = (f"{name}={value}\n" for name, value in host.secrets().items())
        (self.settings / "environment").write_text("".join(secrets), "utf-8")
        for name in ("keypolicy-daily", "keypolicy-ping"):
            path = host.place("/usr/local/bin") / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(host.moved((HOST / name).read_text("utf-8")), "utf-8")
            path.chmod(0o755)
        host.place("/opt/keypolicy").mkdir(parents=True)
        host.place("/opt/keypolicy/bin").symlink_to(host.bin)

    def call(self) -> Result:
        """Do what cron does with the line of the crontab, in its environment."""
        lines = CRONTAB.read_text("utf-8").splitlines()
        (line,) = (one for one in lines if one[:1].isdigit())
        (shell,) = (one.partition("=")[2] for one in lines if one.startswith("SHELL="))
        command = line.split(maxsplit=5)[5]
        return self.host.run(self.state, shell, "-c", command, PATH="/usr/bin:/bin")

    def pass_by(self) -> None:
        (self.state / "day").write_text("2026-01-01\n", "utf-8")

    def runs(self) -> int:
        return len(self.host.runs(self.state / "history"))


def test_two_days(day: Day) -> None:
    first = day.call()
    assert first.code == 1, first.err
    # Cron mails what is printed.
    assert first.out.startswith("FAILED: ")
    assert (day.runs(), day.host.switch.told()) == (1, [""])
    assert (day.state / "report.html").stat().st_size > 0
    assert "keypolicy_gate_exit_code 1\n" in (day.state / "keypolicy.prom").read_text("utf-8")
    # The calls of the hours that follow.
    assert day.call() == Result(0, "", "")
    assert (day.runs(), day.host.switch.told()) == (1, [])
    day.pass_by()
    day.host.mend()
    assert day.call() == Result(0, "", "")
    assert (day.runs(), day.host.switch.told()) == (2, [""])
    assert int(day.host.called("sleep")[-1]) < 600


def test_gaps_are_kept_and_told_at_once(day: Day) -> None:
    day.host.hide()
    assert day.call().code == 3
    assert (day.runs(), day.host.switch.told()) == (1, ["/fail"])


def test_a_wrong_policy_is_told_at_once(day: Day) -> None:
    day.host.settings(day.settings, POLICY.replace("severity: high", "severity: hihg"))
    done = day.call()
    assert done.code == 2
    assert "hihg" in done.out
    assert (day.runs(), day.host.switch.told()) == (0, ["/fail"])


def test_two_do_not_run_at_once(day: Day) -> None:
    with (day.state / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = day.call()
    assert (done.code, done.out) == (75, "")
    assert "still going on" in done.err
    assert day.runs() == 0
    assert day.call().code == 1


def test_a_scan_that_was_killed_is_made_up_for(day: Day) -> None:
    day.host.command("keypolicy", "kill -9 $PPID")
    assert day.call().code != 0
    assert day.runs() == 0
    day.host.command("keypolicy", "exit 1")
    assert day.call().code == 1


def test_a_switch_that_is_silent_changes_no_verdict(day: Day) -> None:
    environment = day.settings / "environment"
    text = environment.read_text("utf-8").replace(day.host.switch.url, "http://127.0.0.1:9/x")
    environment.write_text(text, "utf-8")
    day.host.command("curl", "exit 7")
    done = day.call()
    assert done.code == 1
    assert "could not be told" in done.err
    environment.write_text(text.replace("PING_URL", "OTHER"), "utf-8")
    day.pass_by()
    assert "could not be told" not in day.call().err
    assert len(day.host.called("curl")) == 1


@pytest.mark.skipif(shutil.which("crontab") is None, reason="cron is not installed")
def test_cron_takes_the_crontab(tmp_path: Path) -> None:
    for text, code in ((CRONTAB.read_text("utf-8"), 0), ("17 25 * * * true\n", 1)):
        path = tmp_path / "crontab"
        path.write_text(text, "utf-8")
        done = subprocess.run(
            ["crontab", "-n", path], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == code, done.stderr


@pytest.mark.skipif(shutil.which("shellcheck") is None, reason="shellcheck is not installed")
@pytest.mark.parametrize("name", ["keypolicy-daily", "keypolicy-ping"])
def test_shellcheck_finds_nothing(name: str) -> None:
    done = subprocess.run(
        ["shellcheck", HOST / name], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
