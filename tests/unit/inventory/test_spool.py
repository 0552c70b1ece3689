import json
import os
from pathlib import Path

import pytest

from scanner.inventory.spool import Spool, copy_inventory
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import FORMAT_VERSION, Scope

WHOLE = TableCoverage(CoverageState.COMPLETE, "all pages")
PARTIAL = TableCoverage(
    CoverageState.PARTIAL, "some pages", (Gap("no access", organization="acme", project="web"),)
)


def _write(path: Path) -> Path:
    with Spool(path, sources=("here",), server="https://sentry.example", scope=Scope()) as spool:
        spool.add(
            "sentry_key",
            {"id": "a", "secret": "0123456789abcdef", "name": "é\n"},
            organization="acme",
            project=None,
        )
        spool.add("sentry_project", {"id": "2"}, organization="acme", project="web")
        return spool.finish({"sentry_key": WHOLE, "sentry_project": PARTIAL})


def test_lines(tmp_path: Path) -> None:
    path = tmp_path / "inventory.jsonl"
    assert _write(path) == path
    header, key, project, end = [json.loads(line) for line in path.read_text().splitlines()]
    assert header["kind"] == "inventory"
    assert header["record"]["version"] == FORMAT_VERSION
    assert header["record"]["server"] == "https://sentry.example"
    assert header["record"]["sources"] == ["here"]
    assert key == {
        "kind": "sentry_key",
        "organization": "acme",
        "project": None,
        "record": {"id": "a", "name": "é\n"},
    }
    assert project["project"] == "web"
    assert end["kind"] == "end"
    assert end["record"]["coverage"]["sentry_key"]["rows"] == 1
    assert end["record"]["coverage"]["sentry_project"]["gaps"] == [
        {"reason": "no access", "organization": "acme", "project": "web"}
    ]
    assert path.read_bytes().endswith(b"}\n")


def test_no_gap_tells_what_looks_like_a_token(tmp_path: Path) -> None:
    token = "sntryu_" + 8 * "0123abcd"
    gap = Gap(f"it redirects to /{token}/", organization=token, project=token)
    partial = TableCoverage(CoverageState.PARTIAL, f"led to {token}", (gap,))
    path = tmp_path / "inventory.jsonl"
    with Spool(path, sources=(), server=None, scope=Scope()) as spool:
        spool.finish({"sentry_key": partial})
    assert "it redirects to /[redacted]" in path.read_text()
    assert token not in path.read_text()


def test_the_array_holds_the_same(tmp_path: Path) -> None:
    lines = _write(tmp_path / "a.jsonl").read_text().splitlines()
    copy_inventory(_write(tmp_path / "b.jsonl"), tmp_path / "a.json")
    array = json.loads((tmp_path / "a.json").read_text())
    assert array[1:] == [json.loads(line) for line in lines[1:]]
    assert array[0]["kind"] == "inventory"


def test_an_empty_inventory_is_whole(tmp_path: Path) -> None:
    with Spool(tmp_path / "a.jsonl", sources=(), server=None, scope=Scope()) as spool:
        spool.finish({"sentry_key": WHOLE})
    copy_inventory(tmp_path / "a.jsonl", tmp_path / "a.json")
    kinds = [record["kind"] for record in json.loads((tmp_path / "a.json").read_text())]
    assert kinds == ["inventory", "end"]


def test_nothing_stands_under_the_name_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "inventory.jsonl"
    path.write_text("what was there")
    with Spool(path, sources=(), server=None, scope=Scope()) as spool:
        spool.add("sentry_key", {"id": "a"}, organization=None, project=None)
        assert path.read_text() == "what was there"
        spool.finish({})
    assert path.read_text() != "what was there"
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_leaving_early_leaves_nothing_behind(tmp_path: Path) -> None:
    path = tmp_path / "inventory.jsonl"
    with (
        pytest.raises(RuntimeError, match="boom"),
        Spool(path, sources=(), server=None, scope=Scope()),
    ):
        raise RuntimeError("boom")
    assert list(tmp_path.iterdir()) == []


def test_rows_are_counted_by_table(tmp_path: Path) -> None:
    with Spool(tmp_path / "a.jsonl", sources=(), server=None, scope=Scope()) as spool:
        for table in ("sentry_key", "sentry_key", "sentry_project"):
            spool.add(table, {"id": "a"}, organization=None, project=None)
        assert spool.rows == {"sentry_key": 2, "sentry_project": 1}


def test_folders_on_the_way_are_made(tmp_path: Path) -> None:
    assert _write(tmp_path / "new" / "folder" / "a.jsonl").is_file()


def test_others_may_not_read_it(tmp_path: Path) -> None:
    mode = _write(tmp_path / "a.jsonl").stat().st_mode
    assert mode & 0o077 == 0


def test_the_header_tells_scope_and_filters(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    scope = Scope(("acme",), ("web", "app"))
    with Spool(path, sources=(), server=None, scope=scope, filters={"status": "active"}) as spool:
        spool.finish({})
    header = json.loads(path.read_text("utf-8").splitlines()[0])["record"]
    assert header["scope"] == {"organizations": ["acme"], "projects": ["web", "app"]}
    assert header["filters"] == {"status": "active"}


def test_all_is_on_the_disk_before_the_file_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a power cut, a file under its name is whole."""
    path = tmp_path / "inventory.jsonl"
    happened: list[tuple[str, bool]] = []
    fsync, replace = os.fsync, Path.replace

    def watched_fsync(handle: int) -> None:
        fsync(handle)
        (temporary,) = tmp_path.iterdir()
        last = temporary.read_bytes().splitlines()[-1]
        happened.append(("fsync", json.loads(last)["kind"] == "end" and not path.exists()))

    def watched_replace(self: Path, target: Path) -> Path:
        happened.append(("rename", target == path))
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", watched_fsync)
    monkeypatch.setattr(Path, "replace", watched_replace)
    _write(path)
    assert happened == [("fsync", True), ("rename", True)]
