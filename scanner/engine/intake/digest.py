"""The digest of what is in the tables."""

from collections.abc import Sequence

from scanner.catalogue import TABLES, TEXTS, Column
from scanner.engine.database import Connection


def digest(connection: Connection, filled: Sequence[str]) -> str:
    """SHA-256 over the facts in all tables, whatever their order, file format or source."""
    parts = ["SELECT NULL AS h WHERE false"]
    for name in filled:
        table = TABLES[name]
        facts = [_fact(c, spec) for c, spec in table.columns.items() if not spec.derived]
        row = f"sha256(concat_ws(chr(31), '{name}', {', '.join(facts)}))"
        parts.append(f'SELECT {row} AS h FROM "{name}"')
    union = " UNION ALL ".join(parts)
    found = connection.execute(
        f"SELECT sha256(coalesce(string_agg(h, '' ORDER BY h), '')) FROM ({union})"
    ).fetchone()
    return str(found[0]) if found else ""


def _fact(name: str, column: Column) -> str:
    """Return a text for the value of a column, NULL told from any value.

    A text says its length first: it may hold what separates it from the next one.
    """
    if column.type == "VARCHAR":
        return f"""coalesce(strlen("{name}") || ':' || "{name}", chr(30))"""
    value = f'to_json("{name}")' if column.type == TEXTS else f'"{name}"'
    return f"""coalesce(CAST({value} AS VARCHAR), chr(30))"""
