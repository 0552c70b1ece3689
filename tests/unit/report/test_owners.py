"""Reports tell whose a finding is; what --owner hides changes no count and looks like no pass."""

import csv
import io
import json
import xml.etree.ElementTree as ET

import jsonschema
import msgspec
import pytest

from scanner.model.outcome import Disposition
from scanner.report import FORMATS
from scanner.resources import schema_path
from tests.unit.report.owned import owned_run
from tests.unit.report.rendering import render, text
from tests.unit.report.triaged import triaged_run

SCHEMA = jsonschema.Draft202012Validator(msgspec.json.decode(schema_path("report-v1").read_bytes()))
WITH_OWNER = sorted(FORMATS.keys() - {"terminal", "parquet"})


@pytest.mark.parametrize("name", WITH_OWNER)
def test_findings_carry_their_owner(name: str) -> None:
    assert text(name, owned_run()).count("owls") > text(name, triaged_run()).count("owls")


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_narrowed_report_has_less(name: str) -> None:
    if name == "prometheus":
        assert render(name, owned_run("owls")) == render(name, owned_run())
    else:
        assert render(name, owned_run("owls")) != render(name, owned_run())


@pytest.mark.parametrize(
    "name", sorted(FORMATS.keys() - {"csv", "parquet", "gitlab", "ocsf", "prometheus"})
)
def test_a_narrowed_report_says_so(name: str) -> None:
    run = owned_run("owls")
    assert run.narrowing is not None
    start = run.narrowing.told[: len("Shows 5 of")]
    assert start in " ".join(text(name, run).split())


def test_json_counts_the_whole_scan() -> None:
    whole = json.loads(render("json", owned_run()))
    narrowed = json.loads(render("json", owned_run("owls")))
    SCHEMA.validate(narrowed)
    for part in ("rules", "gate"):
        assert narrowed[part] == whole[part]
    changed = {"warnings", "narrowed"}
    assert {k: v for k, v in narrowed["summary"].items() if k not in changed} == {
        k: v for k, v in whole["summary"].items() if k not in changed
    }
    assert narrowed["summary"]["narrowed"]["total"] == len(whole["findings"])
    assert narrowed["summary"]["narrowed"]["shown"] == len(narrowed["findings"])
    assert {one["owner"] for one in narrowed["findings"]} == {"owls", None}
    assert all(one["resource"]["id"] == "" for one in narrowed["findings"] if not one["owner"])


def test_json_has_each_owners_part() -> None:
    made = json.loads(render("json", owned_run()))
    SCHEMA.validate(made)
    assert [one["owner"] for one in made["summary"]["owners"]][-1] is None
    for one in made["summary"]["owners"]:
        mine = [f for f in made["findings"] if f["owner"] == one["owner"] and f["resource"]["id"]]
        assert one["findings"] == len(mine)
        for disposition in Disposition:
            assert one[disposition] == sum(f["disposition"] == disposition for f in mine)
    assert made["summary"]["owners"][0]["contact"] == "#owls"


def test_without_a_file_nothing_is_said() -> None:
    made = json.loads(render("json", triaged_run()))
    assert not any("owner" in one for one in made["findings"])
    assert not {"owners", "narrowed"} & made["summary"].keys()


def test_what_is_hidden_has_not_passed() -> None:
    """In JUnit, no rule is shown as passed that has a finding of another owner."""
    run = owned_run("owls")
    cases = ET.fromstring(render("junit", run)).iter("testcase")  # noqa: S314 - our own
    passed = {(case.get("classname"), case.get("name")) for case in cases if not list(case)}
    failing = {f"{r.rule.policy}.{r.rule.id}" for r in run.results if any(r.tally.values())}
    assert not {rule for rule, name in passed if rule in failing and str(name).startswith("every")}


def test_csv_has_a_column() -> None:
    rows = list(csv.DictReader(io.StringIO(text("csv", owned_run("owls")))))
    assert {one["owner"] for one in rows if one["resource_id"]} == {"owls"}
