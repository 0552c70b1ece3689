"""Reports tell whose a finding is; what --owner hides changes no count and looks like no pass."""

import csv
import io
import json
import xml.etree.ElementTree as ET
from functools import cache

import jsonschema
import msgspec
import pytest

from scanner.base.resources import schema_path
from scanner.model.outcome import Disposition
from scanner.model.run import GateResult, Run
from scanner.report import FORMATS
from tests.unit.report.owned import owned_run
from tests.unit.report.rendering import render, text, words
from tests.unit.report.triaged import triaged_run

SCHEMA = jsonschema.Draft202012Validator(msgspec.json.decode(schema_path("report-v1").read_bytes()))
WITH_OWNER = sorted(FORMATS.keys() - {"terminal", "parquet"})


@cache
def made(name: str, *shown: str) -> bytes:
    """Return the report of the owned run, which is laid out for paper only once."""
    return render(name, owned_run(*shown))


@pytest.mark.parametrize("name", WITH_OWNER)
def test_findings_carry_their_owner(name: str) -> None:
    assert "owls" in words(name, made(name))


@pytest.mark.parametrize("name", sorted(FORMATS))
def test_a_narrowed_report_has_less(name: str) -> None:
    if name == "prometheus":
        assert made(name, "owls") == made(name)
    else:
        assert made(name, "owls") != made(name)


@pytest.mark.parametrize(
    "name", sorted(FORMATS.keys() - {"csv", "parquet", "gitlab", "ocsf", "prometheus"})
)
def test_a_narrowed_report_says_so(name: str) -> None:
    run = owned_run("owls")
    assert run.narrowing is not None
    start = run.narrowing.told[: len("Shows 5 of")]
    assert start in " ".join(words(name, made(name, "owls")).split())


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


@pytest.mark.parametrize("name", [name for name in WITH_OWNER if name != "pdf"])  # html's page
def test_without_a_file_none_is_named(name: str) -> None:
    assert "owls" not in text(name, triaged_run())


def test_without_a_file_nothing_is_said() -> None:
    made = json.loads(render("json", triaged_run()))
    assert not any("owner" in one for one in made["findings"])
    assert not {"owners", "narrowed"} & made["summary"].keys()


def junit_kinds(run: Run) -> dict[str, set[str]]:
    """By rule, the elements of its cases; a case that passed has none."""
    kinds: dict[str, set[str]] = {}
    for case in ET.fromstring(render("junit", run)).iter("testcase"):  # noqa: S314 - our own
        of_rule = kinds.setdefault(str(case.get("classname")), set())
        if len(case) or str(case.get("name")).startswith("every"):
            of_rule.add(case[0].tag if len(case) else "passed")
    return kinds


def test_in_junit_what_is_hidden_neither_passes_nor_saves_the_build() -> None:
    """Every rule fails, is unknown or is tolerated, as it is without narrowing."""
    whole, narrowed = junit_kinds(owned_run()), junit_kinds(owned_run("owls"))
    assert whole.keys() == narrowed.keys()
    for rule, kinds in whole.items():
        assert bool({"failure", "error"} & narrowed[rule]) == bool({"failure", "error"} & kinds)
        assert ("passed" in narrowed[rule]) == ("passed" in kinds)


def test_in_junit_of_a_passed_gate_what_is_hidden_is_skipped() -> None:
    run = owned_run("owls")
    verdict = msgspec.structs.replace(run.verdict, result=GateResult.PASSED, exit_code=0)
    kinds = junit_kinds(msgspec.structs.replace(run, verdict=verdict))
    assert not {"failure", "error"} & set().union(*kinds.values())


def test_csv_has_a_column() -> None:
    rows = list(csv.DictReader(io.StringIO(text("csv", owned_run("owls")))))
    assert {one["owner"] for one in rows if one["resource_id"]} == {"owls"}
