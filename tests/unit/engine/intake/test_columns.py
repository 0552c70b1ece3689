"""What is loaded is what is read, what that is made of, and what the engine asks by itself."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.catalogue import COUNTED, OWN, TABLES
from scanner.engine.intake.columns import kept, with_facts
from scanner.inventory.rows.facts import ROW

READ = st.dictionaries(st.sampled_from(sorted(TABLES)), st.booleans(), max_size=3).flatmap(
    lambda tables: st.fixed_dictionaries(
        {name: st.frozensets(st.sampled_from(sorted(TABLES[name].columns))) for name in tables}
    )
)


@given(read=READ, whole=st.booleans(), digested=st.booleans())
def test_what_is_read_is_loaded_in_the_order_of_the_catalogue(
    *, read: dict[str, frozenset[str]], whole: bool, digested: bool
) -> None:
    found = kept(read, whole=whole, digested=digested)
    assert found.keys() == TABLES.keys()
    for name, columns in found.items():
        assert read.get(name, frozenset()) <= set(columns)
        own = tuple(column for column in TABLES[name].columns if column in columns)
        assert columns == ((*own, ROW) if digested else own)
        assert {"id", *({"owner", "url"} & TABLES[name].columns.keys())} <= set(columns)


def test_what_nobody_reads_is_not_loaded() -> None:
    found = kept({})
    assert "is_active" not in found["sentry_key"]
    assert not {"platform", "features", *COUNTED["sentry_project"]} & set(found["sentry_project"])
    assert set(found["sentry_organization"]) <= {"id", "slug", "name", "owner", "url"}


def test_tables_are_loaded_after_those_that_they_are_joined_to() -> None:
    order = list(kept({}))
    for name, table in TABLES.items():
        assert not table.joined or order.index(table.joined) < order.index(name)


@pytest.mark.parametrize("column", ["platform", "team_slugs", "status", "date_created"])
def test_a_column_of_a_key_brings_that_of_its_project(column: str) -> None:
    known = {"platform": "project_platform", "team_slugs": "project_teams"}
    asked = known.get(column, f"project_{column}")
    assert column in kept({"sentry_key": frozenset({asked})})["sentry_project"]


@pytest.mark.parametrize("table", [name for name, counted in COUNTED.items() if counted])
def test_what_is_counted_brings_all_counts_and_what_they_are_made_of(table: str) -> None:
    for column in COUNTED[table]:
        found = kept({table: frozenset({column})})
        assert COUNTED[table] <= set(found[table])
        for other, columns in TABLES[table].columns[column].counts:
            assert columns <= set(found[other])


def test_heavy_columns_are_loaded_where_they_are_read_alone() -> None:
    heavy = {n for n, spec in TABLES["sentry_key"].columns.items() if spec.heavy}
    assert heavy
    assert not heavy & set(kept({}, whole=True)["sentry_key"])
    assert heavy <= set(kept({"sentry_key": frozenset(heavy)})["sentry_key"])


@pytest.mark.parametrize("name", sorted(TABLES))
def test_facts_tell_records_apart_and_take_nothing_that_is_not_loaded(name: str) -> None:
    columns = with_facts(name, ("id",))
    specs = TABLES[name].columns
    assert {c for c, spec in specs.items() if not spec.derived and not spec.heavy} <= set(columns)
    taken = set(re.findall(r"\bjoined\.(\w+)", " ".join(specs[c].source for c in columns)))
    assert taken <= set(kept({}).get(TABLES[name].joined, ()))
    assert with_facts(name, ("id", ROW)) == (*columns, ROW)


def test_teams_of_projects_are_always_there() -> None:
    for name, provider in OWN.items():
        if name == provider.projects:
            assert {"team", "teams"} <= set(kept({})[name])
