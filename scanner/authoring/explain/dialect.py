"""A rule as the SQL of an engine."""

from datetime import datetime

from scanner.catalogue import TABLES
from scanner.engine.database import connect
from scanner.engine.dialect.printed import statement
from scanner.engine.judge.prepare import prepare
from scanner.model.rule import Rule


def rule_sql(rule: Rule, as_of: datetime, engine: str) -> str:
    """Return the rule as a statement of the engine. Raises PolicyError where it cannot be said."""
    with connect() as connection:
        (prepared,) = prepare(connection, [rule])
        text = statement(connection, prepared, as_of, engine)
    said = f"-- {rule.id} of {rule.policy}, as of {as_of.isoformat()}, for {engine}"
    columns = TABLES[rule.resource].columns
    if made := [name for name in prepared.columns if columns[name].made_of]:
        said += f"\n-- {rule.resource} has to have what a scan makes by itself: {', '.join(made)}"
    return f"{said}\n{text};"
