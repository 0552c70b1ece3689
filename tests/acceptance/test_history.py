"""A history: what changed since the run before, what was looked at, what is due, and replays."""

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb
import jsonschema
import pytest

from scanner.base.resources import schema_path
from tests.acceptance.support import Result, here, report
from tests.acceptance.tolerance import ALPHA, BETA, GAMMA, POLICY, Place, key
from tests.simulator import CANARY, Simulator, make_world

TAGGED, LIMITED = "key-tagged", "key-limited"
DIR = "past"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def kept(place: Place, as_of: str, *arguments: object) -> Result:
    done = place.scan("--history", DIR, "-q", *arguments, as_of=as_of)
    assert "history" not in done.err, done.err
    return done


def history(place: Place, *arguments: object) -> Result:
    return place.run("history", *arguments, "--history", DIR)


def told(place: Place, *arguments: object) -> Any:
    done = history(place, *arguments, "--format", "json")
    assert (done.code, done.err) == (0, ""), done.err
    return json.loads(done.out)


def classes(place: Place, first: str, second: str) -> dict[str, list[tuple[str, str]]]:
    """The classes of a diff that have any finding: rule and id of each."""
    found = told(place, "diff", first, second)
    return {
        name: [(one["rule"], one["id"]) for one in found[name]]
        for name in found["counts"]
        if found[name] and name != "still"
    }


def test_what_is_new_fixed_and_reopened(place: Place) -> None:
    kept(place, "2026-03-01")
    assert {one["first_seen"] for one in place.report()["findings"]} == {"2026-03-01T00:00:00Z"}
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    kept(place, "2026-03-02")
    first_seen = {one["resource"]["id"]: one["first_seen"] for one in place.report()["findings"]}
    assert first_seen == {BETA: "2026-03-01T00:00:00Z", GAMMA: "2026-03-02T00:00:00Z"}
    assert classes(place, "previous", "latest") == {
        "new": [(TAGGED, GAMMA)],
        "fixed": [(TAGGED, ALPHA)],
    }
    place.keys(key(ALPHA, "alpha"), key(BETA, "beta"), key(GAMMA, "gamma"))
    kept(place, "2026-03-05")
    assert classes(place, "2026-03-02", "latest") == {"reopened": [(TAGGED, ALPHA)]}
    # Between the ends of the whole time nothing of it shows: it was there, and is there.
    assert classes(place, "2026-03-01", "2026-03-05") == {"new": [(TAGGED, GAMMA)]}
    assert place.found(TAGGED, ALPHA)["first_seen"] == "2026-03-01T00:00:00Z"
    runs = told(place, "list")
    assert [run["figures"]["changes"] for run in runs] == [
        {"new": {"medium": 2}},
        {"fixed": {"medium": 1}, "new": {"medium": 1}, "still": {"medium": 1}},
        {"reopened": {"medium": 1}, "still": {"medium": 2}},
    ]
    assert [run["previous"] for run in runs] == [None, runs[0]["id"], runs[1]["id"]]


def test_a_key_that_is_gone_is_fixed_and_forgotten(place: Place) -> None:
    kept(place, "2026-03-01")
    place.keys(key(BETA, "beta"))
    kept(place, "2026-03-02")
    assert classes(place, "previous", "latest") == {"fixed": [(TAGGED, ALPHA)]}
    kept(place, "2026-03-03")
    assert told(place, "list")[-1]["figures"]["changes"] == {"still": {"medium": 1}}
    assert told(place, "trend")["days_to_fix"] == {"medium": {"fixed": 1, "mean": 1.0, "p90": 1}}


def test_a_changed_rule_is_told_apart_from_changed_keys(place: Place) -> None:
    kept(place, "2026-03-01")
    place.policy(
        POLICY.replace("'%-prod'", "'g%'").replace("has_rate_limit", "name <> 'gamma-prod'")
    )
    kept(place, "2026-03-02")
    assert classes(place, "previous", "latest") == {"demanded": [(LIMITED, GAMMA)]}
    place.policy(POLICY.replace("'%-prod'", "'%'"))
    kept(place, "2026-03-03")
    assert classes(place, "previous", "latest") == {
        "released": [(LIMITED, GAMMA), (TAGGED, ALPHA), (TAGGED, BETA)]
    }
    shown = history(place, "show", "latest").out
    assert "3 went with a rule" in shown
    assert "0 fixed" in shown
    trend = told(place, "trend")
    assert [run["breaks"] for run in trend["runs"]] == [
        [],
        ["rules or parameters of policy mine changed"],
        ["rules or parameters of policy mine changed"],
    ]
    assert trend["days_to_fix"] == {}


