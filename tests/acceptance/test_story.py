"""The HTML report with a history behind it: what changed, what falls due, who has to do what."""

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.acceptance.support import ROOT, Result, report
from tests.acceptance.tolerance import ALPHA, BETA, GAMMA, POLICY, Place, key

DIR = "past"
DELTA = "d" * 32
OLD = """\
  - id: key-young
    title: A key is not old
    resource: sentry_key
    severity: critical
    check: {max_age: 120d}
"""


class Text(HTMLParser):
    """The text of the page as it stands there without a script, by the id of its sections."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.sections: dict[str, str] = {}
        self._open: list[str] = []
        self._skipped = False
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "section":
            values = dict(attrs)
            self._open.append(values.get("id") or values.get("class") or "")
        self._skipped = self._skipped or tag in {"script", "style"}

    def handle_endtag(self, tag: str) -> None:
        if tag == "section":
            self._open.pop()
        self._skipped = self._skipped and tag not in {"script", "style"}

    def handle_data(self, data: str) -> None:
        if self._open and not self._skipped:
            name = self._open[0]
            self.sections[name] = " ".join(f"{self.sections.get(name, '')} {data}".split())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    made = Place(tmp_path)
    made.policy(POLICY + OLD)
    made.write("keypolicy.yaml", "sla: {medium: 10d, critical: 2d}\n")
    return made


def scan(place: Place, as_of: str, *arguments: object) -> Result:
    done = place.scan("-q", "-o", "r.html", *arguments, as_of=as_of)
    assert done.code in {0, 1}, done.err
    return done


def sections(place: Place) -> dict[str, str]:
    return Text(place.read("r.html")).sections


def two_runs(place: Place) -> None:
    """Alpha and beta are found on 1 March; on 5 March beta is mended and delta came."""
    scan(place, "2026-03-01", "--history", DIR)
    place.keys(
        key(ALPHA, "alpha"),
        key(BETA, "beta-prod"),
        key(GAMMA, "gamma-prod"),
        key(DELTA, "delta", dateCreated="2026-03-02T00:00:00Z"),
    )
    scan(place, "2026-03-05", "--history", DIR)


def test_three_runs_new_fixed_reopened_and_overdue(place: Place) -> None:
    scan(place, "2026-03-01", "--history", DIR)
    told = sections(place)
    assert "This is the first run of its history." in told["glance"]
    assert "since" not in told
    two_runs(place)
    told = sections(place)
    assert "Unchanged since 2026-03-01" in told["glance"]
    assert "1 new, 0 reopened, 1 fixed" in told["glance"]
    assert "Like with like" in told["glance"]
    assert re.search(r"1 new .* delta .*0 reopened 1 fixed .* beta .*after 4 days", told["since"])
    place.keys(
        key(ALPHA, "alpha"), key(BETA, "beta"), key(GAMMA, "gamma-prod"),
        key(DELTA, "delta-prod", dateCreated="2026-03-02T00:00:00Z"),
    )  # fmt: skip
    scan(place, "2026-03-12", "--history", DIR)
    told = sections(place)
    assert "0 new, 1 reopened, 1 fixed" in told["glance"]
    assert "1 overdue, 1 of them since" in told["glance"]
    assert "1 finding is overdue" in told["glance"]
    assert re.search(r"1 reopened .* beta .*came back once", told["since"])
    assert re.search(r"1 overdue .* alpha .*2026-03-11", told["since"])
    assert "The run before is of 2026-03-05 00:00:00 UTC" in told["since"]


def test_what_falls_due_to_the_day(place: Place) -> None:
    two_runs(place)
    place.waivers({"rule": "key-tagged", "match": [ALPHA], "expires": "2026-04-20"})
    scan(place, "2026-03-06", "--history", DIR, "--waivers", "waivers.yaml")
    told = sections(place)
    # Three keys of 1 December are 121 days old on 1 April, the fourth is of 2 March.
    assert (
        "Within 30 days , to 2026-04-05: 1 finding is to be fixed, 3 keys or projects break a rule"
        in told["due"]
    )
    assert re.search(r"2026-04-01 in 26 days critical A key is not old key-young , 3", told["due"])
    assert re.search(r"2026-03-15 in 9 days medium .* delta", told["due"])
    assert re.search(
        r"2026-04-21 in 46 days The waiver legacy lapses 1 finding comes back team-web", told["due"]
    )
    assert "2026-03-15 in 9 days 1 finding is to be fixed" in told["glance"]
    assert re.search(r"Ends within 90 days legacy .*2026-04-20", told["exceptions"])
    # Nothing of it is in the verdict, the counts or the other reports.
    alone = place.run(
        "scan", "--inventory", "keys.json", "--org", "acme", "--project", "web", "--policy",
        "p.yaml", "--as-of", "2026-03-06", "--waivers", "waivers.yaml", "-q", "-o", "s.json",
    )  # fmt: skip
    assert alone.code == 1
    with_story, without = place.report(), report(place.folder / "s.json")
    assert with_story["summary"]["open_by_severity"] == without["summary"]["open_by_severity"]
    assert with_story["inventory"] == without["inventory"]


def test_who_has_to_do_what_by_when(place: Place) -> None:
    two_runs(place)
    place.write("owners.yaml", "owners: [{owner: team-web, contact: '#web', name: ['alpha*']}]\n")
    scan(place, "2026-03-06", "--history", DIR, "--owners", "owners.yaml")
    todo = sections(place)["todo"]
    assert re.search(r"team-web #web 2 to do, the first by 2026-03-11 .*acme/web", todo)
    assert re.search(r"Nobody's 3 to do, the first by 2026-03-15", todo)


def test_a_break_in_scope_or_policy_is_told(place: Place) -> None:
    two_runs(place)
    place.policy((POLICY + OLD).replace("120d", "60d"))
    scan(place, "2026-03-06", "--history", DIR)
    told = sections(place)
    assert "Not everything is the same: rules or parameters of policy mine" in told["glance"]
    assert "3 came and 0 went with a change of the rules" in told["glance"]
    assert "2026-03-06 : rules or parameters of policy mine changed" in told["totals"]


def test_without_a_history_only_what_is_asked_for(place: Place) -> None:
    scan(place, "2026-03-06")
    assert not {"since", "due", "todo"} & sections(place).keys()
    scan(place, "2026-03-06", "--ahead", "40")
    told = sections(place)
    assert "since" not in told
    assert "3 keys or projects break a rule" in told["due"]
    assert "In 31 to 40 days , to 2026-04-15: nothing" in told["due"]
    done = place.scan("--ahead", "40")
    assert "--ahead is used by nothing" in done.err
    for wrong in ("0", "x", "367"):
        done = place.scan("-o", "r.html", "--ahead", wrong)
        assert (done.code, "--ahead" in done.err) == (2, True)


def test_a_plain_scan_imports_nothing_of_it(place: Place) -> None:
    code = (
        "import sys; from scanner.cli.main import main; main(sys.argv[1:]);"
        "names = ('scanner.history.keeper', 'scanner.history.compare.past',"
        " 'scanner.engine.forecast.ahead', 'scanner.report.forecast.document');"
        "print([name for name in names if name in sys.modules])"
    )
    page = ("-o", str(place.folder / "r.html"), "-q")
    done = subprocess.run(
        [sys.executable, "-c", code, "scan", "--demo", *page],
        capture_output=True, check=True, text=True, cwd=place.folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(place.folder)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_same_facts_give_the_same_bytes(place: Place) -> None:
    pages = []
    for name in ("one", "two"):
        for day in ("2026-03-01", "2026-03-12"):
            scan(place, day, "--history", name)
        # But for the run's id and its clock.
        page = re.sub(r"<dt>(Run|Started|Finished)</dt>.*", "", place.read("r.html"))
        pages.append(page)
    assert pages[0] == pages[1]
