"""What could not be seen never ends in exit code 0, whatever the source and the verb."""

import json
import shlex
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import here

KEY: dict[str, Any] = {
    "id": "k1",
    "public": "k1",
    "name": "web",
    "projectId": 7,
    "isActive": True,
    "dateCreated": "2026-02-01T00:00:00Z",
}
PAGE = [{"id": str(n), "slug": f"p{n}", "platform": "python"} for n in range(7, 107)]
PROJECTS = [{"id": str(7 + n), "slug": f"p{n}", "platform": "python"} for n in range(7)]
# A key of each listed project, and one more: no full page of keys.
KEYS = [KEY | {"id": f"k{n}", "projectId": n} for n in range(7, 107)] + [KEY | {"id": "k1"}]
POLICY = """\
policy: mine
version: 1.0.0
title: Mine
rules:
  - {id: young, title: Young, resource: sentry_key, severity: low, check: {max_age: 90d}}
  - {id: o, title: Odd, resource: sentry_key, severity: low, where: name = 'odd', require: 'false'}
"""
AS_OF = "2026-03-01"


def key(**fields: object) -> dict[str, Any]:
    return KEY | fields


def saved(folder: Path, files: dict[str, object]) -> list[str]:
    (folder / "p.yaml").write_text(POLICY, "utf-8")
    options = ["--as-of", AS_OF]
    for name, records in files.items():
        (folder / name).write_text(json.dumps(records), "utf-8")
        options += ["--inventory", name]
    return options


@pytest.mark.parametrize(
    ("files", "options", "code", "says"),
    [
        ({"k.json": [KEY]}, [], 0, ""),
        ({"k.json": [KEY]}, ["--org", "acme", "--project", "web"], 0, ""),
        ({"k.json": [KEY], "p.json": PROJECTS[:1]}, ["--project", "p0"], 0, ""),
        ({"k.json": [KEY], "p.json": PROJECTS[:1]}, ["--project", "px0"], 3, "Did you mean 'p0'?"),
        ({"k.json": [KEY], "p.json": PROJECTS[:1]}, ["--project", "p0", "--project", "x"],
         3, "no project 'x'"),
        ({"k.json": [KEY, key(id="k2", projectId=99)], "p.json": PROJECTS[:1]},
         ["--project", "p0"], 3, "1 client key does not tell the project"),
        ({"k.json": [KEY], "p.json": PROJECTS}, [], 3, "project 'p1' is listed"),
        ({"k.json": [key(id=f"k{n}") for n in range(100)]}, [], 3, "a full page"),
        ({"k.json": [key(id=f"k{n}") for n in range(10)]}, [], 3, "a full page"),
        ({"k.json": KEYS, "p.json": PAGE}, [], 3, "100 projects, a full page"),
        ({"k.json": KEYS, "p.json": PAGE}, ["--project", "p7"], 0, ""),
        ({"k.json": KEYS[:99], "p.json": PAGE[:99]}, [], 0, ""),
        ({"k.json": [KEY, KEY]}, [], 0, ""),
        ({"a.json": [KEY], "b.json": [key(isActive=False)]}, [], 2, "a.json"),
        ({"a.json": [KEY], "b.json": [key(projectId=8)]}, [], 2, "b.json"),
        ({"k.json": [key(dateCreated="infinity")]}, [], 2, "k.json:1:"),
        ({"k.json": [key(dateCreated="2026-02-01T00:00:00+25:00")]}, [], 2, "date and time"),
        ({"k.json": [key(dateCreated="290000-01-01T00:00:00Z")]}, [], 2, "date and time"),
        ({"k.json": [key(dateCreated="2099-01-01T00:00:00Z")]}, [], 1, "unknown"),
        ({"k.json": [KEY]}, ["--project", " "], 2, "an empty name"),
        ({"k.json": [KEY]}, ["--inventory", ""], 2, "--inventory: an empty name"),
    ],
)  # fmt: skip
def test_files(
    tmp_path: Path, files: dict[str, object], options: list[str], code: int, says: str
) -> None:
    inventory = saved(tmp_path, files)
    done = here("scan", "--policy", "p.yaml", *inventory, *options, cwd=tmp_path)
    assert done.code == code, done
    assert says in " ".join((done.out + done.err).split())


