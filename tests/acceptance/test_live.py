"""Scans of a Sentry server: a real HTTP server on loopback that answers as Sentry does."""

from pathlib import Path

import pytest

from tests.acceptance.support import findings, here, report
from tests.simulator import (
    CANARY,
    GLITCHTIP,
    SELF_HOSTED_23_7,
    TODAY,
    Flavour,
    Simulator,
    TokenKind,
    faults,
    make_world,
)

AS_OF = ("--as-of", "2026-06-01T12:00:00Z")


def scan(sim: Simulator, folder: Path, *arguments: object, token: str = "") -> tuple[int, str]:
    done = here(
        *("scan", "--url", sim.url, *AS_OF, *arguments),
        cwd=folder,
        SENTRY_AUTH_TOKEN=token or sim.world.token,
    )
    return done.code, done.out + done.err


@pytest.mark.parametrize("flavour", [TODAY, SELF_HOSTED_23_7], ids=["today", "older"])
def test_a_live_scan_finds_what_a_scan_of_the_fetched_file_finds(
    tmp_path: Path, flavour: Flavour
) -> None:
    with Simulator(make_world(projects=101, keys=210), flavour) as sim:
        code, text = scan(sim, tmp_path, "-o", "live.json", "-o", "r.html", "-o", "r.sarif")
        fetched = here(
            *("fetch", "--url", sim.url, "-o", "saved.jsonl"),
            cwd=tmp_path,
            SENTRY_AUTH_TOKEN=sim.world.token,
        )
    assert (code, fetched.code) == (1, 0), text + fetched.err
    again = ("scan", "--inventory", "saved.jsonl", *AS_OF, "-o", "file.json")
    assert here(*again, cwd=tmp_path).code == 1
    assert findings(tmp_path / "live.json") == findings(tmp_path / "file.json")
    live, file = (report(tmp_path / f"{name}.json") for name in ("live", "file"))
    assert live["inventory"]["tables"]["sentry_key"] == file["inventory"]["tables"]["sentry_key"]
    assert live["inventory"]["tables"]["sentry_key"]["rows"] == 210
    assert live["inventory"]["digest"] == file["inventory"]["digest"]
    everything = text + fetched.out + fetched.err
    for path in tmp_path.iterdir():
        everything += path.read_text("utf-8")
    assert CANARY not in everything


@pytest.mark.parametrize(
    ("organizations", "flavour"),
    [
        ([], TODAY),
        (["acme"], TODAY),
        (["acme", "globex"], SELF_HOSTED_23_7),
        (["acme", "typo"], TODAY),
        (["acme", "typo"], SELF_HOSTED_23_7),
    ],
)
def test_a_mistyped_project_beside_a_real_one_is_a_gap(
    tmp_path: Path, organizations: list[str], flavour: Flavour
) -> None:
    with Simulator(make_world(projects=5, keys=20, organizations=2), flavour) as sim:
        real = sim.world.organizations[0].projects[0].slug
        scope = [part for slug in organizations for part in ("--org", slug)]
        scope += ["--project", real, "--project", "typo"]
        code, text = scan(sim, tmp_path, *scope, "-o", "r.json")
        fetched = here(
            *("fetch", "--url", sim.url, *scope, "-o", "saved.jsonl"),
            cwd=tmp_path,
            SENTRY_AUTH_TOKEN=sim.world.token,
        )
    assert (code, fetched.code) == (3, 3), text + fetched.err
    assert "there is no project 'typo'" in " ".join(text.lower().split())
    gaps = report(tmp_path / "r.json")["inventory"]["tables"]["sentry_key"]["gaps"]
    assert "typo" in {gap["project"] for gap in gaps}
    again = here("scan", "--inventory", "saved.jsonl", *AS_OF, cwd=tmp_path)
    assert again.code == 3, again


