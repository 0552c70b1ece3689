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
"""Limit of each answer until a session has begun."""

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
    with _telling(address.label, secret), ExitStack() as closing:
        opened = _opened(address, closing)
        wire = Wire(
            user=address.user,
            database=address.database,
            # Not None where there is none: the driver stumbles over that; the server tells the user
            password=secret,
            host=address.host,
            ssl_context=_encryption(address),
            sock=opened,
            application_name="keypolicy",
        )
        # Until here every answer is a matter of seconds. What is encrypted is another socket.
        wire._usock.settimeout(STATEMENT_SECONDS + CONNECT_SECONDS)  # noqa: SLF001 - has no method
        closing.pop_all()
        return wire


def _opened(address: ServerAddress, closing: ExitStack) -> socket.socket:
    """Return a socket that waits for seconds, and is closed with that."""
    if address.socket:
        opened = closing.enter_context(socket.socket(socket.AF_UNIX))
        opened.settimeout(CONNECT_SECONDS)
        opened.connect(f"{address.socket}/.s.PGSQL.{address.port}")
        return opened
    to = (address.host, address.port)
    opened = closing.enter_context(socket.create_connection(to, CONNECT_SECONDS))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    return opened


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
    if address.socket or address.encryption == "disable":
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
    if isinstance(system, TimeoutError):
        return "it does not answer", _OTHERWISE
    if system is not None:
        return system.strerror or str(system) or type(system).__name__, _OTHERWISE
    if all(isinstance(one, DatabaseError | InterfaceError) for one in found):
        return str(error), _OTHERWISE
    return f"it gives an answer that cannot be read ({type(found[-1]).__name__})", _STRANGE
