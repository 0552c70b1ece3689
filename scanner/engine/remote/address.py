"""Addresses of PostgreSQL servers, as libpq writes them, but without a password in them.

What is on a command line stands in lists of processes, in histories of shells and in logs of
builds. So a password there is refused, and nothing of the address is quoted then.
"""

from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from scanner.base.errors import UsageError

_SCHEMES: Final = frozenset({"postgresql", "postgres"})
_PORT: Final = 5432
_MODES: Final = ("disable", "require", "verify-full")
_WHERE: Final = "--inventory"
_EXAMPLE: Final = "Write postgresql://user@host/database; the password belongs into PGPASSWORD or"
_REMEDY: Final = f"{_EXAMPLE} a line of ~/.pgpass."


class ServerAddress(msgspec.Struct, frozen=True):
    """Where a database is; `socket` is the folder of a socket, and empty for a host.

    `encryption` is `verify-full` for every host but this one, unless the address says less.
    """

    user: str
    host: str
    port: int
    database: str
    socket: str = ""
    encryption: str = "verify-full"

    @property
    def label(self) -> str:
        """The address for people: without the user."""
        if self.socket:
            return f"postgresql://:{self.port}/{self.database}?host={self.socket}"
        return f"postgresql://{self.host}:{self.port}/{self.database}"


def read_address(text: str) -> ServerAddress:
    """Return the address. Raises UsageError, which quotes nothing of what may be a secret."""
    try:
        parts = urlsplit(text)
        port = parts.port or _PORT
        options = {
            name: values[-1]
            for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()
        }
    except ValueError:
        raise UsageError("is no address of a database", where=_WHERE, remedy=_REMEDY) from None
    if parts.password is not None or "password" in options:
        raise UsageError(
            "the address has a password in it, where other users and logs can see it",
            where=_WHERE,
            remedy=f"Take it out, and change it if this was logged. {_REMEDY}",
        )
    if parts.scheme not in _SCHEMES or parts.fragment or options.keys() - {"host", "sslmode"}:
        raise UsageError(
            "is no address of a database that is understood",
            where=_WHERE,
            remedy=f"{_REMEDY} Options are ?sslmode= and, for the folder of a socket, ?host=.",
        )
    host, folder = parts.hostname or "", options.get("host", "")
    if folder and not folder.startswith("/"):
        host, folder = folder, ""
    user, database = unquote(parts.username or ""), unquote(parts.path.strip("/"))
    if not user or not database or not (host or folder):
        raise UsageError(
            "the address lacks a user, a host or a database", where=_WHERE, remedy=_REMEDY
        )
    if "\0" in f"{user}{database}{folder}" or not _can_be(host):
        raise UsageError(
            "the address has a name in it that nothing can have", where=_WHERE, remedy=_REMEDY
        )
    is_near = bool(folder) or host in {"localhost", "127.0.0.1", "::1"}
    mode = options.get("sslmode", "disable" if is_near else "verify-full")
    if mode not in _MODES:
        raise UsageError(
            "the address has an sslmode that is not known here",
            where=_WHERE,
            remedy=f"Write one of {', '.join(_MODES)}.",
        )
    return ServerAddress(user, host, port, database, folder, mode)


def _can_be(host: str) -> bool:
    """Whether a host may be called this; whoever asked for it otherwise would get no answer."""
    try:
        host.encode("idna")
    except UnicodeError:
        return False
    return True
