"""The connection to a PostgreSQL: whatever goes wrong on it is told as a failure of the source."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Final, TypeAlias

import pg8000.native
from pg8000.exceptions import DatabaseError, InterfaceError

from scanner.base.errors import FetchError, causes
from scanner.catalogue.redact import redact_text
from scanner.engine.remote.address import ServerAddress

CONNECT_SECONDS: Final = 15
STATEMENT_SECONDS: Final = 600
"""Limit of one statement: a Steampipe database asks the service meanwhile."""

Wire: TypeAlias = pg8000.native.Connection

_REMEDIES: Final = {
    "28000": "The server lets no such user in from here: its pg_hba.conf tells whom it does.",
    "28P01": "The password is read from PGPASSWORD or ~/.pgpass.",
    "22P05": "A text of JSON there has \\u0000, which no jsonb can hold.",
    "42501": "Grant the user SELECT on the table.",
    "57014": f"A statement may take {STATEMENT_SECONDS} seconds.",
}
_OTHERWISE: Final = "Check the address, and that the server is reachable from here."
_STRANGE: Final = "Check the address: what answers there may be no PostgreSQL."


def connected(address: ServerAddress, secret: str) -> Wire:
    """Connect. Raises FetchError."""
    # Not None where there is none: the driver stumbles over that, while the server tells the user.
    whom = {"user": address.user, "database": address.database, "password": secret}
    with _telling(address.label, secret):
        if address.socket:
            return Wire(
                **whom,
                unix_sock=f"{address.socket}/.s.PGSQL.{address.port}",
                ssl_context=False,
                timeout=STATEMENT_SECONDS + CONNECT_SECONDS,
                application_name="keypolicy",
            )
        opened = socket.create_connection((address.host, address.port), CONNECT_SECONDS)
        with ExitStack() as closing:
            closing.callback(opened.close)
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            opened.settimeout(STATEMENT_SECONDS + CONNECT_SECONDS)
            wire = Wire(
                **whom,
                host=address.host,
                port=address.port,
                ssl_context=_encryption(address),
                sock=opened,
                application_name="keypolicy",
            )
            closing.pop_all()
            return wire


def disconnect(wire: Wire) -> None:
    """Let go of the connection, whatever became of it."""
    with suppress(DatabaseError, InterfaceError, OSError):
        wire.close()


def run_on(wire: Wire, sql: str, label: str) -> list[tuple[object, ...]]:
    """Run a statement and return its rows. Raises FetchError."""
    with _telling(label):
        return [tuple(row) for row in wire.execute_simple(sql).rows or []]


@contextmanager
def _telling(label: str, secret: str = "") -> Iterator[None]:
    """Raise FetchError for whatever the driver raises: of an answer that is none, that is anything.

    It has lists of what may come, and looks up there, and unpacks, what did come.
    """
    try:
        yield
    except MemoryError:  # says nothing of the server
        raise
    except Exception as error:  # noqa: BLE001 - nothing but the driver and the server is asked here
        raise _failed(label, error, secret) from None


def _encryption(address: ServerAddress) -> ssl.SSLContext | bool:
    if address.encryption == "disable":
        return False
    if address.encryption == "require":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context
    from truststore import SSLContext  # noqa: PLC0415 - only where certificates are looked at

    return SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def _failed(label: str, error: Exception, secret: str) -> FetchError:
    """Return why it failed, in the server's words but without anything secret."""
    message, remedy = _told(error)
    if remedy == _REMEDIES["28P01"] and not secret:
        remedy = "There is no password for it: one is read from PGPASSWORD or ~/.pgpass."
    text = redact_text(message, known=(secret,) if secret else ())
    return FetchError(f"the database failed: {text}"[:500], where=label, remedy=remedy)


def _told(error: Exception) -> tuple[str, str]:
    """Return what went wrong, and what to do about it."""
    found = causes(error)
    # What the server said is lost behind a connection that it closed meanwhile.
    said = next((one.args[0] for one in found if isinstance(one, DatabaseError) and one.args), None)
    if isinstance(said, dict):
        remedy = _REMEDIES.get(str(said.get("C", "")), _OTHERWISE)
        return str(said.get("M", "")) or "it does not say why", remedy
    system = next((one for one in found if isinstance(one, OSError)), None)
    if system is not None:
        return system.strerror or str(system) or type(system).__name__, _OTHERWISE
    if all(isinstance(one, DatabaseError | InterfaceError) for one in found):
        return str(error), _OTHERWISE
    return f"it gives an answer that cannot be read ({type(found[-1]).__name__})", _STRANGE
