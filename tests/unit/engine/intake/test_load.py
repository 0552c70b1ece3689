import json
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.base.errors import InventoryFileError, UsageError
from scanner.catalogue import PROVIDERS, TABLES
from scanner.catalogue.redact import redact_record
from scanner.engine.database import Connection
from scanner.engine.intake import digest, reader
from scanner.engine.intake.load import Loaded, load
from scanner.engine.intake.reader import BadInputError
from scanner.inventory.spool import Spool, copy_inventory
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.inventory import Inventory, Layout, RawInput, Scope
from tests.unit.engine.support import AS_OF, fresh, to_parquet

CANARY = "ca4a7e5ec7e70000aaaabbbbccccdddd"
KEY: dict[str, Any] = {
    "id": "k1",
    "name": "web",
    "public": "k1",
    "secret": CANARY,
    "projectId": 7,
    "isActive": True,
    "rateLimit": {"window": 60, "count": 30},
    "dsn": {
        "secret": f"https://k1:{CANARY}@o1.example.invalid/7",
        "public": "https://k1@o1.example.invalid/7",
        "new_kind": f"https://x/{CANARY}",
    },
    "dateCreated": "2026-02-01T00:00:00Z",
    "dynamicSdkLoaderOptions": {"hasDebug": True},
}
PROJECT = {"id": "7", "slug": "shop", "name": "Shop", "platform": "python"}
ALL = {name: frozenset(table.columns) for name, table in TABLES.items()}


def api(path: Path, records: object, kind: str = "sentry_key", **more: Any) -> RawInput:
    path.write_text(json.dumps(records), "utf-8")
    return RawInput(path, Layout.API_ARRAY, path.name, kind, **{"server": "https://s.test", **more})


def fill(connection: Connection, *inputs: RawInput, scope: Scope | None = None) -> Loaded:
    complete = TableCoverage(CoverageState.COMPLETE, "given")
    coverage = {raw.kind: complete for raw in inputs if raw.kind}
    inventory = Inventory(inputs, tuple(raw.label for raw in inputs), coverage)
    return load(connection, inventory, scope or Scope(), AS_OF, ALL)


def rows(
    *inputs: RawInput, sql: str = "SELECT * FROM sentry_key", scope: Scope | None = None
) -> list[dict[str, Any]]:
    with fresh() as connection:
        fill(connection, *inputs, scope=scope)
        text = f"SELECT CAST(to_json(q) AS VARCHAR) FROM ({sql}) AS q"
        return [json.loads(row) for (row,) in connection.execute(text).fetchall()]


def changed(**fields: Any) -> dict[str, Any]:
    return {**KEY, **fields}


def test_a_key_with_everything(tmp_path: Path) -> None:
    (row,) = rows(
        api(tmp_path / "p.json", [PROJECT], "sentry_project", organization="acme"),
        api(tmp_path / "k.json", [KEY], organization="acme"),
    )
    expected = {
        "id": "k1", "title": "web", "secret": None, "is_active": True, "project_id": 7,
        "project_slug": "shop", "organization_slug": "acme", "project_platform": "python",
        "has_rate_limit": True, "rate_limit_window": 60, "rate_limit_count": 30,
        "rate_limit_per_second": 0.5, "rate_limit": {"window": 60, "count": 30},
        "dsn": {"public": "https://k1@o1.example.invalid/7"}, "loader_has_debug": True,
        "loader_has_replay": None, "age_days": 28, "use_case": None,
        "url": "https://s.test/settings/acme/projects/shop/keys/k1/",
    }  # fmt: skip
    assert {name: row[name] for name in expected} == expected
    assert list(row) == list(TABLES["sentry_key"].columns)


def test_a_missing_field_is_null_and_never_a_default(tmp_path: Path) -> None:
    (row,) = rows(api(tmp_path / "k.json", [{"id": "k1"}]))
    assert {name for name, value in row.items() if value is not None} == {"id"}


