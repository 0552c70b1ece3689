"""Giving every row its owner: one UPDATE a table, with the entries of the file as a CASE."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

import _duckdb as duckdb

from scanner.base.errors import Problem, UsageError
from scanner.catalogue import LIVE, NOWHERE, OWN, PROVIDERS, TABLES, Table
from scanner.engine.database import Connection, time_limit
from scanner.engine.judge.prepare import Prepared
from scanner.model.inventory import Needs
from scanner.model.owner import FACTS, NAME_A_FILE, NO_FILE, OwnerEntry, Owners
from scanner.model.rule import Predicate

OWNER: Final = "owner"
"""The column of every table that tells whose a row is."""

SECONDS: Final = 120.0
"""Time limit for the rows of a table."""

_WILD: Final = re.compile(r"[*?]")
_UNKNOWN: Final = "CAST(NULL AS VARCHAR)"
_NO_TEAMS: Final = "CAST(NULL AS VARCHAR[])"


def problems(prepared: Iterable[Prepared]) -> list[Problem]:
    """Tell the predicates that read OWNER; without a file of owners nobody owns anything."""
    return [
        _problem(getattr(one.rule, part))
        for one in prepared
        for part, checked in one.checks.items()
        if OWNER in checked.columns
    ]


def _problem(predicate: Predicate) -> Problem:
    found = re.search(rf"\b{OWNER}\b", predicate.text, re.IGNORECASE)
    place = predicate.place(found.start() if found else 0)
    return Problem(place, f"`{OWNER}` is read, and {NO_FILE}", "no-owners", NAME_A_FILE)


def with_teams(needs: Needs, owners: Owners | None) -> Needs:
    """Return the needs with the teams of projects, where an entry goes by them."""
    if owners is None or not _go_by_teams(owners) or LIVE.projects is None:
        return needs
    teams = needs.columns.get(LIVE.projects, frozenset()) | {"teams"}
    return Needs({**needs.columns, LIVE.projects: teams})


def _go_by_teams(owners: Owners) -> bool:
    return any("team" in entry.conditions for entry in owners.entries)


def assign(connection: Connection, owners: Owners) -> tuple[str, ...]:
    """Fill the column OWNER of all tables; returns warnings.

    Raises UsageError where it takes too long.
    """
    sql, params = _choice(owners.entries)
    for name, table in TABLES.items():
        facts = _facts(name, table)
        teams = teams_joined(name) if _go_by_teams(owners) else ""
        if teams:
            facts["team"] = "w.teams"
        chosen = ", ".join(f"{facts[fact]} AS {fact}" for fact in FACTS)
        rows = f'SELECT t.rowid AS number, {chosen} FROM "{name}" AS t{teams}'
        statement = f'UPDATE "{name}" AS r SET {OWNER} = {sql} FROM ({rows}) AS f'
        try:
            with time_limit(connection, SECONDS):
                connection.execute(f"{statement} WHERE f.number = r.rowid", params)
        except duckdb.InterruptException:
            raise UsageError(
                f"finding the owners of {name} took longer than {SECONDS:.0f} s",
                where=owners.file,
                remedy="Write fewer or simpler entries.",
            ) from None
    return tuple(_warnings(connection, owners))


def teams_joined(name: str) -> str:
    """Return a JOIN that gives row `t` of a table `w.teams`, those of its project.

    Empty where a row is of no project, or nothing tells the teams of projects.
    """
    table, told = TABLES[name], OWN[name].teams
    if not told or table.project == NOWHERE:
        return ""
    return (
        f" LEFT JOIN ({told}) AS w ON w.project = {table.project}"
        f" AND w.organization IS NOT DISTINCT FROM t.{table.organization}"
    )


def _warnings(connection: Connection, owners: Owners) -> Iterator[str]:
    if _go_by_teams(owners):
        told = (provider.teams for provider in PROVIDERS if provider.teams)
        known = (f"SELECT 1 FROM ({teams}) WHERE len(teams) > 0 LIMIT 1" for teams in told)
        if not any(connection.execute(sql).fetchone() for sql in known):
            yield (
                f"{owners.file}: entries go by team, and the inventory tells no project's teams,"
                " so they match nothing"
            )


def owners_of(
    connection: Connection,
    owners: Owners,
    resources: Sequence[Mapping[str, str | tuple[str, ...]]],
) -> list[str | None]:
    """Return whose these resources are, each given by some of model.owner.FACTS."""
    sql, params = _choice(owners.entries)
    columns = {fact: [one.get(fact) for one in resources] for fact in FACTS}
    lists = {f"c_{fact}": values for fact, values in columns.items()}
    made = ", ".join(
        f"unnest(CAST($c_{fact} AS VARCHAR[]{'[]' * (fact == 'team')})) AS {fact}" for fact in FACTS
    )
    found = connection.execute(f"SELECT {sql} FROM (SELECT {made}) AS f", {**params, **lists})
    return [owner for (owner,) in found.fetchall()]


def _facts(name: str, table: Table) -> dict[str, str]:
    """Return what the entries' conditions are about, as expressions over row `t`."""
    # A project's own name is no name of a key, nor is an organization's.
    return {
        "organization": f"t.{table.organization}",
        "project": _UNKNOWN if table.project == NOWHERE else f"t.{table.project}",
        "team": _NO_TEAMS,
        "name": _UNKNOWN if table.place or "name" not in TABLES[name].columns else "t.name",
    }


def _choice(entries: Sequence[OwnerEntry]) -> tuple[str, dict[str, Any]]:
    """Return an expression over a row `f` of facts that is its owner, and its parameters.

    The last entry that matches wins, so they are asked in reverse order. A condition on a fact
    that is not known is NULL, which CASE takes for no match.
    """
    params: dict[str, Any] = {"owners": [entry.owner for entry in entries]}
    parts = []
    for number, entry in reversed(list(enumerate(entries, start=1))):
        asked = [_condition(*one, f"o{number}", params) for one in entry.conditions.items()]
        parts.append(f"WHEN {' AND '.join(asked) or 'true'} THEN {number}")
    # A list of nothing but NULL has no type of its own.
    return f"CAST($owners AS VARCHAR[])[CASE {' '.join(parts)} END]", params


def _condition(fact: str, globs: tuple[str, ...], prefix: str, params: dict[str, Any]) -> str:
    """Return whether the fact matches one of the globs; their texts become parameters.

    As regular expressions, which take time linear in the text: LIKE and GLOB do not.
    """
    value = "x" if fact == "team" else f"f.{fact}"
    plain = [glob for glob in globs if not _WILD.search(glob)]
    tests = []
    if plain:
        params[f"{prefix}_{fact}"] = plain
        tests.append(f"list_contains(${prefix}_{fact}, {value})")
    for number, glob in enumerate(glob for glob in globs if _WILD.search(glob)):
        params[f"{prefix}_{fact}_{number}"] = _expression(glob)
        tests.append(f"regexp_full_match({value}, ${prefix}_{fact}_{number}, 's')")
    asked = f"({' OR '.join(tests)})"
    return f"list_bool_or(list_transform(f.team, lambda x: {asked}))" if fact == "team" else asked


def _expression(glob: str) -> str:
    wild = {"*": ".*", "?": "."}
    return "".join(wild.get(sign) or re.escape(sign) for sign in glob)
