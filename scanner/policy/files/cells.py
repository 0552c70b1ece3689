"""What fits in the cells of test rows, and what to write where something does not."""

from datetime import datetime
from typing import Final

WRITE_TIME: Final = "Write a time with its zone, such as 2026-01-31T00:00:00Z."

WRITE: Final = {
    "BOOLEAN": "Write true or false, without quotes.",
    "BIGINT": "Write a whole number without quotes, such as 90.",
    "DOUBLE": "Write a number without quotes, such as 0.5.",
    "VARCHAR": "Write a text; in quotes where YAML would read something else, such as '90'.",
    "VARCHAR[]": "Write a list of texts, such as [web, api].",
    "TIMESTAMP WITH TIME ZONE": WRITE_TIME,
}
"""What to write in a cell of each type that not everything fits."""


def fits(cell: object, kind: str) -> bool:
    """Whether a cell as YAML gives it is of a type of the catalogue, or empty."""
    if cell is None or kind == "JSON":
        return True
    match kind:
        case "BOOLEAN":
            is_fit = isinstance(cell, bool)
        case "BIGINT":
            is_fit = type(cell) is int
        case "DOUBLE":
            is_fit = isinstance(cell, (int, float)) and not isinstance(cell, bool)
        case "VARCHAR[]":
            is_fit = isinstance(cell, list) and all(isinstance(item, str) for item in cell)
        case "TIMESTAMP WITH TIME ZONE":
            is_fit = isinstance(cell, str) and _is_time(cell)
        case _:
            is_fit = isinstance(cell, str)
    return is_fit


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False