@pytest.mark.parametrize(
    ("limit", "has"),
    [
        (None, False),
        ({"window": 0, "count": 0}, False),
        ({"window": 60, "count": 0}, False),
        ({"window": 60, "count": 1}, True),
        ({"window": 60}, None),
        ({}, None),
    ],
)
def test_no_limit_differs_from_an_unknown_one(tmp_path: Path, limit: object, has: object) -> None:
    (row,) = rows(api(tmp_path / "k.json", [changed(rateLimit=limit)]))
    assert row["has_rate_limit"] is has
    assert (row["rate_limit"] is None) == (limit is None)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("isActive", "yes"),
        ("isActive", 1),
        ("rateLimit", 5),
        ("rateLimit", {"window": 60, "count": 1.5}),
        ("rateLimit", {"window": "60", "count": 1}),
        ("rateLimit", {"window": 60, "count": 10**30}),
        ("dateCreated", "yesterday"),
        ("dateCreated", 1_700_000_000),
        ("name", ["x"]),
        ("projectId", 1.5),
        ("projectId", True),
        ("projectId", "2.5"),
        ("projectId", "0x10"),
        ("projectID", "web"),
        ("projectID", 2**63),
        ("dsn", "https://x"),
        ("dynamicSdkLoaderOptions", {"hasDebug": "no"}),
        ("id", None),
        ("id", ""),
        ("id", 7),
    ],
)
def test_a_wrong_type_is_refused(tmp_path: Path, field: str, value: object) -> None:
    with fresh() as connection, pytest.raises(BadInputError):
        fill(connection, api(tmp_path / "k.json", [KEY, changed(**{field: value})]))


@pytest.mark.parametrize("text", ["[", '[{"id":"a"}', '[{"id":"a"} {"id":"b"}]', "[1, 2]", "{]"])
def test_broken_json_is_refused(tmp_path: Path, text: str) -> None:
    raw = api(tmp_path / "k.json", [])
    raw.path.write_text(text, "utf-8")
    with fresh() as connection, pytest.raises(BadInputError):
        fill(connection, raw)


def test_names_that_quote_a_secret_are_redacted(tmp_path: Path) -> None:
    name = f"old {CANARY} sntrys_abcdefgh12345678"
    (row,) = rows(api(tmp_path / "k.json", [changed(name=name, label=name)]))
    assert row["name"] == row["label"] == row["title"] == "old [redacted] [redacted]"
    assert CANARY not in json.dumps(row)


def test_glitchtip_spells_project_id_its_own_way(tmp_path: Path) -> None:
    record = {"id": "0b1c-uuid", "public": "0b1c-uuid", "name": "x", "projectID": 9}
    (row,) = rows(api(tmp_path / "k.json", [record]))
    assert (row["project_id"], row["is_active"]) == (9, None)


def test_options_name_what_an_export_lacks(tmp_path: Path) -> None:
    (row,) = rows(api(tmp_path / "k.json", [KEY], organization="acme", project="web"))
    assert (row["organization_slug"], row["project_slug"]) == ("acme", "web")


def test_one_project_name_for_keys_of_several_projects_is_refused(tmp_path: Path) -> None:
    raw = api(tmp_path / "k.json", [KEY, changed(id="k2", projectId=8)], project="web")
    with fresh() as connection, pytest.raises(UsageError, match="keys of 2 projects"):
        fill(connection, raw)


@pytest.mark.parametrize("told", ["projectId", "projectID"])
def test_the_id_of_another_project_is_refused(tmp_path: Path, told: str) -> None:
    record = {"id": "k", "public": "k", "name": "x", "label": "x", told: 9}
    with fresh() as connection, pytest.raises(UsageError, match=r"with the id 9, but .* '77'"):
        fill(connection, api(tmp_path / "k.json", [record], project="77"))
    for project in ("9", "web"):
        (row,) = rows(api(tmp_path / "k.json", [record], project=project))
        assert row["project_id"] == 9
    del record[told]
    (row,) = rows(api(tmp_path / "k.json", [record], project="77"))
    assert row["project_id"] is None


def test_duplicates_are_dropped_with_a_warning(tmp_path: Path) -> None:
    raw = api(tmp_path / "k.json", [KEY, KEY, KEY])
    with fresh() as connection:
        loaded = fill(connection, raw)
        assert loaded.rows["sentry_key"] == 1
        assert "came twice" in loaded.warnings[0]


@pytest.mark.parametrize("count", [10, 100])
def test_a_full_page_may_not_be_all(tmp_path: Path, count: int) -> None:
    raw = api(tmp_path / "k.json", [changed(id=f"k{n}") for n in range(count)])
    with fresh() as connection:
        coverage = fill(connection, raw).coverage["sentry_key"]
    assert coverage.state is CoverageState.PARTIAL
    assert "full page" in coverage.reason


