import re
import shutil
import subprocess
from typing import Any

import msgspec
import pytest

from scanner.model.run import Run
from tests.unit.report.factory import HOSTILE, RULES, clean_run, empty_run, golden_run
from tests.unit.report.rendering import another_time, full_run, render, text

RUNS = [golden_run, full_run, clean_run, empty_run]
# The line of a sample: prometheus.io, "Exposition formats", "Text format details".
LABEL = r'[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"keypolicy_[a-z_]+(?:\{{{LABEL}(?:,{LABEL})*\}})? [0-9]+(?:\.[0-9]+)?")


def samples(run: Run) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    """Read the report with the parser of Prometheus' own Python client."""
    parser: Any = pytest.importorskip("prometheus_client.parser", reason="prometheus-client")
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in parser.text_string_to_metric_families(text("prometheus", run))
        for sample in family.samples
    }


def value(run: Run, name: str, **labels: str) -> float:
    return samples(run)[f"keypolicy_{name}", frozenset(labels.items())]


@pytest.mark.parametrize("make", RUNS)
def test_every_line_is_of_the_format(make: Any) -> None:
    described: set[str] = set()
    report = text("prometheus", make())
    assert report.endswith("\n")
    for line in report.removesuffix("\n").split("\n"):
        if line.startswith("# HELP "):
            described.add(line.split()[2])
        elif line.startswith("# TYPE "):
            assert line.split()[2] in described
        else:
            assert SAMPLE.fullmatch(line), line
            assert re.split("[{ ]", line)[0] in described


@pytest.mark.parametrize("make", RUNS)
def test_promtool_accepts_it(make: Any) -> None:
    promtool = shutil.which("promtool")
    if promtool is None:
        pytest.skip("promtool is not installed (Debian package prometheus)")
    done = subprocess.run(
        [promtool, "check", "metrics"],
        input=render("prometheus", make()),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_findings_by_rule_outcome_and_disposition() -> None:
    labels = {"policy": "sentry-baseline", "rule": "key-max-age", "severity": "high"}
    counted = {
        (outcome, disposition): value(
            golden_run(), "findings", outcome=outcome, disposition=disposition, **labels
        )
        for outcome in ("fail", "unknown", "error")
        for disposition in ("open", "waived", "baselined")
    }
    assert counted["fail", "open"] == 1
    assert counted["fail", "waived"] == 1
    assert counted["unknown", "open"] == 2
    assert counted["error", "open"] == 0


def test_the_sum_of_all_series_is_the_number_of_findings() -> None:
    found = samples(golden_run())
    total = sum(v for (name, _), v in found.items() if name == "keypolicy_findings")
    assert total == len(list(golden_run().findings))


def test_passes_and_resources_are_there() -> None:
    labels = {"policy": "sentry-baseline", "rule": "key-max-age"}
    assert value(clean_run(), "checks", outcome="pass", **labels) == 40
    assert value(clean_run(), "resources", table="sentry_key") == 64


def test_one_state_of_coverage_is_set() -> None:
    found = {
        state: value(golden_run(), "coverage", table="sentry_key", state=state)
        for state in ("complete", "partial", "denied", "absent")
    }
    assert found == {"complete": 0, "partial": 1, "denied": 0, "absent": 0}


def test_the_verdict_and_the_time() -> None:
    assert value(golden_run(), "gate_exit_code") == 3
    finished = golden_run().info.finished_at.timestamp()
    assert value(golden_run(), "last_run_timestamp_seconds") == finished


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_label_stays_one(name: str) -> None:
    run = clean_run()
    attack = f'{HOSTILE[name]}"}} 1\nkeypolicy_gate_exit_code 0\\'
    hostile = msgspec.structs.replace(RULES[0], policy=attack)
    results = (msgspec.structs.replace(run.results[0], rule=hostile), *run.results[1:])
    run = msgspec.structs.replace(run, results=results)
    assert len(samples(run)) == len(samples(clean_run()))
    lines = text("prometheus", run).split("\n")
    assert len(lines) == len(text("prometheus", clean_run()).split("\n"))


def test_only_the_time_of_the_run_differs() -> None:
    first, second = (
        text("prometheus", r).split("\n") for r in (full_run(), another_time(full_run()))
    )
    different = [a for a, b in zip(first, second, strict=True) if a != b]
    assert [line.split()[0] for line in different] == ["keypolicy_last_run_timestamp_seconds"]
