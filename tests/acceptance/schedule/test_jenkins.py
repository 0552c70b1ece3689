"""Jenkins: a pipeline that keeps its scans on an agent."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.schedule.machine import EXAMPLES, PACKAGE, POLICY, Machine
from tests.acceptance.support import ROOT, Result

EXAMPLE = EXAMPLES / "Jenkinsfile"
TEXT = EXAMPLE.read_text("utf-8")
INTERPRETER = ROOT / "tests" / "acceptance" / "schedule" / "jenkins.groovy"
BLOCKS = re.findall(r"'''(.*?)'''", TEXT, re.DOTALL)
GROOVY = pytest.mark.skipif(shutil.which("groovy") is None, reason="Groovy is not installed")

SHORT_LIVED = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
"""A Java that does not live long enough for a better compiler: it starts in half the time."""


class Jenkins:
    """An agent with a workspace."""

    def __init__(self, host: Machine) -> None:
        self.host = host
        self.workspace = host.root / "workspace"
        host.settings(self.workspace)
        host.place("/var/lib/keypolicy").mkdir(parents=True)

    def build(self, before: str = "SUCCESS") -> dict[str, Any]:
        """Run the pipeline as Jenkins would, and return what came of it."""
        secrets = self.host.secrets()
        site = {
            "variables": {
                "SENTRY_URL": secrets["SENTRY_URL"],
                "KEYPOLICY_PACKAGE": PACKAGE,
                "BUILD_URL": "https://jenkins.example/7",
                "BEFORE": before,
            },
            "credentials": {
                "keypolicy-sentry-token": secrets["SENTRY_AUTH_TOKEN"],
                "keypolicy-ping-url": secrets["PING_URL"],
            },
        }
        paths = [self.host.root / name for name in ("Jenkinsfile", "site.json", "built.json")]
        paths[0].write_text(self.host.moved(TEXT), "utf-8")
        paths[1].write_text(json.dumps(site), "utf-8")
        words = [str(path) for path in (INTERPRETER, *paths)]
        java = Path(shutil.which("java") or "/bin/java").resolve().parents[1]
        done = self.host.run(
            self.workspace, "groovy", *words, JAVA_HOME=str(java), JAVA_OPTS=SHORT_LIVED
        )
        assert done.code == 0, done.out + done.err
        built: dict[str, Any] = json.loads(paths[2].read_text("utf-8"))
        return built

    def runs(self) -> int:
        return len(self.host.runs(self.host.place("/var/lib/keypolicy/history")))


@pytest.fixture
def jenkins(host: Machine) -> Jenkins:
    return Jenkins(host)


@GROOVY
def test_two_days(jenkins: Jenkins) -> None:
    built = jenkins.build()
    assert built["result"] == "UNSTABLE"
    assert [step[0] for step in built["called"]] == [
        *("unstable", "junit", "archiveArtifacts", "mail")
    ]
    assert (jenkins.runs(), jenkins.host.switch.told()) == (1, [""])
    assert (jenkins.workspace / "reports" / "keypolicy.xml").stat().st_size > 0
    jenkins.host.mend()
    built = jenkins.build("FAILURE")
    assert built["result"] == "SUCCESS"
    assert built["called"][-1][1]["subject"] == "keypolicy: compliant again"
    assert (jenkins.runs(), jenkins.host.switch.told()) == (2, [""])
    assert jenkins.host.called("pip") == [f"install --disable-pip-version-check {PACKAGE}"] * 2


@GROOVY
def test_gaps_are_kept_and_fail(jenkins: Jenkins) -> None:
    jenkins.host.hide()
    built = jenkins.build()
    assert (built["result"], jenkins.runs()) == ("FAILURE", 1)
    assert built["called"][-1][1]["subject"] == "keypolicy: FAILURE"
    assert jenkins.host.switch.told() == ["/fail"]


@GROOVY
def test_an_installation_that_fails_is_told_at_once(jenkins: Jenkins) -> None:
    jenkins.host.command("pip", "exit 1")
    built = jenkins.build()
    assert (built["result"], jenkins.runs()) == ("FAILURE", 0)
    assert jenkins.host.switch.told() == ["/fail"]


@GROOVY
def test_what_is_declared(jenkins: Jenkins) -> None:
    jenkins.host.settings(jenkins.workspace, POLICY.replace("severity: high", "severity: hihg"))
    built = jenkins.build()
    assert built["result"] == "FAILURE"
    declared = built["declared"]
    assert declared["triggers.cron"] == ["TZ=Etc/UTC\nH 5 * * *"]
    assert declared["options.disableConcurrentBuilds"] == []
    assert declared["options.timeout"] == [{"time": 30, "unit": "MINUTES"}]
    (options,) = declared["docker.args"]
    state = jenkins.host.place("/var/lib/keypolicy")
    assert options.split()[0:2] == ["--volume", f"{state}:{state}"]


def test_its_scripts_do_their_work_by_themselves(jenkins: Jenkins) -> None:
    """Without Groovy: what stands between three quotes, with the shell that Jenkins calls."""
    install, scan, ping = (block.replace("\\\n", " ").replace("\\\\", "\\") for block in BLOCKS)
    assert _shell(jenkins, install).code == 0
    codes = []
    for _ in range(2):
        codes.append(_shell(jenkins, scan).code)
        assert _shell(jenkins, ping, SCAN_CODE=str(codes[-1])).code == 0
        jenkins.host.mend()
    assert (codes, jenkins.runs(), jenkins.host.switch.told()) == ([1, 0], 2, ["", ""])


def _shell(jenkins: Jenkins, script: str, **more: str) -> Result:
    environment = jenkins.host.secrets() | more
    return jenkins.host.run(jenkins.workspace, "/bin/sh", "-xec", script, **environment)


def test_the_token_is_for_one_stage() -> None:
    assert TEXT.count("credentials('keypolicy-sentry-token')") == 1
    before, _, after = TEXT.partition("credentials('keypolicy-sentry-token')")
    assert before.rindex("stage('Scan')") > before.rindex("stage('Install')")
    assert "stage('Verdict')" in after
    # A string of two quotes would have Groovy put secrets into the script.
    assert '"""' not in TEXT
