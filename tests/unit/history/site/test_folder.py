"""What was made of the same is kept, what belongs to the site no more goes, and nothing else."""

from pathlib import Path
from typing import BinaryIO

import pytest

from scanner.base.errors import UsageError
from scanner.history.site import folder as site
from scanner.history.site.folder import STATE, SiteFolder


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "site"


def written(
    place: Path, files: dict[str, tuple[object, bytes]], *, lasts: bool = True
) -> SiteFolder:
    """Write a site of these files, each with what it is made of."""
    made = SiteFolder(place, place.parent / "history")
    for name, (parts, content) in files.items():

        def write(out: BinaryIO, content: bytes = content) -> bool:
            out.write(content)
            return lasts

        made.file(name, parts, write)
    return made


def test_a_file_is_made_anew_only_where_its_parts_changed(place: Path) -> None:
    written(place, {"a.html": ([1], b"one"), "b.html": ([1], b"two")}).finish()
    again = written(place, {"a.html": ([1], b"never"), "b.html": ([2], b"three")})
    assert again.finish() == 0
    assert (again.written, again.kept) == (["b.html"], 1)
    assert (place / "a.html").read_bytes() == b"one"
    assert again.read("b.html") == b"three"


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_a_file_that_was_harmed_is_made_anew(place: Path, harm: str) -> None:
    written(place, {"a.html": ([1], b"one")}).finish()
    if harm == "cut":
        (place / "a.html").write_bytes(b"o")
    else:
        (place / "a.html").unlink()
    again = written(place, {"a.html": ([1], b"one")})
    assert again.written == ["a.html"]
    assert (place / "a.html").read_bytes() == b"one"


def test_what_cannot_stay_is_made_every_time(place: Path) -> None:
    for _ in range(2):
        made = written(place, {"a.html": ([1], b"one")}, lasts=False)
        made.finish()
        assert made.written == ["a.html"]


def test_another_look_makes_all_anew(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(place, {"a.html": ([1], b"one")}).finish()
    assert SiteFolder(place, place.parent / "h").is_current("a.html", [1])
    monkeypatch.setattr(site, "look", lambda: "another")
    assert not SiteFolder(place, place.parent / "h").is_current("a.html", [1])


def test_only_files_of_the_site_are_taken_away(place: Path) -> None:
    written(place, {"runs/a.html": ([1], b"one"), "b.html": ([1], b"two")}).finish()
    (place / "mine.txt").write_text("not of the site", "utf-8")
    assert written(place, {"b.html": ([1], b"two")}).finish() == 1
    assert not (place / "runs/a.html").exists()
    assert (place / "mine.txt").exists()


def test_a_state_that_names_files_elsewhere_takes_none_away(place: Path, tmp_path: Path) -> None:
    written(place, {"a.html": ([1], b"one")}).finish()
    outside = tmp_path / "outside.txt"
    outside.write_text("stays", "utf-8")
    state = (place / STATE).read_text("utf-8")
    (place / STATE).write_text(state.replace("a.html", "../outside.txt"), "utf-8")
    written(place, {}).finish()
    assert outside.exists()


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (None, "is no site of keypolicy"),
        ("{", "cannot be read"),
        ('{"format": "keypolicy-site", "version": 9, "files": {}}', "format version 9"),
    ],
)
def test_a_folder_of_something_else_is_left_alone(
    place: Path, state: str | None, told: str
) -> None:
    place.mkdir()
    (place / "mine.txt").write_text("x", "utf-8")
    if state is not None:
        (place / STATE).write_text(state, "utf-8")
    before = sorted(place.iterdir())
    with pytest.raises(UsageError, match=told):
        SiteFolder(place, place.parent / "history")
    assert sorted(place.iterdir()) == before


def test_a_site_does_not_lie_in_its_history(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="in the history"):
        SiteFolder(tmp_path / "history" / "site", tmp_path / "history")
