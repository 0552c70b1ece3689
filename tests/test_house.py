"""What keeps the house in order: sizes, names, and first lines that say what a module is for."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = sorted((ROOT / "scanner").rglob("*.py"))
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
