"""The PDF report: its cover, its pages, its rows; what it needs, and what it never does."""

import hashlib
import importlib
import io
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pypdf
import pytest

from scanner.base.errors import UsageError
from scanner.base.text import clock
from scanner.report import format_called, format_for, pdf
from tests.unit.report.factory import AS_OF, HOSTILE, clean_run, large_run
from tests.unit.report.papers import letters, needs_paper, pages
from tests.unit.report.rendering import GATE, render
from tests.unit.report.storied import storied_run
from tests.unit.report.triaged import triaged_run

FOUND = 30  # four pages of them


@pytest.fixture(scope="module")
def triaged() -> bytes:
    return render("pdf", triaged_run())


@pytest.fixture(scope="module")
def large() -> bytes:
    return render("pdf", large_run(FOUND))


@needs_paper
def test_the_cover_tells_what_was_judged_and_has_lines_to_sign() -> None:
    run = msgspec.structs.replace(
        clean_run(),
        gate=GATE,
        inventory=msgspec.structs.replace(
            clean_run().inventory, servers=("https://sentry.example",)
        ),
    )
    cover, *_ = pages(render("pdf", run))
    told = letters(cover)
    for text in (
        *("Passed", "exit code 0: compliant", f"As of {clock(AS_OF)}", "Server https://sentry"),
        *("acme, globex, initech", "Projects 7", "the whole scope was seen", "projects: web, app"),
        *(run.policies[0].digest, run.inventory.digest, "keypolicy 0.1.0", "100% passed"),
        *("Prepared by", "Reviewed by", "Approved by", "Name Date Signature"),
    ):
        assert letters(text) in told, text


@needs_paper
def test_the_cover_is_one_sheet_whatever_is_on_it() -> None:
    run = clean_run()
    long = "a-long-name-" * 20
    inventory = msgspec.structs.replace(
        run.inventory,
        sources=tuple(f"{long}{number}.json" for number in range(50)),
        servers=tuple(f"https://{number}.example/{long}" for number in range(50)),
        organizations={f"{long}{number}": 1 for number in range(200)},
    )
    policies = tuple(msgspec.structs.replace(run.policies[0], name=f"p{n}") for n in range(9))
    verdict = msgspec.structs.replace(run.verdict, reasons=tuple(f"{long} {n}" for n in range(30)))
    run = msgspec.structs.replace(run, inventory=inventory, policies=policies, verdict=verdict)
    cover, second, *_ = pages(render("pdf", run))
    assert "Approved by" in cover
    assert "Approved by" not in second
    for told in ("and 197 more", "and 47 more", "and 4 more, under Scope and evidence"):
        assert letters(told) in letters(cover)


@needs_paper
def test_every_page_has_its_number_and_all_but_the_cover_the_scope(large: bytes) -> None:
    told = pages(large)
    assert len(told) > 4
    for number, page in enumerate(told, 1):
        assert f"Page {number} of {len(told)}" in " ".join(page.split())
        assert f"As of {clock(AS_OF)}" in " ".join(page.split())
        assert ("acme, globex, initech" in page.splitlines()[-2]) == (number > 1)


@needs_paper
def test_every_finding_is_there_once_on_one_page_and_below_a_head(large: bytes) -> None:
    told = [letters(page) for page in pages(large)]
    for one in large_run(FOUND).findings:
        (page,) = [page for page in told if f"fingerprint{one.fingerprint}" in page]
        assert one.resource.id in page, "the row was cut"
        assert f"age_days{msgspec.json.decode(one.evidence)['age_days']}·" in page
    assert [
        page for page in told if "fingerprint" in page and "ResourceProjectFinding" not in page
    ] == []
    assert f"{FOUND}findings,theworstfirst." in "".join(told)


@needs_paper
def test_no_head_is_left_without_a_row_below_it() -> None:
    told = [letters(page) for page in pages(render("pdf", storied_run()))]
    (page,) = [page for page in told if "ProjectThefirstonFindings" in page]
    assert "ProjectThefirstonFindingsacme/web" in page


@needs_paper
def test_no_more_are_laid_out_than_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pdf, "MOST", 3)
    told = "".join(map(letters, pages(render("pdf", large_run(FOUND)))))
    assert told.count("fingerprint") == 3
    assert letters("The first 3 of 30 findings, the worst first. 27 are not printed") in told


@needs_paper
def test_waived_findings_are_there_and_do_not_look_open(triaged: bytes) -> None:
    told = "".join(map(letters, pages(triaged)))
    assert "failwaived" in told
    assert letters("waiver legacy-app") in told
    assert letters("first seen 2026-01-05") in told


