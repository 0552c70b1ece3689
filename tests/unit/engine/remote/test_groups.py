"""What comes back of all rows is counted as it was told."""

import duckdb
from hypothesis import given
from hypothesis import strategies as st

from scanner.engine.judge.evaluate import CODES
from scanner.engine.remote import groups
from scanner.engine.remote.interface import CodeGroup
from scanner.model.history import GroupTally

RULES = 3
PLACES = st.sampled_from([None, "acme", "globex", "größe'\"\\", ""])
GROUPS = st.builds(
    CodeGroup,
    organization=PLACES,
    project=PLACES,
    codes=st.text("01234", min_size=RULES, max_size=RULES),
    number=st.integers(1, 2**40),
    sums=st.tuples(*[st.integers(0, 2**80)] * 4),
)


@given(st.lists(GROUPS, max_size=20))
def test_everything_is_counted_as_it_was_told(told: list[CodeGroup]) -> None:
    with duckdb.connect() as connection:
        rows, sums = groups.take(connection, "t", iter(told))
        assert rows == sum(one.number for one in told)
        assert sums == tuple(sum(one.sums[part] for one in told) for part in range(4))

        expected = [
            {
                outcome: sum(one.number for one in told if one.codes[place] == str(code))
                for code, outcome in enumerate(CODES)
                if any(one.codes[place] == str(code) for one in told)
            }
            for place in range(RULES)
        ]
        assert groups.tallies(connection, "t", RULES) == expected

        named = sorted({one.organization for one in told if one.organization is not None})
        seen = {
            name: len({o.project for o in told if o.organization == name and o.project is not None})
            for name in named
        }
        assert groups.projects(connection, ["t"]) == seen

        # Of the first and the last rule: passed, failed, and what could not be told.
        found = groups.by_organization(connection, "t", [0, RULES - 1])
        assert found == {
            name: GroupTally(
                *(
                    sum(
                        one.number * sum(one.codes[place] in codes for place in (0, RULES - 1))
                        for one in told
                        if one.organization == name
                    )
                    for codes in ("0", "1", "23")
                )
            )
            for name in named
        }


def test_groups_are_taken_some_at_a_time() -> None:
    number = 45_000
    told = (CodeGroup("acme", f"p{n}", "01", 1, (1, 2, 3, 4)) for n in range(number))
    with duckdb.connect() as connection:
        assert groups.take(connection, "t", told) == (number, (45_000, 90_000, 135_000, 180_000))
        assert groups.projects(connection, ["t"]) == {"acme": number}
        codes = groups.judged("t", [1, 0])
        assert connection.execute(f"SELECT DISTINCT c0, c1 FROM ({codes})").fetchall() == [(1, 0)]


def test_no_table_has_no_projects() -> None:
    with duckdb.connect() as connection:
        assert groups.projects(connection, []) == {}
