"""Inventories as they lie about: packed, in folders, many at once, chosen by a pattern."""

import gzip
import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
import zstandard

from tests.acceptance.support import Result, findings, here, keypolicy, report
from tests.simulator import CANARY, TODAY, Simulator, make_world, render

AS_OF = ("--as-of", "2026-06-01T12:00:00Z")
PACKERS = {".gz": gzip.compress, ".zst": zstandard.ZstdCompressor().compress}


def scan(folder: Path, *arguments: object) -> Result:
    return here("scan", *AS_OF, *arguments, cwd=folder)


def keys_of(project: int, count: int) -> list[dict[str, Any]]:
    """Return keys as the API tells them, secrets and all."""
    world = make_world(projects=1, keys=count, seed=project)
    (one,) = world.projects
    return [render.key(key, one, "https://sentry.example", TODAY) for key in one.keys]


@pytest.mark.parametrize("suffix", ["jsonl.gz", "jsonl.zst"])
def test_what_is_fetched_packed_is_scanned_as_it_is(tmp_path: Path, suffix: str) -> None:
    with Simulator(make_world(projects=6, keys=40), TODAY) as sim:
        for name in ("plain.jsonl", f"packed.{suffix}"):
            fetched = here(
                *("fetch", "--url", sim.url, "-o", name),
                cwd=tmp_path,
                SENTRY_AUTH_TOKEN=sim.world.token,
            )
            assert fetched.code == 0, fetched.err
    plain, packed = (tmp_path / "plain.jsonl", tmp_path / f"packed.{suffix}")
    assert packed.stat().st_size < plain.stat().st_size / 3
    digests = set()
    for name in ("plain.jsonl", f"packed.{suffix}"):
        done = scan(tmp_path, "--inventory", name, "-o", f"{name}.report.json")
        assert done.code == 1, done.err
        digests.add(report(tmp_path / f"{name}.report.json")["inventory"]["digest"])
    assert len(digests) == 1


def test_what_is_fetched_in_columns_gives_the_same_report(tmp_path: Path) -> None:
    with Simulator(make_world(projects=6, keys=40), TODAY) as sim:
        for name in ("keys.jsonl", "keys.parquet"):
            fetched = here(
                *("fetch", "--url", sim.url, "-o", name),
                cwd=tmp_path,
                SENTRY_AUTH_TOKEN=sim.world.token,
            )
            assert fetched.code == 0, fetched.err
    assert CANARY.encode() not in (tmp_path / "keys.parquet").read_bytes()
    file = f"'{tmp_path}/keys.parquet'"
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE FROM {file}").fetchall()
        types = {str(name): str(kind) for name, kind, *_ in described}
        ((held, odd, left),) = connection.execute(
            "SELECT count(sentry_key.date_created), count(odd),"
            f" count(*) FILTER (contains(record, 'isActive')) FROM {file} WHERE kind = 'sentry_key'"
        ).fetchall()
    assert "is_active BOOLEAN, date_created TIMESTAMP WITH TIME ZONE" in types["sentry_key"]
    assert held
    assert not odd
    assert not left
    told = {}
    for name in ("keys.jsonl", "keys.parquet"):
        done = scan(tmp_path, "--inventory", name, "-o", "r.json", "--history", f"past-{name}")
        assert done.code == 1, done.err
        text = (tmp_path / "r.json").read_text("utf-8").replace(name, "keys")
        told[name] = re.sub(r'"(id|started_at|finished_at)": "[-0-9a-fTZ:.]+"', "", text)
        # What is kept of it is the inventory as lines, whatever it was.
        replayed = here("history", "replay", "latest", "--history", f"past-{name}", cwd=tmp_path)
        assert replayed.code in {0, 1}, replayed.err
    assert told["keys.jsonl"] == told["keys.parquet"]


@pytest.mark.parametrize("suffix", PACKERS)
@pytest.mark.parametrize("form", ["array", "lines"])
def test_a_packed_answer_of_the_api_is_read_and_judged_alike(
    tmp_path: Path, suffix: str, form: str
) -> None:
    keys = keys_of(1, 30)
    text = json.dumps(keys) if form == "array" else "\n".join(map(json.dumps, keys)) + "\n"
    (tmp_path / "keys.json").write_text(text, "utf-8")
    (tmp_path / f"packed.json{suffix}").write_bytes(PACKERS[suffix](text.encode()))
    whose = ("--org", "acme", "--project", "web")
    plain = scan(tmp_path, "--inventory", "keys.json", *whose, "-o", "a.json")
    packed = scan(tmp_path, "--inventory", f"packed.json{suffix}", *whose, "-o", "b.json")
    assert plain.code == packed.code == 1, packed.err
    assert findings(tmp_path / "a.json") == findings(tmp_path / "b.json")
    assert CANARY not in packed.out + packed.err + (tmp_path / "b.json").read_text("utf-8")


