"""The site of a history: pages, links, feed and calendar; damaged, pruned, and looked at."""

import atexit
import json
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from datetime import date, datetime
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit
from xml.etree import ElementTree as ET

import pytest
from icalendar import Calendar

from tests.acceptance.support import Result
from tests.acceptance.tolerance import ALPHA, BETA, GAMMA, POLICY, Place, key, with_two_days
from tests.unit.report.conftest import browser, shared_page
from tests.unit.report.node_tools import node_module

__all__ = ["browser", "shared_page"]

DIR, SITE = "past", "site"
ATOM = "{http://www.w3.org/2005/Atom}"
HOSTILE = '<img src=x onerror=alert(1)>"&\u202e\x07 -prod'
CANARY = "5ecre7canary5ecre7canary5ecre7ca"
VOID = {"meta", "link", "img", "br", "hr", "input", "col"}


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def kept(place: Place, as_of: str, *arguments: object) -> Result:
    done = place.scan("--history", DIR, "-q", *arguments, as_of=as_of)
    assert "history" not in done.err, done.err
    return done


def year(place: Place) -> None:
    """Keep four runs: with a waiver, a hostile name, a secret, times to fix, a policy that grew."""
    shutil.copytree(_a_year(), place.folder, dirs_exist_ok=True)


@cache
def _a_year() -> str:
    """Return a folder with these runs; they are made once, and copied for each test."""
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = Place(Path(folder))
    place.write("keypolicy.yaml", "sla: {high: 14d, medium: 30d}\n")
    place.waivers({})
    secret = {"secret": CANARY, "dsn": {"secret": f"https://a:{CANARY}@s.io/1"}}
    kept(place, "2026-03-01", "--waivers", "waivers.yaml")
    place.keys(key(ALPHA, "alpha", **secret), key(BETA, HOSTILE), key(GAMMA, "gamma"))
    kept(place, "2026-03-02", "--waivers", "waivers.yaml")
    place.policy(POLICY.replace("'%-prod'", "'gamma%'"))
    kept(place, "2026-03-04", "--waivers", "waivers.yaml")
    grown = "  - {id: key-young, title: Young, resource: sentry_key, severity: low}\n"
    check = "    check: {max_age: 120d}\n"
    place.policy(
        POLICY + grown.replace("}\n", "\n").replace("- {", "- ").replace(", ", "\n    ") + check
    )
    kept(place, "2026-03-05", "--waivers", "waivers.yaml")
    return folder


def site(place: Place, *arguments: object, output: str = SITE) -> Result:
    return place.run("history", "site", *arguments, "-o", output)


def year_told(place: Place) -> None:
    """The same, with its site."""
    shutil.copytree(_a_year_told(), place.folder, dirs_exist_ok=True)


@cache
def _a_year_told() -> str:
    folder = tempfile.mkdtemp()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = Place(Path(folder))
    year(place)
    done = site(place, DIR)
    assert (done.code, done.err) == (0, "")
    assert "4 runs; 11 files written" in done.out
    return folder


