"""`scan --engine postgres` against a real server with the table that Steampipe's plugin makes."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pg8000.native
import pytest

from tests.acceptance.support import Result, here
from tests.engines import postgres

pytestmark = pytest.mark.engine

STEAMPIPE = """
CREATE TABLE sentry_key (
    id text, name text, is_active boolean, secret text, project_slug text,
    date_created timestamp with time zone, label text, project_id bigint, public text,
    dsn jsonb, rate_limit jsonb, title text,
    sp_connection_name text, sp_ctx jsonb, _ctx jsonb
)
"""
"""Columns and types of turbot/steampipe-plugin-sentry, and those that Steampipe adds."""

SECRET = "0123456789abcdef0123456789abcdef"
KEYS: list[dict[str, Any]] = [
    {"id": "a1", "name": "web-prod", "rate_limit": '{"window": 60, "count": 10}'},
    {"id": "a2", "name": "Default", "rate_limit": "null"},
    {"id": "a3", "name": "old", "date_created": "2020-01-01T00:00:00Z"},
    {"id": "a4", "name": "off", "is_active": False},
    {"id": "a5", "name": "sntrys_" + "eyJpYXQiOjE2OTU4MDA2MDB9", "project_slug": "app"},
]  # fmt: skip
AS_OF = "2026-11-20"
POLICY = """
policy: here
version: 1.0.0
title: Here
rules:
  - {id: max-age, title: A, severity: high, resource: sentry_key, check: {max_age: 90d}}
  - {id: limit, title: B, severity: low, resource: sentry_key, check: {rate_limit: true}}
  - {id: count, title: C, severity: low, resource: sentry_key, check: {max_active_per_project: 1}}
  - id: age
    title: D
    severity: low
    resource: sentry_key
    where: is_active
    require: age_days < 90 AND name NOT ILIKE 'DEF%'
  - {id: debug, title: E, severity: low, resource: sentry_key, require: loader_has_debug IS NULL}
"""

FLEET = """
policy: fleet
version: 1.0.0
title: Fleet
rules:
  - {id: max-age, title: A, severity: high, resource: sentry_key, check: {max_age: 90d}}
  - {id: named, title: B, severity: low, resource: sentry_project, require: slug <> ''}
"""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with postgres.server("C.UTF-8") as folder:
        yield folder


@pytest.fixture
def database(folder: Path) -> Iterator[pg8000.native.Connection]:
    """A database with Steampipe's table and a few keys."""
    with pg8000.native.Connection(
        postgres.USER, database="postgres", unix_sock=f"{folder}/.s.PGSQL.5432"
    ) as connection:
        connection.run("DROP TABLE IF EXISTS sentry_key")
        connection.run(STEAMPIPE)
        for key in KEYS:
            row = {
                "is_active": True,
                "project_slug": "web",
                "project_id": 1,
                "date_created": "2026-11-01T00:00:00Z",
                "secret": SECRET,
                "rate_limit": None,
                **key,
                **({"project_id": 2} if key.get("project_slug") == "app" else {}),
            }
            marks = ", ".join(
                f"CAST(:{name} AS jsonb)" if name == "rate_limit" else f":{name}" for name in row
            )
            connection.run(f"INSERT INTO sentry_key ({', '.join(row)}) VALUES ({marks})", **row)
        yield connection


def scan(
    folder: Path, cwd: Path, *arguments: object, rules: str = POLICY, **environment: str
) -> Result:
    policy = cwd / "policy.yaml"
    policy.write_text(rules, "utf-8")
    return here(
        *("scan", "--engine", "postgres", "--policy", policy, "--as-of", AS_OF),
        *("--inventory", f"postgresql://{postgres.USER}@/postgres?host={folder}"),
        *arguments,
        cwd=cwd,
        **environment,
    )


def report(result: Result) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(result.out)
    return made


