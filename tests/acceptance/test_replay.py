"""A replay is judged by what it says it is judged by: the run's own, or what the command names."""

import html
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import Result
from tests.acceptance.tolerance import POLICY, Place

DIR = "past"
OTHER = POLICY.replace("policy: mine", "policy: other").replace("'%-prod'", "'%'")
FORMS = ("terminal", "json", "markdown", "html")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.write("other.yaml", OTHER)
    made.write("owners.yaml", "owners:\n  - {owner: a-team, name: alpha}\n")
    return made


def replay(place: Place, *arguments: object) -> Result:
    return place.run("history", "replay", *arguments, "--history", DIR)


def replayed(place: Place, *arguments: object) -> Any:
    done = replay(place, *arguments, "--format", "json")
    assert done.code in {0, 1, 2}, done.err
    return json.loads(done.out)


def settings(found: Any) -> dict[str, tuple[str, str]]:
    return {one["name"]: (one["value"], one["origin"]) for one in found["gate"]["settings"]}


def kept(place: Place, *arguments: object) -> Any:
    """Keep a run that tolerates one finding by a waiver of two years, the other by a baseline."""
    place.waivers({"created": "2025-12-01", "expires": "2027-06-30"})
    place.write("keypolicy.yaml", "waiver_term_days: 800\n")
    source = ("--inventory", "keys.json", "--org", "acme", "--project", "web")
    write = ("baseline", "write", *source, "--policy", "p.yaml", "-o", "base.jsonl")
    waived = ("--waivers", "waivers.yaml", "--owners", "owners.yaml")
    assert place.run(*write, *waived, "--as-of", "2026-02-01").code == 0
    done = place.scan(
        "--history", DIR, "-q", *waived, "--baseline", "base.jsonl", *arguments, as_of="2026-03-01"
    )
    assert done.code == 0, done.err
    before = place.report()
    assert sorted(one["disposition"] for one in before["findings"]) == ["baselined", "waived"]
    for name in ("p.yaml", "base.jsonl", "waivers.yaml", "owners.yaml", "keypolicy.yaml"):
        (place.folder / name).unlink()
    return before


@pytest.mark.parametrize(
    "config",
    [
        "",
        "policies: other.yaml\n",
        "policies: [sentry-strict]\nwaivers: absent.yaml\nbaseline: gone.jsonl\nowners: no.yaml\n",
        "policies: other.yaml\nparams: {max_age: 1d}\n",
    ],
)
def test_without_the_flag_a_run_is_judged_by_its_own(place: Place, config: str) -> None:
    before = kept(place)
    place.write("keypolicy.yaml", config)
    found = replayed(place, "latest")
    assert found["gate"]["exit_code"] == 0
    for part in ("policies", "findings", "rules"):
        assert [{**one, "first_seen": ""} for one in found[part]] == [
            {**one, "first_seen": ""} for one in before[part]
        ]
    told = settings(found)
    assert told["policies"] == ("mine", "the run")
    assert told["waivers"] == ("waivers.yaml", "the run")
    assert told["baseline"] == ("baseline.jsonl", "the run")
    assert told["owners"] == ("owners.yaml", "the run")
    (one,) = json.loads(replay(place, "--all", "--format", "json").out)
    assert one["result"] == "passed"
    assert "waivers is waivers.yaml (the run)" in one["loosened"]
    assert "other" not in replay(place, "latest").out


def test_runs_of_another_scope_are_no_point_of_the_curve(place: Place) -> None:
    for day in ("2026-03-01", "2026-03-03"):
        assert place.scan("--history", DIR, "-q", as_of=day).code == 1
    (one,) = {each["line"] for each in json.loads(replay(place, "--all", "--format", "json").out)}
    assert re.search(r"^ *open: \S\S$", replay(place, "--all").out, re.MULTILINE)
    whole = ("--inventory", "keys.json", "--org", "acme", "--policy", "p.yaml")
    place.run("scan", *whole, "--as-of", "2026-03-02", "--history", DIR, "-q")
    told = json.loads(replay(place, "--all", "--format", "json").out)
    assert [each["line"] == one for each in told] == [True, False, True]
    shown = replay(place, "--all").out
    assert re.search(rf"open, line {one}: \S\S$", shown, re.MULTILINE)
    assert re.search(rf"open, line {told[1]['line']}: \S$", shown, re.MULTILINE)


def test_with_the_flag_it_is_judged_by_what_is_named(place: Place) -> None:
    kept(place)
    place.write("keypolicy.yaml", "policies: [sentry-strict]\nbaseline: base.jsonl\n")
    place.write("base.jsonl", "")
    done = replay(place, "latest", "--policy", "other.yaml", "--format", "json")
    told = settings(json.loads(done.out))
    assert told["policies"] == ("other.yaml", "--policy")
    assert (told["waivers"][0], told["baseline"][0]) == ("none", "none")
    assert "baseline in keypolicy.yaml:2:1 does not count" in done.err


@pytest.mark.parametrize("option", ["--param", "--waivers", "--owners"])
def test_what_goes_with_policies_is_refused_without(place: Place, option: str) -> None:
    kept(place)
    for wanted in ("latest", "--all"):
        done = replay(place, wanted, option, "a=b")
        assert (done.code, done.out) == (2, "")
        assert f"{option}: goes with --policy" in done.err


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("wanted", ["latest", "--all"])
def test_every_replay_tells_the_gate_in_effect(place: Place, form: str, wanted: str) -> None:
    kept(place)
    place.write(
        "keypolicy.yaml",
        "fail_on: never\nsla: {high: 14d}\nfail_on_overdue: true\nfail_if_due_within: 9d\n",
    )
    done = replay(place, wanted, "--policy", "other.yaml", "--format", form)
    assert done.code == 0, done.err
    said = " ".join(re.sub(r"<[^>]+>", "", html.unescape(done.out)).replace("\\", "").split())
    if (form, wanted) == ("json", "latest"):
        told = settings(json.loads(done.out))
        assert told["fail_on"] == ("never", "fail_on in keypolicy.yaml:1:1")
        assert not {"sla", "fail_on_overdue", "fail_if_due_within"} & told.keys()
    else:
        assert "fail_on is never (fail_on in keypolicy.yaml:1:1)" in said
    for name in ("fail_on_overdue in keypolicy.yaml:3:1", "fail_if_due_within in keypolicy.yaml:4"):
        assert name in done.err
        if wanted == "latest":
            assert name in said


def test_a_report_of_a_replay_goes_over_no_policy(place: Place) -> None:
    assert place.scan("--history", DIR, "-q", as_of="2026-03-01").code == 1
    place.write("other.json", OTHER)
    done = replay(place, "latest", "--policy", "./other.json", "-o", "other.json")
    assert (done.code, done.out) == (2, "")
    assert "other.json: is read by this command, and would be lost" in done.err
    assert place.read("other.json") == OTHER