@pytest.mark.parametrize(
    ("verb", "organizations"),
    [(("scan", "-o", "r.json"), 2), (("query", "SELECT id FROM sentry_key"), 1)],
)
def test_a_project_by_an_older_name_is_what_it_is_by_its_own(
    tmp_path: Path, verb: tuple[str, ...], organizations: int
) -> None:
    with Simulator(make_world(projects=5, keys=20, organizations=organizations)) as sim:
        slug = sim.world.organization.projects[0].slug
        sim.world.organization.renamed["old-name"] = slug
        asked = (*verb, *AS_OF, "--url", sim.url, "--org", "acme", "--project")
        token = {"SENTRY_AUTH_TOKEN": sim.world.token}
        by_slug = here(*asked, slug, cwd=tmp_path, **token)
        told = findings(tmp_path / "r.json") if "scan" in verb else set()
        by_name = here(*asked, "old-name", cwd=tmp_path, **token)
        fetch = ("fetch", *asked[-5:], "old-name", "-o", "saved.jsonl")
        assert here(*fetch, cwd=tmp_path, **token).code == 0
    assert by_slug.code in {0, 1}
    assert by_name.code == by_slug.code, by_name
    assert f"'old-name' is now called '{slug}'" in by_name.err
    if "scan" in verb:
        assert findings(tmp_path / "r.json") == told
    else:
        assert by_name.out == by_slug.out
    again = ("scan", *AS_OF, "--inventory", "saved.jsonl")
    assert here(*again, cwd=tmp_path).code in {0, 1}


def test_projects_without_a_slug_in_the_listing_get_theirs(tmp_path: Path) -> None:
    with Simulator(make_world(projects=5, keys=20)) as sim:
        done = here(
            *("query", "--url", sim.url, "select count(*), count(project_slug) from sentry_key"),
            *("--format", "csv"),
            cwd=tmp_path,
            SENTRY_AUTH_TOKEN=sim.world.token,
        )
    assert done.out.splitlines()[-1] == "20,20"


def test_glitchtip_keys_have_unknown_activity(tmp_path: Path) -> None:
    with Simulator(make_world(projects=3, keys=9), GLITCHTIP) as sim:
        code, text = scan(sim, tmp_path, "-o", "r.json")
    assert code == 1, text
    assert "unknown" in {one["outcome"] for one in report(tmp_path / "r.json")["findings"]}


@pytest.mark.parametrize("where", [".env", ".sentryclirc", "keypolicy.yaml"])
def test_settings_come_from_files_too(tmp_path: Path, where: str) -> None:
    with Simulator(make_world(projects=2, keys=4)) as sim:
        token = sim.world.token
        if where == ".env":
            text = f"SENTRY_AUTH_TOKEN={token}\nSENTRY_ORG=acme\nSENTRY_URL={sim.url}\n"
        elif where == ".sentryclirc":
            text = f"[auth]\ntoken={token}\n[defaults]\norg=acme\nurl={sim.url}\n"
        else:
            (tmp_path / ".env").write_text(f"SENTRY_AUTH_TOKEN={token}\n", "utf-8")
            text = f"organizations: [acme]\nurl: {sim.url}\n"
        (tmp_path / where).write_text(text, "utf-8")
        done = here("scan", *AS_OF, "-o", "r.json", cwd=tmp_path)
        assert sim.log
    assert done.code == 1, done.err
    assert report(tmp_path / "r.json")["inventory"]["tables"]["sentry_key"]["rows"] == 4


@pytest.mark.parametrize(
    ("kind", "says"),
    [
        ("wrong", "SENTRY_AUTH_TOKEN"),
        ("ci", "sntrys_"),
        ("scopeless", "project:read"),
        ("expired", "xpired"),
    ],
)
def test_a_token_that_may_not_read_keys(tmp_path: Path, kind: str, says: str) -> None:
    with Simulator(make_world(projects=2, keys=4)) as sim:
        token = {
            "wrong": f"sntryu_{CANARY}0000",
            "ci": sim.world.add_token(f"sntrys_{CANARY}", "org:ci", kind=TokenKind.ORGANIZATION),
            "scopeless": sim.world.add_token(f"sntryu_{CANARY}1", "event:read"),
            "expired": sim.world.add_token(f"sntryu_{CANARY}2", "org:read", expired=True),
        }[kind]
        code, text = scan(sim, tmp_path, "-o", "r.json", token=token)
    assert code == 3
    assert says in text
    assert CANARY not in text
    assert not (tmp_path / "r.json").exists()