def test_a_rule_that_is_not_run_closes_nothing(place: Place) -> None:
    kept(place, "2026-03-01")
    (whole, rules) = (POLICY, POLICY.index("  - id: key-limited"))
    place.policy(whole[: whole.index("  - id: key-tagged")] + whole[rules:])
    kept(place, "2026-03-02")
    assert classes(place, "previous", "latest") == {"released": [(TAGGED, ALPHA), (TAGGED, BETA)]}
    assert told(place, "list")[-1]["figures"]["changes"] == {"unseen": {"medium": 2}}
    place.policy()
    kept(place, "2026-03-03")
    assert told(place, "list")[-1]["figures"]["changes"] == {"still": {"medium": 2}}
    assert place.found(TAGGED, ALPHA)["first_seen"] == "2026-03-01T00:00:00Z"


def _inventory(place: Place, *, denied: bool = False, scope: tuple[str, ...] = ()) -> None:
    """Two organizations with a key each that has no stage in its name."""
    lines: list[dict[str, Any]] = [
        {
            "kind": "inventory",
            "record": {"version": 1, "scope": {"organizations": list(scope), "projects": []}},
        }
    ]
    gone = [{"reason": "Access was denied.", "organization": "globex"}] if denied else []
    for slug, number in (("acme", ALPHA), ("globex", BETA)):
        if (scope and slug not in scope) or (denied and slug == "globex"):
            continue
        where = {"organization": slug, "project": "web"}
        lines.append({"kind": "sentry_key", **where, "record": key(number, slug)})
    state = (
        {"state": "partial", "reason": "Access was denied."}
        if denied
        else {"state": "complete", "reason": ""}
    )
    lines.append(
        {
            "kind": "end",
            "record": {"coverage": {"sentry_key": {**state, "gaps": gone, "rows": len(lines) - 1}}},
        }
    )
    place.write("day.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def _scan_inventory(place: Place, as_of: str, *arguments: object) -> Result:
    source = ("--inventory", "day.jsonl", "--policy", "p.yaml", "--as-of", as_of)
    done = place.run("scan", *source, "-o", "r.json", "-q", "--history", DIR, *arguments)
    assert done.err == ""
    return done


def test_a_gap_closes_nothing(place: Place) -> None:
    place.write("keypolicy.yaml", "sla: {medium: 12h}\n")
    _inventory(place)
    _scan_inventory(place, "2026-03-01")
    _inventory(place, denied=True)
    assert _scan_inventory(place, "2026-03-02").code == 3
    assert classes(place, "previous", "latest") == {"unseen": [(TAGGED, BETA)]}
    # What stands for the gap itself is open by itself, for each rule.
    (_, gap) = told(place, "trend")["runs"]
    assert (gap["point"]["open"], gap["unseen"]) == (
        {"low": 0, "medium": 2, "high": 1, "critical": 0},
        {"medium": 1},
    )
    # Nor is anything less overdue.
    assert (gap["overdue"], gap["unseen_overdue"]) == ({"medium": 1}, {"medium": 1})
    _inventory(place)
    _scan_inventory(place, "2026-03-03")
    assert told(place, "list")[-1]["figures"]["changes"] == {"still": {"medium": 2}}


@pytest.mark.parametrize("narrow", [("--org", "acme"), ()])
def test_a_narrower_scan_has_a_line_of_its_own(place: Place, narrow: tuple[str, ...]) -> None:
    _inventory(place)
    _scan_inventory(place, "2026-03-01")
    _inventory(place, scope=() if narrow else ("acme",))
    _scan_inventory(place, "2026-03-02", *narrow)
    first, second = told(place, "list")
    assert first["line"] != second["line"]
    assert second["previous"] is None
    assert classes(place, first["id"], second["id"]) == {"unseen": [(TAGGED, BETA)]}
    assert classes(place, second["id"], first["id"]) == {"uncovered": [(TAGGED, BETA)]}
    trend = told(place, "trend")
    assert (len(trend["runs"]), trend["others"]) == (1, {first["line"]: 1})
    _inventory(place)
    _scan_inventory(place, "2026-03-03")
    assert told(place, "list")[-1]["previous"] == first["id"]


def test_only_overdue_findings_fail_the_gate(place: Place) -> None:
    place.write("keypolicy.yaml", "sla: {medium: 10d, high: 3d}\nhistory: past\n")
    late = ("--fail-on-overdue",)
    done = place.scan(*late, as_of="2026-03-01")
    assert done.code == 0
    assert place.found(TAGGED, ALPHA)["due"] == "2026-03-11T00:00:00Z"
    assert place.scan(*late, as_of="2026-03-11").code == 0
    assert place.scan(*late, as_of="2026-03-12").code == 1
    reasons = place.report()["gate"]["reasons"]
    assert reasons == ["2 overdue violations of severity low or worse"]
    assert [run["figures"]["overdue"] for run in told(place, "list")] == [{}, {}, {"medium": 2}]
    settings = {one["name"]: one["value"] for one in place.report()["gate"]["settings"]}
    assert settings["fail_on_overdue"] == "true"
    assert settings["sla"] == "medium=10d, high=3d"


def test_what_will_be_overdue_fails_the_gate_that_looks_ahead(place: Place) -> None:
    place.write("keypolicy.yaml", "sla: {medium: 10d}\nhistory: past\nfail_on_overdue: true\n")
    ahead = ("--fail-if-due-within", "5d")
    assert [place.scan(*ahead, as_of=f"2026-03-0{day}").code for day in (1, 6, 7)] == [0, 0, 1]
    reasons = place.report()["gate"]["reasons"]
    assert "within 5 days (to 2026-03-12): 2 overdue violations of severity low or worse" in reasons
    assert place.run("evidence", "verify", DIR).code == 0


def test_a_renamed_organization_takes_its_times_along(place: Place) -> None:
    times = ", ".join(f"{name}: 3d" for name in ("critical", "high", "medium", "low"))
    place.write("keypolicy.yaml", f"sla: {{{times}}}\nhistory: past\nfail_on_overdue: true\n")
    _inventory(place)
    server = '"version": 1, "server": "https://sentry.example"'
    old = place.read("day.jsonl").replace("globex", "acme").replace('"version": 1', server)
    place.write("old.jsonl", old)
    place.write("new.jsonl", old.replace('"organization": "acme"', '"organization": "renamed"'))
    # Another organization, of which no key was ever there.
    other = old.replace(ALPHA, GAMMA).replace(BETA, "d" * 32)
    place.write("other.jsonl", other.replace("acme", "globex"))
    scan = ("scan", "-q", "--policy", "p.yaml", "--inventory")
    days = ["2026-03-01", "2026-03-07", "2026-03-13", "2026-03-19"]
    first = place.run(*scan, "old.jsonl", "--as-of", days[0])
    done = place.run(*scan, "new.jsonl", "--as-of", days[1])
    assert (first.code, done.code) == (0, 1)
    assert "the organization was renamed, and that run is carried on" in done.err
    runs = told(place, "list")
    assert runs[1]["previous"] == runs[0]["id"]
    assert "fixed" not in runs[1]["figures"]["changes"]
    assert "history" not in place.run(*scan, "new.jsonl", "--as-of", days[2]).err
    done = place.run(*scan, "other.jsonl", "--as-of", days[3])
    assert "are of other organizations (renamed); nothing of them is carried on" in done.err
    assert told(place, "list")[-1]["previous"] is None
    assert place.run("evidence", "verify", DIR).code == 0


def test_what_has_no_time_counts_at_once(place: Place) -> None:
    place.write("keypolicy.yaml", "sla: {critical: 3d}\n")
    assert kept(place, "2026-03-01", "--fail-on-overdue").code == 1
    assert "due" not in place.found(TAGGED, ALPHA)


@pytest.mark.parametrize(
    ("settings", "lacking"),
    [("sla: {high: 3d}\n", "a history"), ("history: past\n", "the time that is allowed")],
)
def test_overdue_needs_a_history_and_a_time(place: Place, settings: str, lacking: str) -> None:
    place.write("keypolicy.yaml", settings)
    done = place.scan("--fail-on-overdue")
    assert done.code == 2
    assert f"cannot be told without {lacking}" in done.err


def test_a_lapsed_waiver_shows(place: Place) -> None:
    place.waivers({})
    kept(place, "2026-03-09", "--waivers", "waivers.yaml")
    kept(place, "2026-03-11", "--waivers", "waivers.yaml", "--strict-waivers")
    assert classes(place, "previous", "latest") == {"lapsed": [(TAGGED, ALPHA)]}
    assert classes(place, "latest", "previous") == {"waived": [(TAGGED, ALPHA)]}
    for name, counts in (("previous", "1 waived, 0"), ("latest", "0 waived, 0")):
        shown = place.run("history", "show", name, "--history", DIR).out
        assert f"{counts} in the baseline; {int(name == 'latest')} waiver" in shown
    (run,) = (place.folder / DIR).glob("20260311*")
    assert (run / "waivers.yaml").read_bytes() == (place.folder / "waivers.yaml").read_bytes()


def test_json_reports_are_compared_as_runs_are(place: Place) -> None:
    place.scan(as_of="2026-03-01")
    (place.folder / "r.json").rename(place.folder / "old.json")
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    kept(place, "2026-03-02")
    expected = {"new": [(TAGGED, GAMMA)], "fixed": [(TAGGED, ALPHA)]}
    assert classes(place, "old.json", "r.json") == expected
    assert classes(place, "old.json", "latest") == expected


def test_a_run_is_replayed_as_it_was_and_with_another_policy(place: Place) -> None:
    place.waivers({})
    kept(place, "2026-03-01", "--waivers", "waivers.yaml")
    before = place.report()
    place.policy("policy: other\n")
    (place.folder / "waivers.yaml").unlink()
    again = history(place, "replay", "latest", "--format", "json")
    found = json.loads(again.out)
    assert again.code == 1
    for part in ("policies", "rules"):
        assert found[part] == before[part]
    assert found["inventory"]["digest"] == before["inventory"]["digest"]
    assert [one["fingerprint"] for one in found["findings"]] == [
        one["fingerprint"] for one in before["findings"]
    ]
    place.write(
        "new.yaml", POLICY.replace("policy: mine", "policy: new").replace("'%-prod'", "'%'")
    )
    assert (
        history(place, "replay", "2026-03-01", "--policy", "new.yaml", "--format", "json").code == 0
    )
    curve = history(place, "replay", "--all", "--policy", "new.yaml", "--format", "json")
    assert [(one["was"], one["result"]) for one in json.loads(curve.out)] == [("failed", "passed")]
    assert "would be" in history(place, "replay", "--all", "--policy", "new.yaml").out.lower()


def test_no_secret_is_kept(place: Place) -> None:
    canary = "5ecre7canary5ecre7canary5ecre7ca"
    place.keys(key(ALPHA, "alpha", secret=canary, dsn={"secret": f"https://a:{canary}@s.io/1"}))
    kept(place, "2026-03-01")
    for path in (place.folder / DIR).rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        assert canary.encode() not in text, path
    assert history(place, "replay", "latest").code == 1


def test_a_live_scan_is_of_one_line_with_that_of_what_was_fetched(tmp_path: Path) -> None:
    with Simulator(make_world(projects=5, keys=20)) as sim:
        token = sim.world.token
        server = ("--url", sim.url, "--org", "acme")
        live = ("scan", *server, "--as-of", "2026-06-02", "-q", "--history", DIR)
        done = here(*live, cwd=tmp_path, SENTRY_AUTH_TOKEN=token)
        fetch = ("fetch", *server, "-o", "saved.jsonl")
        assert here(*fetch, cwd=tmp_path, SENTRY_AUTH_TOKEN=token).code == 0
    assert (done.code, done.err) == (1, "")
    file = ("--inventory", "saved.jsonl", "--as-of", "2026-06-03", "-q")
    assert here("scan", *file, "--history", DIR, cwd=tmp_path).code == 1
    listed = here("history", "list", "--history", DIR, "--format", "json", cwd=tmp_path)
    first, second = json.loads(listed.out)
    assert second["previous"] == first["id"]
    assert set(second["figures"]["changes"]) == {"still"}
    again = here(
        *("history", "replay", first["id"], "--history", DIR, "--format", "json"), cwd=tmp_path
    )
    assert (
        json.loads(again.out)["inventory"]["digest"]
        == _kept_report(tmp_path)["inventory"]["digest"]
    )
    for path in (tmp_path / DIR).rglob("*"):
        raw = path.read_bytes() if path.is_file() else b""
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
        assert CANARY.encode() not in text
        assert token.encode() not in text


@pytest.mark.parametrize(
    ("asked", "became"),
    [
        ({}, "fixed"),
        ({"scope": {"organizations": ["acme"], "projects": []}}, "fixed"),
        ({"scope": {"organizations": ["acme"], "projects": ["web"]}}, "unseen"),
        ({"filters": {"status": "active"}}, "unseen"),
    ],
)
def test_a_report_of_less_than_there_is_closes_nothing(
    place: Place, asked: dict[str, Any], became: str
) -> None:
    every: dict[str, Any] = {"scope": {"organizations": [], "projects": []}}
    where = [("web", ALPHA), ("app", BETA)]
    for name, shown, more in (("whole", where, {}), ("part", where[:1], asked)):
        lines = [
            {"kind": "inventory", "record": {"version": 1, **every, **more}},
            *(
                {"kind": "sentry_project", "organization": "acme", "project": slug,
                 "record": {"id": slug, "slug": slug}}
                for slug in ("web", "app")
            ),
            *(
                {"kind": "sentry_key", "organization": "acme", "project": slug,
                 "record": key(number, slug)}
                for slug, number in shown
            ),
            {"kind": "end", "record": {"coverage": {
                table: {"state": "complete", "reason": "", "rows": rows}
                for table, rows in (("sentry_project", 2), ("sentry_key", len(shown)))
            }}},
        ]  # fmt: skip
        place.write("day.jsonl", "".join(json.dumps(line) + "\n" for line in lines))
        source = ("--inventory", "day.jsonl", "--policy", "p.yaml", "--as-of", "2026-03-01")
        assert place.run("scan", *source, "-q", "-o", f"{name}.json").code in {0, 1, 3}
        schema = json.loads(schema_path("report-v1").read_text("utf-8"))
        jsonschema.validate(report(place.folder / f"{name}.json"), schema)
    told_ = place.run("history", "diff", "whole.json", "part.json", "--format", "json").out
    found = json.loads(told_)
    assert [one["id"] for one in found[became]] == [BETA]
    assert {name: found["counts"][name] for name in ("fixed", "unseen")} == {
        "fixed": int(became == "fixed"),
        "unseen": int(became == "unseen"),
    }


def _between(place: Place, first: str, second: str) -> dict[str, list[str]]:
    """The ids of what came and went between two JSON reports, classes without any left out."""
    done = place.run("history", "diff", first, second, "--format", "json")
    assert done.code == 0, done.err
    found = json.loads(done.out)
    parts = ("new", "uncovered", "fixed", "unseen")
    return {part: [one["id"] for one in found[part]] for part in parts if found[part]}


def test_a_report_of_an_answer_of_the_api_closes_nothing_elsewhere(place: Place) -> None:
    # Told by its projects' ids alone, an answer may be of any part of the organization.
    place.write("app.json", json.dumps([key(BETA, "beta", projectId=8)]))
    place.keys(key(ALPHA, "alpha"), key(GAMMA, "gamma"))
    asked = ("--org", "acme", "--as-of", "2026-03-01", "--policy", "p.yaml", "-q")
    source = ("scan", "--inventory", "keys.json")
    assert place.run(*source, "--inventory", "app.json", *asked, "-o", "both.json").code == 1
    assert place.run(*source, *asked, "-o", "one.json").code == 1
    schema = json.loads(schema_path("report-v1").read_text("utf-8"))
    jsonschema.validate(report(place.folder / "one.json"), schema)
    assert _between(place, "both.json", "one.json") == {"unseen": [BETA]}


def test_a_report_that_is_narrowed_to_an_owner_says_nothing_of_others(place: Place) -> None:
    place.write("owners.yaml", "owners:\n  - {owner: a-team, name: alpha}\n")
    given = ("--owners", "owners.yaml", "-q")
    for name, more in (("all", ()), ("mine", ("--owner", "a-team"))):
        assert place.scan(*given, *more).code == 1
        (place.folder / "r.json").rename(place.folder / f"{name}.json")
    assert _between(place, "all.json", "mine.json") == {"unseen": [BETA]}
    assert _between(place, "mine.json", "all.json") == {"uncovered": [BETA]}
    place.keys(key(BETA, "beta"), key(GAMMA, "gamma-prod"))
    assert place.scan(*given, "--owner", "a-team").code == 1
    assert _between(place, "mine.json", "r.json") == {"fixed": [ALPHA]}


def _kept_report(folder: Path) -> dict[str, Any]:
    """The report of the first run that is kept."""
    kept_in = min((folder / DIR).glob("2*"))
    found: dict[str, Any] = json.loads(gzip.decompress((kept_in / "report.json.gz").read_bytes()))
    return found


def test_what_is_narrowed_to_an_owner_is_kept_whole(place: Place) -> None:
    place.write("owners.yaml", "owners:\n  - {owner: a-team, name: alpha}\n")
    kept(place, "2026-03-01", "--owners", "owners.yaml", "--owner", "a-team")
    assert [one["resource"]["id"] for one in place.report()["findings"]] == [ALPHA]
    whole = _kept_report(place.folder)
    assert [one["resource"]["id"] for one in whole["findings"]] == [ALPHA, BETA]
    assert "narrowed" not in whole["summary"]
    assert whole["summary"]["warnings"] == []
    (table,) = (place.folder / DIR).glob("*/findings.parquet")
    sql = f"SELECT resource_id, first_seen IS NOT NULL FROM '{table}'"
    found = duckdb.connect().execute(sql).fetchall()
    assert found == [(ALPHA, True), (BETA, True)]
    kept(place, "2026-03-02", "--owners", "owners.yaml", "--owner", "a-team")
    assert told(place, "list")[-1]["figures"]["changes"] == {"still": {"medium": 2}}


def test_a_history_without_inventories(place: Place) -> None:
    kept(place, "2026-03-01", "--no-history-inventory")
    assert not list((place.folder / DIR).rglob("inventory*"))
    done = history(place, "replay", "latest")
    assert done.code == 2
    assert "was kept without its inventory" in done.err
    assert "was kept without its inventory" in history(place, "replay", "--all").out


def test_pruning_leaves_the_figures(place: Place) -> None:
    before = ("--before", "2027-01-01")
    for number in range(1, 4):
        kept(place, f"2026-03-0{number}")
    assert "2 runs would be pruned" in history(place, "prune", *before, "--dry-run").out
    assert "was pruned" not in history(place, "diff", "2026-03-01", "latest").err
    done = history(place, "prune", *before)
    assert done.code == 0
    assert "2 runs pruned" in done.out
    assert history(place, "verify").code == 0
    assert len(told(place, "trend")["runs"]) == 3
    assert "was pruned" in history(place, "diff", "2026-03-01", "latest").err
    assert "0 new" in history(place, "show", "2026-03-02").out
    kept(place, "2026-03-04")
    assert told(place, "list")[-1]["figures"]["changes"] == {"still": {"medium": 2}}
    # Pruning that was killed after its first part, and then asked for less: what went stays told.
    third = min((place.folder / DIR).glob("20260303*"))
    (third / "pruned.json").write_text('{"at": "2026-03-05T00:00:00Z", "inventory_only": false}')
    (third / "report.json.gz").unlink()
    assert "1 run pruned" in history(place, "prune", *before, "--inventory-only").out
    assert history(place, "verify").code == 0
    # Of a run whose inventory alone was pruned, nothing else may be missing.
    kept(place, "2026-03-05")
    assert "1 run pruned" in history(place, "prune", *before, "--inventory-only").out
    assert history(place, "verify").code == 0
    (min((place.folder / DIR).glob("20260304*")) / "report.json.gz").unlink()
    done = history(place, "verify")
    assert (done.code, done.out.count("[missing]")) == (2, 1)


def test_every_form_is_printed(place: Place) -> None:
    kept(place, "2026-03-01")
    place.keys(key(ALPHA, "al|pha"), key(GAMMA, "gamma-prod"))
    kept(place, "2026-03-21")
    for action in (["list"], ["show"], ["diff", "previous", "latest"], ["trend"], ["verify"]):
        assert history(place, *action).code == 0
        markdown = history(place, *action, "--format", "markdown")
        assert markdown.out.startswith("## ")
    trend = history(place, "trend").out
    assert "medium    1      20    20" in trend
    assert "al|pha" not in history(place, "diff", "previous", "latest", "--format", "markdown").out


@pytest.mark.parametrize("form", ["terminal", "json", "markdown", "html"])
def test_a_trend_of_nothing_is_told(place: Place, form: str) -> None:
    kept(place, "2020-03-01")
    for wanted, told_ in (
        (("--days", "30"), "runs are as of 2020-03-01T00:00:00Z to 2020-03-01T00:00:00Z"),
        (("--line", "ffffffff"), "Known lines: "),
    ):
        done = history(place, "trend", *wanted, "--format", form)
        assert (done.code, done.out) == (2, "")
        assert told_ in done.err


def test_without_a_history_nothing_is_said_of_it(tmp_path: Path) -> None:
    here("scan", "--demo", "--as-of", "2026-06-01", "-o", "r.json", cwd=tmp_path)
    assert not {"due", "first_seen"} & set(report(tmp_path / "r.json")["findings"][0])
    assert [path.name for path in tmp_path.iterdir()] == ["r.json"]
    done = here("history", "list", cwd=tmp_path)
    assert done.code == 2
    assert "there is no history" in done.err
