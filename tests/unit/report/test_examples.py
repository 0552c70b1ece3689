"""The samples under reports/examples/ and the table in docs/reports.md stay what they say."""

import json
import re
from pathlib import Path

import pytest

from scanner.report import FORMATS
from tests.examples import EXAMPLES, example, write_examples
from tests.unit.report.rendering import golden_path
from tests.unit.report.test_parquet import content

ROOT = Path(__file__).parents[3]
# The rows of the table: | `name` | `suffix` | validator | golden | sample | what for |
ROW = re.compile(r"^\| `([a-z]+)` \|" + r"([^|]*)\|" * 5 + "$", re.MULTILINE)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("examples")
    write_examples(folder)
    return folder


@pytest.mark.parametrize("name", FORMATS)
def test_the_sample_is_what_the_demo_gives(name: str, written: Path) -> None:
    kept, made = EXAMPLES / example(name), written / example(name)
    if name == "parquet":  # its bytes depend on the version of DuckDB
        assert content(kept) == content(made)
    else:
        assert kept.read_bytes() == made.read_bytes(), "`make examples`, then read the diff"


def test_there_is_no_sample_of_a_format_that_is_gone() -> None:
    assert {file.name for file in EXAMPLES.iterdir()} == {example(name) for name in FORMATS}


def test_the_demo_has_findings() -> None:
    report = json.loads((EXAMPLES / "demo.json").read_text("utf-8"))
    assert report["gate"]["exit_code"] == 1
    assert len(report["findings"]) > 50


def test_no_sample_tells_where_it_was_made() -> None:
    for file in EXAMPLES.iterdir():
        assert str(ROOT).encode() not in file.read_bytes(), file.name


def rows() -> dict[str, list[str]]:
    page = (ROOT / "docs" / "reports.md").read_text("utf-8")
    return {found[1]: list(found.groups()[1:]) for found in ROW.finditer(page)}


def test_the_table_has_every_format() -> None:
    assert list(rows()) == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_table_tells_suffix_golden_and_sample(name: str) -> None:
    suffixes, _, golden, sample, purpose = rows()[name]
    assert purpose.strip()
    assert re.findall(r"`([^`]+)`", suffixes) == list(FORMATS[name].suffixes)
    linked = re.findall(r"\]\(\.\./([^)]+)\)", golden + sample)
    assert linked[-1] == f"reports/examples/{example(name)}"
    assert all((ROOT / path).is_file() for path in linked)
    if len(linked) == 2:
        assert ROOT / linked[0] == golden_path(name)
