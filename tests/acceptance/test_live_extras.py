"""Live scans of what is fetched only on demand, and what a fetch tells while it runs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.support import here, report
from tests.simulator import CANARY, NOW, ApiKey, Integration, OrgToken, Simulator, World, make_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.support import Result

AS_OF = ("--as-of", "2026-06-01T12:00:00Z")
ADMIN = ("org:read", "org:admin", "project:read")

UNUSED = """\
policy: usage
version: 1.0.0
rules:
  - id: key-unused
    resource: sentry_key
    severity: low
    check: {unused_for: 30d}
"""


@pytest.fixture
def world() -> World:
    made = make_world(projects=3, keys=6)
    for number, key in enumerate(made.keys):
        key.created = NOW - timedelta(days=100)
        key.daily = (number % 2, 0, 0)
    made.organization.integrations = [
        Integration("u-1", "Deploy bot", ("org:read", "project:admin"), f"{CANARY}-app-secret")
    ]
    made.organization.tokens = [
        OrgToken(1, "ci", NOW - timedelta(days=30), NOW - timedelta(days=2)),
        OrgToken(2, "forgotten", NOW - timedelta(days=800), None),
    ]
    made.organization.api_keys = [ApiKey(7, "old", f"{CANARY}-api-key-in-clear")]
    return made


def ask(sim: Simulator, folder: Path, *arguments: object, token: str = "") -> Result:
    done = here(
        *(*arguments, "--url", sim.url),
        cwd=folder,
        SENTRY_AUTH_TOKEN=token or sim.world.token,
    )
    assert CANARY not in done.out + done.err
    return done


def outcomes(path: Path) -> set[tuple[str, str, str]]:
    return {
        (one["rule_id"], one["outcome"], one["resource"]["name"] or "")
        for one in report(path)["findings"]
    }


def test_a_rule_about_usage_makes_a_scan_ask_for_it(tmp_path: Path, world: World) -> None:
    (tmp_path / "p.yaml").write_text(UNUSED, "utf-8")
    scan = ("scan", "--policy", "p.yaml", *AS_OF, "-o", "r.json")
    with Simulator(world) as sim:
        done = ask(sim, tmp_path, *scan)
        assert sim.routes["key_stats"] == 6
        assert ask(sim, tmp_path, "fetch", "-o", "with.jsonl", "--with", "usage").code == 0
        assert ask(sim, tmp_path, "fetch", "-o", "without.jsonl").code == 0
        assert sim.routes["key_stats"] == 12
    assert done.code == 1, done.err
    idle = {key.public for number, key in enumerate(world.keys) if number % 2 == 0}
    live = report(tmp_path / "r.json")
    assert {one["resource"]["id"] for one in live["findings"]} == idle
    assert {one["outcome"] for one in live["findings"]} == {"fail"}
    offline = ("scan", "--policy", "p.yaml", *AS_OF)
    for saved, expected in (("with", {"fail"}), ("without", {"unknown"})):
        name = f"{saved}.json"
        again = here(*offline, "--inventory", f"{saved}.jsonl", "-o", name, cwd=tmp_path)
        assert again.code == 1, again.err
        assert {one["outcome"] for one in report(tmp_path / name)["findings"]} == expected


def test_tokens_are_scanned_with_a_token_that_may_list_them(tmp_path: Path, world: World) -> None:
    token = world.add_token(f"sntryu_{CANARY}admin", *ADMIN)
    with Simulator(world) as sim:
        done = ask(
            sim,
            tmp_path,
            *("scan", "--policy", "sentry-tokens", *AS_OF, "-o", "r.json"),
            token=token,
        )
        assert not sim.routes.keys() & {"projects", "organization_keys", "keys", "key_stats"}
    assert done.code == 1, done.err
    assert outcomes(tmp_path / "r.json") == {
        ("org-token-unused", "fail", "forgotten"),
        ("org-token-max-age", "fail", "forgotten"),
        ("integration-scopes", "fail", "Deploy bot"),
        ("legacy-api-key", "fail", "old"),
        ("scanner-token-scopes", "fail", "user token"),
    }
    assert CANARY not in (tmp_path / "r.json").read_text("utf-8")


def test_tokens_that_may_not_be_listed_make_the_scan_incomplete(
    tmp_path: Path, world: World
) -> None:
    with Simulator(world) as sim:
        done = ask(sim, tmp_path, *("scan", "--policy", "sentry-tokens", *AS_OF, "-o", "r.json"))
    assert done.code == 3
    tables = report(tmp_path / "r.json")["inventory"]["tables"]
    assert tables["sentry_api_key"]["coverage"] == "denied"
    assert "--inventory" in tables["sentry_api_key"]["reason"]


def test_exported_lists_of_credentials_are_scanned_too(tmp_path: Path, world: World) -> None:
    from tests.simulator import render  # noqa: PLC0415 - the records of an export

    home = world.organization
    exports = {
        "apps.json": [render.integration(one, home) for one in home.integrations],
        "tokens.json": [render.org_token(one) for one in home.tokens],
        "keys.json": [render.api_key(one) for one in home.api_keys],
    }
    arguments = []
    for name, rows in exports.items():
        (tmp_path / name).write_text(json.dumps(rows), "utf-8")
        arguments += ["--inventory", name]
    sql = (
        "select name, organization_slug, json_array_length(scopes) from sentry_integration"
        " union all select name, organization_slug, json_array_length(scopes)"
        " from sentry_org_auth_token"
        " union all select name, organization_slug, json_array_length(scopes) from sentry_api_key"
        " order by 1"
    )
    done = here("query", sql, *arguments, "--org", "acme", "--format", "csv", cwd=tmp_path)
    assert done.out.splitlines()[1:] == [
        "Deploy bot,acme,2",
        "ci,acme,1",
        "forgotten,acme,1",
        "old,acme,5",
    ]


def test_a_query_fetches_what_it_names(tmp_path: Path, world: World) -> None:
    with Simulator(world) as sim:
        done = ask(sim, tmp_path, *("query", "select name from sentry_org_auth_token order by 1"))
        assert "forgotten" in done.out
        assert set(sim.routes) == {"index", "organizations", "org_auth_tokens"}
        sim.log.clear()
        ask(sim, tmp_path, "query", "select * from sentry_key")
        assert "key_stats" not in sim.routes
        sim.log.clear()
        ask(sim, tmp_path, "query", "select sum(events_accepted_30d) from sentry_key")
        assert sim.routes.get("key_stats") == 6
        sim.log.clear()
        assert ask(sim, tmp_path, "query", "select nope from nowhere").code == 2
        assert not sim.log


def test_a_filtered_inventory_is_partial(tmp_path: Path) -> None:
    with Simulator(make_world(projects=3, keys=40)) as sim:
        scan = ("scan", "--status", "active", *AS_OF, "-o", "r.json")
        assert ask(sim, tmp_path, *scan).code == 3
        table = report(tmp_path / "r.json")["inventory"]["tables"]["sentry_key"]
        assert (table["coverage"], "Only active keys" in table["reason"]) == ("partial", True)
        accepted = ("--allow-partial", "--fail-on", "never")
        assert ask(sim, tmp_path, *scan, *accepted).code == 0


def test_what_a_fetch_took_is_told_unless_quiet(tmp_path: Path) -> None:
    with Simulator(make_world(projects=3, keys=40)) as sim:
        told = ask(sim, tmp_path, "fetch", "-o", "i.jsonl").err
        assert "Fetched in" in told
        assert " requests, " in told
        assert "\x1b" not in told  # drawn only on a terminal
        assert "Fetched in" not in ask(sim, tmp_path, "fetch", "-o", "i.jsonl", "--quiet").err
        lines = ask(sim, tmp_path, "fetch", "-o", "i.jsonl", "--quiet", "--log-format", "json").err
    events = [json.loads(line) for line in lines.splitlines()]
    assert {event["event"] for event in events} == {"fetch.progress", "fetch.summary"}
    assert events[-1]["requests"] == 6
    assert events[-1]["retries"] == 0


@pytest.mark.parametrize("what", ["nothing", "usage,secrets"])
def test_only_what_there_is_can_be_asked_for(tmp_path: Path, what: str) -> None:
    done = here(*("fetch", "-o", "i.jsonl", "--with", what), cwd=tmp_path, SENTRY_AUTH_TOKEN="x")
    assert done.code == 2
    assert "usage, integrations, tokens" in done.err
