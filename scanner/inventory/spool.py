"""The inventory file: an envelope a line, written as data arrives, ended by what was covered.

    {"kind": "inventory", "record": {"version": 1, "tool": "keypolicy 0.1.0", ...}}
    {"kind": "sentry_key", "organization": "acme", "project": "web", "record": {...}}
    {"kind": "end", "record": {"coverage": {"sentry_key": {"state": "complete", ...}}}}

Records keep the shape of Sentry's API, without secrets. A file without its last line was cut
off and is refused. `copy_inventory` makes the same lines one JSON array, the `.json` form.
"""

import os
import tempfile
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from scanner import __version__
from scanner.files import replacing
from scanner.inventory.redact import redact_record
from scanner.model.coverage import TableCoverage
from scanner.model.inventory import FORMAT_VERSION


class Spool:
    """Writes one inventory file, as lines; nothing appears under its name before `finish`.

    Use as a context manager: leaving it without `finish` removes what was written.
    """

    def __init__(self, path: Path, *, sources: tuple[str, ...], server: str | None) -> None:
        self.path = path
        self.rows: Counter[str] = Counter()
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        self._temporary: Path | None = Path(name)
        self._file = os.fdopen(handle, "wb")
        self._encoder = msgspec.json.Encoder()
        self._write(
            {
                "kind": "inventory",
                "record": {
                    "version": FORMAT_VERSION,
                    "tool": f"keypolicy {__version__}",
                    "fetched_at": datetime.now(UTC),
                    "server": server,
                    "sources": sources,
                },
            }
        )

    def add(
        self, kind: str, record: dict[str, Any], *, organization: str | None, project: str | None
    ) -> None:
        """Redact a record as the API gave it and append it to the table `kind`.

        `organization` and `project` are slugs; None where not known.
        """
        envelope = {
            "kind": kind,
            "organization": organization,
            "project": project,
            "record": redact_record(record, kind),
        }
        self._write(envelope)
        self.rows[kind] += 1

    def finish(self, coverage: dict[str, TableCoverage]) -> Path:
        """Write the closing line and give the file its name, in one step."""
        counted = {
            name: msgspec.structs.replace(table, rows=self.rows[name])
            for name, table in coverage.items()
        }
        self._write({"kind": "end", "record": {"coverage": counted}})
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
        self._file.write(self._encoder.encode(envelope) + b"\n")


def copy_inventory(lines: Path, output: Path) -> None:
    """Write an inventory of lines under another name, as one JSON array for `.json`.

    Raises UsageError where that file cannot be written; it is whole or not there.
    """
    array = output.suffix == ".json"
    with lines.open("rb") as source, replacing(output) as target:
        separator = b"[\n" if array else b""
        for line in source:
            target.write(separator + line.rstrip(b"\n"))
            separator = b",\n" if array else b"\n"
        target.write(b"\n]\n" if array else b"\n")
