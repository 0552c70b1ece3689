"""Every broken policy of the tables in broken/ is told with codes and places, and none passes.

The first lines of each name what is expected: `# expect: CODE LINE:COLUMN [FILE]`, once for
each problem, in the order in which they are told. FILE is given if it is another one.
"""

import re
from pathlib import Path

import pytest

from scanner.base.errors import PolicyError, Problem
from scanner.policy.load import inspect_policies, load_policies
from tests.corpus import names, unpack

CORPUS = Path(__file__).parent / "broken"
FILES = names(CORPUS)
EXPECTED = re.compile(r"# expect: (?P<code>\S+) (?P<place>\d+:\d+)(?: (?P<file>\S+))?")


def _expected(path: Path) -> list[tuple[str, str, str]]:
    found = EXPECTED.finditer(path.read_text(encoding="utf-8"))
    return [(line["code"], line["place"], line["file"] or path.name) for line in found]


def _told(problem: Problem, folder: Path) -> tuple[str, str, str]:
    location = problem.location
    file = Path(location.file)
    name = file.relative_to(folder) if file.is_relative_to(folder) else file
    return problem.code, f"{location.line}:{location.column}", str(name)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return unpack(CORPUS, tmp_path_factory.mktemp("broken"))


def test_the_corpus_is_there() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("name", FILES)
def test_problems_are_told(folder: Path, name: str) -> None:
    path = folder / name
    expected = _expected(path)
    assert expected, "the file names no expected problem"
    problems = inspect_policies([str(path)]).problems
    assert [_told(problem, folder) for problem in problems] == expected


@pytest.mark.parametrize("name", FILES)
def test_no_broken_policy_loads(folder: Path, name: str) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policies([str(folder / name)])
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("name", FILES)
def test_messages_are_single_printable_lines(folder: Path, name: str) -> None:
    for problem in inspect_policies([str(folder / name)]).problems:
        assert problem.message.isprintable()
        assert problem.hint.isprintable()
        assert problem.message[0].islower() or problem.message[0] == "`"
        assert not problem.message.endswith(".")
        assert not problem.hint or problem.hint.endswith((".", "?", "}"))
