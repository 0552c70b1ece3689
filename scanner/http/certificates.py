"""Which certificates are trusted: a bundle's, those of OpenSSL's variables, or the system's."""

import os
import ssl
from pathlib import Path
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.files import open_regular

_REMEDY: Final = "Name a readable file with the certificates to trust."


def trusted(ca_bundle: str | None = None) -> ssl.SSLContext:
    """Return a context that trusts what the bundle or a variable names alone, else the system.

    Raises UsageError for what cannot be read as certificates.
    """
    file = ca_bundle
    if file is None:
        file = os.environ.get("SSL_CERT_FILE") or None
    folders = None if file is not None else os.environ.get("SSL_CERT_DIR") or None
    where = "SSL_CERT_DIR" if file is None else "SSL_CERT_FILE"
    where = where if ca_bundle is None else ca_bundle or "--ca-bundle"
    try:
        _check(file, folders)
        if file is not None or folders is not None:
            return ssl.create_default_context(cafile=file, capath=folders)
        import truststore  # noqa: PLC0415 - not for a server on this machine

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except UsageError as error:
        raise _unreadable(error.message, where) from error
    except OSError as error:  # ssl.SSLError is one too
        raise _unreadable("cannot be read as PEM certificates", where) from error


def _check(file: str | None, folders: str | None) -> None:
    """Refuse what OpenSSL would wait for, such as a pipe, or pass over, and then trust nobody."""
    if file is not None:
        open_regular(Path(file)).close()
    elif folders is not None and not any(map(os.path.isdir, folders.split(os.pathsep))):
        raise UsageError("is no folder", remedy=_REMEDY)


def _unreadable(why: str, where: str) -> UsageError:
    return UsageError(f"the CA bundle {why}", where=where, remedy=_REMEDY)


def nobody() -> ssl.SSLContext:
    """Return a context for plain http: it trusts nobody, and reading certificates takes time."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
