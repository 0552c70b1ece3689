"""Every broken policy in broken/ is told with the right codes and places, and none passes.

The first lines of each file name what is expected: `# expect: CODE LINE:COLUMN [FILE]`, once for
each problem, in the order in which they are told. FILE is given if it is another one.
"""

import re
from pathlib import Path

import pytest

from scanner.base.errors import PolicyError, Problem
from scanner.policy.load import inspect_policies, load_policies

FOLDER = Path(__file__).parent / "broken"
FILES = sorted(FOLDER.glob("*.yaml"))
EXPECTED = re.compile(r"# expect: (?P<code>\S+) (?P<place>\d+:\d+)(?: (?P<file>\S+))?")


def _expected(path: Path) -> list[tuple[str, str, str]]:
    found = EXPECTED.finditer(path.read_text(encoding="utf-8"))
    return [(line["code"], line["place"], line["file"] or path.name) for line in found]


def _told(problem: Problem) -> tuple[str, str, str]:
    location = problem.location
    file = Path(location.file)
    name = file.relative_to(FOLDER) if file.is_relative_to(FOLDER) else file
    return problem.code, f"{location.line}:{location.column}", str(name)


def test_the_corpus_is_there() -> None:
    assert len(FILES) >= 60


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_problems_are_told(path: Path) -> None:
    expected = _expected(path)
    assert expected, "the file names no expected problem"
    problems = inspect_policies([str(path)]).problems
    assert [_told(problem) for problem in problems] == expected


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_no_broken_policy_loads(path: Path) -> None:
    with pytest.raises(PolicyError) as caught:
        load_policies([str(path)])
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_messages_are_single_printable_lines(path: Path) -> None:
    for problem in inspect_policies([str(path)]).problems:
        assert problem.message.isprintable()
        assert problem.hint.isprintable()
        assert problem.message[0].islower() or problem.message[0] == "`"
        assert not problem.message.endswith(".")
        assert not problem.hint or problem.hint.endswith((".", "?", "}"))
