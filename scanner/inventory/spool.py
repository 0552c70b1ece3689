"""The inventory file: an envelope a line, written as data arrives, ended by what was covered.

    {"kind": "inventory", "record": {"version": 1, "tool": "keypolicy 0.1.0", ...}}
    {"kind": "sentry_key", "organization": "acme", "project": "web", "record": {...}}
    {"kind": "end", "record": {"coverage": {"sentry_key": {"state": "complete", ...}}}}

Records keep the shape of the service's API, without secrets. The first line tells what was asked
for: organizations and projects (none: all), and filters that leave records out. A file without its
last line was cut off and is refused. `copy_inventory` makes the same lines one JSON array, the
`.json` form.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import msgspec

from scanner import __version__
from scanner.base.files import replacing
from scanner.base.packed import PACKED_SUFFIXES, pack
from scanner.catalogue.redact import redact_record, redacted
from scanner.model.coverage import TableCoverage
from scanner.model.inventory import FORMAT_VERSION, Scope

_ENCODER: Final = msgspec.json.Encoder()


class Draft:
    """Rows that may yet be thrown away: kept apart until a spool takes them, or nobody does."""

    def __init__(self, folder: Path) -> None:
        self.rows: Counter[str] = Counter()
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`

    def add(
        self, kind: str, record: dict[str, Any], *, organization: str | None, project: str | None
    ) -> None:
        """Take a record as `Spool.add` does."""
        self._file.write(_line(kind, record, organization, project))
        self.rows[kind] += 1

    def copy(self, target: IO[bytes]) -> None:
        """Append all rows to an open file."""
        self._file.seek(0)
        shutil.copyfileobj(self._file, target, 1 << 20)

    def envelopes(self) -> Iterator[dict[str, Any]]:
        """Return the rows one after another, with kind, organization, project and record."""
        self._file.seek(0)
        for line in self._file:
            yield msgspec.json.decode(line)

    def close(self) -> None:
        """Throw away what was written."""
        self._file.close()


class Spool:
    """Writes one inventory file, as lines; nothing appears under its name before `finish`.

    Use as a context manager: leaving it without `finish` removes what was written.
    """

    def __init__(  # noqa: PLR0913 - what the first line of the file says
        self,
        path: Path,
        *,
        sources: tuple[str, ...],
        server: str | None,
        scope: Scope,
        filters: Mapping[str, str] | None = None,
        fetched_at: datetime | None = None,
    ) -> None:
        """Begin the file. `scope` and `filters` say what of the world it is to hold.

        `fetched_at` is the time of the oldest answer in it, None for now.
        """
        self.path = path
        self.rows: Counter[str] = Counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._temporary: Path | None = Path(name)
        self._file = os.fdopen(handle, "w+b")
        self._header = {
            "version": FORMAT_VERSION,
            "tool": f"keypolicy {__version__}",
            "fetched_at": fetched_at or datetime.now(UTC),
            "server": redacted(server),
            "sources": redacted(list(sources)),
            "scope": scope,
            "filters": filters or {},
        }
        self._write({"kind": "inventory", "record": self._header})

    def rename(self, projects: Mapping[str, str]) -> None:
        """Tell the scope by the slugs of now, given by the older ones that were asked for."""
        if not projects:
            return
        self._header["scope"] = self._header["scope"].renamed(projects)
        self._file.seek(0)
        self._file.readline()
        with tempfile.TemporaryFile(dir=self.path.parent) as rows:
            shutil.copyfileobj(self._file, rows, 1 << 20)
            self._file.seek(0)
            self._file.truncate()
            self._write({"kind": "inventory", "record": self._header})
            rows.seek(0)
            shutil.copyfileobj(rows, self._file, 1 << 20)

    def add(
        self, kind: str, record: dict[str, Any], *, organization: str | None, project: str | None
    ) -> None:
        """Redact a record as the API gave it and append it to the table `kind`.

        `organization` and `project` are slugs; None where not known.
        """
        self._file.write(_line(kind, record, organization, project))
        self.rows[kind] += 1

    def take(self, draft: Draft) -> None:
        """Append the rows of a draft."""
        draft.copy(self._file)
        self.rows += draft.rows

    def finish(self, coverage: dict[str, TableCoverage]) -> Path:
        """Write the closing line and give the file its name, in one step."""
        counted = {
            name: msgspec.structs.replace(table, rows=self.rows[name])
            for name, table in coverage.items()
        }
        self._write({"kind": "end", "record": redacted({"coverage": msgspec.to_builtins(counted)})})
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        if self._temporary is not None:
            self._temporary.replace(self.path)
            self._temporary = None
        return self.path

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()
        if self._temporary is not None:
            self._temporary.unlink(missing_ok=True)

    def _write(self, envelope: dict[str, Any]) -> None:
        self._file.write(_ENCODER.encode(envelope) + b"\n")


def _line(
    kind: str, record: dict[str, Any], organization: str | None, project: str | None
) -> bytes:
    envelope = {
        "kind": kind,
        "organization": redacted(organization),
        "project": redacted(project),
        "record": redact_record(record, kind),
    }
    return _ENCODER.encode(envelope) + b"\n"


def copy_inventory(lines: Path, output: Path) -> None:
    """Write an inventory of lines under another name: for `.json` as one array, for `.gz` packed.

    Raises UsageError where that file cannot be written; it is whole or not there.
    """
    array = ".json" in output.suffixes
    packing = PACKED_SUFFIXES.get(output.suffix, "none")
    with lines.open("rb") as source, replacing(output) as out, pack(out, packing) as target:
        separator = b"[\n" if array else b""
        for line in source:
            target.write(separator + line.rstrip(b"\n"))
            separator = b",\n" if array else b"\n"
        target.write(b"\n]\n" if array else b"\n")