def test_the_scope_narrows(tmp_path: Path) -> None:
    inputs = (
        api(
            tmp_path / "p.json",
            [PROJECT, {"id": "8", "slug": "api"}],
            "sentry_project",
            organization="acme",
        ),
        api(tmp_path / "k.json", [KEY, changed(id="k2", projectId=8)], organization="acme"),
    )
    found = rows(*inputs, scope=Scope(("acme",), ("api",)))
    assert [row["id"] for row in found] == ["k2"]
    assert rows(*inputs, scope=Scope(("other",))) == []


def write_inventory(
    path: Path, state: CoverageState = CoverageState.COMPLETE, key: dict[str, Any] = KEY
) -> Path:
    gaps = () if state is CoverageState.COMPLETE else (Gap("denied", "acme", "api"),)
    with Spool(path, sources=("sentry acme",), server="https://s.test", scope=Scope()) as spool:
        spool.add("sentry_project", PROJECT, organization="acme", project="shop")
        spool.add("sentry_key", key, organization="acme", project="shop")
        return spool.finish(
            {
                "sentry_key": TableCoverage(state, "because", gaps),
                "sentry_project": TableCoverage(CoverageState.COMPLETE, ""),
            }
        )


def inventory(path: Path, layout: Layout = Layout.INVENTORY_LINES) -> Inventory:
    return Inventory((RawInput(path, layout, path.name),), ())


def forms(folder: Path, key: dict[str, Any] = KEY) -> list[tuple[Path, Layout]]:
    lines = write_inventory(folder / "i.jsonl", key=key)
    copy_inventory(lines, folder / "i.json")
    to_parquet(RawInput(lines, Layout.INVENTORY_LINES, "i"), folder / "i.parquet")
    return [
        (lines, Layout.INVENTORY_LINES),
        (folder / "i.json", Layout.INVENTORY_ARRAY),
        (folder / "i.parquet", Layout.INVENTORY_PARQUET),
    ]


def test_all_forms_of_an_inventory_hold_the_same(tmp_path: Path) -> None:
    digests = set()
    (tmp_path / "other").mkdir()
    backwards = {"count": 30, "window": 60}
    other = {name: backwards if name == "rateLimit" else KEY[name] for name in reversed(KEY)}
    for path, layout in (*forms(tmp_path), *forms(tmp_path / "other", other)):
        with fresh() as connection:
            loaded = load(connection, inventory(path, layout), Scope(), AS_OF, ALL)
            assert loaded.sources == ("sentry acme",)
            assert loaded.coverage["sentry_key"].state is CoverageState.COMPLETE
            assert loaded.coverage["sentry_organization"].state is CoverageState.ABSENT
            assert {name: n for name, n in loaded.rows.items() if n} == {
                "sentry_key": 1,
                "sentry_project": 1,
            }
            digests.add(loaded.digest)
    assert len(digests) == 1


def test_what_is_put_aside_is_redacted_in_every_form_of_an_inventory(tmp_path: Path) -> None:
    token = {"id": "5", "name": f"Bearer {CANARY}", "scopes": ["org:ci"]}
    lines = [
        {"kind": "inventory", "record": {"version": 1, "server": "https://s.test"}},
        {"kind": "sentry_org_auth_token", "organization": "acme", "project": None, "record": token},
        {"kind": "sentry_key", "organization": "acme", "project": "shop", "record": KEY},
        {"kind": "sentry_org_auth_token", "organization": "b", "record": {**token, "name": "ci"}},
        {"kind": "end", "record": {"coverage": {}}},
    ]
    text = "".join(f"{json.dumps(line)}\n" for line in lines)
    (tmp_path / "i.jsonl").write_text(text, "utf-8")
    (tmp_path / "i.json").write_text(json.dumps(lines), "utf-8")
    raw = RawInput(tmp_path / "i.jsonl", Layout.INVENTORY_LINES, "i")
    to_parquet(raw, tmp_path / "i.parquet")
    names = "SELECT organization_slug AS org, name, scopes FROM sentry_org_auth_token ORDER BY org"
    for suffix, layout in (
        ("jsonl", Layout.INVENTORY_LINES),
        ("json", Layout.INVENTORY_ARRAY),
        ("parquet", Layout.INVENTORY_PARQUET),
    ):
        found = rows(RawInput(tmp_path / f"i.{suffix}", layout, "i"), sql=names)
        assert found == [
            {"org": "acme", "name": "Bearer [redacted]", "scopes": ["org:ci"]},
            {"org": "b", "name": "ci", "scopes": ["org:ci"]},
        ]


