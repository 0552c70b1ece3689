"""The digest of what is in the tables."""

from collections.abc import Sequence

from scanner.engine.database import Connection
from scanner.inventory.rows.facts import ROW


def digest(connection: Connection, filled: Sequence[str]) -> str:
    """SHA-256 over the facts in all tables, whatever their order, file format or source.

    The rows have theirs in ROW since they were loaded. Rows are sorted in parts, by how their
    SHA-256 begins: so all processors take part.
    """
    rows = " UNION ALL ".join(
        [
            "SELECT NULL AS h WHERE false",
            *(f'SELECT hex({ROW}) AS h FROM "{name}"' for name in filled),
        ]
    )
    found = connection.execute(
        "SELECT sha256(coalesce(string_agg(part, '' ORDER BY start), '')) FROM (SELECT left(h, 2) AS"
        f" start, sha256(string_agg(h, '' ORDER BY h)) AS part FROM ({rows}) GROUP BY start)"
    ).fetchone()
    return str(found[0]) if found else ""
