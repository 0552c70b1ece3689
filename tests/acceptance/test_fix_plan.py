"""`keypolicy fix plan` from the command line: the demo, a live server, saved reports, bad input."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from scanner.base.resources import schema_path
from scanner.remediate.document import read_plan
from tests.acceptance.support import here
from tests.simulator import CANARY, NOW, Simulator, World, make_world

if TYPE_CHECKING:
    from pathlib import Path

    from tests.acceptance.support import Result

DEMO = ("--demo", "--as-of", "2026-01-01T00:00:00Z")
RED, RESET = "\x1b[1;31m", "\x1b[0m"

POLICY = """\
policy: house
version: 1.0.0
rules:
  - id: key-limited
    resource: sentry_key
    severity: high
    where: is_active
    check: {rate_limit: true}
    fix: {set_rate_limit: {count: 1000, window: 1h}}
  - id: key-old
    resource: sentry_key
    severity: medium
    where: is_active
    check: {max_age: 90d}
    fix: {disable: true}
  - id: key-debug
    resource: sentry_key
    severity: low
    check: {loader_options: {debug: false}}
"""


def plan_of(path: Path) -> dict[str, Any]:
    """Read a plan as a tool would, held against its schema; our own reader takes it, too."""
    plan: dict[str, Any] = json.loads(path.read_text("utf-8"))
    jsonschema.validate(plan, json.loads(schema_path("plan").read_text("utf-8")))
    read_plan(path)
    return plan


def policy(folder: Path, text: str = POLICY) -> Path:
    path = folder / "house.yaml"
    path.write_text(text, "utf-8")
    return path


def live(sim: Simulator, folder: Path, *arguments: object) -> Result:
    done = here(
        *("fix", "plan", "--url", sim.url, "--as-of", "2026-06-01T12:00:00Z", *arguments),
        cwd=folder,
        SENTRY_AUTH_TOKEN=sim.world.token,
    )
    assert CANARY not in done.out + done.err
    return done


@pytest.fixture
def world() -> World:
    made = make_world(projects=2, keys=4)
    for key in made.keys:
        key.created, key.active = NOW - timedelta(days=10), True
        key.rate_limit, key.debug = (10, 60), False
    return made


def test_the_demo_is_planned_and_nothing_is_called_safe_that_nobody_looked_at(
    tmp_path: Path,
) -> None:
    done = here("fix", "plan", *DEMO, "-o", "p.json", "-o", "p.md", cwd=tmp_path)
    assert done.code == 1
    plan = plan_of(tmp_path / "p.json")
    assert plan["server"] == "https://otter-post.sentry.example"
    assert {(one["action"], one["risk"]) for one in plan["actions"]} == {
        ("set_rate_limit", "disruptive")
    }
    first = plan["actions"][0]
    assert first["after"] == {"rateLimit": {"count": 1000, "window": 3600}}
    assert first["before"] == {"rateLimit": None}
    assert "usage was not looked at" in first["notes"][0]
    assert "rateLimit" in first["precondition"]["fields"]
    assert {one["code"] for one in plan["left"]} == {"no-remedy", "unknown"}
    scanned = here("scan", *DEMO, "--format", "json", cwd=tmp_path)
    found = json.loads(scanned.out)["findings"]
    told = [c["fingerprint"] for one in plan["actions"] for c in one["findings"]]
    told += [one["fingerprint"] for one in plan["left"]]
    assert sorted(told) == sorted(one["fingerprint"] for one in found)
    page = (tmp_path / "p.md").read_text("utf-8")
    assert page.startswith(f"## keypolicy plan: {len(plan['actions'])} changes\n")
    assert done.out.startswith(f"PLAN: {len(plan['actions'])} changes (")


def test_plans_of_the_same_facts_differ_in_their_clock_alone(tmp_path: Path) -> None:
    for name in ("a.json", "b.json"):
        assert here("fix", "plan", *DEMO, "-o", name, cwd=tmp_path).code == 1
    one, other = (plan_of(tmp_path / name) for name in ("a.json", "b.json"))
    for plan in (one, other):
        del plan["created_at"], plan["digest"]
    assert one == other


def test_standard_output_in_each_form(tmp_path: Path) -> None:
    made = here("fix", "plan", *DEMO, "--format", "json", cwd=tmp_path)
    assert made.code == 1
    assert json.loads(made.out)["kind"] == "keypolicy-plan"
    page = here("fix", "plan", *DEMO, "--format", "markdown", cwd=tmp_path)
    assert "| `set_rate_limit` | **disruptive** |" in page.out
    brief = here("fix", "plan", *DEMO, "--quiet", cwd=tmp_path)
    assert brief.out == "PLAN: 11 changes (11 disruptive)\n"


def test_a_plan_is_narrowed(tmp_path: Path) -> None:
    def actions(*arguments: object) -> tuple[int, dict[str, Any]]:
        done = here("fix", "plan", *DEMO, *arguments, "-o", "p.json", cwd=tmp_path)
        return done.code, plan_of(tmp_path / "p.json")

    code, plan = actions("--key", "cron")
    assert (code, len(plan["actions"])) == (1, 1)
    assert {one["target"]["name"] for one in (*plan["actions"], *plan["left"])} == {"cron"}
    key = plan["actions"][0]["target"]["id"]
    assert actions("--key", key[:8])[1]["actions"] == plan["actions"]
    code, plan = actions("--rule", "key-max-age")
    assert (code, plan["actions"]) == (0, [])
    assert {one["rule_id"] for one in plan["left"]} == {"key-max-age"}
    code, plan = actions("--severity", "high")
    assert {one["rule_id"] for one in plan["left"]} == {"key-max-age", "key-rate-limit"}
    code, plan = actions("--project", "storefront")
    assert {one["target"]["project"] for one in plan["actions"]} == {"storefront"}


def test_what_is_named_wrongly_is_told(tmp_path: Path) -> None:
    done = here("fix", "plan", *DEMO, "--rule", "key-rate-limt", cwd=tmp_path)
    assert done.code == 2
    assert "Did you mean `key-rate-limit`?" in done.err
    done = here("fix", "plan", *DEMO, "-o", "plan.xml", cwd=tmp_path)
    assert done.code == 2
    assert "Use one of: .json, .md." in done.err
    for key in ("no-such-key", "Cron", "cro"):
        done = here("fix", "plan", *DEMO, "--key", "cron", "--key", key, cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert f"no key that was seen has an id that begins with '{key}'" in done.err
    assert "Did you mean `cron`?" in done.err
    # Where not all was seen, it may be among the rest.
    done = here("fix", "plan", *DEMO, "--project", "nope", "--key", "cron", cwd=tmp_path)
    assert done.code == 3
    assert "'cron'" in done.err
    for factor in ("0.5", "1001", "nan", "much"):
        done = here("fix", "plan", *DEMO, "--headroom", factor, cwd=tmp_path)
        assert done.code == 2
        assert f"--headroom: '{factor}' is no number from 1 to 1000" in done.err


def test_waived_and_baselined_findings_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "waivers.yaml").write_text(
        """\
