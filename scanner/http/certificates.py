"""Which certificates are trusted: a bundle's, those of OpenSSL's variables, or the system's."""

import os
import ssl

from scanner.base.errors import UsageError


def trusted(ca_bundle: str | None = None) -> ssl.SSLContext:
    """Return a context that trusts what the bundle or a variable names alone, else the system.

    Raises UsageError for what cannot be read as certificates.
    """
    file, folder = ca_bundle or os.environ.get("SSL_CERT_FILE"), None
    if not file:
        folder = os.environ.get("SSL_CERT_DIR")
    try:
        if file or folder:
            return ssl.create_default_context(cafile=file or None, capath=folder)
        import truststore  # noqa: PLC0415 - not for a server on this machine

        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    except OSError as error:  # ssl.SSLError is one too
        raise UsageError(
            "the CA bundle cannot be read as PEM certificates",
            where=ca_bundle or "SSL_CERT_FILE",
            remedy="Name a readable file with the certificates to trust.",
        ) from error


def nobody() -> ssl.SSLContext:
    """Return a context for plain http: it trusts nobody, and reading certificates takes time."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
