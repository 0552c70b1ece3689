"""The envelope of an inventory file: what its first and last lines and its other records may say.

One set of rules for the engine's fast reading and for the slow one that tells the place.
"""

import json
from collections.abc import Sequence
from typing import Any, Final, TypeVar

import msgspec

from scanner.base.files import TwiceError, once
from scanner.base.shape.decode import UnfitError, converted
from scanner.base.text import plural
from scanner.catalogue import OWN, PROVIDERS, TABLES
from scanner.model.coverage import CoverageState, Gap, TableCoverage, lacking
from scanner.model.inventory import FORMAT_VERSION, TYPED_VERSION, Scope

HEADER: Final = "inventory"
ENDING: Final = "end"
KINDS: Final = (HEADER, *TABLES, ENDING)
"""What a line of an inventory may be; the tables' are records of a service."""

PLACES: Final = ("organization", "project")
"""What a line says of where its record belongs: a slug, or null where that is not known."""

FILTERS: Final = frozenset[str]().union(*(provider.filters for provider in PROVIDERS))
"""What may leave keys out of an inventory."""

_Form = TypeVar("_Form")

OTHER_VERSION: Final = "Read it with the version of keypolicy that wrote it, or fetch again."
"""What to do with a file of another format version."""

_AS_WRITTEN: Final = "an inventory is only what `keypolicy fetch` writes"


class Header(msgspec.Struct, frozen=True):
    """The first line. `scope` and `filters` are what was asked for.

    Without a scope it is not known what was looked at: files of earlier releases tell none.
    `filters` leave records out wherever the scope lies, such as `{"status": "active"}`. `columns`
    are those that a Parquet file has for each table, from version 2 on.
    """

    version: int
    server: str | None = None
    sources: tuple[str, ...] = ()
    scope: Scope | None = None
    filters: dict[str, str] = {}
    columns: dict[str, tuple[str, ...]] = {}


class Ending(msgspec.Struct, frozen=True):
    """The last line."""

    coverage: dict[str, TableCoverage]


class EnvelopeError(ValueError):
    """A line that is not as `keypolicy fetch` writes it; `path` leads to what is wrong in it."""

    def __init__(self, message: str, *path: str) -> None:
        super().__init__(message)
        self.message = message
        self.path = path


def decode(text: str) -> object:
    """Decode what a first or last line says. Raises EnvelopeError where a member comes twice."""
    try:
        return json.loads(text, object_pairs_hook=members_once)
    except EnvelopeError:
        raise
    except (ValueError, RecursionError):  # a number with too many digits, for example
        raise EnvelopeError("is no JSON that can be read, or nested too deep") from None


def members_once(members: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object. Raises EnvelopeError where a member comes twice."""
    try:
        return once(members)
    except TwiceError as error:
        raise EnvelopeError(f"the member {error.name!r} comes twice: {_AS_WRITTEN}") from None


def read_header(record: object, *, typed: bool = False) -> Header:
    """Read the record of the first line, of a file that is `typed`: has columns, or has none.

    Raises EnvelopeError.
    """
    version = record.get("version") if isinstance(record, dict) else None
    expected = TYPED_VERSION if typed else FORMAT_VERSION
    if type(version) is not int or version != expected:
        shown = version if isinstance(version, int | float | str) else "none"
        message = f"has format version {shown}; this release reads {expected}"
        if typed:
            message += " of files with columns"
        raise EnvelopeError(message, "version")
    header = _converted(record, Header)
    for name in header.filters:
        if name not in FILTERS:
            message = f"leaves out records by {name!r}, which this release does not know"
            raise EnvelopeError(message, "filters")
    return header


def read_ending(record: object) -> Ending:
    """Read the record of the last line. Raises EnvelopeError, also where it contradicts itself."""
    ending = _converted(record, Ending)
    for name, table in ending.coverage.items():
        at = ("coverage", name)
        if name not in TABLES:
            raise EnvelopeError(f"covers {name!r}, which is no table", *at)
        if table.rows is not None and table.rows < 0:
            raise EnvelopeError(
                f"counts {table.rows} as the number of records of {name}", *at, "rows"
            )
        if table.state is CoverageState.COMPLETE and table.gaps:
            message = f"calls {name} complete and lists what was not seen of it"
            raise EnvelopeError(message, *at, "gaps")
        if table.state is CoverageState.ABSENT and table.rows:
            message = f"calls {name} absent and counts {plural(table.rows, 'record')} of it"
            raise EnvelopeError(message, *at, "rows")
    return ending


def unfiltered(header: Header, ending: Ending, label: str) -> Ending:
    """Return what a file covers, with the gap that its filters leave in the keys.

    A fetch says so itself; a file that was edited may not.
    """
    if not header.filters:
        return ending
    only = " and ".join(f"{name} {value!r}" for name, value in sorted(header.filters.items()))
    gap = Gap(f"{label} has only keys of {only}, so that nothing is known of the others.")
    return Ending(
        {
            name: lacking(table, [gap]) if name == OWN[name].keys else table
            for name, table in ending.coverage.items()
        }
    )


def check_line(kind: object, organization: object, project: object) -> None:
    """Check what every line says of itself. Raises EnvelopeError."""
    if not isinstance(kind, str) or kind not in KINDS:
        shown = f"unknown kind {kind!r}" if isinstance(kind, str) else "no kind"
        raise EnvelopeError(f"{shown}: {_AS_WRITTEN}", "kind")
    for name, value in zip(PLACES, (organization, project), strict=True):
        if value is not None and (not isinstance(value, str) or not value.strip()):
            found = "an empty text" if isinstance(value, str) else "something else"
            raise EnvelopeError(f"expected a slug or null, found {found}", name)


def _converted(record: object, form: type[_Form]) -> _Form:
    try:
        return converted(record, form)
    except UnfitError as error:
        path = error.path.split(".")[0].split("[")[0]
        raise EnvelopeError(f"{error.reason}: {_AS_WRITTEN}", *([path] if path else [])) from None
