"""Waivers: what they cover, until when, and what is said of them."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from scanner.base.resources import schema_path
from tests.acceptance.tolerance import ALPHA, BETA, GAMMA, Place, key

TAGGED = "key-tagged"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_a_waived_finding_is_counted_apart_and_keeps_its_outcome(place: Place) -> None:
    place.waivers({})
    done = place.scan("--waivers", "waivers.yaml")
    assert done.code == 1
    assert place.dispositions() == {(TAGGED, "a"): "waived", (TAGGED, "b"): "open"}
    one = place.found(TAGGED, ALPHA)
    assert (one["outcome"], one["waiver"]) == ("fail", "legacy")
    counts = place.report()["rules"][0]["counts"]
    assert (counts["fail"], counts["waived"], counts["pass"]) == (2, 1, 1)
    assert place.report()["summary"]["dispositions"] == {"open": 1, "waived": 1, "baselined": 0}
    assert "1 violation " in place.report()["gate"]["reasons"][0]
    assert "1 waived" in done.out
    schema = json.loads(schema_path("report-v1").read_text("utf-8"))
    jsonschema.validate(place.report(), schema)


def test_the_gate_passes_when_everything_is_waived_and_says_so(place: Place) -> None:
    place.waivers({"match": [ALPHA, BETA]})
    assert place.scan("--waivers", "waivers.yaml").code == 0
    assert place.report()["gate"]["reasons"] == ["no open finding (2 waived)"]


@pytest.mark.parametrize(
    ("as_of", "disposition"),
    [
        ("2026-03-09T12:00:00Z", "waived"),  # the day before
        ("2026-03-10T00:00:00Z", "waived"),  # the first moment of its last day
        ("2026-03-10T23:59:59Z", "waived"),  # the last one
        ("2026-03-11T01:30:00+02:00", "waived"),  # still the last day in UTC
        ("2026-03-11T00:00:00Z", "open"),  # the day after
        ("2026-03-10T23:30:00-01:00", "open"),  # the day after in UTC
    ],
)
def test_a_waiver_holds_to_the_end_of_its_last_day_in_utc(
    place: Place, as_of: str, disposition: str
) -> None:
    place.waivers({"match": [ALPHA, BETA]})
    done = place.scan("--waivers", "waivers.yaml", as_of=as_of)
    assert set(place.dispositions().values()) == {disposition}
    assert done.code == (0 if disposition == "waived" else 1)
    lapsed = "waiver `legacy` lapsed after 2026-03-10" in place.warnings()
    assert lapsed == (disposition == "open")
    assert place.found(TAGGED, ALPHA)["waiver"] == "legacy"


@pytest.mark.parametrize(
    ("as_of", "says"),
    [
        ("2026-02-23", ""),
        ("2026-02-24", "expires in 14 days, at the end of 2026-03-10 (UTC); it covers 1 finding"),
        ("2026-03-09", "expires tomorrow"),
        ("2026-03-10", "expires today"),
        ("2026-03-11", "1 finding is open again (owner: team-web)"),
    ],
)
def test_an_end_that_is_near_is_told(place: Place, as_of: str, says: str) -> None:
    place.waivers({})
    done = place.scan("--waivers", "waivers.yaml", as_of=as_of)
    assert says in place.warnings()
    assert bool(place.warnings()) == bool(says)
    assert says in done.err


def test_the_notice_and_the_term_are_configurable(place: Place) -> None:
    place.write("keypolicy.yaml", "waivers: waivers.yaml\nwaiver_notice_days: 40\n")
    place.waivers({})
    place.scan(as_of="2026-02-01")
    assert "expires in 37 days" in place.warnings()
    place.write("keypolicy.yaml", "waivers: waivers.yaml\nwaiver_term_days: 30\n")
    done = place.scan()
    assert done.code == 2
    assert "it lasts 68 days, the longest term is 30" in done.err


def test_a_waiver_that_is_not_yet_in_force_covers_nothing(place: Place) -> None:
    place.waivers({"created": "2026-03-03"})
    place.scan("--waivers", "waivers.yaml", as_of="2026-03-01")
    assert place.found(TAGGED, ALPHA)["disposition"] == "open"
    assert "waiver" not in place.found(TAGGED, ALPHA)
    place.scan("--waivers", "waivers.yaml", as_of="2026-03-02")  # created where it is the 3rd
    assert place.found(TAGGED, ALPHA)["disposition"] == "waived"


@pytest.mark.parametrize(
    ("match", "says"),
    [
        (["f" * 32], "covers nothing: it matches no resource"),
        ([GAMMA], "covers nothing: it matches 1 resource, but its rules have no finding there"),
        ("name = 'delta'", "covers nothing: it matches no resource"),
        ("name = 'gamma-prod'", "but its rules have no finding there"),
    ],
)
def test_an_unused_waiver_is_told_and_refused_when_strict(
    place: Place, match: Any, says: str
) -> None:
    place.waivers({"id": "used", "match": [ALPHA, BETA], "expires": "2026-06-01"}, {"match": match})
    assert place.scan("--waivers", "waivers.yaml").code == 0
    assert says in place.warnings()
    assert "waivers.yaml:" in place.warnings()
    assert "`used`" not in place.warnings()
    strict = place.scan("--waivers", "waivers.yaml", "--strict-waivers")
    assert strict.code == 2
    assert place.report()["gate"]["exit_code"] == 2
    assert says in place.report()["gate"]["reasons"][0]


def test_strict_is_content_with_waivers_that_are_used(place: Place) -> None:
    place.waivers({"match": [ALPHA, BETA]})
    assert place.scan("--waivers", "waivers.yaml", "--strict-waivers").code == 0


def test_overlapping_waivers_count_a_finding_once(place: Place) -> None:
    place.waivers(
        {"id": "b-long", "expires": "2026-06-01", "match": "name IN ('alpha', 'beta')"},
        {"id": "short", "expires": "2026-04-01"},
        {"id": "a-long", "expires": "2026-06-01"},
        {"id": "gone", "expires": "2026-02-01"},
    )
    assert place.scan("--waivers", "waivers.yaml", "--strict-waivers").code == 0
    assert place.found(TAGGED, ALPHA)["waiver"] == "a-long"
    assert place.found(TAGGED, BETA)["waiver"] == "b-long"
    assert place.report()["summary"]["dispositions"]["waived"] == 2
    assert "`gone` lapsed" in place.warnings()
    assert "others cover its findings" in place.warnings()


def test_of_several_lapsed_waivers_the_last_is_named(place: Place) -> None:
    place.waivers({"id": "old", "expires": "2026-02-01"}, {"expires": "2026-02-20"})
    place.scan("--waivers", "waivers.yaml")
    one = place.found(TAGGED, ALPHA)
    assert (one["disposition"], one["waiver"]) == ("open", "legacy")


def test_a_rotated_key_does_not_inherit_a_waiver(place: Place) -> None:
    place.waivers({})
    place.keys(key(ALPHA, "renamed"))
    place.scan("--waivers", "waivers.yaml")
    assert place.found(TAGGED, ALPHA)["disposition"] == "waived"
    place.keys(key("d" * 32, "alpha"))
    assert place.scan("--waivers", "waivers.yaml").code == 1
    assert place.found(TAGGED, "d" * 32)["disposition"] == "open"
    assert "matches no resource" in place.warnings()


def test_several_rules_and_all_rules_of_a_policy(place: Place) -> None:
    place.keys(key(ALPHA, "alpha", rateLimit=None), key(BETA, "beta", rateLimit=None))
    place.waivers({"rule": [TAGGED, "key-limited"]})
    place.scan("--waivers", "waivers.yaml")
    both = {(TAGGED, "a"): "waived", ("key-limited", "a"): "waived"}
    assert place.dispositions() == {**both, (TAGGED, "b"): "open", ("key-limited", "b"): "open"}
    place.waivers({"rule": None, "policy": "mine", "match": "project_slug = 'web'"})
    place.scan("--waivers", "waivers.yaml")
    assert set(place.dispositions().values()) == {"waived"}


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
@pytest.mark.parametrize("rule", [None, TAGGED])
def test_a_rule_that_policies_share_is_one_of_each(
    place: Place, order: tuple[str, str], rule: str | None
) -> None:
    place.waivers({"rule": rule, "policy": "second", "match": "true"})
    for name in order:
        place.write(f"{name}.yaml", f"policy: {name}\nversion: 1.0.0\nextends: [p.yaml]\n")
    policies = (argument for name in order for argument in ("--policy", f"{name}.yaml"))
    source = ("--inventory", "keys.json", "--org", "acme", "--project", "web")
    given = (*source, "--as-of", "2026-03-01", "--waivers", "waivers.yaml")
    done = place.run("scan", *policies, *given, "-o", "r.json")
    assert done.code == 0, done.err
    assert set(place.dispositions().values()) == {"waived"}


def test_a_condition_that_is_unknown_covers_nothing(place: Place) -> None:
    place.keys(key(ALPHA, None), key(BETA, "beta"))
    place.waivers({"match": "name <> 'other'"})
    place.scan("--waivers", "waivers.yaml")
    assert place.found(TAGGED, ALPHA)["outcome"] == "unknown"
    assert place.dispositions() == {(TAGGED, "a"): "open", (TAGGED, "b"): "waived"}


def test_a_condition_that_fails_on_a_row_harms_no_rule(place: Place) -> None:
    place.waivers({"match": "CAST(name AS INTEGER) > 3"}, {"id": "sound", "match": "name = 'beta'"})
    place.scan("--waivers", "waivers.yaml")
    assert place.dispositions() == {(TAGGED, "a"): "open", (TAGGED, "b"): "waived"}


def test_what_was_not_seen_is_never_waived(place: Place) -> None:
    text = "policy: p\nversion: 1.0.0\ntitle: P\nrules:\n  - id: r\n    title: R\n"
    text += "    resource: sentry_project\n    severity: low\n    require: platform = 'go'\n"
    place.policy(text)
    place.waivers({"rule": "r", "match": "true"})
    done = place.scan("--waivers", "waivers.yaml", "--strict-waivers")
    assert done.code == 3
    assert [one["disposition"] for one in place.report()["findings"]] == ["open"]