def test_outcomes_come_back_with_counts_and_findings_alone(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    assert database is not None
    done = scan(folder, tmp_path, "--format", "json")
    assert done.code == 1, done.err
    made = report(done)
    counts = {
        one["id"]: {name: number for name, number in one["counts"].items() if number}
        for one in made["rules"]
    }
    assert counts == {
        "max-age": {"pass": 4, "fail": 1},
        # A limit that is not told is no limit that is known.
        "limit": {"pass": 1, "fail": 1, "unknown": 3},
        "count": {"pass": 3, "fail": 2},
        "age": {"pass": 2, "fail": 2, "not_applicable": 1},
        # Steampipe's table has no such column: that it is NULL says nothing.
        "debug": {"unknown": 5},
    }
    assert made["inventory"]["tables"]["sentry_key"]["rows"] == 5
    old = next(one for one in made["findings"] if one["rule_id"] == "max-age")
    assert old["resource"]["id"] == "a3"
    assert old["resource"]["project"] == "web"
    assert old["evidence"] == {"date_created": "2020-01-01T00:00:00.000000Z"}
    assert "loader_has_debug" in done.err
    assert SECRET not in done.out + done.err
    assert "sntrys_eyJ" not in done.out + done.err


def test_two_scans_of_the_same_rows_give_the_same_bytes(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    first = report(scan(folder, tmp_path, "--format", "json"))
    again = report(scan(folder, tmp_path, "--format", "json"))
    for made in (first, again):
        for name in ("id", "started_at", "finished_at"):
            del made["run"][name]
    assert first == again
    database.run("UPDATE sentry_key SET label = 'x' WHERE id = 'a1'")
    other = report(scan(folder, tmp_path, "--format", "json"))
    assert other["inventory"]["digest"] != first["inventory"]["digest"]


def test_each_organization_has_its_part_also_where_nothing_was_found(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    database.run("ALTER TABLE sentry_key ADD organization_slug text DEFAULT 'acme'")
    database.run("CREATE TABLE sentry_project (id text, slug text, organization_slug text)")
    try:
        database.run(
            "INSERT INTO sentry_key (id, name, is_active, project_slug, date_created,"
            " organization_slug) SELECT 'b' || n, 'web-prod', true, 'p' || n,"
            " TIMESTAMPTZ '2026-11-01', 'beta' FROM generate_series(1, 3) AS n"
        )
        database.run(
            "INSERT INTO sentry_project VALUES ('1', 'web', 'acme'), ('2', 'app', 'acme'),"
            " ('3', 'bare', 'acme'), ('4', 'p1', 'beta'), ('5', 'only', 'gamma')"
        )
        done = scan(folder, tmp_path, "--format", "json", rules=FLEET)
        some = ("--project", "web", "--project", "app", "--format", "json")
        narrowed = scan(folder, tmp_path, *some, rules=FLEET)
    finally:
        database.run("DROP TABLE sentry_project")
    # A table of projects tells which projects are there, too.
    assert narrowed.code == 1, narrowed.err
    tables = report(narrowed)["inventory"]["tables"]
    assert [tables[name]["rows"] for name in ("sentry_project", "sentry_key")] == [2, 5]
    assert done.code == 1, done.err
    made = report(done)
    assert made["inventory"]["organizations"] == {"acme": 3, "beta": 3, "gamma": 1}
    parts = {one["organization"]: one for one in made["summary"]["organizations"]}
    assert {slug: one["projects"] for slug, one in parts.items()} == {
        "acme": 3,
        "beta": 3,
        "gamma": 1,
    }
    assert {slug: one["checks"] for slug, one in parts.items()} == {
        "acme": {"passed": 7, "failed": 1, "unknown": 0},
        "beta": {"passed": 4, "failed": 0, "unknown": 0},
        "gamma": {"passed": 1, "failed": 0, "unknown": 0},
    }


def test_it_agrees_with_a_scan_of_the_same_keys_from_a_file(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    assert database is not None
    records = [
        {
            "id": key["id"],
            "name": key["name"],
            "isActive": key.get("is_active", True),
            "dateCreated": key.get("date_created", "2026-11-01T00:00:00Z"),
            "projectId": 2 if key.get("project_slug") == "app" else 1,
            "public": "p",
            "dsn": {},
            **({"rateLimit": json.loads(key["rate_limit"])} if "rate_limit" in key else {}),
        }
        for key in KEYS
    ]
    (tmp_path / "keys.json").write_text(json.dumps(records), "utf-8")
    elsewhere = report(scan(folder, tmp_path, "--format", "json"))
    there = here(
        *("scan", "--policy", "policy.yaml", "--as-of", AS_OF, "--inventory", "keys.json"),
        *("--format", "json", "--allow-partial"),
        cwd=tmp_path,
    )
    counted = {one["id"]: one["counts"] for one in report(there)["rules"]}
    for one in elsewhere["rules"]:
        if one["id"] != "debug":
            assert one["counts"] == counted[one["id"]], one["id"]


def test_waivers_baselines_and_every_report_work_as_ever(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    assert database is not None
    (tmp_path / "waivers.yaml").write_text(
        "waivers:\n- {id: w1, rule: max-age, match: \"name = 'old'\", reason: It is known,"
        " owner: a, approved_by: b, created: 2026-11-01, expires: 2026-12-01}\n",
        "utf-8",
    )
    names = ["r.json", "r.sarif", "r.html", "r.csv", "r.xml", "r.md", "r.parquet"]
    outputs = [part for name in names for part in ("-o", name)]
    done = scan(folder, tmp_path, "--waivers", "waivers.yaml", *outputs)
    assert done.code == 1, done.err
    made = json.loads((tmp_path / "r.json").read_text("utf-8"))
    waived = [one for one in made["findings"] if one["disposition"] == "waived"]
    assert [(one["rule_id"], one["resource"]["id"]) for one in waived] == [("max-age", "a3")]
    assert all((tmp_path / name).stat().st_size for name in names)


def test_what_cannot_be_said_there_is_refused_at_its_place(folder: Path, tmp_path: Path) -> None:
    policy = tmp_path / "other.yaml"
    policy.write_text(
        "policy: other\nversion: 1.0.0\ntitle: O\nrules:\n"
        "  - id: a\n    title: A\n    severity: low\n    resource: sentry_key\n"
        "    require: is_active AND round(rate_limit_per_second) > 3\n",
        "utf-8",
    )
    done = here(
        *("scan", "--engine", "postgres", "--policy", policy),
        *("--inventory", "postgresql://nobody@127.0.0.1:1/nowhere"),
        cwd=tmp_path,
    )
    assert done.code == 2
    assert f"{policy}:9:28: " in done.err
    assert "round()" in done.err
    assert "PostgreSQL" in done.err
    assert folder is not None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("ALTER TABLE sentry_key ALTER is_active TYPE text", "sentry_key.is_active is text"),
        ("ALTER TABLE sentry_key ALTER date_created TYPE timestamp", "date_created is timestamp"),
        ("ALTER TABLE sentry_key DROP id", "sentry_key has no column id"),
        ("INSERT INTO sentry_key (id) VALUES ('a1')", "1 id that comes twice"),
        ("INSERT INTO sentry_key (name) VALUES ('a1')", "1 row without an id"),
        ("UPDATE sentry_key SET date_created = 'infinity'", "sentry_key.date_created has 5 values"),
        ("""UPDATE sentry_key SET rate_limit = '{"count": 1.5}'""", "sentry_key.rate_limit has 5"),
    ],
)
def test_a_table_of_another_form_is_an_error(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path, change: str, message: str
) -> None:
    database.run(change)
    done = scan(folder, tmp_path)
    assert done.code == 2
    assert message in done.err


def test_a_table_that_is_not_there_is_a_gap(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    database.run("DROP TABLE sentry_key")
    done = scan(folder, tmp_path, "--format", "json")
    assert done.code == 3, done.err
    made = report(done)
    assert made["inventory"]["tables"]["sentry_key"]["coverage"] == "absent"
    assert {one["outcome"] for one in made["findings"]} == {"unknown"}


def test_a_project_that_was_asked_for_and_is_not_there_is_a_gap(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    assert database is not None
    done = scan(folder, tmp_path, "--project", "web", "--project", "wbe", "--format", "json")
    assert done.code == 3
    made = report(done)
    assert made["inventory"]["tables"]["sentry_key"]["rows"] == 4
    assert "Did you mean 'web'?" in made["inventory"]["tables"]["sentry_key"]["reason"]


def test_passwords_are_taken_from_the_usual_places_alone(tmp_path: Path) -> None:
    done = here(
        *("scan", "--engine", "postgres"),
        *("--inventory", "postgresql://me:hunter2@127.0.0.1:1/db"),
        cwd=tmp_path,
    )
    assert done.code == 2
    assert "PGPASSWORD" in done.err
    assert "hunter2" not in done.err + done.out


def test_a_server_out_of_reach_is_told_and_not_a_pass(tmp_path: Path) -> None:
    done = here(
        *("scan", "--engine", "postgres", "--inventory", "postgresql://me@127.0.0.1:1/db"),
        cwd=tmp_path,
        PGPASSWORD="hunter2",
    )
    assert done.code == 3
    assert "postgresql://127.0.0.1:1/db" in done.err
    assert "hunter2" not in done.err + done.out


def test_rows_that_may_be_hidden_from_the_reader_are_a_gap(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    for statement in (
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT SELECT ON sentry_key TO reader",
        "ALTER TABLE sentry_key ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY few ON sentry_key USING (id = 'a1')",
    ):
        database.run(statement)
    rules = POLICY.partition("  - {id: debug")[0]
    address = f"postgresql://reader@/postgres?host={folder}"
    arguments = ("--engine", "postgres", "--inventory", address, "--as-of", AS_OF)
    (tmp_path / "policy.yaml").write_text(rules, "utf-8")
    done = here(*("scan", "--policy", "policy.yaml", *arguments, "--format", "json"), cwd=tmp_path)
    assert done.code == 3, done.err
    made = report(done)
    assert made["inventory"]["tables"]["sentry_key"]["coverage"] == "partial"
    assert "BYPASSRLS" in made["inventory"]["tables"]["sentry_key"]["reason"]
    # Of a project of which rows may be hidden it is not known how many keys it has.
    (count,) = (one for one in made["rules"] if one["id"] == "count")
    assert count["counts"]["pass"] == 0
    # Whoever owns the table sees all of it.
    assert scan(folder, tmp_path, "--format", "json", rules=rules).code == 1
    database.run("DROP OWNED BY reader")


def test_a_row_that_does_not_tell_its_project_leaves_the_others_untold(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    for change, expected in (
        ("project_id = NULL", {"pass": 2, "fail": 1, "unknown": 2}),
        ("project_slug = NULL", {"pass": 1, "fail": 1, "unknown": 3}),
    ):
        database.run(f"UPDATE sentry_key SET {change} WHERE id = 'a1'")
        done = scan(folder, tmp_path, "--format", "json")
        assert done.code == 1, done.err
        (count,) = (one for one in report(done)["rules"] if one["id"] == "count")
        assert {name: n for name, n in count["counts"].items() if n} == expected


def test_a_collation_of_a_column_makes_no_names_the_same(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    conditions = {
        "equal": "name <> 'default'",
        "in": "name IN ('Default', 'default')",
        "case": "CASE name WHEN 'WEB-PROD' THEN false ELSE true END",
        "like": "name LIKE 'web%'",
        "begins": "starts_with(name, 'WEB')",
        "alone": "count(*) OVER (PARTITION BY name) = 1",
    }
    rules = "policy: here\nversion: 1.0.0\ntitle: Here\nrules:\n" + "".join(
        f'  - {{id: {name}, severity: low, resource: sentry_key, require: "{condition}"}}\n'
        for name, condition in conditions.items()
    )
    database.run("UPDATE sentry_key SET name = 'Web-Prod' WHERE id = 'a3'")
    plain = report(scan(folder, tmp_path, "--format", "json", rules=rules))
    database.run(
        "CREATE COLLATION IF NOT EXISTS ci"
        " (provider = icu, locale = 'und-u-ks-level2', deterministic = false)"
    )
    for column in ("id", "name", "project_slug"):
        database.run(f"ALTER TABLE sentry_key ALTER {column} TYPE text COLLATE ci")
    collated = report(scan(folder, tmp_path, "--format", "json", rules=rules))
    assert collated["rules"] == plain["rules"]
    passed = {"equal": 5, "in": 1, "case": 5, "like": 1, "begins": 0, "alone": 5}
    assert {one["id"]: one["counts"]["pass"] for one in plain["rules"]} == passed


def test_thousands_of_projects_in_which_rows_may_be_missing(
    database: pg8000.native.Connection, folder: Path, tmp_path: Path
) -> None:
    """What may be missing is told to the database by place, and joined to the rows by it."""
    places = 20_000
    for statement in (
        (
            "INSERT INTO sentry_key (id, name, is_active, project_slug, project_id, date_created)"
            " SELECT 'x' || n, 'n', true, 'p' || n, nullif(n, 7) + 10, TIMESTAMPTZ '2026-11-01'"
            f" FROM generate_series(1, {places}) AS n"
        ),
        "DROP ROLE IF EXISTS reader",
        "CREATE ROLE reader LOGIN",
        "GRANT SELECT ON sentry_key TO reader",
        "ALTER TABLE sentry_key ENABLE ROW LEVEL SECURITY",
        "CREATE POLICY every ON sentry_key USING (true)",
    ):
        database.run(statement)
    rules = "".join(line for line in POLICY.splitlines(keepends=True) if "- {id: m" not in line)
    (tmp_path / "policy.yaml").write_text(rules.partition("  - id: age")[0], "utf-8")
    address = f"postgresql://reader@/postgres?host={folder}"
    arguments = ("--engine", "postgres", "--inventory", address, "--as-of", AS_OF)
    done = here(*("scan", "--policy", "policy.yaml", *arguments, "--format", "json"), cwd=tmp_path)
    database.run("DROP OWNED BY reader")
    assert done.code == 3, done.err
    (count,) = (one for one in report(done)["rules"] if one["id"] == "count")
    assert count["counts"]["pass"] == 1  # the one that is not active
    assert count["counts"]["unknown"] > places