@pytest.mark.parametrize(
    ("scope", "says"),
    [
        (["--org", "otter-post-demo", "--org", "typo"], "no organization 'typo'"),
        (["--org", "otter-post"], "Did you mean 'otter-post-demo'?"),
        (["--project", "checkout", "--project", "chekout"], "Did you mean 'checkout'?"),
    ],
)
@pytest.mark.parametrize(
    "verb",
    [["scan"], ["query", "SELECT count(*) FROM sentry_key"], ["fetch", "-o", "demo.jsonl"]],
)
def test_a_scope_that_does_not_exist(
    tmp_path: Path, verb: list[str], scope: list[str], says: str
) -> None:
    done = here(*verb, "--demo", *scope, cwd=tmp_path)
    assert done.code == 3
    assert says in " ".join((done.out + done.err).split())


def test_waivers_say_what_they_could_not_be_held_against(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("waivers: []\n", "utf-8")
    done = here("waivers", "list", "w.yaml", "--demo", "--project", "chekout", cwd=tmp_path)
    assert done.code == 0
    assert "Did you mean 'checkout'?" in " ".join(done.err.split())
    done = here("waivers", "list", "w.yaml", "--demo", "--project", "checkout", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")


@pytest.mark.parametrize(
    ("verb", "code"),
    [
        ("scan", 3),
        ("scan --format junit", 3),
        ("forecast --days 9", 3),
        ("baseline write -o b.jsonl", 3),
        ("waivers list w.yaml", 0),
        ("waivers check w.yaml", 0),
        ("fix plan -o plan.json", 3),
        ("fix status", 3),
        ("fix export --terraform", 3),
        ("fix export --alchemy --desired", 3),
        ("query 'FROM sentry_key'", 3),
        ("explain young --key k1", 0),
    ],
)
@pytest.mark.parametrize(
    ("scope", "says"), [("px", "no project 'px'"), ("p1", "project 'p1' is listed")]
)
def test_every_verb_says_what_it_could_not_see(
    tmp_path: Path, verb: str, code: int, scope: str, says: str
) -> None:
    options = saved(tmp_path, {"k.json": [KEY], "p.json": PROJECTS[:2]})
    (tmp_path / "w.yaml").write_text("waivers: []\n")
    policy = POLICY + "  - {id: r, title: R, resource: sentry_key, severity: low, check:"
    (tmp_path / "p.yaml").write_text(policy + " {max_age: 90d}, fix: {rotate: {}}}\n")
    policies = (
        [] if verb.startswith("query") or verb.endswith("--terraform") else ["--policy=p.yaml"]
    )
    scopes = ["--project", "p0", "--project", scope]
    done = here(*shlex.split(verb), *options, *scopes, *policies, cwd=tmp_path)
    assert done.code == code, done.err
    assert says in " ".join((done.out + done.err).split())


def test_no_row_in_any_where(tmp_path: Path) -> None:
    inventory = saved(tmp_path, {"k.json": [KEY]})
    about = POLICY.replace("check: {max_age: 90d}", "where: name = 'x', require: 'true'")
    (tmp_path / "p.yaml").write_text(about, "utf-8")
    for more in ([], ["--allow-partial"]):
        done = here("scan", "--policy", "p.yaml", *inventory, *more, cwd=tmp_path)
        assert done.code == 3
        assert "no rule judged any resource" in done.out


@pytest.mark.parametrize(("more", "code"), [([], 3), (["--allow-partial"], 0)])
def test_a_query_tells_what_it_could_not_see(tmp_path: Path, more: list[str], code: int) -> None:
    inventory = saved(tmp_path, {"k.json": [key(id=f"k{n}") for n in range(100)]})
    sql = "SELECT count(*) AS n FROM sentry_key"
    done = here("query", sql, *inventory, *more, "--format", "csv", cwd=tmp_path)
    assert (done.code, done.out) == (code, "n\n100\n")
    assert "warning: sentry_key is partial" in done.err
    absent = here("query", "SELECT * FROM sentry_token", *inventory, *more, cwd=tmp_path)
    assert absent.code == code
    assert "sentry_token is absent" in absent.err