@needs_paper
def test_names_are_text_and_only_web_addresses_are_links(triaged: bytes) -> None:
    read = pypdf.PdfReader(io.BytesIO(triaged))
    links = [
        str(note.get_object()["/A"]["/URI"])
        for page in read.pages
        for note in page.get("/Annots", ())
        if "/A" in note.get_object()
    ]
    assert links
    assert [one for one in links if not re.match(r"https?://", one)] == []
    told = "".join(map(letters, pages(triaged)))
    assert letters(HOSTILE["markup"]) in told


def trailer(made: bytes) -> Any:
    return pypdf.PdfReader(io.BytesIO(made)).trailer


@needs_paper
def test_it_can_be_listened_to_and_runs_nothing(triaged: bytes) -> None:
    root = trailer(triaged)["/Root"]
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"]
    assert b"pdfuaid:part" in root["/Metadata"].get_data()
    assert not {"/OpenAction", "/AA"} & root.keys()
    assert set(root["/Names"]) == {"/Dests"}
    kinds = _kinds(root["/StructTreeRoot"])
    assert {"/Table", "/TH", "/TR", "/H1", "/H2", "/Link", "/L"} <= kinds


def _kinds(element: object) -> set[str]:
    found, waiting = set(), [element]
    while waiting:
        one = waiting.pop()
        if isinstance(one, pypdf.generic.IndirectObject):
            one = one.get_object()
        if isinstance(one, list):
            waiting += one
        elif isinstance(one, dict) and one.get("/Type") != "/OBJR":
            found.add(str(one.get("/S")))
            waiting.append(one.get("/K"))
    return found


AGAIN = """
import hashlib
from tests.unit.report.rendering import another_time, render
from tests.unit.report.triaged import triaged_run
print(hashlib.sha256(render("pdf", another_time(triaged_run()))).hexdigest())
"""


@needs_paper
def test_the_same_facts_give_the_same_bytes_in_another_process(triaged: bytes) -> None:
    done = subprocess.run([sys.executable, "-c", AGAIN], capture_output=True, check=True, text=True)
    assert done.stdout.strip() == hashlib.sha256(triaged).hexdigest()


@needs_paper
def test_other_facts_give_another_identifier(triaged: bytes, large: bytes) -> None:
    assert trailer(triaged)["/ID"][0] != trailer(large)["/ID"][0]


@needs_paper
def test_nothing_is_opened_or_fetched(tmp_path: Path) -> None:
    style = tmp_path / "seen.css"
    style.write_text("p::before { content: 'SEEN' }")
    page = (
        f"<html lang=en><title>t</title><style>@import url('{style.as_uri()}');</style>"
        f"<link rel=stylesheet href='{style.as_uri()}'>"
        f"<p>text<img src='{style.as_uri()}' alt=''><object data='{style.as_uri()}'></object>"
    )
    made = pdf._rendered(page)  # noqa: SLF001 - a page of ours asks for nothing
    assert pages(made)[0].strip() == "text"
    assert b"seen.css" not in made


def missing(monkeypatch: pytest.MonkeyPatch, folder: Path, source: str) -> None:
    """Let `import weasyprint` run this instead."""
    (folder / "weasyprint.py").write_text(source)
    monkeypatch.syspath_prepend(folder)
    for name in [one for one in sys.modules if one.partition(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    importlib.invalidate_caches()


@pytest.mark.parametrize(
    ("source", "message", "remedy"),
    [
        (
            "raise ModuleNotFoundError('weasyprint')",
            "WeasyPrint",
            r"pip install 'keypolicy\[pdf\]'",
        ),
        ("print('-----'); raise OSError('cannot load library')", "Pango", "apt install libpango"),
        ("import warnings; warnings.warn('No fonts configured in FontConfig.')", "fonts", "fonts"),
    ],
)
def test_what_is_missing_is_told_with_how_to_install_it(
    source: str,
    message: str,
    remedy: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    missing(monkeypatch, tmp_path, source)
    for ask in (lambda: format_for(Path("r.pdf")), lambda: format_called("pdf")):
        with pytest.raises(UsageError, match=message) as caught:
            ask()
        assert re.search(remedy, caught.value.remedy)
        assert caught.value.exit_code == 2
    assert capsys.readouterr().out == ""


def test_other_formats_do_not_ask_for_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing(monkeypatch, tmp_path, "raise AssertionError")
    assert format_for(Path("r.html")) == "html"
    assert render("html", clean_run())
