"""Report formats. Each is one module and one line in `FORMATS`, imported only when it is used."""

import atexit
import importlib
import threading
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final, cast

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.base.hints import closest
from scanner.model.finding import Finding
from scanner.model.run import Run
from scanner.report.interface import DEFAULT_OPTIONS, Format, ReportOptions, Writing

__all__ = [
    "DEFAULT_OPTIONS",
    "FORMATS",
    "Format",
    "FormatInfo",
    "ReportOptions",
    "Writing",
    "format_called",
    "format_for",
    "preload",
    "to_file",
    "to_stream",
    "write_reports",
]

BATCH: Final = 100
"""Findings that reports are given at a time. More are no quicker, and evidence may be long."""


class FormatInfo(msgspec.Struct, frozen=True):
    """Where a format lives, the file suffixes that choose it, and one line about it.

    `is_json`: whether all that comes from elsewhere stands in it as JSON, or escaped.
    `is_of_table`: whether it is made of `Run.table`, which a scan has to be asked for.
    `is_story`: whether it tells of earlier runs and of what falls due, which a scan has to be asked
    for, too. `has_digest`: whether it tells the digest of the inventory, which a scan makes for it
    alone. `is_binary`: whether a terminal cannot show it. `is_extra`: whether it needs what is
    not installed with the product; its module has a function `ready`, which raises UsageError
    where that is missing.
    """

    module: str
    suffixes: tuple[str, ...]
    description: str
    is_json: bool = False
    is_of_table: bool = False
    is_story: bool = False
    has_digest: bool = True
    is_binary: bool = False
    is_extra: bool = False


_PATIENCE: Final = 10.0  # seconds that the end of the process waits for imports

FORMATS: Final[dict[str, FormatInfo]] = {
    "json": FormatInfo(
        "json_v1", (".json",), "every finding and count, schema report-v1", is_json=True
    ),
    "sarif": FormatInfo(
        "sarif.document", (".sarif", ".sarif.json"), "SARIF 2.1.0, for code scanning", is_json=True
    ),
    "html": FormatInfo(
        "html.page",
        (".html", ".htm"),
        "one self-contained page to read and search",
        is_json=True,
        is_story=True,
    ),
    "pdf": FormatInfo(
        "pdf",
        (".pdf",),
        "the page on paper, to sign and to file",
        is_story=True,
        is_binary=True,
        is_extra=True,
    ),
    "terminal": FormatInfo(
        "terminal", (".txt",), "the summary that a person reads first", has_digest=False
    ),
    "junit": FormatInfo("junit", (".xml",), "JUnit XML, a case for each rule in each project"),
    "markdown": FormatInfo(
        "markdown", (".md",), "a pull request's comment or a job's summary", has_digest=False
    ),
    "github": FormatInfo(
        "github", (), "annotations of GitHub Actions, for standard output", has_digest=False
    ),
    "gitlab": FormatInfo(
        "gitlab", (".gitlab.json",), "GitLab Code Quality", is_json=True, has_digest=False
    ),
    "csv": FormatInfo(
        "csv_findings", (".csv",), "the findings as a table, for spreadsheets", has_digest=False
    ),
    "parquet": FormatInfo(
        "parquet",
        (".parquet",),
        "the findings as a table, for data platforms",
        is_of_table=True,
        is_binary=True,
    ),
    "ocsf": FormatInfo(
        "ocsf",
        (".ocsf.json",),
        "OCSF Compliance Findings, class 2003",
        is_json=True,
        has_digest=False,
    ),
    "oscal": FormatInfo(
        "oscal.document", (".oscal.json",), "OSCAL assessment results", is_json=True
    ),
    "prometheus": FormatInfo(
        "prometheus", (".prom",), "metrics for node_exporter's text files", has_digest=False
    ),
}


def format_for(path: Path) -> str:
    """Return the name of the format that the suffix of `path` stands for.

    Raise UsageError, naming the known suffixes, where it stands for none, and where the format
    needs what is not installed.
    """
    name = path.name.lower()
    known = [(suffix, key) for key, info in FORMATS.items() for suffix in info.suffixes]
    fitting = [(suffix, key) for suffix, key in known if name.endswith(suffix)]
    if not fitting:
        raise UsageError(
            "no report format goes by this file name",
            where=str(path),
            remedy=f"End the name in one of {', '.join(sorted(suffix for suffix, _ in known))}.",
        )
    name = max(fitting, key=lambda choice: len(choice[0]))[1]
    format_called(name)
    return name


