"""The digest of what is in the tables."""

import hashlib
from collections.abc import Sequence
from itertools import pairwise
from typing import Final

from scanner.engine.database import Connection
from scanner.inventory.rows.facts import ROW

_AT_ONCE: Final = 200_000
"""About how many rows are sorted at a time: while they are, each takes ten times its bytes."""

_MOST_PARTS: Final = 16
"""However many rows there are: each part goes through all of them."""


def digest(connection: Connection, filled: Sequence[str], total: int) -> str:
    """SHA-256 over the facts in all `total` rows, whatever their order, file format or source.

    The rows have theirs in ROW since they were loaded. Rows are sorted in parts, by how their
    SHA-256 begins: so all processors take part, and memory is bounded.
    """
    parts: dict[str, str] = {}
    for some in _ranges(min(total // _AT_ONCE + 1, _MOST_PARTS)):
        rows = " UNION ALL ".join(
            [
                "SELECT NULL AS h WHERE false",
                *(f'SELECT hex({ROW}) AS h FROM "{name}"{some}' for name in filled),
            ]
        )
        found = connection.execute(
            "SELECT left(h, 2) AS start, sha256(string_agg(h, '' ORDER BY h)) AS part"
            f" FROM ({rows}) GROUP BY start"
        )
        parts.update(found.fetchall())
    return hashlib.sha256("".join(parts[start] for start in sorted(parts)).encode()).hexdigest()


def _ranges(number: int) -> list[str]:
    """Return conditions that divide the rows by the first byte of their SHA-256."""
    bounds = sorted({256 * place // number for place in range(number + 1)})
    if len(bounds) == 2:  # noqa: PLR2004 - the first and the last: all of them
        return [""]
    return [
        f" WHERE {ROW} >= unhex('{low:02x}')"
        + (f" AND {ROW} < unhex('{high:02x}')" if high < bounds[-1] else "")
        for low, high in pairwise(bounds)
    ]
