from datetime import timedelta
from xml.etree import ElementTree as ET

import msgspec

from scanner.history.manifest import Manifest
from scanner.history.site.feed import MOST, feed
from scanner.model.outcome import Severity
from scanner.model.run import GateResult
from tests.unit.history.factory import DAY, manifest

ATOM = "{http://www.w3.org/2005/Atom}"


def runs(number: int) -> list[Manifest]:
    return [manifest(at + 1, DAY + timedelta(days=at)) for at in range(number)]


def parsed(raw: bytes) -> ET.Element:
    return ET.fromstring(raw)  # noqa: S314 - our own


def read(several: list[Manifest]) -> ET.Element:
    return parsed(feed(several, lambda one: f"runs/{one.run.id}.html"))


def texts(root: ET.Element, name: str) -> list[str | None]:
    return [one.text for one in root.iter(f"{ATOM}{name}")]


def test_the_latest_run_comes_first_and_no_more_than_the_most() -> None:
    root = read(runs(MOST + 5))
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == MOST
    days = texts(root, "updated")
    assert days[0] == days[1], "the feed is as old as its latest entry"
    assert days[1:] == sorted(days[1:], reverse=True, key=str)


def test_ids_stay_what_they_are_when_runs_come() -> None:
    before, after = (texts(read(runs(number)), "id") for number in (2, 4))
    assert before[0] == after[0]
    assert set(before) < set(after)
    assert len(set(after)) == len(after)
    assert all(str(one).startswith("urn:uuid:") for one in after)


def test_an_entry_says_what_the_run_came_to() -> None:
    made = manifest()
    figures = msgspec.structs.replace(
        made.figures, overdue={Severity.HIGH: 1}, changes={"new": {Severity.HIGH: 2}}
    )
    (entry,) = read([msgspec.structs.replace(made, figures=figures)]).findall(f"{ATOM}entry")
    assert texts(entry, "title") == ["Failed: 1 open finding"]
    assert texts(entry, "summary") == ["acme, seen: whole; open: 1 high; 2 new; 1 overdue"]
    assert [one.get("href") for one in entry.iter(f"{ATOM}link")] == [f"runs/{made.run.id}.html"]
    assert [one.get("term") for one in entry.iter(f"{ATOM}category")] == ["failed"]


def test_names_from_elsewhere_are_text_and_no_markup() -> None:
    made = manifest()
    hostile = "</title><script>\x00\x1b[31m&"
    looked = msgspec.structs.replace(made.looked, organizations={hostile: 1})
    raw = feed([msgspec.structs.replace(made, looked=looked, result=GateResult.PASSED)], str)
    assert b"<script>" not in raw
    root = parsed(raw)
    assert "</title><script>" in str(texts(root, "title")[0])


def test_a_run_whose_id_is_no_uuid_has_an_id_still() -> None:
    made = manifest()
    odd = msgspec.structs.replace(made, run=msgspec.structs.replace(made.run, id="run one"))
    found = texts(read([odd]), "id")
    assert all(str(one).startswith("urn:uuid:") for one in found)
    assert found == texts(read([odd]), "id")
