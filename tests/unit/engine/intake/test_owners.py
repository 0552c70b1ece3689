"""Owners by SQL are those of a plain reading of the file: the last entry that matches wins."""

import fnmatch
import json
import re
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import Location
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.intake.owners import assign, owners_of
from scanner.model.owner import FACTS, OwnerEntry, Owners

HERE = Location("owners.yaml", 1, 1)
Resource = dict[str, str | tuple[str, ...]]


def matches(glob: str, text: str) -> bool:
    """Match as fnmatch does, without its classes of characters."""
    return re.fullmatch(fnmatch.translate(glob.replace("[", "[[]")), text) is not None


def plain_owner(entries: list[OwnerEntry], resource: Resource) -> str | None:
    winner = None
    for entry in entries:
        holds = True
        for fact, globs in entry.conditions.items():
            known = resource.get(fact, ())
            values = (known,) if isinstance(known, str) else known
            holds = holds and any(matches(glob, one) for glob in globs for one in values)
        winner = entry.owner if holds else winner
    return winner


LETTERS = st.sampled_from("aAb-_%.é😀\\[]'$^(| \n")
TEXTS = st.text(LETTERS, max_size=4)
GLOBS = st.lists(st.sampled_from("*?") | LETTERS, min_size=1, max_size=5).map("".join)
ENTRIES = st.lists(
    st.builds(
        OwnerEntry,
        owner=st.none() | st.sampled_from(["web", "pay", "it's"]),
        conditions=st.dictionaries(
            st.sampled_from(FACTS), st.lists(GLOBS, min_size=1, max_size=3).map(tuple), max_size=3
        ),
        location=st.just(HERE),
    ),
    min_size=1,
    max_size=6,
)
RESOURCES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("organization", "project", "name"), TEXTS),
            "team": st.lists(TEXTS, max_size=3).map(tuple),
        },
    ),
    min_size=1,
    max_size=8,
)


@given(ENTRIES, RESOURCES)
def test_the_last_entry_that_matches_wins(
    connection: Connection, entries: list[OwnerEntry], resources: list[Resource]
) -> None:
    expected = [plain_owner(entries, one) for one in resources]
    assert owners_of(connection, Owners("o", tuple(entries)), resources) == expected


@pytest.mark.parametrize("sign", [*sorted({*string.punctuation} - {"*", "?"}), " ", "\t", "é"])
def test_every_sign_but_wildcards_stands_for_itself(connection: Connection, sign: str) -> None:
    owners = Owners("o", (entry("web", name=(f"a{sign}*",)),))
    resources: list[Resource] = [{"name": f"a{sign}1"}, {"name": "axx"}, {"name": "a"}]
    assert owners_of(connection, owners, resources) == ["web", None, None]


def entry(owner: str | None, **conditions: tuple[str, ...]) -> OwnerEntry:
    return OwnerEntry(owner=owner, conditions=conditions, location=HERE)


@given(ENTRIES, RESOURCES)
def test_keys_get_the_owner_of_their_facts(
    connection: Connection, entries: list[OwnerEntry], resources: list[Resource]
) -> None:
    """Through the tables: a key's teams are those of the project of its slug."""
    connection.execute("DELETE FROM sentry_key; DELETE FROM sentry_project")
    for number, one in enumerate(resources):
        one["project"] = f"{one.get('project', '')}{number}"
    # One statement for all: most of the time would go to sixteen of one row each.
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE given AS SELECT unnest($of, recursive := true)",
        {
            "of": [
                {
                    "number": str(number),
                    **{fact: one.get(fact) for fact in ("organization", "project", "name")},
                    "teams": json.dumps([{"slug": team} for team in one["team"]])
                    if "team" in one
                    else None,
                }
                for number, one in enumerate(resources)
            ]
        },
    )
    connection.execute(
        "INSERT INTO sentry_key (id, organization_slug, project_slug, name)"
        " SELECT number, organization, project, name FROM given"
    )
    connection.execute(
        "INSERT INTO sentry_project (id, organization_slug, slug, teams)"
        " SELECT number, organization, project, teams FROM given WHERE teams IS NOT NULL"
    )
    assign(connection, Owners("o", tuple(entries)))
    found = connection.execute("SELECT id, owner FROM sentry_key").fetchall()
    assert dict(found) == {
        str(number): plain_owner(entries, one) for number, one in enumerate(resources)
    }


def test_every_table_has_an_owner_that_is_no_fact() -> None:
    assert all(table.columns["owner"].derived for table in TABLES.values())


@pytest.mark.parametrize("table", TABLES)
def test_names_are_those_of_credentials(connection: Connection, table: str) -> None:
    """What a project or an organization is called is no name of a key."""
    connection.execute(f'DELETE FROM "{table}"')
    connection.execute(f"INSERT INTO \"{table}\" (id, name) VALUES ('1', 'web-1')")
    assign(connection, Owners("o", (entry("web", name=("web-*",)),)))
    found = connection.execute(f'SELECT owner FROM "{table}"').fetchall()
    is_place = table in {"sentry_project", "sentry_organization"}
    assert found == [(None if is_place else "web",)]
