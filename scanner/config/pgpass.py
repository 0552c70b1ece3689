"""Passwords of PostgreSQL, from the places that its own tools look in: PGPASSWORD and .pgpass."""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.files import read_regular

_LIMIT: Final = 1 << 20
_FIELD: Final = re.compile(r"(?:\\.|[^:\\])*")


def password(environ: Mapping[str, str], of: tuple[str, str, str, str]) -> str:
    """Return the password for host, port, database and user; empty if none is there.

    Raises UsageError for a file that others may read, as they would see every password in it.
    """
    if given := environ.get("PGPASSWORD", ""):
        return given
    named = environ.get("PGPASSFILE", "")
    home = environ.get("HOME", "")
    if not named and not home:
        return ""
    path = Path(named) if named else Path(home) / ".pgpass"
    if not path.exists():
        return ""
    if os.name == "posix" and path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(
            "may be read by other users, so it is not taken",
            where=str(path),
            remedy=f"chmod 0600 {path}",
        )
    for line in read_regular(path, _LIMIT).decode("utf-8", "replace").splitlines():
        fields = [re.sub(r"\\(.)", r"\1", one) for one in _split(line)]
        if not line.startswith("#") and len(fields) == len(of) + 1:
            *told, secret = fields
            if all(field in {"*", wanted} for field, wanted in zip(told, of, strict=True)):
                return secret
    return ""


def _split(line: str) -> list[str]:
    """Return the fields of a line, between colons without a backslash before them."""
    fields, place = [], 0
    while place <= len(line):
        found = _FIELD.match(line, place)
        end = found.end() if found else place
        fields.append(line[place:end])
        place = end + 1
    return fields
