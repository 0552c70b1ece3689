"""What keeps the house in order: sizes, names, and first lines that say what a module is for."""

import ast
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from scanner.base.errors import Problem

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "scanner").rglob("*.py"))
NO_NUMBERS = {
    "status",
    "settings.status",
    "one",
    "text.strip()",
    "value.days",
    "time / timedelta(days=1)",
}
"""What stands before such a word and is a text, or is SQL."""
COUNTED = re.compile(
    r" (?:more |earlier |known |open |first )?(?:actions|attempts|bytes|cases|characters|days"
    r"|entries|events|files|findings|gaps|globs|ids|keys|members|mistakes|organizations|owners"
    r"|pages|policies|problems|projects|reasons|recipients|records|requests|rows|rules|runs|seconds"
    r"|successors|values|waivers|warnings)\b"
)
"""What stands behind a number that may be one."""
MENDABLE = {"UsageError", "TooLargeError", "InventoryFileError"}
"""What is raised for what a person gave."""
MOST_LINES, MOST_OF_A_FUNCTION, MOST_FILES = 300, 50, 13


def _name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def _types(tree: ast.Module) -> list[str]:
    """Return the names of classes and of aliases, which begin with one capital."""
    found = [node.name for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            found += [name] if name[:1].isupper() and not name.isupper() else []
    return found


@pytest.mark.parametrize("path", FILES, ids=_name)
def test_a_module_is_small_and_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    tree = ast.parse(text)
    assert text.count("\n") <= MOST_LINES
    assert ast.get_docstring(tree)
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    for node in (node for node in ast.walk(tree) if isinstance(node, functions)):
        lines = (node.end_lineno or 0) - node.lineno + 1
        assert lines <= MOST_OF_A_FUNCTION, f"{node.name} has {lines} lines"


def test_a_room_holds_about_a_dozen_files() -> None:
    rooms: dict[Path, int] = defaultdict(int)
    for path in FILES:
        rooms[path.parent] += path.name != "__init__.py"
    assert {_name(room): n for room, n in rooms.items() if n > MOST_FILES} == {}


def test_no_type_name_stands_twice() -> None:
    places: dict[str, list[str]] = defaultdict(list)
    for path in FILES:
        for name in _types(ast.parse(path.read_text("utf-8"))):
            places[name].append(_name(path))
    assert {name: where for name, where in places.items() if len(where) > 1} == {}


def test_what_a_person_can_mend_says_how() -> None:
    """Each raises what tells the remedy: as `remedy`, a problem in a file as its hint."""
    found: list[str] = []
    for path in FILES:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            given = {keyword.arg for keyword in node.keywords}
            wants = {"remedy"} if node.func.id in MENDABLE else set()
            if node.func.id == "Problem" and len(node.args) <= Problem.__struct_fields__.index(
                "hint"
            ):
                wants = {"hint"}
            if not wants <= given:
                found.append(f"{_name(path)}:{node.lineno}: {ast.unparse(node)}")
    assert found == []


def test_a_count_goes_with_its_noun() -> None:
    """One record is none of "1 records": `plural` says both; a constant is never one."""
    found: list[str] = []
    for path in FILES:
        walked = ast.walk(ast.parse(path.read_text("utf-8")))
        for node in (one for one in walked if isinstance(one, ast.JoinedStr)):
            for value, text in pairwise(node.values):
                if (
                    isinstance(value, ast.FormattedValue)
                    and isinstance(text, ast.Constant)
                    and (noun := COUNTED.match(str(text.value)))
                    and not (said := ast.unparse(value.value)).isupper()
                    and said not in NO_NUMBERS
                ):
                    found.append(f"{_name(path)}:{node.lineno}: {said}{noun[0]}")
    assert found == []
