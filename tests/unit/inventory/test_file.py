import glob
import gzip
import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.base.errors import InventoryFileError, UsageError
from scanner.inventory.file import FileSource, files_of
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Inventory, Layout, Needs, RawInput, Scope
from scanner.pipeline import open_inventory

KEY = {"id": "ab", "public": "ab", "projectId": 2}
PROJECT = {"id": "2", "slug": "web", "platform": "go"}
ORGANIZATION = {"id": "1", "slug": "acme", "links": {}}
SERVER = "https://sentry.acme.example"


def _write(path: Path, record: object) -> Path:
    path.write_text(json.dumps([record]))
    return path


def _collect(
    *paths: Path,
    organizations: tuple[str, ...] = (),
    projects: tuple[str, ...] = (),
    server: str | None = None,
) -> Inventory:
    source = FileSource(paths, organizations, projects, server)
    return source.collect(Scope(organizations, projects), Needs({}), Path("unused"))


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    return _write(tmp_path / "keys.json", KEY)


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    path = tmp_path / "inventory.jsonl"
    path.write_text(json.dumps({"kind": "inventory", "record": {"version": 1}}) + "\n")
    return path


def test_an_export_gets_what_it_lacks_from_the_options(keys: Path) -> None:
    found = _collect(keys, organizations=("acme",), projects=("web",), server=SERVER)
    assert found.inputs == (
        RawInput(keys, Layout.API_ARRAY, str(keys), "sentry_key", "acme", "web", SERVER),
    )
    assert found.sources == (str(keys),)
    assert found.warnings == ()


def test_coverage_is_what_was_given_and_nothing_else(keys: Path) -> None:
    found = _collect(keys)
    assert list(found.coverage) == ["sentry_key"]
    assert found.coverage["sentry_key"].state is CoverageState.COMPLETE
    assert found.coverage["sentry_key"].reason == f"as given in {keys}"


def test_many_files_are_counted_not_listed(tmp_path: Path) -> None:
    paths = [_write(tmp_path / f"{number}.json", KEY) for number in range(4)]
    assert _collect(*paths).coverage["sentry_key"].reason == "as given in 4 files"


def test_the_products_own_inventory_speaks_for_itself(inventory: Path) -> None:
    found = _collect(
        inventory, organizations=("acme", "globex"), projects=("web", "app"), server=SERVER
    )
    assert found.inputs == (RawInput(inventory, Layout.INVENTORY_LINES, str(inventory)),)
    assert found.coverage == {}


def test_several_organizations_for_an_export_are_ambiguous(keys: Path) -> None:
    with pytest.raises(UsageError, match=r"acme, globex.*keys\.json") as refusal:
        _collect(keys, organizations=("acme", "globex"))
    assert refusal.value.where == "--org"


def test_several_projects_for_an_export_of_keys_are_ambiguous(keys: Path) -> None:
    with pytest.raises(UsageError, match="web, app") as refusal:
        _collect(keys, projects=("web", "app"))
    assert refusal.value.where == "--project"


def test_a_list_of_projects_names_the_keys_projects(tmp_path: Path, keys: Path) -> None:
    listing = _write(tmp_path / "projects.json", PROJECT)
    found = _collect(keys, listing, organizations=("acme",), projects=("web", "app"))
    assert [(raw.kind, raw.organization, raw.project) for raw in found.inputs] == [
        ("sentry_key", "acme", None),
        ("sentry_project", "acme", None),
    ]


def test_a_list_of_organizations_needs_no_option(tmp_path: Path) -> None:
    found = _collect(
        _write(tmp_path / "organizations.json", ORGANIZATION), organizations=("acme", "globex")
    )
    assert found.inputs[0].organization is None


