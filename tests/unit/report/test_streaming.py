"""Reports of many findings: in memory there is never more than a few of them."""

import io
import tracemalloc
from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec
import pytest

from scanner.model.finding import Finding
from scanner.model.rule import Rule
from scanner.model.run import Run
from scanner.report import BATCH, to_stream, write_reports
from scanner.report import FORMATS as FORMATS_THERE
from tests.unit.report.factory import Findings, large_run
from tests.unit.report.papers import can_make
from tests.unit.report.rendering import render, tabled

NUMBER = 2_000
PADDING = 5_000  # characters of each finding's evidence: 10 MB if all were kept
ROOM = 4_000_000

# Not the page, which takes a thousand findings at a time, on paper too, nor what the database
# writes.
FORMATS = tuple(
    n for n, info in FORMATS_THERE.items() if n not in {"html", "pdf"} and not info.is_of_table
)
MADE_HERE = tuple(filter(can_make, FORMATS_THERE))


class _Nowhere(io.RawIOBase):
    """A stream that keeps nothing but the number of its bytes."""

    size = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        length = memoryview(data).nbytes  # type: ignore[arg-type]  # any buffer
        self.size += length
        return length


class _Stream:
    """Findings that come into being when they are asked for, as out of a database."""

    def __init__(self, run: Run) -> None:
        self._thin = list(run.findings)

    def __iter__(self) -> Iterator[Finding]:
        for number, finding in enumerate(self._thin):
            evidence = msgspec.Raw(b'{"n": "%s"}' % (b"%d" % number * PADDING)[:PADDING])
            yield msgspec.structs.replace(finding, evidence=evidence)


def peak(run: Run, names: Iterable[str]) -> int:
    """Return the most bytes that writing these formats at once takes."""
    run = msgspec.structs.replace(run, findings=_Stream(run))
    for name in names:
        render(name, large_run(5))  # what is loaded once does not count
    reports = [to_stream(run, name, io.BufferedWriter(_Nowhere())) for name in names]
    tracemalloc.start()
    try:
        write_reports(run, reports)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture
def paper_not_laid_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the PDF be the page that it is made of: what comes of it depends on that alone."""
    monkeypatch.setattr("scanner.report.pdf._rendered", str.encode)


@pytest.mark.parametrize("name", FORMATS)
def test_findings_are_not_collected(name: str) -> None:
    found = peak(large_run(NUMBER), [name])
    assert found < ROOM, f"{found:,} bytes"


def test_nor_are_they_by_all_formats_at_once() -> None:
    found = peak(large_run(NUMBER), FORMATS)
    assert found < 2 * ROOM, f"{found:,} bytes"


@pytest.mark.parametrize("name", FORMATS_THERE)
@pytest.mark.usefixtures("paper_not_laid_out")
def test_findings_are_read_once(name: str) -> None:
    """Each time is a statement of the database for each rule."""
    run = large_run(5)
    render(name, run)
    assert run.findings.iterations <= 1  # type: ignore[attr-defined]


@pytest.mark.usefixtures("paper_not_laid_out")
def test_one_pass_is_enough_for_all_formats() -> None:
    """And each writes what it writes by itself."""
    run = large_run(1_234)  # more than the page takes at a time
    run = msgspec.structs.replace(run, sample=lambda rule, most: sampled(run, rule, most))
    alone = {name: render(name, run) for name in MADE_HERE}
    findings = run.findings
    assert isinstance(findings, Findings)
    findings.iterations = 0
    together = {name: io.BytesIO() for name in MADE_HERE}
    with tabled(msgspec.structs.replace(run, findings=findings[:])) as other:
        run = msgspec.structs.replace(run, table=other.table)
        write_reports(run, [to_stream(run, name, out) for name, out in together.items()])
    assert findings.iterations == 1
    assert {name: out.getvalue() for name, out in together.items()} == alone


def sampled(run: Run, rule: Rule, most: int) -> list[Finding]:
    """Return the first findings of a rule without a pass, as the database does."""
    assert isinstance(run.findings, Findings)
    mine = (one for one in run.findings[:] if (one.policy, one.rule_id) == (rule.policy, rule.id))
    return list(islice(mine, most))


@pytest.mark.parametrize("name", ["terminal", "prometheus"])
def test_no_pass_where_no_format_needs_one(name: str) -> None:
    run = large_run(50)
    render(name, msgspec.structs.replace(run, sample=lambda rule, most: sampled(run, rule, most)))
    assert run.findings.iterations == 0  # type: ignore[attr-defined]


def test_the_pass_ends_when_no_format_needs_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scanner.report.sarif.document.MAX_RESULTS", 10)
    run = large_run(5_000)
    given = 0

    class Counted:
        def __iter__(self) -> Iterator[Finding]:
            nonlocal given
            for given, finding in enumerate(run.findings, 1):  # noqa: B007 - counted
                yield finding

    render("sarif", msgspec.structs.replace(run, findings=Counted()))
    assert given <= BATCH