@pytest.mark.parametrize("record", [5, None, "x", [], {"id": 1.5}, {}, {"id": "5", "name": 1}])
def test_a_wrong_record_that_is_put_aside_is_refused(tmp_path: Path, record: object) -> None:
    lines = [
        {"kind": "inventory", "record": {"version": 1}},
        {"kind": "sentry_org_auth_token", "organization": "acme", "record": record},
        {"kind": "end", "record": {"coverage": {}}},
    ]
    path = tmp_path / "i.jsonl"
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines), "utf-8")
    with fresh() as connection, pytest.raises(BadInputError, match="have a wrong type"):
        load(connection, inventory(path), Scope(), AS_OF, {})


def test_the_database_reads_an_inventory_once_whatever_it_holds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    passes: list[str] = []
    run = reader.run_on

    def noted(
        connection: Connection, inputs: Sequence[RawInput], sql: str, params: dict[str, Any]
    ) -> Connection:
        passes.extend(["pass"] if "$path" in sql else [])
        return run(connection, inputs, sql, params)

    monkeypatch.setattr(reader, "run_on", noted)
    path = tmp_path / "i.jsonl"
    with Spool(path, sources=("sentry acme",), server=None, scope=Scope()) as spool:
        for name in TABLES:
            record = {"id": "1", "slug": "a", "uuid": "u"}
            spool.add(name, record, organization="acme", project="shop")
        spool.finish({name: TableCoverage(CoverageState.COMPLETE, "") for name in TABLES})
    with fresh() as connection:
        loaded = load(connection, inventory(path), Scope(), AS_OF, ALL)
        assert set(loaded.rows.values()) == {1}
        assert len(passes) == len(PROVIDERS), "once for the keys of a service"
        names = connection.execute("SELECT table_name FROM duckdb_tables()").fetchall()
        assert {name for (name,) in names} == set(TABLES), "what was put aside is still there"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('{"kind":"sentry_key","organization":"  ","project":"p","record":{"id":"k"}}', "slug"),
        ('{"kind":"sentry_key","organization":"a","project":5,"record":{"id":"k"}}', "slug"),
        ('{"kind":"sentry_key","organization":"a","record":{"id":"k"},"kind":"end"}', "."),
        ('{"kind":"sentry_project","organization":"  ","record":{"id":"1"}}', "empty text"),
        ('{"kind":"sentry_project","kind":"end","record":{"id":"1"}}', "twice"),
        ('{"kind":"sentry_project","record":{"id":"1"},"record":{"id":"2"}}', "twice"),
        ('{"kind":"sentry_key"', "."),
        ('{"kind":"sentry_project"', "."),
        ("[5]", "no kind"),
    ],
)
def test_a_line_that_is_not_as_it_should_be_is_refused(
    tmp_path: Path, line: str, says: str
) -> None:
    header, ending = '{"kind":"inventory","record":{"version":1}}', '{"kind":"end","record":{}}'
    ending = ending.replace("{}", '{"coverage":{}}')
    path = tmp_path / "i.jsonl"
    path.write_text(f"{header}\n{line}\n{ending}\n", "utf-8")
    with fresh() as connection, pytest.raises(BadInputError, match=says):
        load(connection, inventory(path), Scope(), AS_OF, ALL)


def test_ends_of_lines_and_empty_ones_are_no_matter(tmp_path: Path) -> None:
    path = write_inventory(tmp_path / "i.jsonl")
    told = path.read_text("utf-8").splitlines()
    path.write_bytes("\r\n".join(["", told[0], "", "  ", *told[1:], ""]).encode())
    with fresh() as connection:
        loaded = load(connection, inventory(path), Scope(), AS_OF, ALL)
    assert {name: n for name, n in loaded.rows.items() if n} == {
        "sentry_key": 1,
        "sentry_project": 1,
    }


def test_an_inventory_holds_no_secret_in_any_form(tmp_path: Path) -> None:
    for path, _ in forms(tmp_path):
        assert CANARY.encode() not in path.read_bytes()


def test_the_digest_is_of_facts_not_of_order_or_source(tmp_path: Path) -> None:
    two = [KEY, changed(id="k2")]
    digests = []
    for name, records in {
        "a": two,
        "b": two[::-1],
        "c": [KEY, changed(id="k2", isActive=False)],
    }.items():
        with fresh() as connection:
            digests.append(fill(connection, api(tmp_path / f"{name}.json", records)).digest)
    forward, backward, other = digests
    assert forward == backward != other


