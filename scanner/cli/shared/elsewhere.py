"""The options of a scan that is evaluated by another database."""

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.base.errors import UsageError
from scanner.catalogue.redact import redact_text
from scanner.config.settings import Settings
from scanner.config.values import path

if TYPE_CHECKING:
    from scanner.engine.remote.interface import DataPlace

HERE: Final = "duckdb"
"""The engine of every scan that does not say otherwise."""

_NOT_COLUMNAR: Final = re.compile(
    r"\.(json|jsonl|ndjson|csv|txt|gz|zst|bz2|xz|zip)$", re.IGNORECASE
)

ENGINES: Final = (HERE, "postgres", "spark")


def add_engine_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option that chooses where rules are evaluated."""
    group = parser.add_argument_group("engine")
    group.add_argument(
        "--findings",
        metavar="PATH",
        default="",
        help="where Spark itself writes all findings as Parquet, before waivers and baseline",
    )
    group.add_argument(
        "--engine",
        metavar="NAME",
        choices=ENGINES,
        default=HERE,
        help="what evaluates the rules: duckdb (here), or postgres or spark, where --inventory says"
        " that the data is (docs/engines.md)",
    )


def place(text: str) -> Path | str:
    """Return a path, or an address as it is: its slashes mean something. Raises UsageError."""
    # An empty path would be the working directory, with all that is there.
    return text if "://" in text else path(text, "--inventory")


def refuse_addresses(namespace: argparse.Namespace) -> None:
    """Raise UsageError for the address of a database where rules are evaluated here."""
    addresses = [one for one in getattr(namespace, "inventory", []) if isinstance(one, str)]
    if addresses and getattr(namespace, "engine", HERE) == HERE:
        raise UsageError(
            f"is the address of a {addresses[0].partition('://')[0]} store, which is not read here",
            where="--inventory",
            remedy="`keypolicy scan --engine postgres` or `--engine spark` evaluates there;"
            " everything else reads files.",
        )


def engine_place(namespace: argparse.Namespace, settings: Settings) -> "DataPlace | None":
    """Return where another engine finds the data; None where rules are evaluated here.

    Raises UsageError for what only a scan of files can do.
    """
    if namespace.findings and namespace.engine != "spark":
        raise UsageError(
            "only Spark writes findings by itself",
            where="--findings",
            remedy="Write a report: -o findings.parquet.",
        )
    if namespace.engine == HERE:
        return None
    _check(namespace, settings)
    (address,) = map(str, namespace.inventory)
    # Heavy to import; needed by other engines alone.
    from scanner.engine.remote.interface import DataPlace  # noqa: PLC0415

    if namespace.engine != "postgres":
        _check_readable(address)
        return DataPlace(namespace.engine, address, findings=namespace.findings)
    from scanner.config.gather import database_password  # noqa: PLC0415
    from scanner.engine.remote.address import read_address  # noqa: PLC0415

    read = read_address(address)
    host = read.host or ("localhost" if read.socket else "")
    secret = database_password(host, read.port, read.database, read.user)
    return DataPlace(namespace.engine, address, secret)


def _check_readable(address: str) -> None:
    """Raise UsageError for what Spark would only call damaged, after it has started."""
    if _NOT_COLUMNAR.search(address) and not Path(address).is_dir():
        raise UsageError(
            "Spark reads Parquet and ORC here, and this is named otherwise",
            where=f"--inventory {redact_text(address)}",
            remedy="Write Parquet with `keypolicy fetch -o FILE.parquet`; without --engine, JSON is"
            " read here.",
        )


def _check(namespace: argparse.Namespace, settings: Settings) -> None:
    where = f"--engine {namespace.engine}"
    if len(namespace.inventory) != 1:
        raise UsageError(
            "one place is needed that has the data",
            where=where,
            remedy="Name it with --inventory, once.",
        )
    refused = {
        "a history keeps the inventory, which stays where it is": settings.history is not None,
        "a look ahead needs the inventory here": settings.fail_if_due_within is not None
        or getattr(namespace, "ahead", None) is not None,
    }
    for what, is_asked in refused.items():
        if is_asked:
            raise UsageError(what, where=where, remedy="Leave it out, or scan a fetched file.")
