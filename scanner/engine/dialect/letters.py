"""The characters that DuckDB trims, and their cases, for databases that have others."""

from typing import Final

from scanner.engine.database import Connection

SPACES: Final = "".join(
    chr(code) for code in (0x20, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000)
)
"""What DuckDB trims: the separators of Unicode's category Zs."""

NAMES: Final = ("has_lower", "its_lower", "has_upper", "its_upper")
"""Columns of the one row `letters`: characters, and what each becomes."""


def letters(connection: Connection) -> tuple[str, ...]:
    """Return the texts of the columns NAMES: of each character that has another case, one."""
    found = connection.execute(
        "SELECT "
        + ", ".join(
            f"string_agg({of}, '' ORDER BY code) FILTER ({case}(letter) <> letter)"
            for case in ("lower", "upper")
            for of in ("letter", f"{case}(letter)")
        )
        # Surrogates are no characters; nothing above the astral letters has a case.
        + " FROM (SELECT code, chr(CAST(code AS INTEGER)) AS letter"
        " FROM range(1, 131072) AS r(code) WHERE code NOT BETWEEN 55296 AND 57343)"
    ).fetchall()[0]
    return tuple(map(str, found))
