import base64
import hashlib
import inspect
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from scanner.base.resources import templates_dir
from scanner.model.run import Run
from scanner.report.html import frame
from tests.unit.report.factory import (
    HOSTILE,
    RULES,
    clean_run,
    empty_run,
    finding,
    golden_run,
    large_run,
    run_of,
)
from tests.unit.report.rendering import another_time, render
from tests.unit.report.triaged import triaged_run

ALL_HOSTILE = "".join(HOSTILE.values())


class Page(HTMLParser):
    """The page as a parser sees it: elements, texts, and the contents of scripts and styles."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.raw: list[tuple[str, dict[str, str | None], str]] = []
        self.inside: list[str] | None = None
        self.feed(source)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag in {"script", "style"}:
            self.inside = []

    def handle_endtag(self, tag: str) -> None:
        if self.inside is not None:
            self.raw.append((tag, self.elements[-1][1], "".join(self.inside)))
            self.inside = None

    def handle_data(self, data: str) -> None:
        (self.texts if self.inside is None else self.inside).append(data)

    def one(self, tag: str) -> str:
        """Return the content of the only script or style that is no data."""
        (content,) = [c for t, a, c in self.raw if t == tag and a.get("type") is None]
        return content

    def data(self, name: str) -> list[Any]:
        """Return the data blocks with this id or class."""
        return [json.loads(c) for _, a, c in self.raw if name in {a.get("id"), a.get("class")}]

    @property
    def policy(self) -> str:
        """The Content-Security-Policy."""
        (content,) = [a["content"] for t, a in self.elements if t == "meta" and "http-equiv" in a]
        return content or ""


def source(run: Run) -> str:
    return render("html", run).decode("utf-8")


def page(run: Run) -> Page:
    return Page(source(run))


@pytest.mark.parametrize("make", [empty_run, clean_run, triaged_run])
def test_the_policy_names_exactly_what_is_inlined(make: Any) -> None:
    shown = page(make())
    assert shown.policy.startswith("default-src 'none'; ")
    assert "unsafe" not in shown.policy
    for tag in ("style", "script"):
        digest = hashlib.sha256(shown.one(tag).encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}'" in shown.policy


def test_nothing_is_loaded_and_nothing_runs_but_the_script() -> None:
    shown = page(triaged_run())
    for tag, attributes in shown.elements:
        assert tag not in {"link", "iframe", "object", "embed", "img", "base", "image", "video"}
        assert "src" not in attributes
        assert "style" not in attributes
        assert not [name for name in attributes if name.startswith("on")]
        assert not (attributes.get("href") or "").lower().startswith("javascript")
    assert not re.search(r"@import|url\(", shown.one("style"))
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacent|document\.write|eval", shown.one("script")
    )


def test_inlined_files_cannot_end_their_element() -> None:
    for file in (templates_dir() / "html").iterdir():
        if file.suffix in {".css", ".js"}:
            assert "</" not in file.read_text("utf-8"), file.name
            assert file.read_text("utf-8").isascii(), file.name


def hostile_run() -> Run:
    text = ALL_HOSTILE
    found = finding(
        RULES[0], "1" * 32, name=text, project=text, organization=text, message=text,
        evidence={text: text},
    )  # fmt: skip
    return run_of(RULES, [found], warnings=(text,))


def test_hostile_names_change_no_element() -> None:
    def skeleton(run: Run) -> list[str]:
        return [tag for tag, _ in page(run).elements]

    harmless = run_of(
        RULES, [finding(RULES[0], "1" * 32, evidence={"a": "b"})], warnings=("a warning",)
    )
    assert skeleton(hostile_run()) == skeleton(harmless)


def test_hostile_names_are_harmless_as_text_and_whole_in_the_data() -> None:
    shown = page(hostile_run())
    assert not set("\x1b\x07\u202e\u2066\u2028\x9b\x7f") & set("".join(shown.texts))
    (rows,) = shown.data("rows-data")
    assert rows["name"] == [ALL_HOSTILE]
    (details,) = shown.data("details-data")
    assert details["evidence"] == [{ALL_HOSTILE: ALL_HOSTILE}]


def test_the_source_holds_no_control_or_bidirectional_character() -> None:
    assert not set("\x1b\x07\u202e\u2066\u2028\x9b\x7f\x00") & set(source(hostile_run()))


def test_a_template_in_a_name_is_not_run() -> None:
    text = source(run_of(RULES, [finding(RULES[0], "1" * 32, name="{{ 7 * 7 }}", message="m")]))
    assert "{{ 7 * 7 }}" in text


def test_only_web_addresses_become_links() -> None:
    found = [
        finding(RULES[0], "1" * 32, url="javascript:alert(1)"),
        finding(RULES[0], "2" * 32, url="https://sentry.io/k/222/"),
        finding(RULES[0], "3" * 32, url=None),
    ]
    (details,) = page(run_of(RULES, found)).data("details-data")
    assert [details["links"][number] for number in details["link"]] == [
        None,
        "https://sentry.io/k/222/",
        None,
    ]


def test_findings_are_all_there_and_compact() -> None:
    run = large_run(2_500)
    shown = page(run)
    rows, details = shown.data("rows-data"), shown.data("details-data")
    assert [len(block["rule"]) for block in rows] == [1000, 1000, 500]
    places = [place for block in rows for place in block["places"]]
    links = [link for block in details for link in block["links"]]
    rules = shown.data("rules-data")[0]
    expected = list(run.findings)
    for at in (0, 999, 1000, 2499):
        block, rest = divmod(at, 1000)
        one = expected[at]
        assert rules[rows[block]["rule"][rest]]["id"] == one.rule_id
        assert places[rows[block]["place"][rest]] == [
            one.resource.organization,
            one.resource.project,
        ]
        assert rows[block]["id"][rest] == one.resource.id
        assert rows[block]["message"][rest] == one.message
        link = links[details[block]["link"][rest]]
        assert link.replace("\0", one.resource.id) == one.resource.url
        assert details[block]["fingerprint"][rest] == one.fingerprint
    assert len(source(run)) / 2_500 < 400  # bytes a finding: 100,000 stay below 40 MB


def test_verdict_comes_first_and_digests_last() -> None:
    text = " ".join(" ".join(page(triaged_run()).texts).split())
    text = text[text.index("Compliance report") :]  # past the links to the sections
    order = [
        "Incomplete",
        "20 open findings",
        "https://sentry.io (acme)",
        "2026-03-01 00:00:00 UTC",
        "sentry-baseline 1.0.0",
        "Since last time",
        "this scan is incomplete (sentry_key)",
        "What could not be seen",
        "acme/payments",
        "Frameworks",
        "NIST SP 800-53 r5",
        "of 222 checks passed",
        "Trend by control",
        "IA-5 Authenticator management",
        "By rule",
        "Supported by",
        "Exceptions",
        "Baseline",
        "Search the findings",
        "Scope and evidence",
        "SHA-256",
    ]
    positions = [text.index(part) for part in order]
    assert positions == sorted(positions)


def test_organizations_are_all_that_was_looked_at() -> None:
    text = " ".join(" ".join(page(triaged_run()).texts).split())
    assert "Organizations acme (5 projects) , globex (1 project) , initech (1 project)" in text


def test_without_a_script_the_first_findings_are_there() -> None:
    text = source(large_run(300))
    static = text.partition("<noscript>")[2].partition("</noscript>")[0]
    assert static.count("<tr>") == 101
    assert "first 100 of 300 findings" in static


def test_nothing_found_is_not_nothing_looked_at() -> None:
    assert "all 200 checks passed" in source(clean_run())
    assert "This is not a pass" in source(empty_run())
    assert "not assessed" in source(run_of(RULES, [], passed=0))


@pytest.mark.parametrize(
    ("passed", "failed", "rate"),
    [(1999, 1, "99.9%"), (1, 1999, "0.1%"), (0, 1, "0%"), (2, 1, "66.6%")],
)
def test_a_rate_is_never_rounded_to_the_end(passed: int, failed: int, rate: str) -> None:
    found = [finding(RULES[0], f"{n:032x}") for n in range(failed)]
    assert f'<span class="strong">{rate}</span> of' in source(
        run_of(RULES[:1], found, passed=passed)
    )


def test_two_runs_over_the_same_facts_differ_in_id_and_clock_only() -> None:
    one, other = (source(run).splitlines() for run in (golden_run(), another_time(golden_run())))
    changed = [line for line, also in zip(one, other, strict=True) if line != also]
    assert [re.sub(r"</dt>.*", "", line).partition("<dt>")[2] for line in changed] == [
        "Run",
        "Started",
        "Finished",
    ]


@pytest.fixture
def _compiled_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each report compile its templates, as each command does."""
    monkeypatch.setattr(frame, "_environment", inspect.unwrap(frame._environment))  # noqa: SLF001


@pytest.mark.usefixtures("_compiled_anew")
def test_compiled_templates_are_kept_where_python_may(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "html"
    folder.mkdir()
    for file in (templates_dir() / "html").iterdir():
        if file.is_file():
            (folder / file.name).write_bytes(file.read_bytes())
    monkeypatch.setattr(frame, "templates_dir", lambda: tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", True)
    first = render("html", golden_run())
    assert not (folder / "__pycache__").exists()
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    assert render("html", golden_run()) == first
    assert list((folder / "__pycache__").iterdir())
    assert render("html", golden_run()) == first


@pytest.mark.usefixtures("_compiled_anew")
def test_a_folder_that_cannot_be_written_to_is_no_reason_to_fail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "html").mkdir()
    for file in (templates_dir() / "html").iterdir():
        if file.is_file():
            (tmp_path / "html" / file.name).write_bytes(file.read_bytes())
    (tmp_path / "html" / "__pycache__").write_bytes(b"")  # a file where a folder would be
    monkeypatch.setattr(frame, "templates_dir", lambda: tmp_path)
    monkeypatch.setattr("sys.dont_write_bytecode", False)
    assert render("html", golden_run())