waivers:
  - id: cron-unlimited
    rule: key-rate-limit
    match: [3580a5aa1ce6629a04a67c514f45c37c]
    reason: it may send as much as it likes
    owner: core
    approved_by: otter
    created: 2025-12-01
    expires: 2026-06-01
""",
        "utf-8",
    )
    base = here(
        *("baseline", "write", *DEMO, "--project", "storefront", "-o", "baseline.json"),
        cwd=tmp_path,
    )
    assert base.code == 0, base.err
    arguments = ("--waivers", "waivers.yaml", "--baseline", "baseline.json")
    done = here("fix", "plan", *DEMO, *arguments, "-o", "p.json", cwd=tmp_path)
    assert done.code == 1, done.err
    plan = plan_of(tmp_path / "p.json")
    waived = [one for one in plan["left"] if one["code"] == "waived"]
    assert [one["reason"] for one in waived] == ["waived by cron-unlimited"]
    assert "cron" not in {one["target"]["name"] for one in plan["actions"]}
    assert "storefront" not in {one["target"]["project"] for one in plan["actions"]}
    known = {one["code"] for one in plan["left"] if one["target"]["project"] == "storefront"}
    assert known == {"baselined"}


def test_a_live_plan_asks_for_usage_by_the_hour_and_leaves_it_room(
    world: World, tmp_path: Path
) -> None:
    first, second, third, fourth = world.keys
    first.rate_limit, first.daily = None, (400, 7, 0)
    second.rate_limit, second.daily = None, (700, 0, 0)
    third.rate_limit, third.daily = None, (1001, 0, 0)
    with Simulator(world) as sim:
        done = live(sim, tmp_path, "--policy", policy(tmp_path), "-o", "p.json")
        routes = sim.routes
    assert done.code == 1, done.err
    plan = plan_of(tmp_path / "p.json")
    made = {one["target"]["id"]: one for one in plan["actions"]}
    limit = made[first.public]
    assert limit["after"] == {"rateLimit": {"count": 800, "window": 3600}}
    assert limit["risk"] == "safe"
    assert limit["traffic"] == {"accepted": 400 * 30, "days": 30}
    assert made[second.public]["after"]["rateLimit"]["count"] == 1000
    assert "less than 2 times that" in made[second.public]["notes"][1]
    (left,) = plan["left"]
    assert left["code"] == "in-use"
    assert left["target"]["id"] == third.public
    assert "accepted 1,001 events in its busiest 1h" in left["reason"]
    assert fourth.public not in made
    assert sum(n for route, n in routes.items() if "stats" in route) == 3
    assert not sim.world.writes


def test_disabling_says_what_the_key_received(world: World, tmp_path: Path) -> None:
    first, second = world.keys[:2]
    for key in (first, second):
        key.created = NOW - timedelta(days=400)
    first.daily = (5, 0, 0)
    with Simulator(world) as sim:
        done = live(sim, tmp_path, "--policy", policy(tmp_path), "-o", "p.json")
    assert done.code == 1, done.err
    made = {one["target"]["id"]: one for one in plan_of(tmp_path / "p.json")["actions"]}
    assert made[first.public]["traffic"] == {"accepted": 150, "days": 30}
    assert "is lost" in made[first.public]["notes"][0]
    assert "does not prove it unused" in made[second.public]["notes"][0]
    assert {one["risk"] for one in made.values()} == {"disruptive"}
    assert "it accepted 150 events in 30 days" in done.out


def test_contrary_rules_cancel_each_other(world: World, tmp_path: Path) -> None:
    contrary = POLICY + (
        "  - id: key-kept\n    resource: sentry_key\n    severity: low\n"
        "    require: name = 'kept'\n    fix: {enable: true}\n"
    )
    world.keys[0].created = NOW - timedelta(days=400)
    with Simulator(world) as sim:
        live(sim, tmp_path, "--policy", policy(tmp_path, contrary), "-o", "p.json")
    plan = plan_of(tmp_path / "p.json")
    assert plan["actions"] == []
    told = {
        (one["rule_id"], one["code"])
        for one in plan["left"]
        if one["target"]["id"] == world.keys[0].public
    }
    assert told == {("key-old", "conflict"), ("key-kept", "conflict")}
    assert {one["code"] for one in plan["left"]} == {"conflict", "already-so"}


def test_a_deletion_is_red_and_says_so(tmp_path: Path) -> None:
    text = POLICY.replace("fix: {disable: true}", "fix: {delete: true}")
    path = policy(tmp_path, text)
    arguments = ("fix", "plan", *DEMO, "--policy", path, "--rule", "key-old", "--key", "cron")
    plain = here(*arguments, cwd=tmp_path)
    assert "delete (IRREVERSIBLE): otter-post-demo/legacy-monolith cron" in plain.out
    assert "\x1b" not in plain.out
    coloured = here(*arguments, cwd=tmp_path, FORCE_COLOR="1")
    line = next(one for one in coloured.out.split("\n") if "IRREVERSIBLE): otter" in one)
    assert line.startswith(f"{RED}delete (IRREVERSIBLE)")
    assert line.endswith(RESET)
    page = here(*arguments, "--format", "markdown", cwd=tmp_path)
    assert "**1 key would be deleted for good.**" in page.out
    assert "--allow-irreversible" in page.out


def test_names_with_terminal_codes_are_harmless_everywhere(world: World, tmp_path: Path) -> None:
    key = world.keys[0]
    key.rate_limit, key.name = None, "\x1b[2Jweb\u202e|`<img>`"
    with Simulator(world) as sim:
        common = ("--policy", policy(tmp_path))
        done = live(sim, tmp_path, *common, "-o", "p.json", "-o", "p.md")
        outs = [live(sim, tmp_path, *common, "--format", name).out for name in ("json", "markdown")]
    for text in (done.out, *outs, (tmp_path / "p.md").read_text("utf-8")):
        assert "\x1b" not in text
        assert "\u202e" not in text
    page = (tmp_path / "p.md").read_text("utf-8")
    assert "<img>" not in page
    assert "\x1b" not in (tmp_path / "p.json").read_text("utf-8")
    assert plan_of(tmp_path / "p.json")["actions"][0]["target"]["name"] == key.name


def test_no_secret_is_in_any_output(world: World, tmp_path: Path) -> None:
    for key in world.keys:
        key.rate_limit, key.created = None, NOW - timedelta(days=400)
    with Simulator(world) as sim:
        live(sim, tmp_path, "--policy", policy(tmp_path), "-o", "p.json", "-o", "p.md")
        token = sim.world.token
    for name in ("p.json", "p.md"):
        text = (tmp_path / name).read_text("utf-8")
        assert CANARY not in text
        assert token not in text
        assert all(key.secret not in text for key in world.keys)


def test_what_could_not_be_seen_ends_with_3(world: World, tmp_path: Path) -> None:
    with Simulator(world) as sim:
        done = live(sim, tmp_path, "--policy", policy(tmp_path), "--org", "nowhere-to-be-seen")
    assert done.code == 3
    with Simulator(world) as sim:
        arguments = ("--policy", policy(tmp_path), "--status", "active", "-o", "p.json")
        done = live(sim, tmp_path, *arguments)
    assert done.code == 3, done.err
    assert {one["code"] for one in plan_of(tmp_path / "p.json")["left"]} == {"unseen"}


def test_a_report_is_enough_for_what_its_evidence_tells(tmp_path: Path) -> None:
    assert here("scan", *DEMO, "-o", "r.json", cwd=tmp_path).code == 1
    done = here("fix", "plan", "--report", "r.json", "-o", "p.json", cwd=tmp_path)
    assert done.code == 1, done.err
    plan = plan_of(tmp_path / "p.json")
    assert len(plan["actions"]) == 11
    assert plan["server"] == "https://otter-post.sentry.example"
    assert plan["as_of"] == "2026-01-01T00:00:00Z"
    assert set(plan["actions"][0]["precondition"]["fields"]) >= {"id", "name", "rateLimit"}
    # What no evidence shows is not known, and nothing is held against it.
    assert "useCase" not in plan["actions"][0]["precondition"]["fields"]
    whole = here("fix", "plan", *DEMO, "-o", "w.json", cwd=tmp_path)
    assert whole.code == 1
    same = plan_of(tmp_path / "w.json")["actions"]
    assert [one["id"] for one in plan["actions"]] != []
    assert {one["target"]["id"] for one in plan["actions"]} == {o["target"]["id"] for o in same}
    narrowed = here(
        *("fix", "plan", "--report", "r.json", "--project", "storefront", "--format", "json"),
        cwd=tmp_path,
    )
    assert len(json.loads(narrowed.out)["actions"]) == 1
    for option, name, meant in (("--key", "crom", "cron"), ("--project", "store", "storefront")):
        done = here("fix", "plan", "--report", "r.json", option, name, cwd=tmp_path)
        assert (done.code, done.out) == (2, "")
        assert f"{option}: no finding of the report is about" in done.err
        assert f"Did you mean `{meant}`?" in done.err


def test_reports_of_others_and_of_other_policies_are_refused(tmp_path: Path) -> None:
    def told(text: str) -> str:
        (tmp_path / "r.json").write_text(text, "utf-8")
        done = here("fix", "plan", "--report", "r.json", cwd=tmp_path)
        assert done.code == 2
        assert "r.json: is " in done.err
        return done.err

    assert "it is by 'prowler'" in told('{"tool": {"name": "prowler"}, "findings": []}')
    assert "it names no tool" in told("[]")
    assert "it is not JSON" in told("no")
    assert "schema version '9'" in told('{"tool": {"name": "keypolicy"}, "schema_version": "9"}')
    assert "without a schema version" in told('{"tool": {"name": "keypolicy"}}')
    ours = '{"tool": {"name": "keypolicy"}, "schema_version": "1", "findings": '
    assert " is missing" in told(ours + "[]}")
    for depth in (900, 100_000):
        assert "is not a JSON report" in told(ours + "[" * depth + "]" * depth + "}")
    (tmp_path / "latin.json").write_bytes((ours + '["é"]}').encode("latin-1"))
    done = here("fix", "plan", "--report", "latin.json", cwd=tmp_path)
    assert (done.code, "latin.json: is no" in done.err) == (2, True), done.err
    assert here("scan", *DEMO, "-o", "r.json", cwd=tmp_path).code == 1
    arguments = ("fix", "plan", "--report", "r.json")
    done = here(*arguments, "--param", "max_age=7d", cwd=tmp_path)
    assert done.code == 2
    assert "asked other things when the report was made" in done.err
    done = here(*arguments, "--policy", "sentry-tokens", cwd=tmp_path)
    assert done.code == 2
    assert "is about the policy sentry-baseline, which is not selected" in done.err
    done = here(*arguments, "--demo", cwd=tmp_path)
    assert "--report and --demo exclude each other" in done.err


def test_a_token_in_a_report_never_reaches_a_plan(tmp_path: Path) -> None:
    assert here("scan", *DEMO, "-o", "r.json", cwd=tmp_path).code == 1
    token = "sntrys_" + "a1b2c3d4e5f6" * 4
    path = tmp_path / "r.json"
    path.write_text(path.read_text("utf-8").replace("cron has no", f"{token} has no"), "utf-8")
    done = here("fix", "plan", "--report", "r.json", "-o", "p.json", cwd=tmp_path)
    assert done.code == 1
    assert token not in done.out + done.err + (tmp_path / "p.json").read_text("utf-8")


@pytest.mark.parametrize("below", ["", "/sentry", "/settings/sentry"])
def test_a_plan_from_a_report_is_for_the_server_that_was_scanned(
    world: World, tmp_path: Path, below: str
) -> None:
    """Also for one that lies below a path: without it, that would be another server."""
    server = f"https://sentry.example{below}"
    with Simulator(world) as sim:
        settings = {"SENTRY_AUTH_TOKEN": world.token, "SENTRY_URL": sim.url}
        assert here("fetch", "-o", "k.jsonl", "-q", cwd=tmp_path, **settings).code == 0
    path = tmp_path / "k.jsonl"
    path.write_text(path.read_text("utf-8").replace(sim.url, server), "utf-8")
    scan = ("scan", "--inventory", "k.jsonl", "-q", "-o", "r.json")
    assert here(*scan, cwd=tmp_path).code == 1
    here("fix", "plan", "--inventory", "k.jsonl", "-o", "a.json", cwd=tmp_path)
    here("fix", "plan", "--report", "r.json", "-o", "b.json", cwd=tmp_path)
    assert plan_of(tmp_path / "a.json")["server"] == server
    assert plan_of(tmp_path / "b.json")["server"] == server


def test_keys_of_two_servers_make_no_plan(tmp_path: Path) -> None:
    assert here("scan", *DEMO, "-o", "r.json", cwd=tmp_path).code == 1
    path = tmp_path / "r.json"
    text = path.read_text("utf-8").replace("https://otter-post.", "https://gull-post.", 1)
    path.write_text(text, "utf-8")
    done = here("fix", "plan", "--report", "r.json", cwd=tmp_path)
    assert done.code == 2
    assert "the keys are of several servers" in done.err


def test_help_tells_its_own_exit_codes(tmp_path: Path) -> None:
    done = here("fix", "plan", "--help", cwd=tmp_path)
    assert done.code == 0
    assert "changes are planned, or not all of them were applied" in done.out
    done = here("fix", cwd=tmp_path)
    assert done.code == 2
