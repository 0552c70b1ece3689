import csv
import io

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.model.run import Run
from scanner.report import to_stream, write_reports
from scanner.report.csv_findings import cell
from scanner.report.parts.flat import COLUMNS, row
from tests.unit.report.factory import HOSTILE, RULES, empty_run, finding, golden_run, run_of
from tests.unit.report.rendering import another_time, full_run, render

AGE = RULES[0]


def rows(run: Run) -> list[dict[str, str]]:
    report = render("csv", run).decode("utf-8")
    return list(csv.DictReader(io.StringIO(report, newline=""), strict=True))


def test_every_finding_is_a_line() -> None:
    run = golden_run()
    assert [row["fingerprint"] for row in rows(run)] == [f.fingerprint for f in run.findings]
    assert render("csv", run).count(b"\r\n") == 1 + len(list(run.findings))


def test_every_cell_is_quoted() -> None:
    for line in render("csv", golden_run()).decode().split("\r\n")[:-1]:
        assert line.startswith('"')
        assert line.endswith('"')


@pytest.mark.parametrize(
    "attack",
    [
        "=1+1",
        "+1",
        "-1",
        "@SUM(A1)",
        "\t=1",
        "\r=1",
        "\n=1",
        "  =1",
        "=HYPERLINK(0)",
        "\uff1d1",
        "\uff0b1",
        "\uff0d1",
        "\uff201",
    ],
)
def test_a_formula_is_text(attack: str) -> None:
    (row,) = rows(run_of(RULES, [finding(AGE, "1" * 32, name=attack, message=attack)]))
    assert row["resource_name"].startswith("'")
    assert row["message"].startswith("'")


@pytest.mark.parametrize("harmless", ["web-prod", "a=b", "1-2", "caf\u00e9", "{}"])
def test_what_is_no_formula_stays_as_it_is(harmless: str) -> None:
    (row,) = rows(run_of(RULES, [finding(AGE, "1" * 32, name=harmless)]))
    assert row["resource_name"] == harmless


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_stays_in_its_cell(name: str) -> None:
    attack = f'{HOSTILE[name]}",=1+1;"=2+2\n=3+3'
    (row,) = rows(run_of(RULES, [finding(AGE, "1" * 32, name=attack)]))
    assert row["fingerprint"]
    assert None not in row
    assert not {"\n", "\r", "\x00", "\x1b", "\u202e"} & set("".join(row.values()))


@given(st.lists(st.one_of(st.sampled_from(list(HOSTILE.values())), st.text()), max_size=20))
def test_lines_are_those_of_the_standard_library(texts: list[str]) -> None:
    found = [finding(AGE, "1" * 32, name=text, message=text, project=text) for text in texts]
    out = io.StringIO(newline="")
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(cell, row(one)) for one in found)
    run = msgspec.structs.replace(golden_run(), findings=found)
    assert render("csv", run) == out.getvalue().encode()


def test_a_run_without_findings_is_the_header() -> None:
    assert render("csv", empty_run()).count(b"\r\n") == 1


def test_a_stream_stays_open() -> None:
    out = io.BytesIO()
    write_reports(empty_run(), [to_stream(empty_run(), "csv", out)])
    assert not out.closed


def test_two_runs_over_the_same_facts_are_equal() -> None:
    assert render("csv", full_run()) == render("csv", another_time(full_run()))
