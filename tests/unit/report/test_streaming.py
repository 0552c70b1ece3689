"""Reports of many findings: in memory there is never more than a few of them."""

import io
import tracemalloc
from collections.abc import Iterator

import msgspec
import pytest

from scanner.model.finding import Finding
from scanner.model.run import Run
from scanner.report import DEFAULT_OPTIONS, write_stream
from scanner.report import FORMATS as FORMATS_THERE
from tests.unit.report.factory import large_run

NUMBER = 4_000
PADDING = 5_000  # characters of each finding's evidence: 20 MB if all were kept
ROOM = 6_000_000

FORMATS = ("junit", "markdown", "github", "gitlab", "csv", "parquet", "ocsf", "oscal", "prometheus")


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


@pytest.mark.parametrize("name", FORMATS)
def test_findings_are_not_collected(name: str) -> None:
    run = large_run(NUMBER)
    run = msgspec.structs.replace(run, findings=_Stream(run))
    write_stream(large_run(5), name, io.BytesIO())  # what is loaded once does not count
    out = io.BufferedWriter(_Nowhere())
    tracemalloc.start()
    try:
        write_stream(run, name, out, DEFAULT_OPTIONS)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < ROOM, f"{peak:,} bytes"


PASSES = {"html": 2}  # its first rows once more, for where no script runs


@pytest.mark.parametrize("name", FORMATS_THERE)
def test_findings_are_read_once(name: str) -> None:
    """Each time is a statement of the database for each rule."""
    run = large_run(50)
    write_stream(run, name, io.BytesIO())
    assert run.findings.iterations <= PASSES.get(name, 1)  # type: ignore[attr-defined]
