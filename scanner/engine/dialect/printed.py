"""A rule as a statement that can be pasted: in the words of a database, with its values in it."""

from datetime import datetime, timedelta
from typing import Final

from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.dialect.words import words_of
from scanner.engine.judge.evaluate import CODES, outcome_code
from scanner.engine.judge.prepare import Prepared, values
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node, cast_to, constant

HERE: Final = "duckdb"


def statement(connection: Connection, one: Prepared, as_of: datetime, name: str) -> str:
    """Return a SELECT of the rule's outcome for each row of its table.

    Raises PolicyError for what another database would read otherwise.
    """
    table, rest = one.rule.resource, ""
    if name == HERE:
        code = _bound_here(connection, one, as_of)
    else:
        # Heavy: it takes sqlglot.
        from scanner.engine.dialect.translate import letters_in, translate  # noqa: PLC0415

        words = words_of(name)
        (code,) = translate(connection, [one], as_of, words, pretty=True)
        rest = letters_in(connection, code, words)
    outcomes = " ".join(f"WHEN {n} THEN '{outcome}'" for n, outcome in enumerate(CODES))
    return (
        f"SELECT\n  {TABLES[table].identity},\n  CASE (\n{code}\n  ) {outcomes} END AS outcome\n"
        f"FROM {table}{rest}"
    )


def _bound_here(connection: Connection, one: Prepared, as_of: datetime) -> str:
    """Return the code of the outcome with the values of its parameters in it."""
    (tree,) = syntax.parse(connection, [outcome_code(one)])
    bound = values(one.checks.values(), as_of)

    def change(made: Node) -> Node:
        is_bound = made.get("class") == "PARAMETER"
        return _literal(bound[str(made["identifier"])]) if is_bound else made

    (text,) = syntax.write(connection, [syntax.rewritten(tree, change)])
    return text


def _literal(value: object) -> Node:
    """Return a value as DuckDB would bind it."""
    if value is None:
        return constant("", "NULL_LITERAL")
    if isinstance(value, bool):
        return constant(str(value).lower(), "BOOLEAN")
    if isinstance(value, int):
        return constant(str(value), "INTEGER")
    text = constant(str(value), "STRING")
    if isinstance(value, float):
        return cast_to("DOUBLE", text)
    if isinstance(value, timedelta):
        micros = value.seconds * 1_000_000 + value.microseconds
        said = f"{value.days} days {micros} microseconds"
        return cast_to("INTERVAL", constant(said, "STRING"))
    return cast_to("TIMESTAMPTZ", text) if isinstance(value, datetime) else text