def test_an_organization_that_does_not_exist(tmp_path: Path) -> None:
    with Simulator(make_world(projects=2, keys=4)) as sim:
        code, text = scan(sim, tmp_path, "--org", "acmee")
    assert code == 3
    assert "acmee" in text


def test_a_project_that_does_not_exist(tmp_path: Path) -> None:
    with Simulator(make_world(projects=2, keys=4)) as sim:
        code, text = scan(sim, tmp_path, "--org", "acme", "--project", "nope")
    assert code == 3
    assert "nope" in text


def test_no_network(tmp_path: Path) -> None:
    done = here("scan", "--url", "http://127.0.0.1:9", cwd=tmp_path, SENTRY_AUTH_TOKEN="x")
    assert done.code == 3
    assert "127.0.0.1" in done.err
    assert len(done.err.splitlines()) == 2


def test_keys_that_were_denied_are_never_green(tmp_path: Path) -> None:
    world = make_world(projects=4, keys=12)
    world.projects[1].accessible = False
    lenient = ("--fail-on", "never", "--on-unknown", "ignore", "-o", "r.json")
    with Simulator(world, SELF_HOSTED_23_7) as sim:
        code, text = scan(sim, tmp_path, *lenient)
        assert code == 3, text
        data = report(tmp_path / "r.json")
        assert data["inventory"]["tables"]["sentry_key"]["coverage"] == "partial"
        missing = [one for one in data["findings"] if not one["resource"]["id"]]
        assert {one["outcome"] for one in missing} == {"unknown"}
        assert {one["resource"]["project"] for one in missing} == {world.projects[1].slug}
        assert scan(sim, tmp_path, *lenient, "--allow-partial")[0] == 0
        assert scan(sim, tmp_path, "--allow-partial")[0] == 1


def test_a_project_without_any_key_is_visible_as_such(tmp_path: Path) -> None:
    world = make_world(projects=4, keys=12)
    world.projects[2].keys.clear()
    with Simulator(world) as sim:
        done = here(
            *("query", "--url", sim.url, "select slug from sentry_project where key_count = 0"),
            *("--format", "csv"),
            cwd=tmp_path,
            SENTRY_AUTH_TOKEN=sim.world.token,
        )
    assert done.out.splitlines() == ["slug", world.projects[2].slug]


@pytest.mark.parametrize("verb", [("fetch", "-o", "x.jsonl"), ("scan",)])
@pytest.mark.parametrize("option", ["--org", "--project"])
@pytest.mark.parametrize("given", ["", " "])
def test_a_name_that_is_empty_does_not_stand_for_all(
    tmp_path: Path, verb: tuple[str, ...], option: str, given: str
) -> None:
    with Simulator(make_world(projects=1, keys=1)) as sim:
        done = here(
            *(*verb, "--url", sim.url, option, given),
            cwd=tmp_path,
            SENTRY_AUTH_TOKEN=sim.world.token,
        )
    assert done.code == 2
    assert f"{option}: an empty name" in done.err
    assert sim.requests == 0


@pytest.mark.parametrize("accepted", [True, False])
def test_a_quiet_fetch_tells_what_makes_it_fail(tmp_path: Path, *, accepted: bool) -> None:
    script = [faults.status(400, "/projects/")]
    with Simulator(make_world(projects=2, keys=2), faults=script) as sim:
        done = here(
            *("fetch", "-q", "--url", sim.url, "-o", "x.jsonl"),
            *(["--allow-partial"] if accepted else []),
            cwd=tmp_path,
            SENTRY_AUTH_TOKEN=sim.world.token,
        )
    assert done.code == (0 if accepted else 3)
    assert ("sentry_project: 0 records, partial (" in done.err) is not accepted
    assert "sentry_organization" not in done.err
    assert "Saved" not in done.err
