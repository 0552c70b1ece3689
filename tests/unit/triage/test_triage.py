"""What triage asks of a scan: as little of many waivers as of one."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scanner.engine.judge.facts import EvaluatedFacts
from scanner.gate import Thresholds
from scanner.inventory.file import FileSource
from scanner.model.finding import Place
from scanner.model.inventory import Scope
from scanner.pipeline import ScanRequest, scan
from scanner.triage.interface import TriageRequest

AS_OF = datetime(2026, 6, 1, tzinfo=UTC)
OLD = "2020-01-01T00:00:00Z"


def waiver(number: int, *ids: str) -> str:
    return f"""
  - {{id: W-{number}, rule: key-max-age, match: {json.dumps(ids)}, reason: r, owner: o,
     approved_by: a, created: 2026-05-01, expires: 2026-12-31}}"""


@pytest.mark.parametrize("number", [1, 40])
def test_the_database_is_asked_once_for_the_ids_of_all_waivers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """A look for each: 3,000 waivers took three times as long as the scan itself."""
    keys = [
        {"id": f"k{n}", "name": "n", "public": "p", "isActive": True, "dateCreated": OLD}
        for n in range(number)
    ]
    (tmp_path / "keys.json").write_text(json.dumps(keys))
    waivers = tmp_path / "waivers.yaml"
    named = [waiver(n, f"k{n}", "gone") for n in range(number)]
    waivers.write_text("waivers:" + "".join(named) + waiver(number, "gone"))
    looks = []
    real = EvaluatedFacts.existing

    def counted(self: EvaluatedFacts, table: str, ids: frozenset[str]) -> list[tuple[str, Place]]:
        looks.append(table)
        return real(self, table, ids)

    monkeypatch.setattr(EvaluatedFacts, "existing", counted)
    request = ScanRequest(
        source=FileSource([tmp_path / "keys.json"], ("acme",), ("web",), None),
        scope=Scope(),
        policies=("sentry-baseline",),
        params={},
        as_of=AS_OF,
        thresholds=Thresholds(),
        triage=TriageRequest(waivers=waivers),
    )
    with scan(request) as run:
        assert [use.resources for use in run.waivers] == [1] * number + [0]
        assert sum(use.findings for use in run.waivers) == number
    assert looks == ["sentry_key"]
