"""What is fetched only for rules that read it: usage statistics, integrations and tokens."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from scanner.catalogue import BASIC, COSTLY, TABLES
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Needs
from tests.simulator import (
    CANARY,
    GLITCHTIP,
    NOW,
    SELF_HOSTED_23_7,
    TODAY,
    ApiKey,
    Flavour,
    Integration,
    Limits,
    OrgToken,
    Request,
    Response,
    Simulator,
    World,
    faults,
    make_world,
)
from tests.unit.providers.sentry.live.fetching import envelopes, fetch

if TYPE_CHECKING:
    from pathlib import Path

COMPLETE = CoverageState.COMPLETE
PARTIAL = CoverageState.PARTIAL
USAGE = Needs(dict.fromkeys(BASIC, frozenset[str]()) | {"sentry_key": COSTLY["sentry_key"]})
CREDENTIALS = Needs.of(TABLES.keys() - set(BASIC))
ADMIN = ("org:read", "org:admin", "project:read")


@pytest.fixture
def world() -> World:
    made = make_world(projects=4, keys=12)
    for number, key in enumerate(made.keys):
        key.daily = (number, 1, 0)
    made.organization.integrations = [
        Integration("6b0cd8b9-1", "Deploy bot", ("org:read", "project:admin"), f"{CANARY}-app")
    ]
    made.organization.tokens = [
        OrgToken(1, f"ci sntrys_{CANARY}aaaa", NOW - timedelta(days=90), NOW - timedelta(days=2)),
        OrgToken(2, "never used", NOW - timedelta(days=9), None),
    ]
    made.organization.api_keys = [
        ApiKey(1, f"old {CANARY}-key-of-long-ago", f"{CANARY}-key-of-long-ago")
    ]
    return made


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "inventory.jsonl"


@pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7])
def test_usage_is_summed_over_the_days(world: World, output: Path, flavour: Flavour) -> None:
    with Simulator(world, flavour) as simulator:
        report = fetch(simulator, output, needs=USAGE)
    assert simulator.routes["key_stats"] == 12
    days = 31  # the first one in part: Sentry counts by the day
    sums = {
        line["record"]["id"]: line["record"]["keypolicyUsage"]
        for line in envelopes(output, "sentry_key")
    }
    for key in world.keys:
        accepted, dropped, filtered = (days * count for count in key.daily)
        found = sums[key.public]
        assert (found["accepted"], found["dropped"], found["filtered"]) == (
            accepted,
            dropped,
            filtered,
        )
        # No more than the end of the period, and a whole day.
        last = found["until"][:10] + "T00:00:00Z" if any(key.daily) else None
        assert found.get("last") == last
    assert report.coverage["sentry_key"].state is COMPLETE


@pytest.mark.parametrize("count", [2**53 + 1, 2**63, 10**25, -1, 1.5, "7", None])
def test_counts_that_cannot_be_are_a_gap(world: World, output: Path, count: object) -> None:
    """Their sum was written to a file that nobody could read then."""

    def spoil(rows: list[Any]) -> list[Any]:
        return [row | {"accepted": count} for row in rows]

    with Simulator(world, faults=[faults.records(spoil, "/stats/")]) as simulator:
        report = fetch(simulator, output, needs=USAGE)
    assert report.coverage["sentry_key"].state is PARTIAL
    assert all("keypolicyUsage" not in one["record"] for one in envelopes(output, "sentry_key"))


def test_statistics_are_asked_for_only_when_a_rule_reads_them(world: World, output: Path) -> None:
    with Simulator(world) as simulator:
        fetch(simulator, output)
    assert not simulator.routes["key_stats"]
    assert all("keypolicyUsage" not in one["record"] for one in envelopes(output, "sentry_key"))


def test_statistics_keep_to_their_own_limit(world: World, output: Path) -> None:
    with Simulator(world, limits=Limits(requests=20, concurrent=10)) as simulator:
        fetch(simulator, output, needs=USAGE)
    assert simulator.throttled == 0


@pytest.mark.parametrize("status", [400, 403, 500])
def test_statistics_that_are_down_are_a_gap_and_the_keys_still_come(
    world: World, output: Path, status: int
) -> None:
    with Simulator(world, faults=[faults.status(status, "/stats/")]) as simulator:
        report = fetch(simulator, output, needs=USAGE, concurrency=2)
    assert report.coverage["sentry_key"].state is PARTIAL
    assert report.coverage["sentry_key"].rows == 12
    assert "Usage statistics" in report.coverage["sentry_key"].reason
    assert all("keypolicyUsage" not in one["record"] for one in envelopes(output, "sentry_key"))


def test_a_dead_statistics_back_end_is_not_asked_for_every_key(output: Path) -> None:
    world = make_world(projects=2, keys=200)
    with Simulator(world, faults=[faults.status(400, "/stats/")]) as simulator:
        report = fetch(simulator, output, needs=USAGE, concurrency=4)
    assert simulator.routes["key_stats"] <= 150
    assert report.coverage["sentry_key"].rows == 200
    assert len(report.coverage["sentry_key"].gaps) <= 3


def test_one_key_without_statistics_is_told(world: World, output: Path) -> None:
    lost = world.projects[2].keys[0]
    script = [faults.status(400, f"/{lost.public}/stats/")]
    with Simulator(world, faults=script) as simulator:
        report = fetch(simulator, output, needs=USAGE)
    (gap,) = report.coverage["sentry_key"].gaps
    assert gap.project == world.projects[2].slug
    without = {
        one["record"]["id"]
        for one in envelopes(output, "sentry_key")
        if "keypolicyUsage" not in one["record"]
    }
    assert without == {lost.public}


def test_a_key_without_a_project_has_no_statistics_and_nobody_is_asked(
    world: World, output: Path
) -> None:
    homeless = faults.records(lambda rows: [row | {"projectId": None} for row in rows], "-keys/")
    with Simulator(world, faults=[homeless]) as simulator:
        report = fetch(simulator, output, needs=USAGE)
        assert not [seen.path for seen in simulator.log if "/None/" in seen.path]
    reasons = [gap.reason for gap in report.coverage["sentry_key"].gaps]
    assert [one for one in reasons if "events_" in one and "does not tell its project" in one]


def test_a_server_without_statistics_is_named_and_not_asked_for_every_key(output: Path) -> None:
    world = make_world(projects=2, keys=200)
    script = [faults.status(404, "/stats/")]
    with Simulator(world, GLITCHTIP, faults=script) as simulator:
        report = fetch(simulator, output, needs=USAGE, concurrency=4)
    assert simulator.routes["key_stats"] <= 150
    assert report.coverage["sentry_key"].state is PARTIAL
    assert "GlitchTip" in report.coverage["sentry_key"].reason
    assert "gone" not in report.coverage["sentry_key"].reason


def test_a_key_that_is_gone_is_told_where_others_have_statistics(
    world: World, output: Path
) -> None:
    script = [faults.status(404, "/stats/", at=range(6, 99))]
    with Simulator(world, faults=script) as simulator:
        report = fetch(simulator, output, needs=USAGE, concurrency=1)
    assert "a key of the project is gone" in report.coverage["sentry_key"].reason
    assert simulator.routes["key_stats"] == 12


@pytest.mark.parametrize(
    "bad", [b"{}", b"[1]", b'[{"accepted": "5"}]', b'[{"accepted": -1}]', b'[{"accepted": true}]']
)
def test_statistics_that_are_no_counts_are_not_believed(
    world: World, output: Path, bad: bytes
) -> None:
    with Simulator(world, faults=[faults.body(bad, "/stats/")]) as simulator:
        report = fetch(simulator, output, needs=USAGE)
    assert report.coverage["sentry_key"].state is PARTIAL
    assert all("keypolicyUsage" not in one["record"] for one in envelopes(output, "sentry_key"))


def test_a_server_does_not_make_up_our_own_field(world: World, output: Path) -> None:
    world.keys[0].extra["keypolicyUsage"] = {"accepted": 10**6}
    with Simulator(world, faults=[faults.status(400, "/stats/")]) as simulator:
        fetch(simulator, output, needs=USAGE)
    assert all("keypolicyUsage" not in one["record"] for one in envelopes(output, "sentry_key"))


def test_credentials_are_listed_without_their_secrets(world: World, output: Path) -> None:
    token = world.add_token(f"sntryu_{CANARY}admin", *ADMIN)
    with Simulator(world) as simulator:
        report = fetch(simulator, output, needs=CREDENTIALS, token=token)
    assert CANARY not in output.read_text()
    assert {name: (c.state, c.rows) for name, c in report.coverage.items()} == {
        "sentry_organization": (COMPLETE, 1),
        "sentry_integration": (COMPLETE, 1),
        "sentry_org_auth_token": (COMPLETE, 2),
        "sentry_api_key": (COMPLETE, 1),
        "sentry_token": (COMPLETE, 1),
    }
    (current,) = envelopes(output, "sentry_token")
    assert current["record"] == {"id": "current", "kind": "user", "scopes": sorted(ADMIN)}
    assert not simulator.routes.keys() & {"projects", "organization_keys", "keys"}


@pytest.mark.parametrize("status", [403, 401])
def test_what_the_token_may_not_list_is_denied_with_the_way_around(
    world: World, output: Path, status: int
) -> None:
    script = [faults.status(status, "/org-auth-tokens/|/api-keys/")] if status != 403 else []
    picky = replace(TODAY, token_list_for_tokens=False)
    with Simulator(world, picky, faults=script) as simulator:
        report = fetch(simulator, output, needs=CREDENTIALS)
    for name, path in (("org_auth_token", "org-auth-tokens"), ("api_key", "api-keys")):
        coverage = report.coverage[f"sentry_{name}"]
        assert coverage.state is CoverageState.DENIED
        assert f"/api/0/organizations/acme/{path}/" in coverage.reason
        assert "--inventory" in coverage.reason
    assert "org:admin" in report.coverage["sentry_api_key"].reason
    assert report.coverage["sentry_integration"].state is COMPLETE


def test_a_list_that_the_server_does_not_have_is_absent(world: World, output: Path) -> None:
    with Simulator(world, GLITCHTIP) as simulator:
        report = fetch(simulator, output, needs=CREDENTIALS)
    for name in ("sentry_integration", "sentry_org_auth_token", "sentry_api_key"):
        assert report.coverage[name].state is CoverageState.ABSENT


def test_more_than_a_page_of_integrations_and_tokens(world: World, output: Path) -> None:
    home = world.organization
    home.integrations = [Integration(f"u-{n}", f"app {n}", (), CANARY) for n in range(250)]
    home.tokens = [OrgToken(n, f"token {n}", NOW, None) for n in range(150)]
    with Simulator(world) as simulator:
        report = fetch(simulator, output, needs=CREDENTIALS)
    assert report.coverage["sentry_integration"].rows == 250
    assert report.coverage["sentry_org_auth_token"].rows == 150
    assert (simulator.routes["sentry_apps"], simulator.routes["org_auth_tokens"]) == (6, 1)


@pytest.mark.parametrize("table", ["sentry_org_auth_token", "sentry_api_key"])
@pytest.mark.parametrize("ends", [True, False])
def test_a_list_that_comes_whole_is_followed_where_a_server_cuts_it(
    world: World, output: Path, table: str, *, ends: bool
) -> None:
    path = "org-auth-tokens" if table == "sentry_org_auth_token" else "api-keys"
    world.organization.tokens = [OrgToken(n, f"t{n}", NOW, None) for n in range(1, 5)]
    world.organization.api_keys = [ApiKey(n, f"k{n}", f"{n:032}") for n in range(1, 5)]

    def cut(request: Request, good: Response) -> Response:
        rows = json.loads(good.body)
        first = "cursor" not in request.query
        word = str(first or not ends).lower()
        link = f'<x>; rel="next"; results="{word}"; cursor="2:1:0"'
        body = json.dumps(rows[:2] if first else rows[2:]).encode()
        return replace(good, body=body).with_headers(Link=link)

    token = world.add_token("admin", *ADMIN)
    with Simulator(world, faults=[faults.Fault(cut, path)]) as simulator:
        report = fetch(simulator, output, needs=Needs.of({table}), token=token)
    assert len(envelopes(output, table)) == 4
    assert report.coverage[table].state is (COMPLETE if ends else PARTIAL)
