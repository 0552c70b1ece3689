"""A fetch with a journal: what the first one got, the second does not ask for."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from scanner.catalogue import BASIC, COSTLY
from scanner.model.inventory import Needs, Scope
from tests.simulator import CANARY, SELF_HOSTED_23_7, TODAY, Flavour, Simulator, faults, make_world
from tests.unit.providers.sentry.live.fetching import envelopes, fetch

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator import World

USAGE = Needs(dict.fromkeys(BASIC, frozenset[str]()) | {"sentry_key": COSTLY["sentry_key"]})
SHORT_PAGES = [replace(flavour, longest_page=12) for flavour in (TODAY, SELF_HOSTED_23_7)]
REVOKED = "/keys/|/project-keys/"


@pytest.fixture
def world() -> World:
    return make_world(projects=12, keys=54)


def kept(journal: Path) -> int:
    return len(journal.read_text("utf-8").splitlines()) - 1


@pytest.mark.parametrize("flavour", SHORT_PAGES)
def test_only_what_is_missing_is_asked_for(world: World, tmp_path: Path, flavour: Flavour) -> None:
    journal = tmp_path / "journal"
    # The token stops working half-way, and then works again.
    script = [faults.status(401, REVOKED, at=range(5, 99))]
    with Simulator(world, flavour) as calm:
        fetch(calm, tmp_path / "calm.jsonl")
    with Simulator(world, flavour, faults=script) as broken:
        fetch(broken, tmp_path / "broken.jsonl", journal=journal)
    pages = kept(journal)
    assert pages >= 3
    with Simulator(world, flavour) as again:
        broken_url = broken.url
        # Another port would be another server.
        journal.write_text(journal.read_text("utf-8").replace(broken_url, again.url), "utf-8")
        report = fetch(again, tmp_path / "again.jsonl", journal=journal)
    assert again.requests == calm.requests - pages
    assert any("were used and not asked for again" in said for said in report.warnings)
    for kind in BASIC:
        assert envelopes(tmp_path / "again.jsonl", kind) == envelopes(tmp_path / "calm.jsonl", kind)
    assert CANARY not in journal.read_text("utf-8")


@pytest.mark.parametrize("flavour", SHORT_PAGES)
def test_a_resumed_fetch_is_as_old_as_its_oldest_answer(
    world: World, tmp_path: Path, flavour: Flavour
) -> None:
    journal, output = tmp_path / "journal", tmp_path / "inventory.jsonl"
    with Simulator(world, flavour) as sim:
        fetch(sim, output, journal=journal)
        lines = journal.read_text("utf-8").splitlines(keepends=True)
        heading = json.loads(lines[0])
        then = datetime.now(UTC) - timedelta(hours=3)
        lines[0] = json.dumps(heading | {"started_at": then.isoformat()}) + "\n"
        journal.write_text("".join(lines), "utf-8")
        report = fetch(sim, output, journal=journal)
        (header,) = envelopes(output, "inventory")
        assert datetime.fromisoformat(header["record"]["fetched_at"]) == then
        for table in BASIC:
            assert f"{then:%Y-%m-%d %H:%M} UTC" in report.coverage[table].reason


@pytest.mark.parametrize("flavour", SHORT_PAGES)
def test_what_changed_since_is_read_anew(world: World, tmp_path: Path, flavour: Flavour) -> None:
    journal, output = tmp_path / "journal", tmp_path / "inventory.jsonl"
    with Simulator(world, flavour) as sim:
        fetch(sim, output, journal=journal)
        changed = world.projects[3].keys[0]
        changed.active = not changed.active
        world.organization.projects.pop(5)
        fetch(sim, output, journal=journal)
    found = {
        line["record"]["id"]: line["record"]["isActive"] for line in envelopes(output, "sentry_key")
    }
    assert found == {key.public: key.active for key in world.keys}


def test_statistics_are_kept_key_by_key(tmp_path: Path) -> None:
    world, journal = make_world(projects=12, keys=24), tmp_path / "journal"
    for key in world.keys:
        key.daily = (3, 0, 0)
    with Simulator(world) as sim:
        fetch(sim, tmp_path / "one.jsonl", needs=USAGE, journal=journal)
        lines = journal.read_text("utf-8").splitlines(keepends=True)
        statistics = [line for line in lines if json.loads(line).get("asked", "")[:5] == "usage"]
        assert len(statistics) == 24
        # As if it had been killed with ten keys to go.
        left = [line for line in lines if line not in set(statistics[14:])]
        journal.write_text("".join(left), "utf-8")
        sim.log.clear()
        fetch(sim, tmp_path / "two.jsonl", needs=USAGE, journal=journal)
        second_look = {"projects": 1, "organization_keys": 1}
        assert sim.routes == {"index": 1, "organizations": 1, "key_stats": 10, **second_look}
    one, two = (envelopes(tmp_path / f"{name}.jsonl", "sentry_key") for name in ("one", "two"))
    assert one == two


@pytest.mark.parametrize(
    "other",
    [
        {"status": "active"},
        {"scope": Scope()},
        {"needs": USAGE},
        {"token": "other"},
    ],
    ids=["status", "scope", "needs", "token"],
)
def test_the_journal_of_another_fetch_is_not_used(tmp_path: Path, other: dict[str, object]) -> None:
    world, journal = make_world(projects=12, keys=24), tmp_path / "journal"
    if "scope" in other:
        other = {"scope": Scope(projects=(world.projects[0].slug,))}
    if "token" in other:
        other = {"token": world.add_token(f"sntryu_{CANARY}x", "org:read")}
    with Simulator(world) as sim:
        fetch(sim, tmp_path / "one.jsonl", journal=journal)
        sim.log.clear()
        report = fetch(sim, tmp_path / "two.jsonl", journal=journal, **other)  # type: ignore[arg-type]
        assert sim.requests > 2
    assert not any("were used" in said for said in report.warnings)
