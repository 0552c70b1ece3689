"""The table that the database writes holds what the stream of findings gives."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from scanner.engine.database import seal
from scanner.engine.judge.evaluate import evaluate
from scanner.engine.judge.findings import Findings
from scanner.engine.judge.places import Unseen
from scanner.engine.judge.prepare import prepare
from scanner.engine.judge.table import save
from scanner.model.coverage import Gap
from scanner.model.outcome import Disposition, Severity
from scanner.model.rule import Rule
from scanner.report.parts.flat import COLUMNS, row
from scanner.triage.decide import Decision
from scanner.triage.triage import Triaged
from tests.unit.engine.support import AS_OF, Row, database, rule

SEEN = datetime(2026, 1, 5, 12, 0, 0, 250_000, tzinfo=UTC)
GAPS = (Gap("HTTP 403: 'no'", "acme", "closed"), Gap("gone", "acme", None), Gap("why", None, None))
RULES = [
    rule("is_active", name="active", message="{name} (since {date_created}) isn't {is_active}"),
    rule("name LIKE '%-prod'", "is_active", name="named", severity=Severity.CRITICAL),
    rule("CAST(name AS INTEGER) > 1", name="numbered", severity=Severity.LOW),
    rule("count(*) OVER (PARTITION BY project_id) > 9", name="many", severity=Severity.LOW),
    rule("id <> ''", name="never"),
    rule("slug <> ''", name="elsewhere", resource="sentry_project"),
]
ROWS: list[Row] = [
    {
        "id": f"{number:04}",
        "name": ("a'b\"c\x00-prod", "", None, "\u202e<b>", "7")[number % 5],
        "is_active": (True, False, None)[number % 3],
        "organization_slug": ("acme", None, "zeta")[number % 3],
        "project_id": (7, None)[number % 2],
        "project_slug": ("web", None)[number % 2],
        "date_created": AS_OF - timedelta(days=number) if number % 4 else None,
        "owner": ("owls", None)[number % 2],
    }
    for number in range(60)
]


def stored(files: Sequence[Path]) -> list[tuple[object, ...]]:
    """Return the rows of the files in turn, as text."""
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found: list[tuple[object, ...]] = []
        for file in files:
            cursor = connection.execute(
                "SELECT * REPLACE (strftime(first_seen, '%Y-%m-%dT%H:%M:%S.%fZ') AS first_seen)"
                " FROM read_parquet(?)",
                [str(file)],
            )
            assert tuple(column[0] for column in cursor.description) == COLUMNS
            found += cursor.fetchall()
        return found


def both(
    folder: Path,
    rules: Sequence[Rule] = RULES,
    gaps: tuple[Gap, ...] = (),
    owners: Sequence[str] = (),
    decided: Mapping[int, Decision] | None = None,
) -> tuple[list[tuple[object, ...]], list[tuple[object, ...]]]:
    """Return rows of the table, and of the stream; of its findings some are decided about."""
    unseen = Unseen({"sentry_key": gaps, "sentry_project": ()})
    with database(ROWS) as connection:
        judged = evaluate(connection, prepare(connection, rules), AS_OF, unseen)
        findings = Findings(connection, judged, dict(unseen.gaps), owners)
        found = list(findings)
        decisions = {found[at].fingerprint: one for at, one in (decided or {}).items()}
        seal(connection, folder)
        files = save(findings, decisions, folder)
        return stored(files), [tuple(row(one)) for one in Triaged(decisions).dispose(found)]


@pytest.mark.parametrize("gaps", [(), GAPS], ids=["whole", "gaps"])
@pytest.mark.parametrize("owners", [[], ["owls"], ["nobody's"]], ids=str)
def test_the_table_is_the_stream(tmp_path: Path, gaps: tuple[Gap, ...], owners: list[str]) -> None:
    table, stream = both(tmp_path, gaps=gaps, owners=owners)
    assert table == stream
    assert bool(stream) == (owners != ["nobody's"] or bool(gaps))


def test_it_tells_every_outcome(tmp_path: Path) -> None:
    table, _ = both(tmp_path)
    assert {one[COLUMNS.index("outcome")] for one in table} == {"fail", "unknown", "error"}


def test_what_was_decided_is_in_it(tmp_path: Path) -> None:
    decided = {
        5: Decision(Disposition.WAIVED, "w-1"),
        6: Decision(Disposition.BASELINED, first_seen=SEEN),
        7: Decision(Disposition.OPEN, "w-lapsed", SEEN),
    }
    table, stream = both(tmp_path, decided=decided)
    assert table == stream
    at = COLUMNS.index("disposition")
    assert [table[5][at], table[6][at], table[7][at]] == ["waived", "baselined", "open"]
    assert table[6][COLUMNS.index("first_seen")] == "2026-01-05T12:00:00.250000Z"


def test_without_a_finding_there_is_no_file(tmp_path: Path) -> None:
    assert both(tmp_path, rules=[rule("id <> ''", name="never")]) == ([], [])
    assert list(tmp_path.iterdir()) == []


def test_the_order_of_many_findings_is_that_of_the_stream(tmp_path: Path) -> None:
    """DuckDB writes several groups of rows at once, and keeps their order."""
    with database([]) as connection:
        connection.execute(
            "INSERT INTO sentry_key (id, name, is_active, organization_slug, project_slug)"
            " SELECT md5(CAST(range AS VARCHAR)), 'n', false, 'o' || range % 7, 'p' || range % 99"
            " FROM range(250000)"
        )
        judged = evaluate(connection, prepare(connection, RULES[:1]), AS_OF)
        findings = Findings(connection, judged, {})
        seal(connection, tmp_path)
        (file,) = save(findings, {}, tmp_path)
        with duckdb.connect() as other:
            table = other.execute("SELECT fingerprint FROM read_parquet(?)", [str(file)]).fetchall()
        assert [key for (key,) in table] == [one.fingerprint for one in findings]


def test_a_full_disk_is_the_systems_fault(tmp_path: Path) -> None:
    with database(ROWS) as connection:
        judged = evaluate(connection, prepare(connection, RULES[:1]), AS_OF)
        findings = Findings(connection, judged, {})
        seal(connection, tmp_path)
        with pytest.raises(OSError, match="No such file"):
            save(findings, {}, tmp_path / "missing")
