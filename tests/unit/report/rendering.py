"""Reports of test runs as bytes, and the run that most goldens are of."""

import io
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import duckdb
import msgspec
import pytest
from jsonschema import Draft7Validator

from scanner.model.history import GroupTally
from scanner.model.outcome import Disposition, Outcome
from scanner.model.owner import OrganizationShare
from scanner.model.run import Clear, GateSetting, Run, RunInfo
from scanner.report import (
    DEFAULT_OPTIONS,
    ReportOptions,
    format_called,
    to_file,
    to_stream,
    write_reports,
)
from scanner.report.parts.flat import COLUMNS, row
from tests.unit.report.factory import FIRST_SEEN, HOSTILE, fixed_finding, golden_run
from tests.unit.report.papers import can_make, pages

GATE = (
    GateSetting("fail_on", "low", "the default"),
    GateSetting("on_unknown", "warn", "KEYPOLICY_ON_UNKNOWN in .env", is_looser=True),
    GateSetting("max_findings", "low=3", "max_findings in keypolicy.yaml:2:1", is_looser=True),
    GateSetting("projects", "web, app", "projects in keypolicy.yaml:4:1", is_given=True),
)

DATA = Path(__file__).parent / "data"


def render(name: str, run: Run, options: ReportOptions = DEFAULT_OPTIONS) -> bytes:
    """Return the report in the format called `name`; skip the test where it cannot be made here."""
    if name == "pdf" and not can_make(name):
        pytest.skip("WeasyPrint or Pango is not installed")
    out = io.BytesIO()
    with tabled(run) if format_called(name).is_of_table else nullcontext(run) as whole:
        write_reports(whole, [to_stream(whole, name, out, options)])
    return out.getvalue()


@contextmanager
def tabled(run: Run) -> Iterator[Run]:
    """Give the run with a table of its findings, in two files, as the database writes it."""
    with tempfile.TemporaryDirectory() as folder:
        yield msgspec.structs.replace(run, table=lambda: _table(run, Path(folder)))


def _table(run: Run, folder: Path) -> list[Path]:
    lines, parts = folder / "rows.jsonl", [folder / "0.parquet", folder / "1.parquet"]
    rows = [row(finding)._asdict() for finding in run.findings]
    lines.write_bytes(msgspec.json.Encoder().encode_lines(rows))
    kinds = dict.fromkeys(COLUMNS, "VARCHAR") | {"first_seen": "TIMESTAMPTZ"}
    with duckdb.connect(config={"threads": 1}) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        connection.execute(
            "CREATE TABLE found AS SELECT * FROM"
            f" read_json('{lines}', format = 'newline_delimited', columns = {kinds})"
        )
        for part, which in zip(parts, ("<", ">="), strict=True):
            chosen = f"FROM found WHERE rowid {which} {len(rows) // 2} ORDER BY rowid"
            connection.execute(f"COPY ({chosen}) TO '{part}' (FORMAT parquet)")
    return parts


def write_file(run: Run, path: Path, options: ReportOptions = DEFAULT_OPTIONS) -> None:
    """Write one report, as `scan -o` does."""
    write_reports(run, [to_file(run, path, options)])


def text(name: str, run: Run) -> str:
    return words(name, render(name, run))


def words(name: str, made: bytes) -> str:
    return "\n".join(pages(made)) if name == "pdf" else made.decode("utf-8")


def full_run() -> Run:
    """Return the golden run with organizations, clear places, a fixed one and a first sighting."""
    run = golden_run()
    clear = [
        Clear(result.rule.policy, result.rule.id, "acme", project, passed, 1)
        for result in run.results
        for project, passed in (("clear", 2), ("quiet", 0))
    ]
    found = list(run.findings)
    found[0] = msgspec.structs.replace(found[0], first_seen=FIRST_SEEN)
    gone = fixed_finding("gone")
    run = msgspec.structs.replace(run, findings=found, clear=clear, fixed=(gone,), gate=GATE)
    return msgspec.structs.replace(run, organizations=organizations_of(run))


def organizations_of(run: Run) -> tuple[OrganizationShare, ...]:
    """Return each organization's part of the run, and those of two that have a part of a kind.

    One could not be seen, and has a name of the worst kind; the other is what tells none.
    """
    found = list(run.findings)
    slugs = sorted({one.resource.organization for one in found if one.resource.organization})
    shares = [
        OrganizationShare(
            slug,
            projects,
            GroupTally(40, sum(one.outcome is Outcome.FAIL for one in mine), 1),
            Counter((one.rule_id, one.disposition) for one in mine),
            sum(not one.resource.id for one in mine),
        )
        for projects, slug in enumerate(slugs, 1)
        if (mine := [one for one in found if one.resource.organization == slug])
    ]
    rule = run.results[0].rule.id
    unseen = OrganizationShare(
        "".join(HOSTILE.values()), None, GroupTally(0, 0, 1), {(rule, Disposition.OPEN): 1}, 1
    )
    untold = OrganizationShare(None, None, GroupTally(), {(rule, Disposition.WAIVED): 2}, 0)
    return (*shares, unseen, untold)


def another_time(run: Run) -> Run:
    """Return the same facts, found by another run an hour later."""
    later = timedelta(hours=1)
    info = run.info
    other = RunInfo("another-run", info.as_of, info.started_at + later, info.finished_at + later)
    return msgspec.structs.replace(run, info=other)


def draft7(schema: dict[str, Any]) -> Draft7Validator:
    Draft7Validator.check_schema(schema)
    return Draft7Validator(schema, format_checker=Draft7Validator.FORMAT_CHECKER)
