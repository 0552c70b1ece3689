"""The digest of what is in the tables."""

import hashlib
from collections.abc import Sequence
from typing import Final

from scanner.engine.database import Connection
from scanner.inventory.rows.facts import ROW

_AT_ONCE: Final = 1_000_000
"""Rows that are sorted at a time: what an ordered aggregate holds is not spilled."""

_STARTS: Final = 256


def digest(connection: Connection, filled: Sequence[str]) -> str:
    """SHA-256 over the facts in all tables, whatever their order, file format or source.

    The rows have theirs in ROW since they were loaded. Rows are sorted in parts, by how their
    SHA-256 begins: so all processors take part, and a part is as small as memory needs.
    """
    if not filled:
        return hashlib.sha256().hexdigest()
    rows = " UNION ALL ".join(f'SELECT {ROW} FROM "{name}"' for name in filled)
    found = connection.execute(f"SELECT count(*) FROM ({rows})").fetchone()
    width = max(1, _STARTS * _AT_ONCE // max(int(found[0]) if found else 0, _AT_ONCE))
    parts: list[str] = []
    for start in range(0, _STARTS, width):
        end = start + width
        upper = f" AND {ROW} < unhex('{end:02x}')" if end < _STARTS else ""
        parts += (
            part
            for (part,) in connection.execute(
                f"SELECT sha256(string_agg(h, '' ORDER BY h)) FROM (SELECT hex({ROW}) AS h"
                f" FROM ({rows}) WHERE {ROW} >= unhex('{start:02x}'){upper})"
                " GROUP BY h[:2] ORDER BY h[:2]"
            ).fetchall()
        )
    return hashlib.sha256("".join(parts).encode()).hexdigest()