@pytest.mark.parametrize("suffix", PACKERS)
def test_what_is_wrong_in_a_packed_file_has_its_line(tmp_path: Path, suffix: str) -> None:
    keys = keys_of(1, 30)
    keys[17]["isActive"] = "yes"
    text = "\n".join(map(json.dumps, keys)).encode()
    name = f"keys.jsonl{suffix}"
    (tmp_path / name).write_bytes(PACKERS[suffix](text))
    done = scan(tmp_path, "--inventory", name)
    assert done.code == 2
    assert f"{name}:18:" in done.err
    assert "isActive" in done.err
    (tmp_path / name).write_bytes(PACKERS[suffix](text)[:-20])
    done = scan(tmp_path, "--inventory", name)
    assert (done.code, done.out) == (2, "")
    assert "was cut off" in done.err


def test_sixty_four_files_are_one_inventory(tmp_path: Path) -> None:
    exports = tmp_path / "exports"
    names = ("json", "jsonl", "json.gz", "jsonl.zst")
    every = []
    for number in range(64):
        keys = keys_of(number, 5)
        every += keys
        suffix = names[number % 4]
        text = json.dumps(keys) if "jsonl" not in suffix else "\n".join(map(json.dumps, keys))
        path = exports / f"team-{number % 3}" / f"{number}.{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        pack = PACKERS.get(path.suffix, bytes)
        path.write_bytes(pack(text.encode()))
    (tmp_path / "all.json").write_text(json.dumps(every), "utf-8")
    whose = ("--org", "acme", "--project", "web")
    whole = scan(tmp_path, "--inventory", "all.json", *whose, "-o", "whole.json")
    pattern = scan(tmp_path, "--inventory", "exports/**/*.json*", *whose, "-o", "parts.json")
    assert (whole.code, pattern.code) == (1, 1), pattern.err
    assert report(tmp_path / "parts.json")["inventory"]["tables"]["sentry_key"]["rows"] == 320
    assert findings(tmp_path / "parts.json") == findings(tmp_path / "whole.json")
    folders = [part for n in range(3) for part in ("--inventory", f"exports/team-{n}")]
    assert scan(tmp_path, *folders, *whose, "-o", "folders.json").code == 1
    assert findings(tmp_path / "folders.json") == findings(tmp_path / "whole.json")


def test_a_pattern_is_none_where_a_file_has_its_name(tmp_path: Path) -> None:
    for name, count in (("keys[1].json", 3), ("keys1.json", 5)):
        (tmp_path / name).write_text(json.dumps(keys_of(1, count)), "utf-8")
    scan(tmp_path, "--inventory", "keys[1].json", "--org", "acme", "-o", "r.json")
    assert report(tmp_path / "r.json")["inventory"]["tables"]["sentry_key"]["rows"] == 3
    done = scan(tmp_path, "--inventory", "nothing-*.json")
    assert (done.code, done.out) == (2, "")
    assert "nothing-*.json: no file matches this pattern" in done.err


PARTITIONS = "kind=a/organization=b/project=2024-01-01/record=c/id=d/line=e/json=f/odd=g"
"""Folders named as those of a data lake, where such a name stands for a column."""


@pytest.mark.parametrize(
    "name", ["own.jsonl", "own.json", "own.parquet", "keys.json", "keys.jsonl", "keys.json.gz"]
)
def test_names_of_folders_are_no_columns_of_a_file(tmp_path: Path, name: str) -> None:
    whose: tuple[str, ...] = ()
    if name.startswith("own."):
        assert here("fetch", "--demo", *AS_OF, "-o", name, cwd=tmp_path).code == 0
    else:
        whose = ("--org", "acme", "--project", "web")
        keys = keys_of(1, 5)
        text = json.dumps(keys) if ".jsonl" not in name else "\n".join(map(json.dumps, keys))
        packed = gzip.compress(text.encode()) if name.endswith(".gz") else text.encode()
        (tmp_path / name).write_bytes(packed)
    lake = tmp_path / PARTITIONS / name
    lake.parent.mkdir(parents=True)
    lake.write_bytes((tmp_path / name).read_bytes())
    told = []
    for place, out in ((name, "plain"), (lake, "lake")):
        done = scan(tmp_path, "--inventory", place, *whose, "-o", f"{out}.json")
        assert done.code == 1, done.err
        inventory = report(tmp_path / f"{out}.json")["inventory"]
        told.append((inventory["digest"], inventory["organizations"]))
    assert told[0] == told[1]
    assert findings(tmp_path / "plain.json") == findings(tmp_path / "lake.json")


