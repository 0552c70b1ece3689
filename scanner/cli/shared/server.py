"""Options about a live server, and the source that asks it."""

import argparse
import math
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.catalogue import LIVE, TOKEN_SETTING
from scanner.config.settings import Settings
from scanner.inventory.source import LiveSettings, Source, load_source
from scanner.model.token import Token

DEFAULT_URL: Final = LIVE.url
_MOST_TIME: Final = 900.0
"""Seconds for all requests where nobody says otherwise."""


def add_server_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the options about fetching from a server."""
    add_url_argument(group)
    group.add_argument(
        "--status",
        metavar="STATUS",
        choices=("active", "inactive"),
        help="fetch only active or only inactive keys; the inventory then counts as partial",
    )
    add_connection_arguments(group)
    add_time_argument(group, "give up fetching after so long (default: 900)")
    group.add_argument(
        "--log-format",
        metavar="NAME",
        choices=("text", "json"),
        default="text",
        help="how the progress of a fetch is told on standard error: text (on a terminal) or json",
    )


def add_url_argument(group: argparse._ArgumentGroup) -> None:
    """Declare the option that names the server."""
    group.add_argument("--url", metavar="URL", help=f"{LIVE.title} server (default: {DEFAULT_URL})")


def add_connection_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the options about how the server is reached."""
    group.add_argument("--ca-bundle", metavar="FILE", help="certificates to trust for the server")
    group.add_argument(
        "--insecure-http",
        action="store_true",
        help="send the token over plain http to a server that is not this machine",
    )


def add_time_argument(group: argparse._ArgumentGroup, told: str) -> None:
    """Declare the option that limits the time for all requests; `told` is what it means."""
    group.add_argument(
        "--max-time", metavar="SECONDS", type=_seconds, default=_MOST_TIME, help=told
    )


def options_for_nothing(namespace: argparse.Namespace, *, has_links: bool) -> list[str]:
    """Return the options about a server that are given where none is asked.

    `has_links` is where the inventory's own pages are told by the server's address.
    """
    given = {
        "--url": namespace.url is not None and not has_links,
        "--ca-bundle": namespace.ca_bundle is not None,
        "--insecure-http": namespace.insecure_http,
        "--max-time": namespace.max_time != _MOST_TIME,
    }
    return [option for option, is_given in given.items() if is_given]


def live_source(namespace: argparse.Namespace, found: Settings, journal: Path | None) -> Source:
    """Return the source that asks the server. Raises UsageError where there is no token.

    With a journal, a fetch goes on where an earlier one was cut off.
    """
    if found.token is None:
        raise UsageError(
            "nothing to scan: no token, no inventory file and no --demo",
            remedy=f"Set {TOKEN_SETTING} to a {LIVE.title} token with"
            f" {LIVE.scopes}, or give --inventory FILE, or try --demo.",
        )
    made = live_settings(namespace, found, found.token)
    from scanner.cli.shared.progress import progress_for  # noqa: PLC0415 - not for --help

    quiet = getattr(namespace, "quiet", True)
    return load_source(LIVE.name)(
        msgspec.structs.replace(made, status=namespace.status, journal=journal),
        progress_for(namespace.log_format, quiet=quiet),
    )


def live_settings(namespace: argparse.Namespace, found: Settings, token: Token) -> LiveSettings:
    """Return how the server is asked. Raises UsageError where the token must not go there."""
    found.check_recipient(DEFAULT_URL)
    return LiveSettings(
        url=found.url or DEFAULT_URL,
        token=token,
        insecure_http=namespace.insecure_http,
        ca_bundle=namespace.ca_bundle,
        deadline=namespace.max_time,
    )


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0, such as 600")
    return seconds
