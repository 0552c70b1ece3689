"""How the server is reached: certificates, proxies, connections, and the token in the headers."""

import ssl
from typing import Final
from urllib.parse import urlsplit

import httpx
import msgspec

from scanner import __version__
from scanner.inventory.origin import is_loopback
from scanner.inventory.retry import RetryPolicy
from scanner.model.errors import UsageError
from scanner.model.token import Token

_CONNECT_SECONDS: Final = 10.0


class ClientSettings(msgspec.Struct, frozen=True):
    """How to reach the server. `timeout` is for one request, `deadline` for all, in seconds."""

    base: str
    token: Token
    ca_bundle: str | None = None
    timeout: float = 30.0
    deadline: float = 900.0
    concurrency: int = 20
    retry: RetryPolicy = RetryPolicy()


def open_http(
    settings: ClientSettings, transport: httpx.AsyncBaseTransport | None = None
) -> httpx.AsyncClient:
    """Open the connections, with the token in their headers.

    Proxies come from the environment, except for this machine's own addresses: a token for
    loopback over plain http must not leave it. Raises UsageError for a proxy that cannot be
    used and for a CA bundle that cannot be read.
    """
    wide = max(settings.concurrency, 1)
    try:
        return httpx.AsyncClient(
            headers={
                "Authorization": f"Bearer {settings.token.reveal()}",
                "Accept": "application/json",
                "User-Agent": f"keypolicy/{__version__}",
            },
            timeout=httpx.Timeout(
                settings.timeout, connect=min(_CONNECT_SECONDS, settings.timeout)
            ),
            limits=httpx.Limits(max_connections=wide * 2, max_keepalive_connections=wide),
            http2=settings.base.startswith("https:"),
            verify=_trust(settings),
            trust_env=not is_loopback(urlsplit(settings.base).hostname or ""),
            follow_redirects=False,
            transport=transport,
        )
    except (ImportError, ValueError, httpx.InvalidURL) as error:
        raise UsageError(
            "the proxy that the environment names cannot be used",
            where="HTTPS_PROXY, ALL_PROXY",
            remedy="Name an http or https proxy, such as http://proxy.example.com:3128.",
        ) from error


def _trust(settings: ClientSettings) -> ssl.SSLContext:
    """Return the certificates to trust; without a bundle, SSL_CERT_FILE or certifi's list."""
    ca_bundle = settings.ca_bundle
    try:
        if ca_bundle is not None:
            return ssl.create_default_context(cafile=ca_bundle)
        if settings.base.startswith("http:"):
            # No TLS will be spoken. This trusts nobody, and reading certificates takes time.
            return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return httpx.create_ssl_context()
    except OSError as error:  # ssl.SSLError is one too
        raise UsageError(
            "the CA bundle cannot be read as PEM certificates",
            where=ca_bundle or "SSL_CERT_FILE",
            remedy="Name a readable file with the certificates to trust.",
        ) from error
