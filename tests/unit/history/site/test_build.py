"""Looking ahead for a site: how far was looked is said, and what failed is tried again."""

from pathlib import Path

import pytest

from scanner.history.folder import History, StoredRun
from scanner.history.site.build import SiteWishes, build
from scanner.model.finding import Forecast
from scanner.model.inventory import KeptInventory
from tests.unit.history.factory import DAY, manifest, stored

KEPT = KeptInventory(inputs=(), sources=("x",), coverage={}, live=False)
UNLOOKED = "what will break a rule was not looked for"


@pytest.mark.parametrize(
    ("inventory", "days", "fails", "says", "tries"),
    [
        (KEPT, 90, False, "", 1),
        (KEPT, 30, False, "what breaks a rule was looked for up to 2026-07-01", 1),
        (KEPT, 90, True, UNLOOKED, 2),
        (KEPT, 0, False, UNLOOKED, 0),
        (None, 90, False, UNLOOKED, 0),
    ],
)
def test_a_page_says_how_far_was_looked_ahead(
    tmp_path: Path,
    inventory: KeptInventory | None,
    days: int,
    fails: bool,  # noqa: FBT001
    says: str,
    tries: int,
) -> None:
    stored(tmp_path / "past", manifest(inventory=inventory))
    looked: list[str] = []

    def ahead(run: StoredRun) -> Forecast | None:
        looked.append(run.path.name)
        return None if fails else Forecast(DAY, days, (), (), 1, 1)

    for _ in range(2):
        build(History(tmp_path / "past"), tmp_path / "site", ahead, SiteWishes(days))
        page = (tmp_path / "site" / "index.html").read_text("utf-8")
        assert ("looked for" in page) == bool(says)
        assert says in page
    assert len(looked) == tries


@pytest.mark.parametrize("damage", [b"\xff", b"[", b" "])
def test_what_falls_due_is_found_anew_where_its_file_was_changed(
    tmp_path: Path, damage: bytes
) -> None:
    stored(tmp_path / "past", manifest(inventory=KEPT))

    def made() -> bytes:
        ahead = Forecast(DAY, 90, (), (), 1, 1)
        build(History(tmp_path / "past"), tmp_path / "site", lambda _: ahead, SiteWishes(90))
        return due.read_bytes()

    due = tmp_path / "site" / "due.json"
    sound = made()
    due.write_bytes(damage + sound[1:])
    assert made() == sound