def preload(names: Iterable[str]) -> None:
    """Begin to import these formats beside whatever the caller does next.

    The database works without Python's lock, so this costs next to nothing while a scan runs.
    Where that ends at once, over a mistake in a policy, the process ends when the imports have: an
    interpreter that is taken down under a thread that loads a library crashes. But Ctrl-C within
    an import may leave its lock taken for good, so the wait has an end.
    """
    modules = [f"scanner.report.{FORMATS[name].module}" for name in names]

    def load() -> None:
        for module in modules:
            importlib.import_module(module)

    thread = threading.Thread(target=load, name="keypolicy-preload", daemon=True)
    thread.start()
    atexit.register(thread.join, _PATIENCE)


def to_file(run: Run, path: Path, options: ReportOptions = DEFAULT_OPTIONS) -> Writing:
    """Return the report that the suffix of `path` stands for; `path` is whole or untouched.

    What `options` say of the screen does not count. Raises UsageError for an unknown suffix and,
    while it is written, for a file that cannot be.
    """
    return _to_file(_load(format_for(path)), run, path, options)


def _to_file(report: Format, run: Run, path: Path, options: ReportOptions) -> Writing:
    with replacing(path) as out:
        yield from report.write(run, out, options.of_file) or ()


def to_stream(
    run: Run, name: str, out: BinaryIO, options: ReportOptions = DEFAULT_OPTIONS
) -> Writing:
    """Return the report in the format called `name`, to an open stream that is flushed at the end.

    Raises UsageError for an unknown name; an OSError of the stream is the caller's.
    """
    return _to_stream(_load(name), run, out, options)


def _to_stream(report: Format, run: Run, out: BinaryIO, options: ReportOptions) -> Writing:
    yield from report.write(run, out, options) or ()
    out.flush()


def write_reports(run: Run, reports: Iterable[Writing]) -> None:
    """Write all of these reports in one pass over the findings.

    Where one fails, those before it are still written, those after it are not, and the error is
    raised: a UsageError or OSError. After any other exception none is that had not ended.
    """
    feed = _Feed(reports)
    try:
        feed.give(None)
        # No format may need any; then the database is not asked.
        findings = iter(run.findings) if feed.is_wanted else iter(())
        while feed.is_wanted and (batch := list(islice(findings, BATCH))):
            feed.give(batch)
        feed.give(())
    finally:
        feed.close()
    if feed.failure is not None:
        raise feed.failure


class _Feed:
    """Reports that are being written; `failure` is why those that are missing are."""

    def __init__(self, reports: Iterable[Writing]) -> None:
        self._reports = list(reports)
        self.failure: UsageError | OSError | None = None

    @property
    def is_wanted(self) -> bool:
        """Whether any report waits for findings."""
        return bool(self._reports)

    def give(self, findings: Sequence[Finding] | None) -> None:
        """Begin the reports (None), give them findings, or end them (no findings)."""
        waiting: list[Writing] = []
        for at, report in enumerate(self._reports):
            try:
                next(report) if findings is None else report.send(findings)
            except StopIteration:
                continue
            except (UsageError, OSError) as error:
                self.failure = error
                _close(self._reports[at + 1 :])
                break
            waiting.append(report)
        self._reports = waiting

    def close(self) -> None:
        """Give up what has not ended, and leave nothing of it."""
        _close(self._reports)


def _close(reports: Iterable[Writing]) -> None:
    for report in reports:
        report.close()


def format_called(name: str) -> FormatInfo:
    """Return the format of this name.

    Raise UsageError, naming the known ones, for another, and where it needs what is not installed:
    whoever asks for a format hears of it before anything is fetched.
    """
    info = FORMATS.get(name)
    if info is None:
        suffix = f".{name.lower().lstrip('.')}"
        meant = next((one for one, each in FORMATS.items() if suffix in each.suffixes), None)
        meant = meant or closest(name, FORMATS)
        raise UsageError(
            f"there is no report format called {name!r}",
            where="--format",
            remedy=f"{f'Did you mean `{meant}`? ' if meant else ''}"
            f"Known formats: {', '.join(FORMATS)}.",
        )
    if info.is_extra:
        importlib.import_module(f"scanner.report.{info.module}").ready()
    return info


def _load(name: str) -> Format:
    module = format_called(name).module
    return cast("Format", importlib.import_module(f"scanner.report.{module}"))
