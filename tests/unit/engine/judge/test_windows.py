"""Windows over partitions that may lack rows are no ground for a verdict."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.catalogue import TABLES
from scanner.engine.database import create
from scanner.engine.judge import windows
from scanner.engine.judge.evaluate import CODES, evaluate
from scanner.engine.judge.findings import Findings
from scanner.engine.judge.places import Unseen
from scanner.engine.judge.prepare import prepare
from scanner.model.coverage import Gap
from scanner.model.rule import Rule
from scanner.policy.checks import CHECKS, get_check
from tests.unit.engine.support import AS_OF, Row, database, insert, rule, shared

WHOLE = Unseen({})


def built_in(name: str, **arguments: object) -> Rule:
    check = get_check(name)
    macro = check.build(check.arguments(**arguments))
    made = rule(macro.text, params=macro.params)
    return Rule(**{**{f: getattr(made, f) for f in made.__struct_fields__}, "check": name})


def judged(
    one: Rule,
    rows: Sequence[Mapping[str, Any]],
    unseen: Unseen | None,
    projects: Sequence[Row] = (),
) -> dict[str, str]:
    connection = shared()
    for table, its in (("sentry_project", projects), (one.resource, rows)):
        create(connection, table, TABLES[table].columns)
        insert(connection, table, its)
    (found,) = evaluate(connection, prepare(connection, [one]), AS_OF, unseen)
    codes = connection.execute(
        f'SELECT t.id, v.{found.column} FROM {found.verdicts} AS v JOIN "{one.resource}" AS t'
        " ON t.rowid = v.number"
    ).fetchall()
    return {key: CODES[code].value for key, code in codes}


def key(identity: str, place: tuple[str | None, int | None, str | None], **more: object) -> Row:
    organization, number, slug = place
    return {
        "id": identity,
        "organization_slug": organization,
        "project_id": number,
        "project_slug": slug,
        "is_active": True,
        "name": identity,
        "date_created": AS_OF - timedelta(days=5),
        **more,
    }


WEB = ("acme", 1, "web")
APP = ("acme", 2, "app")
OTHER = ("other", 3, "web")

WINDOWS = {
    "by id": "count(*) over (partition by project_id) <= 9",
    "by slug": "count(*) over (partition by project_slug) <= 9",
    "by slug of an organization": (
        "count(*) over (partition by organization_slug, project_slug) <= 9"
    ),
    "by all": "count(*) over (partition by organization_slug, project_id, project_slug) <= 9",
    "by id or slug": (
        "count(*) over (partition by coalesce(cast(project_id as varchar), project_slug)) <= 9"
    ),
    "by an expression": "count(*) over (partition by lower(project_slug)) <= 9",
    "by organization": "count(*) over (partition by organization_slug) <= 9",
    "by name": "count(*) over (partition by name) <= 9",
    "over everything": "count(*) over () <= 9",
    "a rank": "row_number() over (partition by project_id order by date_created) <= 9",
    "the one before": "lag(is_active, 1, true) over (partition by project_id order by id)",
    "max_active_per_project": "max_active_per_project",
    "unique_name": "unique_name",
}


def window(name: str) -> Rule:
    if name == "max_active_per_project":
        return built_in(name, max=9)
    return built_in(name) if name == "unique_name" else rule(WINDOWS[name])


def gapped(*gaps: Gap) -> Unseen:
    return Unseen({"sentry_key": gaps})


ROWS = [key("a", WEB), key("b", APP), key("c", OTHER)]


@pytest.mark.parametrize("name", WINDOWS)
def test_whole_tables_are_judged_as_they_are(name: str) -> None:
    one = window(name)
    assert set(judged(one, ROWS, WHOLE).values()) == {"pass"}
    assert judged(one, ROWS, WHOLE) == judged(one, ROWS, None)


@pytest.mark.parametrize(
    ("names", "unknown"),
    [
        ({"by id", "by all", "by id or slug", "by slug of an organization"}, "a"),
        ({"a rank", "the one before", "max_active_per_project", "unique_name"}, "a"),
        ({"by slug"}, "ac"),
        ({"by organization"}, "ab"),
        ({"by name", "over everything", "by an expression"}, "abc"),
    ],
)
@pytest.mark.parametrize("project", ["web", "1"])
def test_a_gap_reaches_as_far_as_the_window(names: set[str], unknown: str, project: str) -> None:
    for name in names:
        found = judged(window(name), ROWS, gapped(Gap("closed", "acme", project)))
        assert {row for row, outcome in found.items() if outcome == "unknown"} == set(unknown), name


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize(("gap", "seen"), [(Gap("no"), ""), (Gap("no", "acme"), "c")])
def test_gaps_of_organizations_and_of_everything(name: str, gap: Gap, seen: str) -> None:
    found = judged(window(name), ROWS, gapped(gap))
    # Slugs alone, and what is wider, do not tell the organization.
    wide = name in {"by slug", "by an expression", "by name", "over everything"}
    passed = {row for row, outcome in found.items() if outcome == "pass"}
    assert passed == (set() if wide else set(seen))


@pytest.mark.parametrize("name", WINDOWS)
@pytest.mark.parametrize(
    "rows",
    [
        [key("a", WEB), key("b", ("acme", None, None))],
        [key("a", WEB), key("b", (None, None, None))],
        [key("a", ("acme", 1, None)), key("b", ("acme", None, "web"))],
    ],
    ids=["no project", "no place", "two labels without a link"],
)
def test_rows_that_may_belong_to_a_project_leave_it_open(name: str, rows: list[Row]) -> None:
    if name in {"by organization", "by name", "over everything"}:
        return  # these do not say that they are about a project
    assert set(judged(window(name), rows, WHOLE).values()) == {"unknown"}


@pytest.mark.parametrize(
    ("labels", "split"),
    [
        (
            [WEB, ("acme", None, "web")],
            {"by id", "by all", "by id or slug", "max_active_per_project", "unique_name"},
        ),
        ([WEB, ("acme", 1, "shop")], {"by slug", "by slug of an organization", "by all"}),
        ([WEB, (None, 1, "web")], {"by slug of an organization", "by all", "unique_name"}),
        ([WEB, ("acme", 1, None)], {"by slug", "by slug of an organization", "by all"}),
    ],
)
def test_a_project_of_several_labels_is_open_where_they_split_it(
    labels: list[tuple[str | None, int | None, str | None]], split: set[str]
) -> None:
    rows = [key(f"k{n}", label) for n, label in enumerate(labels)]
    for name in split:
        assert set(judged(window(name), rows, WHOLE).values()) == {"unknown"}, name


@pytest.mark.parametrize("name", ["by id", "by slug", "max_active_per_project", "unique_name"])
@pytest.mark.parametrize("listed", [True, False])
def test_a_slug_of_several_ids_leaves_its_projects_open(name: str, *, listed: bool) -> None:
    rows = [key("a", WEB), key("b", ("acme", 9, None if listed else "web")), key("c", APP)]
    rows.append(key("d", OTHER))
    project: Row = {"id": "9", "slug": "web", "organization_slug": "acme"}
    found = judged(window(name), rows, WHOLE, [project] if listed else ())
    assert {found["a"], found["b"]} == {"unknown"}
    assert found["c"] == "pass"
    assert name == "by slug" or found["d"] == "pass"


def test_a_slug_in_several_organizations_that_nothing_tells_is_no_doubt() -> None:
    rows = [key("a", (None, 1, "web")), key("b", (None, 2, "web"))]
    assert set(judged(window("by id"), rows, WHOLE).values()) == {"pass"}


def test_a_renamed_project_is_one_to_what_goes_by_id() -> None:
    rows = [key("a", WEB, name="x"), key("b", ("acme", 1, "shop"), name="y")]
    for name in ("by id", "by id or slug", "max_active_per_project", "unique_name"):
        assert set(judged(window(name), rows, WHOLE).values()) == {"pass"}, name
    assert set(judged(built_in("max_active_per_project", max=1), rows, WHOLE).values()) == {
        "pass",
        "fail",
    }


@pytest.mark.parametrize("name", ["by slug", "by slug of an organization", "by an expression"])
def test_slugs_that_nothing_tells_are_not_all_one_project(name: str) -> None:
    rows = [key("a", ("acme", 1, None)), key("b", ("acme", 2, None))]
    assert set(judged(window(name), rows, WHOLE).values()) == {"unknown"}
    assert set(judged(window("by id or slug"), rows, WHOLE).values()) == {"pass"}


def test_the_project_list_tells_which_project_a_gap_names() -> None:
    rows = [key("a", ("acme", 1, None)), key("b", ("acme", 2, None))]
    listed: list[Row] = [{"id": "1", "slug": "web", "organization_slug": "acme"}]
    gap = gapped(Gap("closed", "acme", "web"))
    assert judged(window("by id"), rows, gap, listed) == {"a": "unknown", "b": "pass"}
    assert set(judged(window("by id"), rows, gap).values()) == {"unknown"}


@pytest.mark.parametrize("name", WINDOWS)
def test_a_scan_of_some_projects_has_not_seen_what_is_wider(name: str) -> None:
    found = judged(window(name), [key("a", WEB)], Unseen({}, is_narrowed=True))
    wide = {"by an expression", "by organization", "by name", "over everything"}
    assert found == {"a": "unknown" if name in wide else "pass"}


def test_what_more_rows_cannot_change_stays() -> None:
    gap = gapped(Gap("closed", "acme", "web"))
    rows = [key(n, WEB, name="same", is_active=n != "c") for n in "abc"]
    assert judged(built_in("max_active_per_project", max=1), rows, gap) == {
        "a": "unknown",
        "b": "fail",
        "c": "pass",
    }
    assert set(judged(built_in("unique_name"), rows, gap).values()) == {"fail"}
    either = rule("not is_active or count(*) over (partition by project_id) < 9")
    assert judged(either, rows, gap) == {"a": "unknown", "b": "unknown", "c": "pass"}
    neither = rule("is_active and not (count(*) over (partition by project_id) > 9)")
    assert judged(neither, rows, gap)["c"] == "fail"


@pytest.mark.parametrize(
    "text",
    [
        "coalesce(count(*) over (partition by project_id) > 9, false) = false",
        "(count(*) over (partition by project_id) > 9) is distinct from true",
        "case when count(*) over (partition by project_id) > 9 then false else true end",
        "case when is_active then coalesce(sum(1) over (partition by project_id) < 9, true) end",
        "(count(*) over (partition by project_id)) is not null",
    ],
)
def test_nothing_swallows_that_rows_may_be_missing(text: str) -> None:
    assert judged(rule(text), [key("a", WEB)], gapped(Gap("no", "acme", "web"))) == {"a": "unknown"}


def test_a_window_in_where_leaves_open_whom_the_rule_is_about() -> None:
    one = rule("is_active", where="count(*) over (partition by project_id) > 1")
    found = judged(one, ROWS, gapped(Gap("no", "acme", "web")))
    assert found == {"a": "unknown", "b": "not_applicable", "c": "not_applicable"}


def test_other_tables_tell_their_organization_only() -> None:
    rows = [{"id": "1", "slug": "web", "organization_slug": "acme"},
            {"id": "2", "slug": "web", "organization_slug": "other"}]  # fmt: skip
    one = rule("count(*) over (partition by organization_slug) < 9", resource="sentry_project")
    gaps = Unseen({"sentry_project": (Gap("closed", "acme", "app"),)})
    assert judged(one, rows, gaps) == {"1": "unknown", "2": "pass"}
    assert set(judged(one, rows, Unseen({}, is_narrowed=True)).values()) == {"unknown"}


@pytest.mark.parametrize(
    ("rows", "unseen", "says"),
    [
        (ROWS, gapped(Gap("it's closed", "acme", "web")), "rows beside it may be missing (it's"),
        ([key("a", ("acme", None, None))], WHOLE, "(it does not tell its organization or project)"),
    ],
)
def test_the_finding_says_what_may_be_missing(rows: list[Row], unseen: Unseen, says: str) -> None:
    with database(rows) as connection:
        found = evaluate(connection, prepare(connection, [window("by id")]), AS_OF, unseen)
        (finding,) = Findings(connection, found, {})
    assert says in finding.message


PLACES = st.sampled_from([WEB, APP, OTHER, ("acme", 4, "shop")])
LABELS = st.sampled_from([(True, True), (True, False), (False, True), (False, False)])
KEYS = st.lists(
    st.tuples(
        PLACES, st.sampled_from(["x", "y"]), st.sampled_from([True, False]), st.integers(0, 9)
    ),
    min_size=1,
    max_size=9,
)
STRICT = {
    "one active": built_in("max_active_per_project", max=1),
    "unique": built_in("unique_name"),
    "few by id": rule("count(*) over (partition by project_id) <= 1"),
    "many by id": rule("count(*) over (partition by organization_slug, project_id) > 1"),
    "few by slug": rule(
        "count(*) over (partition by organization_slug, project_slug) <= 1", "is_active"
    ),
    "any slug": rule("not (count(*) over (partition by project_slug) > 1)"),
    "few by organization": rule("count(*) over (partition by organization_slug) <= 2"),
    "only": rule("case when count(*) over (partition by name) > 1 then false else true end"),
    "first": rule("row_number() over (order by date_created, id) = 1"),
    "where": rule("name = 'x'", "count(*) over (partition by project_id) > 1"),
}


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    keys=KEYS,
    missing=st.sets(PLACES),
    hidden=st.dictionaries(st.integers(0, 8), LABELS, max_size=2),
    wide=st.sampled_from(["project", "organization", "everything"]),
    name=st.sampled_from(sorted(STRICT)),
)
def test_nothing_passes_that_would_not_if_all_were_seen(
    keys: list[Any], missing: set[Any], hidden: dict[int, Any], wide: str, name: str
) -> None:
    whole = [
        key(f"k{n}", place, name=its, is_active=active, date_created=AS_OF - timedelta(days=age))
        for n, (place, its, active, age) in enumerate(keys)
    ]
    lost = {n for n, (place, *_) in enumerate(keys) if place in missing}
    organization = None if wide == "everything" else "acme"
    gaps = [
        Gap("no", place[0] if organization else None, place[2] if wide == "project" else None)
        for place in missing
    ]
    seen = []
    for n, row in enumerate(whole):
        has_id, has_slug = hidden.get(n, (True, True))
        change = {} if has_id else {"project_id": None}
        change |= {} if has_slug else {"project_slug": None}
        seen += [] if n in lost else [row | change]
    if not seen:
        return
    truth = judged(STRICT[name], whole, None)
    found = judged(STRICT[name], seen, gapped(*gaps))
    wrong = {
        row: (outcome, truth[row])
        for row, outcome in found.items()
        if outcome in {"pass", "not_applicable"} and outcome != truth[row]
    }
    assert wrong == {}


def test_checks_with_windows_are_known() -> None:
    """Each of them says whether a failure is sure; see `fails_surely`."""
    macros = {
        "max_active_per_project": built_in("max_active_per_project", max=1),
        "unique_name": built_in("unique_name"),
    }
    assert {name for name in CHECKS if get_check(name).fails_surely} == set(macros)
    assert all("OVER" in one.requirement.text for one in macros.values())


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    keys=KEYS,
    hidden=st.dictionaries(st.integers(0, 8), LABELS, max_size=1),
    name=st.sampled_from(["by id or slug", "max_active_per_project", "unique_name"]),
)
def test_going_by_ids_alone_changes_no_outcome(
    keys: list[Any], hidden: dict[int, Any], name: str
) -> None:
    rows = []
    for n, (place, its, active, age) in enumerate(keys):
        made = AS_OF - timedelta(days=age)
        row = key(f"k{n}", place, name=its, is_active=active, date_created=made)
        has_id, has_slug = hidden.get(n, (True, True))
        row |= {} if has_id else {"project_id": None}
        rows.append(row | ({} if has_slug else {"project_slug": None}))
    one = built_in(name, max=1) if name == "max_active_per_project" else window(name)
    expected = judged(one, rows, WHOLE)
    with patch.object(windows, "_MANY", 1):
        assert judged(one, rows, WHOLE) == expected


@pytest.mark.parametrize("name", ["by id or slug", "max_active_per_project", "unique_name"])
@pytest.mark.parametrize(
    ("rows", "by_ids"),
    [
        (ROWS, True),
        (ROWS[:1], False),  # few places: it would not pay
        ([*ROWS, key("d", ("acme", None, "web"))], False),
        ([*ROWS, key("d", ("acme", 1, "renamed"))], False),
        ([*ROWS, key("d", ("other", 1, "web"))], False),
        ([*ROWS, key("d", (None, 9, "x"))], False),
    ],
)
def test_windows_go_by_ids_where_these_tell_the_place(
    name: str, rows: list[Row], *, by_ids: bool
) -> None:
    with database(rows, "sentry_key") as connection, patch.object(windows, "_MANY", 2):
        (made,) = windows.cautious(connection, prepare(connection, [window(name)]), WHOLE)
    text = made.requirement.sql
    assert ("PARTITION BY project_id" in text) is by_ids
    assert ("COALESCE" in text.split("PARTITION BY")[1].split(")")[0]) is not by_ids
