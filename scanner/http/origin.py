"""Where the token may go: the configured server, its region's host. And where messages may."""

import ipaddress
import re
from typing import Final
from urllib.parse import SplitResult, urlsplit

from scanner.base.errors import DeliveryError, UsageError
from scanner.catalogue import API, LIVE, URL_SETTING
from scanner.model.token import Token

_IPV4: Final = re.compile(r"\d+(\.\d+){3}")
_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_REMEDY: Final = f"Give the server's address alone, such as {LIVE.url} ({URL_SETTING})."


def base_url(url: str, *, insecure_http: bool = False) -> str:
    """Return the server's base URL in one form: no trailing slash, no prefix of the API.

    Raises UsageError for anything but an http or https address without user, query and
    fragment, and for plain http to another machine unless that is allowed.
    """
    parts = _split(url.strip())
    if parts.username is not None or parts.password is not None:
        raise UsageError("the server's address holds a user name or password", remedy=_REMEDY)
    if parts.query or parts.fragment:
        raise UsageError("the server's address holds a query or fragment", remedy=_REMEDY)
    host = parts.hostname or ""
    if parts.scheme == "http" and not insecure_http and not is_loopback(host):
        raise UsageError(
            f"the token would go to {host} in clear, over plain http",
            remedy="Use https, or allow it with --insecure-http.",
        )
    path = parts.path.rstrip("/").removesuffix(API.prefix.rstrip("/"))
    return f"{parts.scheme}://{parts.netloc.lower()}{path}"


def is_loopback(host: str) -> bool:
    """Whether the host is this machine."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def check_address(url: Token) -> str:
    """Return the host of an address that a message may go to, the port with it.

    Raises DeliveryError for anything but https, or http to this machine, and for a password in it.
    """
    try:
        parts = urlsplit(url.reveal())
        host, port = parts.hostname or "", parts.port
    except ValueError:  # a broken port or IPv6 address
        host, port, parts = "", None, urlsplit("")
    if not host or parts.scheme not in {"http", "https"} or not url.sendable:
        raise DeliveryError("the address is not an https URL", remedy="Copy it again, whole.")
    if parts.username is not None or parts.password is not None:
        raise DeliveryError(
            "the address holds a user name or password",
            where=host,
            remedy="Use an address that has its secret in the path, or a signature.",
        )
    if parts.scheme == "http" and not is_loopback(host):
        raise DeliveryError(
            "the message would go there in clear, over plain http", where=host, remedy="Use https."
        )
    return host if port is None else f"{host}:{port}"


def origin(url: str) -> tuple[str, str, int]:
    """Return scheme, host and port, the default port filled in."""
    parts = urlsplit(url)
    port = parts.port or _DEFAULT_PORTS.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), port


def region_base(base: str, region_url: str | None) -> str:
    """Return where an organization's data is asked for: its region, if the token may go there.

    The hosted service keeps organizations in regions and names them, such as
    us.sentry.io, in its records of them. A self-hosted server puts its own, often internal, name
    there, so that any other host than a subdomain of the configured one is passed over, and every
    one where the server lies below a path: a region's host would not have it there.
    """
    if not region_url or urlsplit(base).path:
        return base
    try:
        region = _split(region_url)
        scheme, host, port = origin(region_url)
    except (UsageError, ValueError):
        return base
    base_scheme, base_host, base_port = origin(base)
    family = API.hosted if base_host.endswith(f".{API.hosted}") else base_host
    trusted = host == family or host.endswith(f".{family}")
    plain = not (region.username or region.password or region.query or region.path.strip("/"))
    if trusted and plain and (scheme, port) == (base_scheme, base_port) and scheme == "https":
        return f"{scheme}://{region.netloc.lower()}"
    return base


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _is_host(host: str | None) -> bool:
    """Whether the name can be one; those of other scripts have an encoding with rules."""
    if not host:
        return False
    if host.isascii() and "xn--" not in host:
        return not _IPV4.fullmatch(host) or _is_address(host)
    from idna import IDNAError, encode  # noqa: PLC0415 - for few

    try:
        return bool(encode(host.lower()))
    except IDNAError:
        return False


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = parts.scheme in _DEFAULT_PORTS and _is_host(parts.hostname) and parts.port != 0
    except ValueError:  # a broken port or IPv6 address
        valid = False
    if not valid or any(char.isspace() for char in url):
        raise UsageError("the server's address is not an http or https URL", remedy=_REMEDY)
    return parts