class Links(HTMLParser):
    """The links of a page; elements that are not closed in their order are an error."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.ids: list[str] = []
        self._open: list[str] = []
        self.feed(source)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        assert not any(name.startswith("on") for name in given)
        assert "style" not in given
        assert "src" not in given
        if tag in {"a", "link"}:
            self.found.append(given["href"] or "")
        if name := given.get("id"):
            self.ids.append(name)
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_every_page_is_whole_and_every_link_leads_somewhere(place: Place) -> None:
    year_told(place)
    folder = place.folder / SITE
    assert [len(list((folder / name).iterdir())) for name in ("runs", "changes")] == [4, 3]
    reached = {folder / "index.html"}
    for path in pages(folder):
        source = path.read_text("utf-8")
        found = Links(source)
        assert "\u202e" not in source
        assert "<img" not in source
        assert len(found.ids) == len(set(found.ids))
        assert path == folder / "index.html" or "../index.html" in found.found
        for link in found.found:
            parts = urlsplit(link)
            if parts.path:
                assert not parts.scheme, link
                target = (path.parent / unquote(parts.path)).resolve()
                assert target.is_file(), link
                reached.add(target)
            elif "=" not in parts.fragment:
                assert parts.fragment in found.ids, link
    assert set(pages(folder)) <= reached


def test_a_run_is_told_as_its_scan_told_it(place: Place) -> None:
    place.waivers({})
    kept(place, "2026-03-01", "--waivers", "waivers.yaml", "-o", "scan.html")
    assert site(place, DIR).code == 0
    (path,) = (place.folder / SITE / "runs").iterdir()
    told, again = place.read("scan.html"), path.read_text("utf-8")
    for kind in ("rows-data", "details-data"):
        (there, here) = (
            re.findall(f'class="{kind}">(.*?)</script>', text) for text in (told, again)
        )
        assert there
        assert there == here
    for text in ("team-web", "ciso", "It goes with the next release."):
        assert text in again
    title = re.compile("<title>.*</title>")
    assert title.findall(told) == title.findall(again)


def test_the_parts_of_a_fleet_and_what_was_set_are_told_again(place: Place) -> None:
    keys = [("acme", ALPHA), ("globex", BETA), (None, GAMMA)]
    lines = [
        {"kind": "inventory", "record": {"version": 1}},
        *({"kind": "sentry_key", "organization": o, "record": key(i, "x")} for o, i in keys),
        {"kind": "end", "record": {"coverage": {
            "sentry_key": {"state": "complete", "reason": "", "rows": len(keys)}
        }}},
    ]  # fmt: skip
    place.write("i.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
    place.write("keypolicy.yaml", "sla: {high: 14d}\n")
    source = ("--inventory", "i.jsonl", "--policy", "p.yaml", "--as-of", "2026-03-01")
    place.run("scan", *source, "--history", DIR, "-o", "scan.html")
    assert site(place, DIR, "--days", "0").code == 0
    (path,) = (place.folder / SITE / "runs").iterdir()
    for wanted in ('<section id="organizations".*?</section>', "<dt>Set</dt>.*?</dd>"):
        (told,), (again,) = (
            re.findall(wanted, text, re.DOTALL)
            for text in (place.read("scan.html"), path.read_text("utf-8"))
        )
        assert told == again
        assert "globex" in told or "sla is high=14d" in told


def test_the_trend_of_a_run_is_told_again_with_controls_and_gaps(place: Place) -> None:
    place.write("keypolicy.yaml", "sla: {medium: 12h}\n")
    place.policy(POLICY + "    controls: {nist-800-53-r5: [IA-5]}\n")
    for day, gaps in (("2026-03-01", ()), ("2026-03-02", ("globex",))):
        state = {"state": "partial" if gaps else "complete", "reason": "Denied." if gaps else ""}
        seen = [one for one in (("acme", ALPHA), ("globex", BETA)) if one[0] not in gaps]
        told = [{"reason": "Denied.", "organization": one} for one in gaps]
        coverage = {"sentry_key": {**state, "gaps": told, "rows": len(seen)}}
        lines = [
            {"kind": "inventory", "record": {"version": 1}},
            *({"kind": "sentry_key", "organization": o, "record": key(i, "x")} for o, i in seen),
            {"kind": "end", "record": {"coverage": coverage}},
        ]
        place.write("i.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        source = ("--inventory", "i.jsonl", "--policy", "p.yaml", "--as-of", day)
        place.run("scan", *source, "--history", DIR, "-o", "scan.html")
    assert site(place, DIR, "--days", "0").code == 0
    *_, path = sorted((place.folder / SITE / "runs").iterdir())
    scanned, again = (
        re.findall("<svg.*?</svg>|<table.*?</table>|1 overdue, [^<]*", text, re.DOTALL)
        for text in (place.read("scan.html"), path.read_text("utf-8"))
    )
    assert scanned == again
    assert "open when last looked at" in "".join(again)
    assert "IA-5" in "".join(again)
    assert "1 overdue, 1 of them since" in "".join(again)
    assert "What will break a rule was not looked for" in path.read_text("utf-8")


def test_what_changed_is_told_with_its_reasons(place: Place) -> None:
    year(place)
    assert site(place, "--history", DIR).code == 0
    third = sorted((place.folder / SITE / "changes").iterdir())[1].read_text("utf-8")
    assert "rules or parameters of policy mine changed" in third
    index = (place.folder / SITE / "index.html").read_text("utf-8")
    assert "2026-03-04</time>: rules or parameters of policy mine changed" in index
    for name in ("key-tagged", "acme", "organization", "critical"):
        assert name in index


def test_the_feed_has_what_atom_asks_for(place: Place) -> None:
    year_told(place)
    raw = (place.folder / SITE / "feed.xml").read_bytes()
    root = ET.fromstring(raw)  # noqa: S314 - our own file
    assert root.tag == f"{ATOM}feed"
    entries = root.findall(f"{ATOM}entry")
    assert len(entries) == 4
    for element in (root, *entries):
        for name in ("id", "title", "updated"):
            (one,) = element.findall(f"{ATOM}{name}")
            assert one.text
        (updated,) = element.findall(f"{ATOM}updated")
        assert datetime.fromisoformat(str(updated.text)).tzinfo is not None
    assert root.findtext(f"{ATOM}author/{ATOM}name") == "keypolicy"
    ids = [one.findtext(f"{ATOM}id") for one in (root, *entries)]
    assert len(set(ids)) == 5
    assert all(str(one).startswith("urn:uuid:") for one in ids)
    for entry in entries:
        (link,) = entry.findall(f"{ATOM}link")
        assert (place.folder / SITE / link.attrib["href"]).is_file()
    kept(place, "2026-03-09", "--waivers", "waivers.yaml")
    site(place, DIR)
    later = ET.fromstring((place.folder / SITE / "feed.xml").read_bytes())  # noqa: S314
    assert {one.text for one in later.iter(f"{ATOM}id")} > set(ids)


def test_the_calendar_has_times_to_fix_waivers_and_what_is_to_come(place: Place) -> None:
    year_told(place)
    raw = (place.folder / SITE / "due.ics").read_bytes()
    events = {
        str(one["UID"]): one.decoded("dtstart") for one in Calendar.from_ical(raw).walk("VEVENT")
    }
    days = {name.rpartition("-")[2].partition("@")[0]: day for name, day in events.items()}
    assert days["legacy"] == date(2026, 3, 11)
    assert days["fail"] == date(2026, 4, 1)  # keys of 2025-12-01 come to 120 days, and a bit
    assert any(name.endswith("-deadline@keypolicy") for name in events)
    without = site(place, DIR, "--days", "0", output="other")
    assert without.code == 0
    fewer = Calendar.from_ical((place.folder / "other" / "due.ics").read_bytes()).walk("VEVENT")
    uids = {str(one["UID"]) for one in fewer}
    assert "waiver-legacy@keypolicy" in uids
    assert uids < set(events)


def test_a_site_that_is_brought_up_to_date_is_as_one_made_anew(place: Place) -> None:
    year_told(place)
    folder = place.folder / SITE
    before = {path: path.stat().st_mtime_ns for path in pages(folder)}
    again = site(place, DIR)
    assert "2 files written, 9 as they were, 0 removed" in again.out
    kept(place, "2026-03-12")
    done = site(place, DIR)
    assert "6 files written, 7 as they were" in done.out
    assert site(place, DIR, output="anew").code == 0
    assert content(folder) == content(place.folder / "anew")
    same = [path for path, moment in before.items() if path.stat().st_mtime_ns == moment]
    assert len(same) == 7
    # What somebody changed or took away is made anew.
    (folder / "runs" / same[-1].name).write_bytes(b"cut")
    same[0].unlink()
    site(place, DIR)
    assert content(folder) == content(place.folder / "anew")


def test_what_belongs_to_no_run_any_more_is_taken_away(place: Place) -> None:
    year_told(place)
    last = max((place.folder / DIR).glob("2*"))
    (place.folder / SITE / "runs" / "mine.txt").write_text("mine", "utf-8")
    shutil.rmtree(last)
    assert "2 removed" in site(place, DIR).out
    assert (place.folder / SITE / "runs" / "mine.txt").exists()
    assert len(pages(place.folder / SITE)) == 6


def test_no_secret_is_in_a_site(place: Place) -> None:
    year_told(place)
    for name, raw in content(place.folder / SITE).items():
        assert CANARY.encode() not in raw, name


@pytest.mark.parametrize(
    ("output", "says"), [("foreign", "is no site of keypolicy"), (f"{DIR}/site", "cannot lie in")]
)
def test_a_folder_of_something_else_is_left_alone(place: Place, output: str, says: str) -> None:
    kept(place, "2026-03-01")
    (place.folder / "foreign").mkdir()
    place.write("foreign/mine.txt", "mine")
    before = content(place.folder)
    done = site(place, DIR, output=output)
    assert done.code == 2
    assert says in done.err
    assert content(place.folder) == before


def test_a_link_in_a_site_does_not_lead_the_writer_out_of_it(place: Place) -> None:
    kept(place, "2026-03-01")
    site(place, DIR)
    shutil.rmtree(place.folder / SITE / "runs")
    (place.folder / "elsewhere").mkdir()
    (place.folder / SITE / "runs").symlink_to(place.folder / "elsewhere")
    done = site(place, DIR)
    assert done.code == 2
    assert "leads out of the folder" in done.err
    assert list((place.folder / "elsewhere").iterdir()) == []


def test_damage_is_shown_and_told_and_the_rest_is_there(place: Place) -> None:
    year(place)
    first, second, third, _ = sorted((place.folder / DIR).glob("2*"))
    (second / "manifest.json").write_bytes(b"{}")
    (third / "report.json.gz").write_bytes(b"cut")
    (first / "tracked.jsonl.gz").write_bytes(b"cut")
    done = site(place, DIR)
    assert done.code == 2
    assert "Traceback" not in done.err
    assert "is not the manifest of a run" in done.err
    index = (place.folder / SITE / "index.html").read_text("utf-8")
    assert "Damaged (3)" in index
    assert str(place.folder) not in index
    assert f"{second.name}/manifest.json" in index
    page = (place.folder / SITE / "runs" / f"{third.name}.html").read_text("utf-8")
    assert "Only its figures are left: is not what the run wrote" in page
    for path in pages(place.folder / SITE):
        Links(path.read_text("utf-8"))


def test_pruned_runs_have_their_figures(place: Place) -> None:
    year(place)
    place.run("history", "prune", "--history", DIR, "--before", "2026-03-03")
    done = site(place, DIR)
    assert (done.code, done.err) == (0, "")
    first, *_ = sorted((place.folder / SITE / "runs").iterdir())
    assert "Only its figures are left: was pruned" in first.read_text("utf-8")
    assert len(list((place.folder / SITE / "changes").iterdir())) == 1
    assert "11 as they were" not in done.out
    assert "as they were, 0 removed" in site(place, DIR).out


def test_only_the_latest_runs_have_whole_reports_where_that_is_wanted(place: Place) -> None:
    year(place)
    assert site(place, DIR, "--reports", "2").code == 0
    folder = place.folder / SITE / "runs"
    told = [
        "Only its figures are left" in one.read_text("utf-8") for one in sorted(folder.iterdir())
    ]
    assert told == [True, True, False, False]
    kept(place, "2026-03-12")
    site(place, DIR, "--reports", "2")
    assert site(place, DIR, "--reports", "2", output="anew").code == 0
    assert content(place.folder / SITE) == content(place.folder / "anew")
    wrong = site(place, DIR, "--reports", "many")
    assert (wrong.code, "--reports" in wrong.err) == (2, True)


def test_other_scopes_have_a_page_of_their_own(place: Place) -> None:
    kept(place, "2026-03-01")
    other = (
        "--inventory",
        "keys.json",
        "--org",
        "globex",
        "--project",
        "api",
        "--policy",
        "p.yaml",
    )
    place.run("scan", *other, "--as-of", "2026-03-02", "--history", DIR, "-q")
    assert site(place, DIR).code == 0
    (line,) = (place.folder / SITE / "lines").iterdir()
    index = (place.folder / SITE / "index.html").read_text("utf-8")
    assert f'href="lines/{line.name}"><bdi>web of acme' in index
    assert "../runs/" in line.read_text("utf-8")


def test_an_empty_history_has_no_site(place: Place) -> None:
    kept(place, "2026-03-01")
    shutil.rmtree(next((place.folder / DIR).glob("2*")))
    done = site(place, DIR)
    assert done.code == 2
    assert "has no run yet" in done.err
    twice = site(place, DIR, "--history", DIR)
    assert "the history is named twice" in twice.err


@pytest.mark.parametrize("form", ["html", "markdown", "terminal", "json"])
@pytest.mark.parametrize("action", ["list", "show", "diff previous latest", "trend", "verify"])
def test_every_verb_writes_every_form_to_a_file(place: Place, action: str, form: str) -> None:
    with_two_days(place, DIR)
    suffix = {"html": "html", "markdown": "md", "terminal": "txt", "json": "json"}[form]
    words = (*action.split(), "--history", DIR)
    printed = place.run("history", *words, "--format", form)
    done = place.run("history", *words, "-o", f"told.{suffix}")
    assert (done.code, done.out, done.err) == (0, "", "")
    text = place.read(f"told.{suffix}")
    if form == "json":
        assert json.loads(text) == json.loads(printed.out)
    else:
        assert text == printed.out
    if form == "html":
        Links(text)
    wrong = place.run("history", *words, "-o", "told.pdf")
    assert wrong.code == 2
    assert "End the name in one of" in wrong.err


@pytest.fixture
def looked_at(shared_page: Any) -> Iterator[Any]:
    """Give a page to open files in; nothing may complain or be asked for elsewhere."""
    complaints: list[str] = []
    listeners: dict[str, Callable[[Any], None]] = {
        "console": lambda message: complaints.append(message.text),
        "pageerror": lambda error: complaints.append(str(error)),
        "request": lambda one: None if one.url.startswith("file:") else complaints.append(one.url),
    }
    for event, listener in listeners.items():
        shared_page.on(event, listener)
    yield shared_page
    shared_page.goto("about:blank")
    for event, listener in listeners.items():
        shared_page.remove_listener(event, listener)
    assert complaints == []


@pytest.mark.parametrize(("width", "scheme"), [(1440, "light"), (390, "dark")])
def test_pages_are_accessible_and_fit_the_screen(
    place: Place, looked_at: Any, width: int, scheme: str
) -> None:
    year_told(place)
    folder = place.folder / SITE
    wanted = [
        folder / "index.html",
        *(max((folder / name).iterdir()) for name in ("runs", "changes")),
    ]
    axe = node_module("axe-core", "axe.min.js").read_text("utf-8")
    page = looked_at
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=scheme)
    for path in wanted:
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.is_visible("h1")
        page.evaluate(axe)
        script = "axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations)"
        assert [json.dumps(one)[:600] for one in page.evaluate(script)] == [], path.name
