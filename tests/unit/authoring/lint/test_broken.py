"""Every broken policy is told by lint with the right codes, at the right places.

Here and beside the loader's tests. Each names what is expected in its first lines:
`# expect: CODE LINE:COLUMN [FILE]`, once for each error, in the order of the files.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from scanner.authoring.lint.policies import lint
from scanner.base.yamlfile import POLICY, is_kind
from tests.corpus import names, unpack

if TYPE_CHECKING:
    from scanner.authoring.diagnostics import Diagnostic

HERE = Path(__file__).parent / "broken"
LOADER = Path(__file__).parents[2] / "policy" / "files" / "broken"
FILES = [*(("own", name) for name in names(HERE)), *(("loader", name) for name in names(LOADER))]
EXPECTED = re.compile(r"# expect: (?P<code>\S+) (?P<place>\d+:\d+)(?: (?P<file>\S+))?")


def _expected(path: Path) -> list[tuple[str, str]]:
    found = EXPECTED.finditer(path.read_text("utf-8"))
    return sorted((line["code"], line["place"]) for line in found)


@cache
def _linted(path: Path) -> tuple[Diagnostic, ...]:
    return tuple(lint([str(path)], {}).diagnostics)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    top = tmp_path_factory.mktemp("broken")
    unpack(HERE, top / "own")
    unpack(LOADER, top / "loader")
    return top


def test_the_corpus_is_large_enough() -> None:
    assert len(FILES) >= 60
    assert len(names(HERE)) >= 60


@pytest.mark.parametrize(("part", "name"), FILES)
def test_errors_are_told(folder: Path, part: str, name: str) -> None:
    path = folder / part / name
    expected = _expected(path)
    assert expected
    errors = [one.problem for one in _linted(path) if one.is_error]
    told = sorted((one.code, f"{one.location.line}:{one.location.column}") for one in errors)
    assert told == expected


@pytest.mark.parametrize(("part", "name"), FILES)
def test_the_line_of_each_error_in_a_policy_is_shown(folder: Path, part: str, name: str) -> None:
    path = folder / part / name
    for one in _linted(path):
        shown = is_kind(Path(one.problem.location.file).read_bytes(), POLICY)
        assert shown or not one.line
        if one.is_error and shown and one.problem.location.column > 1:
            assert len(one.line) >= one.problem.location.column - 1


@pytest.mark.parametrize(("part", "name"), FILES)
def test_every_error_has_a_place_and_a_remedy(folder: Path, part: str, name: str) -> None:
    for one in _linted(folder / part / name):
        if one.is_error:
            assert one.problem.location.column
            assert one.problem.hint.strip()