def test_a_parquet_report_has_its_columns_wherever_scratch_files_lie(tmp_path: Path) -> None:
    scratch = tmp_path / "run=7"
    scratch.mkdir()
    done = keypolicy(
        *("scan", "--demo", *AS_OF, "-o", "r.parquet"), cwd=tmp_path, TMPDIR=str(scratch)
    )
    assert done.code == 1, done.err
    with duckdb.connect() as connection:
        described = connection.execute(f"DESCRIBE FROM '{tmp_path}/r.parquet'").fetchall()
    assert "run" not in {name for name, *_ in described}


def of(organization: str, project: int, slug: str) -> dict[str, Any]:
    """Return a project as the API lists it, which tells its organization."""
    told = {"id": str(project + 100), "slug": organization, "name": organization, "links": {}}
    return {"id": str(project), "slug": slug, "name": slug, "platform": None, "organization": told}


def keys_in(project: int) -> list[dict[str, Any]]:
    return [{**key, "projectId": project} for key in keys_of(project, 3)]


def seen(folder: Path, *arguments: object) -> tuple[Result, set[tuple[str, str]]]:
    """Scan, and return the organizations and projects of the findings."""
    done = scan(folder, *arguments, "-o", "report.json")
    if done.code == 2:
        return done, set()
    told = [one["resource"] for one in report(folder / "report.json")["findings"]]
    return done, {(one["organization"], one["project"]) for one in told if one["id"]}


def test_org_overrules_no_record(tmp_path: Path) -> None:
    """Projects and keys of globex were acme's where --org said so, and acme was never seen."""
    (tmp_path / "globex.json").write_text(json.dumps([of("globex", 1, "web")]))
    (tmp_path / "both.json").write_text(json.dumps([of("globex", 1, "web"), of("acme", 2, "api")]))
    (tmp_path / "one.json").write_text(json.dumps(keys_in(1)))
    (tmp_path / "two.json").write_text(json.dumps(keys_in(2)))
    for listed in ("globex.json", "both.json"):
        files = ("--inventory", listed, "--inventory", "one.json")
        done, found = seen(tmp_path, *files, "--org", "globex", "--project", "web")
        assert (done.code, found) == (1, {("globex", "web")})
        done, _ = seen(tmp_path, *files, "--org", "acme")
        assert done.code == 2
        assert "one.json: holds 3 client keys of globex" in done.err
        assert "Give --org globex" in done.err
    files = ("--inventory", "both.json", "--inventory", "two.json")
    done, found = seen(tmp_path, *files, "--org", "acme")
    assert (done.code, found) == (1, {("acme", "api")})


def test_lists_that_tell_their_organization_may_be_of_several(tmp_path: Path) -> None:
    (tmp_path / "both.json").write_text(json.dumps([of("globex", 1, "web"), of("acme", 2, "api")]))
    ask = ("SELECT organization_slug AS o, slug AS s FROM sentry_project", "--format", "csv")
    for organizations, expected, code in (
        (("acme", "globex"), {"acme,api", "globex,web"}, 0),
        (("acme",), {"acme,api"}, 0),
        (("umbrella",), set(), 3),
    ):
        named = [part for one in organizations for part in ("--org", one)]
        arguments = ("query", *ask, "--inventory", "both.json", *named)
        done = here(*arguments, cwd=tmp_path)
        assert {line.replace('"', "") for line in done.out.split()[1:]} == expected
        assert done.code == code, done.err


def test_what_tells_no_organization_is_of_the_one_that_is_named(tmp_path: Path) -> None:
    project = of("", 1, "web")
    del project["organization"]
    (tmp_path / "list.json").write_text(json.dumps([project]))
    (tmp_path / "one.json").write_text(json.dumps(keys_in(1)))
    files = ("--inventory", "list.json", "--inventory", "one.json")
    done, found = seen(tmp_path, *files, "--org", "acme")
    assert (done.code, found) == (1, {("acme", "web")})


def test_keys_of_no_organization_beside_a_list_are_to_be_given_one(tmp_path: Path) -> None:
    (tmp_path / "list.json").write_text(json.dumps([of("acme", 1, "web")]))
    (tmp_path / "one.json").write_text(json.dumps(keys_in(1)))
    done = scan(tmp_path, "--inventory", "list.json", "--inventory", "one.json")
    told = " ".join(done.out.split())
    assert done.code == 3
    assert "The project 'web' is listed, but no key of it is there" in told
    assert "Say with --org of which organization the keys are" in told
    assert "Add its keys" not in told
