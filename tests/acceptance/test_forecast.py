"""`keypolicy forecast`, and the gate of a scan that counts what falls due."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from icalendar import Calendar

from scanner.base.resources import schema_path
from scanner.base.text import columns
from tests.acceptance.support import Result, here
from tests.acceptance.tolerance import ALPHA, BETA, Place, key

POLICY = """\
policy: mine
version: 1.0.0
title: Mine
params: {max_age: {type: duration, default: 90d, description: Longest age}}
rules:
  - id: key-young
    title: A key is not old
    resource: sentry_key
    severity: high
    check: {max_age: $max_age}
  - id: key-named
    title: A key has a name
    resource: sentry_key
    severity: low
    require: name IS NOT NULL
"""
# As of 2026-03-01, the first is 80 days old and the second 90.
KEYS = (
    key(ALPHA, "alpha", dateCreated="2025-12-11T00:00:00Z"),
    key(BETA, "beta", dateCreated="2025-12-01T00:00:00Z"),
)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.policy(POLICY)
    made.keys(*KEYS)
    return made


def run(place: Place, verb: str, *arguments: str, **environment: str) -> Result:
    shared = ("--inventory", "keys.json", "--org", "acme", "--project", "web")
    day = () if "--as-of" in arguments else ("--as-of", "2026-03-01")
    judged = ("--policy", "p.yaml", *day)
    return here(verb, *shared, *judged, *arguments, cwd=place.folder, **environment)


def forecast(place: Place, *arguments: str) -> Any:
    done = run(place, "forecast", "--format", "json", *arguments)
    assert done.code == 0, done.err
    told = json.loads(done.out)
    jsonschema.validate(told, json.loads(schema_path("forecast").read_text("utf-8")))
    return told


def test_the_day_on_which_a_key_breaks_a_rule(place: Place) -> None:
    told = forecast(place)
    assert (told["days"], told["until"]) == (90, "2026-05-30T00:00:00Z")
    assert (told["rules"], told["moving_rules"]) == (2, 1)
    assert [(one["date"], one["resource"]["name"], one["rule_id"]) for one in told["due"]] == [
        ("2026-03-02", "beta", "key-young"),
        ("2026-03-12", "alpha", "key-young"),
    ]


def test_a_long_name_hides_no_rule(place: Place) -> None:
    alpha, beta = "a" * 150, "\N{CJK UNIFIED IDEOGRAPH-6F22}" * 60
    place.keys(
        key(ALPHA, alpha, dateCreated="2025-12-11T00:00:00Z"),
        key(BETA, beta, dateCreated="2025-12-11T00:00:00Z"),
    )
    told = run(place, "forecast").out.splitlines()
    found = [line for line in told if line.startswith("  2026-03-12")]
    assert [line.split()[-1] for line in found] == ["key-young"] * 2
    assert all(columns(line) <= 80 for line in told)


def test_parameters_and_days_are_heeded(place: Place) -> None:
    assert forecast(place, "--days", "10", "--param", "max_age=100d")["due"] == []
    assert len(forecast(place, "--days", "11", "--param", "max_age=100d")["due"]) == 1


def test_the_scan_of_the_day_says_the_same(place: Place) -> None:
    (first, _) = forecast(place)["due"]
    for day, found in (("2026-03-01", []), ("2026-03-02", [first["fingerprint"]])):
        done = run(place, "scan", "--format", "json", "--as-of", day)
        report = json.loads(done.out)
        assert [one["fingerprint"] for one in report["findings"]] == found
        assert [one["message"] for one in report["findings"]] == [first["message"]] * len(found)


def test_a_waiver_that_lapses_is_told_with_what_it_reopens(place: Place) -> None:
    place.keys(key(BETA, "beta", dateCreated="2025-11-01T00:00:00Z"))
    place.waivers({"rule": "key-young", "match": [BETA]})
    told = forecast(place, "--waivers", "waivers.yaml")
    (due,) = told["due"]
    assert (due["reason"], due["date"], due["waiver"]) == ("uncovered", "2026-03-11", "legacy")
    (waiver,) = told["waivers"]
    assert (waiver["date"], waiver["reopens"]) == ("2026-03-11", 1)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--fail-if-due-within", "1d"), 1),
        (("--fail-if-due-within", "2w", "--days", "1"), 1),
        (("--fail-if-due-within", "10d", "--param", "max_age=100d"), 0),
        (("--fail-if-due-within", "12h"), 2),
        (("--fail-if-due-within", "0d"), 2),
        (("--fail-if-due-within", "soon"), 2),
        (("--fail-if-due-within", "900d"), 2),
        (("--days", "0"), 2),
        (("--days", "367"), 2),
        (("--days", "x"), 2),
        (("--format", "markdown"), 2),
        (("-o", "due.xml"), 2),
        (("--param", "min_age=1d"), 2),
        ((), 0),
    ],
)
def test_exit_codes(place: Place, arguments: tuple[str, ...], code: int) -> None:
    done = run(place, "forecast", *arguments)
    assert done.code == code
    if code == 2:
        assert "keypolicy: " in done.err
        assert done.out == ""


def test_what_could_not_be_seen_is_not_foretold(place: Place) -> None:
    place.write("empty.json", "[]")
    shared = ("--org", "acme", "--project", "web", "--policy", "p.yaml", "--format", "json")
    done = here("forecast", "--inventory", "empty.json", *shared, cwd=place.folder)
    assert done.code in {2, 3}
    ten = [key(f"{n:032x}", f"k{n}") for n in range(10)]  # a full page: more may be missing
    place.keys(*ten)
    done = run(place, "forecast", "--format", "json", "--fail-if-due-within", "1d")
    assert done.code == 3
    assert "a full page" in json.loads(done.out)["incomplete"][0]
    assert run(place, "forecast", "--allow-partial").code == 0


def test_files_are_written_beside_what_is_printed(place: Place) -> None:
    done = run(place, "forecast", "-o", "due.ics", "-o", "due.json", "-o", "due.txt")
    assert done.code == 0
    assert place.read("due.txt") == done.out
    assert "Week of 2026-03-02: 1 finding due" in done.out
    made = Calendar.from_ical((place.folder / "due.ics").read_bytes())
    uids = {one["uid"] for one in json.loads(place.read("due.json"))["due"]}
    assert {str(one["uid"]) for one in made.events} == uids
    printed = run(place, "forecast", "--format", "ical").out
    assert printed.encode() == (place.folder / "due.ics").read_bytes()


def test_a_page_of_its_own(place: Place) -> None:
    done = run(place, "forecast", "-o", "due.html", "--fail-if-due-within", "14d")
    assert done.code == 1
    page = place.read("due.html")
    assert "2 findings due within 90 days" in page
    assert "within 14 days (to 2026-03-15)" in page
    assert "<script" not in page
    assert "script-src" not in page
    for told in ("2026-03-02", "2026-03-12", "key-young", "alpha", "beta", "By week", "By project"):
        assert told in page
    again = run(place, "forecast", "--format", "html", "--fail-if-due-within", "14d")
    assert again.out == page


def test_the_gate_of_a_scan_counts_what_falls_due(place: Place) -> None:
    assert run(place, "scan").code == 0
    done = run(place, "scan", "--fail-if-due-within", "14d", "-o", "r.json", "-o", "r.html")
    assert done.code == 1
    reason = "within 14 days (to 2026-03-15): 2 violations of severity low or worse"
    assert reason in " ".join(done.out.split())
    assert "fail_if_due_within 14d" in " ".join(done.out.split())
    report = json.loads(place.read("r.json"))
    assert report["gate"]["reasons"] == [reason]
    jsonschema.validate(report, json.loads(schema_path("report-v1").read_text("utf-8")))
    assert "within 14 days" in place.read("r.html")
    assert run(place, "scan", "--fail-if-due-within", "14d", "--fail-on", "critical").code == 0
    two = ("--max-findings", "high=2")
    assert run(place, "scan", "--fail-if-due-within", "14d", *two).code == 0
    one = ("--max-findings", "high=1")
    assert run(place, "scan", "--fail-if-due-within", "14d", *one).code == 1
    assert run(place, "scan", "--fail-if-due-within", "x").code == 2


def test_the_gate_counts_what_falls_due_by_settings_too(place: Place) -> None:
    place.write("keypolicy.yaml", "fail_if_due_within: 2w\n")
    done = run(place, "scan", "-o", "r.json")
    assert done.code == 1
    assert "within 14 days" in " ".join(done.out.split())
    told = {one["name"]: one for one in json.loads(place.read("r.json"))["gate"]["settings"]}
    assert told["fail_if_due_within"]["value"] == "14d"
    assert told["fail_if_due_within"]["origin"] == "fail_if_due_within in keypolicy.yaml:1:1"
    assert not told["fail_if_due_within"]["looser"]
    assert run(place, "forecast").code == 1
    assert run(place, "scan", "--fail-if-due-within", "1d", "--param", "max_age=100d").code == 0
    shorter = run(place, "scan", "--param", "max_age=100d", KEYPOLICY_FAIL_IF_DUE_WITHIN="1d")
    assert shorter.code == 0
    place.write("keypolicy.yaml", "fail_if_due_within: 36h\n")
    done = run(place, "scan")
    assert done.code == 2
    assert "'36h' is not a number of whole days from 1 to 366" in done.err
    assert "keypolicy.yaml" in done.err
    assert "Write days or weeks" in done.err
    place.write("keypolicy.yaml", "fail_if_due_within: 14\n")
    assert run(place, "scan").code == 2


def test_findings_and_counts_of_a_scan_are_those_of_as_of(place: Place) -> None:
    files = []
    for name, more in (("a.json", ()), ("b.json", ("--fail-if-due-within", "90d"))):
        run(place, "scan", "-o", name, *more)
        report = json.loads(place.read(name))
        files.append({part: report[part] for part in ("findings", "rules", "inventory")})
    assert files[0] == files[1]


def test_the_schema_is_printed(tmp_path: Path) -> None:
    done = here("schema", "forecast", cwd=tmp_path)
    assert done.code == 0
    assert json.loads(done.out)["title"] == "keypolicy forecast"