def test_an_empty_list_is_taken_for_keys_with_a_warning(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text("[]")
    found = _collect(path)
    assert found.inputs[0].kind == "sentry_key"
    assert "empty list" in found.warnings[0]


def test_a_folder_gives_its_inventories_by_name(tmp_path: Path, inventory: Path) -> None:
    _write(tmp_path / "b.json", KEY)
    _write(tmp_path / "a.json", KEY)
    (tmp_path / "inventory.parquet").write_bytes(b"PAR1PAR1")
    (tmp_path / "notes.txt").write_text("not one")
    (tmp_path / ".hidden.json").write_text("not one")
    (tmp_path / "folder.json").mkdir()
    found = _collect(tmp_path)
    names = [raw.path.name for raw in found.inputs]
    assert names == ["a.json", "b.json", inventory.name, "inventory.parquet"]


def test_an_inventory_of_a_folder_is_not_passed_by_for_its_name(tmp_path: Path) -> None:
    for name in ("a.JSON", "b.Jsonl", "c.ndjson"):
        _write(tmp_path / name, KEY)
    (tmp_path / "D.JSONL.GZ").write_bytes(gzip.compress(json.dumps(KEY).encode()))
    found = _collect(tmp_path)
    assert [raw.path.name for raw in found.inputs] == [
        "D.JSONL.GZ",
        "a.JSON",
        "b.Jsonl",
        "c.ndjson",
    ]
    assert found.warnings == ()


@pytest.mark.parametrize("name", ["keys.json.bz2", "keys.jsonl.XZ", "keys.json.zip"])
def test_what_is_packed_in_another_way_is_refused_in_a_folder(
    tmp_path: Path, keys: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(b"BZh91AY")
    with pytest.raises(InventoryFileError) as refusal:
        _collect(keys.parent)
    assert refusal.value.where == str(tmp_path / name)


def test_folders_in_a_folder_are_told_until_they_are_read(tmp_path: Path, keys: Path) -> None:
    teams = [tmp_path / name for name in ("a", "b", "empty", ".hidden")]
    for folder in teams:
        folder.mkdir()
    inner = [_write(folder / "keys.json", KEY) for folder in (*teams[:2], teams[-1])][:2]
    (teams[0] / "README.md").write_text("not one")
    assert [str(team) in "".join(_collect(tmp_path).warnings) for team in teams] == [
        *(True, True, False, False)
    ]
    found = _collect(tmp_path, *teams[:2])
    assert [raw.path for raw in found.inputs] == [keys, *inner]
    assert found.warnings == ()
    found = _collect(tmp_path / "**")
    assert [raw.path for raw in found.inputs] == [keys, *inner]
    assert found.warnings == ()


@pytest.mark.parametrize(
    "pattern",
    [
        *("*.json", "**/*.json", "a/**/*.json", "**/b/*.json", "**/b/**/*.json", "*/**/*.json"),
        *("**/**/keys.json", "a/*/keys.json", "./**/k*s.json", "**/[c]/*"),
    ],
)
@pytest.mark.parametrize("is_whole", [False, True])
def test_patterns_match_what_they_match_in_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str, *, is_whole: bool
) -> None:
    for folder in ("", "a", "a/b", "a/b/c", "b", "b/a", ".b", "a/.b", "[x]"):
        (tmp_path / folder).mkdir(exist_ok=True)
        _write(tmp_path / folder / "keys.json", KEY)
    monkeypatch.chdir(tmp_path)
    asked = f"{glob.escape(str(tmp_path))}/{pattern}" if is_whole else pattern
    expected = sorted({Path(one) for one in glob.glob(asked, recursive=True)})  # noqa: PTH207 - what is compared with
    files = [one for one in expected if one.is_file()]
    if files:
        assert files_of([Path(asked)]) == files
    else:
        with pytest.raises(InventoryFileError, match="no file matches"):
            files_of([Path(asked)])


@pytest.mark.parametrize("folder", ["[x]", "team [x]/a"])
@pytest.mark.parametrize("pattern", ["*.json", "**", "**/k*.json"])
def test_folders_that_are_named_with_brackets_are_those(
    tmp_path: Path, folder: str, pattern: str
) -> None:
    inside = tmp_path / folder
    for one in (inside, tmp_path / "x"):
        one.mkdir(parents=True)
        _write(one / "keys.json", KEY)
    assert files_of([inside / pattern]) == [inside / "keys.json"]


@pytest.mark.parametrize("pattern", ["**", "**/*.json", "a/**", "**/a/**/*.json"])
@pytest.mark.timeout(60)
def test_links_that_lead_upwards_are_followed_once(tmp_path: Path, pattern: str) -> None:
    """Two of them are as many ways as stars: Python's own patterns do not come to an end."""
    (tmp_path / "a" / "inner").mkdir(parents=True)
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    inner, linked = (_write(one / "keys.json", KEY) for one in (tmp_path / "a", outside))
    for name, target in (("up", ".."), ("here", "."), ("inner/up", "../.."), ("out", outside)):
        (tmp_path / "a" / name).symlink_to(target)
    found = files_of([tmp_path / pattern])
    assert {one.resolve() for one in found} == {inner.resolve(), linked.resolve()}


@pytest.mark.parametrize("pattern", ["**", "**/*.json", "*/*.json", "*/keys.json", "b/*.json"])
def test_a_folder_that_may_not_be_read_is_not_passed_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str
) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        _write(tmp_path / folder / "keys.json", KEY)
    assert files_of([tmp_path / pattern])
    ask = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "b" and ask(path, mode))
    with pytest.raises(InventoryFileError, match="may not be read") as refusal:
        files_of([tmp_path / pattern])
    assert refusal.value.where == str(tmp_path / "b")


def test_a_file_given_twice_is_read_once(tmp_path: Path, keys: Path) -> None:
    assert len(_collect(keys, tmp_path / "." / "keys.json", tmp_path).inputs) == 1


@pytest.mark.parametrize("name", ["keys[1].json", "k*.json", "ke?s1.json", "**.json", "a\\b.json"])
def test_names_that_look_like_patterns_are_names(tmp_path: Path, name: str) -> None:
    """The engine's readers take a path for a pattern; the wrong file must never be read."""
    _write(tmp_path / "keys1.json", KEY | {"id": "wrong"})
    path = _write(tmp_path / name, KEY | {"id": "right"})
    assert _read_ids(path) == ["right"]


def test_the_suffix_decides_nothing(tmp_path: Path) -> None:
    assert _read_ids(_write(tmp_path / "keys.json.gz", KEY)) == ["ab"]


def _read_ids(path: Path) -> list[str]:
    source = FileSource([path], ("acme",), ("web",), None)
    with open_inventory(source, Scope(), datetime(2026, 1, 1, tzinfo=UTC)) as opened:
        return [row[0] for row in opened.connection.execute("SELECT id FROM sentry_key").fetchall()]


def test_a_folder_without_inventories(tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match="holds no inventory"):
        _collect(tmp_path)


def test_a_folder_with_something_else_says_which_file(tmp_path: Path, keys: Path) -> None:
    wrong = tmp_path / "package.json"
    wrong.write_text('{"name": "x", "private": true}')
    with pytest.raises(InventoryFileError, match="unknown kind") as refusal:
        _collect(keys.parent)
    assert refusal.value.where == str(wrong)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InventoryFileError, match="no such file"):
        _collect(tmp_path / "nowhere.json")
