import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scanner.catalogue import COSTLY
from scanner.model.inventory import Layout, Needs, Scope
from scanner.providers.sentry.demo import DemoSource
from scanner.providers.sentry.tables.client_keys import DSN_KINDS

AS_OF = datetime(2026, 3, 1, 12, tzinfo=UTC)


WHOLE = Scope()
NOTHING = Needs({})


def _envelopes(
    workspace: Path, as_of: datetime = AS_OF, scope: Scope = WHOLE, needs: Needs = NOTHING
) -> list[dict[str, Any]]:
    found = DemoSource(as_of).collect(scope, needs, workspace)
    (raw,) = found.inputs
    assert (raw.layout, raw.label, found.sources) == (Layout.INVENTORY_LINES, "demo", ("demo",))
    assert raw.path.parent == workspace
    return [json.loads(line) for line in raw.path.read_text().splitlines()]


@pytest.fixture
def envelopes(tmp_path: Path) -> list[dict[str, Any]]:
    return _envelopes(tmp_path)


@pytest.fixture
def keys(envelopes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        envelope["record"] | {"project": envelope["project"]}
        for envelope in envelopes
        if envelope["kind"] == "sentry_key"
    ]


def _age(key: dict[str, Any]) -> timedelta:
    return AS_OF - datetime.fromisoformat(key["dateCreated"])


def test_size_and_coverage(envelopes: list[dict[str, Any]]) -> None:
    kinds = Counter(envelope["kind"] for envelope in envelopes)
    rows = {"sentry_organization": 1, "sentry_project": 40, "sentry_key": 100}
    assert kinds == {"inventory": 1, "end": 1} | rows
    coverage = envelopes[-1]["record"]["coverage"]
    assert {name: table["rows"] for name, table in coverage.items()} == rows
    assert {table["state"] for table in coverage.values()} == {"complete"}


def test_plainly_fictional(envelopes: list[dict[str, Any]]) -> None:
    assert envelopes[1]["record"]["name"].endswith("(fictional)")
    text = json.dumps(envelopes)
    assert "sentry.io" not in text
    assert envelopes[0]["record"]["server"].endswith(".example")


def test_secrets_are_gone(keys: list[dict[str, Any]]) -> None:
    assert not any("secret" in key for key in keys)
    assert {kind for key in keys for kind in key["dsn"]} == set(DSN_KINDS)
    for key in keys:
        assert key["dsn"]["public"].split("//")[1].split("@")[0] == key["public"].replace("-", "")


def test_the_same_at_the_same_time_and_never_older(tmp_path: Path) -> None:
    later = AS_OF + timedelta(days=500)
    first, again, moved = (
        _envelopes(tmp_path / name, as_of)
        for name, as_of in (("a", AS_OF), ("b", AS_OF), ("c", later))
    )
    assert first[1:] == again[1:]
    for then, now in zip(first[1:-1], moved[1:-1], strict=True):
        assert then["record"]["id"] == now["record"]["id"]
        if then["record"]["dateCreated"] is not None:
            dates = [datetime.fromisoformat(one["record"]["dateCreated"]) for one in (then, now)]
            assert dates[1] - dates[0] == timedelta(days=500)


def test_ids_are_unique_and_join(envelopes: list[dict[str, Any]]) -> None:
    projects = {
        e["record"]["slug"]: e["record"] for e in envelopes if e["kind"] == "sentry_project"
    }
    keys = [envelope for envelope in envelopes if envelope["kind"] == "sentry_key"]
    assert len({project["id"] for project in projects.values()}) == 40
    assert len({key["record"]["id"] for key in keys}) == 100
    for key in keys:
        number = key["record"].get("projectId") or key["record"]["projectID"]
        assert str(number) == projects[key["project"]]["id"]


