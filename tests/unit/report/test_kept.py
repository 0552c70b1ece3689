"""The reports that are kept, and the table of them in docs/reports.md, stay what they say."""

import json
import re
from pathlib import Path

import pytest

from scanner.report import FORMATS
from tests.kept import GOLDENS, KEPT, ROOT, SAMPLES, golden, sample, write
from tests.unit.report import papers
from tests.unit.report.test_parquet import content

# The rows of the table: | `name` | `suffix` | validator | golden | sample | what for |
ROW = re.compile(r"^\| `([a-z]+)` \|" + r"([^|]*)\|" * 5 + "$", re.MULTILINE)


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    write(folder)
    return folder


@pytest.mark.parametrize("kept", KEPT, ids=lambda kept: kept.name)
def test_what_is_kept_is_what_is_made(kept: Path, written: Path) -> None:
    made = written / kept.relative_to(ROOT)
    if kept.suffix == ".pdf":  # its bytes depend on the fonts of the machine
        if not papers.can_make("pdf"):
            pytest.skip("WeasyPrint or Pango is not installed")
        above = "otter-post-demo" if kept == sample("pdf") else "acme, globex, initech"
        found, expected = (papers.content(one.read_bytes(), above) for one in (made, kept))
        assert found == expected, "`make goldens`, then look at it"
        return
    if kept.suffix == ".parquet":  # its bytes depend on the version of DuckDB
        assert content(kept) == content(made)
    else:
        assert kept.read_bytes() == made.read_bytes(), "`make goldens`, then read the diff"


def test_nothing_is_kept_of_a_format_that_is_gone() -> None:
    assert {*GOLDENS.iterdir(), *SAMPLES.iterdir()} == set(KEPT)


def test_the_demo_has_findings() -> None:
    report = json.loads(sample("json").read_text("utf-8"))
    assert report["gate"]["exit_code"] == 1
    assert len(report["findings"]) > 50


def test_none_tells_where_it_was_made() -> None:
    for file in KEPT:
        assert str(ROOT).encode() not in file.read_bytes(), file.name


def rows() -> dict[str, list[str]]:
    page = (ROOT / "docs" / "reports.md").read_text("utf-8")
    return {found[1]: list(found.groups()[1:]) for found in ROW.finditer(page)}


def test_the_table_has_every_format() -> None:
    assert list(rows()) == list(FORMATS)


@pytest.mark.parametrize("name", FORMATS)
def test_the_table_tells_suffix_golden_and_sample(name: str) -> None:
    suffixes, _, of_golden, of_sample, purpose = rows()[name]
    assert purpose.strip()
    assert re.findall(r"`([^`]+)`", suffixes) == list(FORMATS[name].suffixes)
    linked = re.findall(r"\]\(\.\./([^)]+)\)", of_golden + of_sample)
    assert [ROOT / path for path in linked] == [golden(name), sample(name)]