def test_gaps_survive_the_file(tmp_path: Path) -> None:
    path = write_inventory(tmp_path / "i.jsonl", CoverageState.PARTIAL)
    with fresh() as connection:
        loaded = load(connection, inventory(path), Scope(), AS_OF, {})
    assert loaded.coverage["sentry_key"].gaps == (Gap("denied", "acme", "api"),)


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda lines: lines[:-1], "cut off"),
        (lambda lines: [*lines[:2], lines[-1]], "says that it holds 1 record "),
        (lambda lines: lines * 2, "several inventories"),
        (lambda lines: [lines[0].replace('"version":1', '"version":9'), *lines[1:]], "version 9"),
        (lambda lines: lines[1:], "not as `keypolicy fetch` writes it"),
    ],
)
def test_a_damaged_inventory_is_refused(tmp_path: Path, damage: Any, says: str) -> None:
    path = write_inventory(tmp_path / "i.jsonl")
    path.write_text("\n".join(damage(path.read_text("utf-8").splitlines())), "utf-8")
    refusals = (InventoryFileError, BadInputError)
    with fresh() as connection, pytest.raises(refusals, match=says):
        load(connection, inventory(path), Scope(), AS_OF, {})


ODD = [None, "", "\x1f", "a"]


def test_the_digest_tells_any_two_facts_apart(tmp_path: Path) -> None:
    """NULL is no text, and what stands in one column is not taken for the next one's."""
    digests = set()
    for name, label in product(ODD, ODD):
        file = api(tmp_path / "k.json", [changed(name=name, label=label)])
        with fresh() as connection:
            digests.add(fill(connection, file).digest)
    assert len(digests) == len(ODD) ** 2


def test_the_digest_tells_numbers_apart_that_stand_side_by_side(tmp_path: Path) -> None:
    """Unlike texts they have no quotes: 1 and 23 are not 12 and 3."""
    digests = set()
    for count, window in ((1, 23), (12, 3), (123, None), (None, 123)):
        limit = {"count": count, "window": window}
        with fresh() as connection:
            file = api(tmp_path / "k.json", [changed(rateLimit=limit)])
            digests.add(fill(connection, file).digest)
    assert len(digests) == 4


PIECES = st.sampled_from(
    [
        *(
            "sntrys_abcdefgh",
            "SNTRYU_",
            "Bearer ",
            "token ",
            "authorization: ",
            "secret=",
            "abcdefgh1",
        ),
        *("https://", "u", ":", "@", "/", '"', "\\", "\n", " ", "é", "0a1b2c3d" * 8, CANARY, "x"),
    ]
)
TEXTS = st.lists(PIECES, max_size=6).map("".join)
NESTED = st.dictionaries(st.sampled_from(["name", "secret", "token"]) | TEXTS, TEXTS, max_size=2)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(st.tuples(TEXTS, TEXTS, NESTED, TEXTS), min_size=30, max_size=60),
    st.sampled_from([CANARY, None]),
)
def test_what_is_read_is_redacted_as_what_is_fetched(
    tmp_path: Path,
    made: list[tuple[str, str, dict[str, str], str]],
    secret: str | None,
) -> None:
    """The engine's look finds all that the redaction of fetched records would change."""
    records = [
        {
            **KEY, "id": f"k{number}", "name": name, "useCase": use,
            "rateLimit": {"window": 1, "count": 1, **limit},
            "dsn": {**KEY["dsn"], "public": dsn}, "secret": secret,
        }
        for number, (name, use, limit, dsn) in enumerate(made)
    ]  # fmt: skip
    found = []
    for given_records in (records, [redact_record(record, "sentry_key") for record in records]):
        with fresh() as connection:
            fill(connection, api(tmp_path / "k.json", given_records))
            shown = connection.execute("SELECT id, name, use_case, rate_limit, dsn FROM sentry_key")
            found.append(sorted(map(str, shown.fetchall())))
    assert found[0] == found[1]


def test_the_digest_is_the_same_however_many_rows_are_sorted_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = api(tmp_path / "a.json", [changed(id=f"k{number}") for number in range(300)])
    found = set()
    for at_once in (1_000_000, 100, 7, 1):
        monkeypatch.setattr(digest, "_AT_ONCE", at_once)
        with fresh() as connection:
            found.add(fill(connection, file).digest)
    assert len(found) == 1