def test_violations_of_every_kind(keys: list[dict[str, Any]]) -> None:
    dated = [key for key in keys if key["dateCreated"] is not None]
    quarter = timedelta(days=90)
    old = [key for key in dated if key.get("isActive") and _age(key) > quarter]
    inactive = [key for key in dated if key.get("isActive") is False]
    sentry = [key for key in keys if "isActive" in key or "dynamicSdkLoaderOptions" in key]
    assert len(old) > 15
    assert {_age(key) > quarter for key in inactive} == {True, False}
    assert sum(key["rateLimit"] is None for key in keys) > 10
    assert any((key["rateLimit"] or {}).get("count", 0) >= 1_000_000 for key in keys)
    assert sum(key["name"] == "Default" for key in keys) > 4
    assert max(Counter((key["project"], key["name"]) for key in keys).values()) == 2
    active = Counter(key["project"] for key in keys if key.get("isActive"))
    assert max(active.values()) > 5
    assert any(key["dynamicSdkLoaderOptions"]["hasDebug"] for key in sentry)
    assert {"4.x", "5.x", "6.x"} < {key["browserSdkVersion"] for key in sentry}
    assert sum(key["dateCreated"] is None for key in keys) == 1
    assert sum("isActive" not in key for key in keys) == 2


def test_most_keys_are_in_order(keys: list[dict[str, Any]]) -> None:
    fine = [
        key
        for key in keys
        if key.get("isActive")
        and key["dateCreated"] is not None
        and _age(key) < timedelta(days=90)
        and key["rateLimit"] is not None
    ]
    assert len(fine) > 50


def test_a_row_as_glitchtip_gives_it(keys: list[dict[str, Any]]) -> None:
    (row,) = [key for key in keys if "projectID" in key]
    assert row["id"].count("-") == 4
    assert "isActive" not in row


def test_steampipes_published_queries_find_rows(keys: list[dict[str, Any]]) -> None:
    assert sum(key["project"] == "go" for key in keys) == 4
    assert any(key["isActive"] is False for key in keys if key["project"] == "go")


def test_as_of_in_another_time_zone(tmp_path: Path) -> None:
    here = AS_OF.astimezone()
    assert _envelopes(tmp_path / "a", here)[1:] == _envelopes(tmp_path / "b")[1:]


@pytest.mark.parametrize(
    ("organizations", "projects", "rows", "lost"),
    [
        ((), ("checkout", "storefront"), (1, 2, 6), set()),
        (("otter-post-demo",), ("checkout",), (1, 1, 3), set()),
        (("otter-post-demo", "typo"), (), (1, 40, 100), {("typo", None)}),
        (("typo",), (), (0, 0, 0), {("typo", None)}),
        ((), ("checkout", "typo"), (1, 1, 3), {(None, "typo")}),
        ((), ("typo",), (1, 0, 0), {(None, "typo")}),
    ],
)
def test_it_holds_what_was_asked_for_and_says_what_is_not_there(
    tmp_path: Path,
    organizations: tuple[str, ...],
    projects: tuple[str, ...],
    rows: tuple[int, int, int],
    lost: set[tuple[str | None, str | None]],
) -> None:
    first, *records, last = _envelopes(tmp_path, scope=Scope(organizations, projects))
    told = first["record"]["scope"]
    assert told == {"organizations": list(organizations), "projects": list(projects)}
    kinds = Counter(one["kind"] for one in records)
    names = ("sentry_organization", "sentry_project", "sentry_key")
    assert tuple(kinds[name] for name in names) == rows
    for name, count in zip(names, rows, strict=True):
        table = last["record"]["coverage"][name]
        assert table["rows"] == count
        assert table["state"] == ("partial" if lost else "complete")
        assert {(gap.get("organization"), gap.get("project")) for gap in table["gaps"]} == lost


def test_it_has_no_usage_statistics_and_says_so(tmp_path: Path) -> None:
    needs = Needs({"sentry_key": COSTLY["sentry_key"]})
    coverage = _envelopes(tmp_path, needs=needs)[-1]["record"]["coverage"]
    states = {name: table["state"] for name, table in coverage.items()}
    assert states.pop("sentry_key") == "partial"
    assert set(states.values()) == {"complete"}
    assert "no usage statistics" in coverage["sentry_key"]["reason"]
