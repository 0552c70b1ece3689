"""What a file is, told from its first and last bytes: its layout, and what its records are.

Only a bounded part is read and nothing is parsed whole: the engine reads the records. What is
plainly not an inventory is refused here, because here the reason can still be told.
"""

import json
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import InventoryFileError, UsageError
from scanner.base.files import open_regular
from scanner.base.packed import Packing, most_unpacked, packing_of, unpack
from scanner.base.text import plural
from scanner.catalogue import API, PROVIDERS, TABLES
from scanner.catalogue.redact import redact_text
from scanner.model.inventory import Layout

PEEK_BYTES: Final = 1 << 20
"""How much of a file's beginning is looked at; a record is a few kilobytes."""

_TAIL_BYTES: Final = 1 << 12
_QUOTE_LENGTH: Final = 200
_SPACE: Final = " \t\r\n"
_BOM: Final = b"\xef\xbb\xbf"
_TOKEN: Final = re.compile(r'"((?:[^"\\]|\\.)*+)(?:"|\\?\Z)|[{}\[\]:,]', re.DOTALL)

_EXPORT: Final = (
    f"Give {', '.join(provider.export for provider in PROVIDERS)}, or an inventory written by"
    " `keypolicy fetch`."
)
_AS_FILE: Final = "Save the records to a file that you may read, and give that file."
_COMPRESSED: Final = (
    (b"\x1f\x8b", "gzip, twice", "Unpack it once: gunzip -k FILE"),
    (b"\x28\xb5\x2f\xfd", "zstd, twice", "Unpack it once: unzstd FILE"),
    (b"BZh", "bzip2", "Unpack it first: bunzip2 -k FILE"),
    (b"\xfd7zXZ", "xz", "Unpack it first: unxz -k FILE"),
    (b"PK\x03\x04", "zip", "Unpack it first: unzip FILE"),
)
_COLUMNS: Final = {
    name: column.field.removeprefix("$.")
    for table in TABLES.values()
    for name, column in table.columns.items()
    if "_" in name and column.field.count(".") == 1 and column.field != f"$.{name}"
}
"""Fields of the API by the columns that tell them under another name."""

_UTF16: Final = re.compile(rb"\xff\xfe|\xfe\xff|.\x00|\x00.", re.DOTALL)


class Sniffed(msgspec.Struct, frozen=True):
    """What a file is. `kind` is the table of an API export; None for an inventory.

    It is also None for an empty list (`empty`), which does not tell what it is a list of.
    """

    layout: Layout
    kind: str | None = None
    empty: bool = False
    packing: Packing = "none"


def sniff(path: Path) -> Sniffed:
    """Tell what the file is; raise InventoryFileError for what is no inventory."""
    packing, head, tail = _ends(path)
    return msgspec.structs.replace(_sniffed(path, packing, head, tail), packing=packing)


def _sniffed(path: Path, packing: Packing, head: bytes, tail: bytes) -> Sniffed:
    if head.startswith(b"PAR1"):
        if packing != "none":
            raise _refusal(path, f"a Parquet file packed with {packing}", "Give it unpacked.")
        if not tail.endswith(b"PAR1"):
            raise _refusal(path, "a Parquet file that was cut off", "Write it again.")
        return Sniffed(Layout.INVENTORY_PARQUET)
    _refuse_binary(path, head)
    bom = head.startswith(_BOM)
    text = head.removeprefix(_BOM).decode(errors="replace").lstrip(_SPACE)
    if text.startswith("["):
        return _array(path, text, tail)
    if text.startswith("{"):
        return _objects(path, text, bom=bom)
    if text.startswith('"') and (said := _TOKEN.match(text)) is not None:
        raise _answered(path, _quoted(said[1]))  # as refusals for going too fast are
    raise _not_json(path, text)


def _ends(path: Path) -> tuple[Packing, bytes, bytes]:
    """Return how the file is packed, and the first and last bytes of what it holds."""
    if not os.path.lexists(path):
        remedy = _AS_FILE if str(path) == "-" else "Check the path given to --inventory."
        raise _refusal(path, "no such file", remedy)
    packing: Packing = "none"
    try:
        # The engine opens the file anew, so that it cannot be a pipe: what was read here is gone.
        with open_regular(path) as file:
            head, size = file.read(PEEK_BYTES), os.fstat(file.fileno()).st_size
            packing = packing_of(head)
            if packing != "none":
                file.seek(0)
                return packing, *_unpacked_ends(path, unpack(file, packing), size)
            file.seek(max(0, size - _TAIL_BYTES))
            return packing, head, file.read(_TAIL_BYTES)
    except UsageError as error:
        # What is packed was read: what is wrong with it tells its own remedy.
        remedy = error.remedy if packing != "none" else _AS_FILE
        raise _refusal(path, error.message, remedy) from error
    except OSError as error:
        told = f"cannot be read: {error.strerror}"
        raise _refusal(path, told, "Check its permissions.") from error


def _unpacked_ends(path: Path, pieces: Iterator[bytes], size: int) -> tuple[bytes, bytes]:
    """Return the first and last bytes of all: nothing less tells whether the file is whole."""
    head, tail, total, most = bytearray(), b"", 0, most_unpacked(size)
    for piece in pieces:
        total += len(piece)
        head += piece[: PEEK_BYTES - len(head)]
        tail = (tail + piece)[-_TAIL_BYTES:]
        if total > most:
            raise too_large(str(path), total, size)
    return bytes(head), tail


def too_large(where: str, found: int, size: int) -> InventoryFileError:
    """Return the error for a file that comes to more than may be read of one of its size."""
    return InventoryFileError(
        f"unpacks to {found >> 20:,} MiB or more from {plural(size, 'byte')};"
        f" {most_unpacked(size) >> 20:,} MiB is the most that is read of it",
        where=where,
        remedy="It was not written by `keypolicy fetch`, or is damaged. Give the records as .jsonl"
        " if they are really so many.",
    )


def _refuse_binary(path: Path, head: bytes) -> None:
    if not head:
        raise _refusal(path, "the file is empty", f"The export wrote nothing. {_EXPORT}")
    for magic, name, remedy in _COMPRESSED:
        if head.startswith(magic):
            raise _refusal(path, f"compressed with {name}", remedy.replace("FILE", str(path)))
    if _UTF16.match(head):
        raise _refusal(
            path,
            "encoded in UTF-16, not UTF-8",
            "PowerShell's > writes UTF-16; write with `| Out-File -Encoding utf8` instead.",
        )


def _array(path: Path, text: str, tail: bytes) -> Sniffed:
    # The engine's reader takes a list that ends after a comma for a whole one.
    if not tail.rstrip().endswith(b"]"):
        raise _refusal(
            path,
            'the list is not closed: its last character is not "]", so the file was cut off',
            "Export it again, whole.",
        )
    first = text[1:].lstrip(_SPACE)
    if first.startswith("]"):
        return Sniffed(Layout.API_ARRAY, empty=True)
    if not first.startswith("{"):
        raise _refusal(path, "a list of something else than records (JSON objects)", _EXPORT)
    fields, _ = _first_object(first)
    if _is_inventory(fields):
        return Sniffed(Layout.INVENTORY_ARRAY)
    return Sniffed(Layout.API_ARRAY, _kind(path, fields))


def _objects(path: Path, text: str, *, bom: bool) -> Sniffed:
    fields, end = _first_object(text)
    line_end = text.find("\n")
    rest = text[end : line_end if line_end >= 0 else None] if end else ""
    lines = end is not None and (line_end < 0 or end <= line_end) and not rest.strip()
    if _is_inventory(fields):
        # DuckDB's reader of lines refuses a byte order mark; `fetch` never writes one.
        if not lines or bom:
            raise _refusal(
                path,
                "an inventory that was reformatted: it is not one record a line any more",
                f"Use the file as `keypolicy fetch` wrote it, or mend it: jq -c . {path}",
            )
        return Sniffed(Layout.INVENTORY_LINES)
    kind = _kind(path, fields)
    return Sniffed(Layout.API_LINES if lines and not bom else Layout.API_OBJECT, kind)


def _first_object(text: str) -> tuple[dict[str, str | None], int | None]:
    """Return the first object's fields, with the raw text of those that are strings, and its end.

    The end is None where the object is broken or longer than what was read; the fields are then
    those that come before. Nothing is checked here: that is the engine's part.
    """
    fields: dict[str, str | None] = {}
    depth = 0
    name: str | None = None
    text_before = ""
    for token in _TOKEN.finditer(text):
        mark = token[0]
        if mark in "{[":
            depth += 1
        elif mark in "}]":
            depth -= 1
            if depth == 0:
                return fields, token.end()
        elif depth == 1:
            if mark == ":":
                name = text_before
                fields[name] = None
            elif mark == ",":
                name = None
            elif name is None:
                text_before = token[1]
            else:
                fields[name] = token[1]
    return fields, None


def _is_inventory(fields: dict[str, str | None]) -> bool:
    return fields.get("kind") == "inventory"


def _kind(path: Path, fields: dict[str, str | None]) -> str:
    for column, field in _COLUMNS.items():
        if column in fields and field not in fields:
            # Read as records they would tell nothing of what these columns say.
            raise _refusal(
                path,
                "rows of a table, as a query writes them, not records of the API: they have"
                f" {column} where it has {field}",
                _EXPORT,
            )
    for kind in (kind for provider in PROVIDERS for kind in provider.kinds):
        if kind.demanded <= fields.keys() and kind.telling & fields.keys():
            return kind.table
    raise _unknown(path, fields)


def _unknown(path: Path, fields: dict[str, str | None]) -> InventoryFileError:
    """Say what a file of unknown records is instead, where that can be told."""
    if "detail" in fields and "id" not in fields:
        slug = fields.get("slug")
        moved = "" if slug is None else f"it is now called {_quoted(slug)}"
        return _answered(path, _quoted(fields["detail"] or "") or moved)
    if "kind" in fields and "record" in fields:
        return _refusal(
            path,
            "lines of an inventory without its first line",
            "Use the whole file as `keypolicy fetch` wrote it.",
        )
    if "findings" in fields or "runs" in fields:
        return _refusal(path, "a report, not an inventory", _EXPORT)
    for unclear in (unclear for provider in PROVIDERS for unclear in provider.unclear):
        if unclear.fields <= fields.keys():
            return _refusal(path, unclear.message, unclear.remedy)
    names = _quoted(", ".join(sorted(fields)[:8])) or "none"
    return _refusal(path, f"records of an unknown kind, with the fields: {names}", _EXPORT)


def _answered(path: Path, said: str) -> InventoryFileError:
    return _refusal(
        path,
        f"an error that the API answered, not records{f': {said}' if said else ''}",
        "Mend the request (token, organization, project) and export again.",
    )


def _quoted(text: str) -> str:
    """Return raw JSON text for a message: unescaped, so that a secret shows, without secrets."""
    with suppress(ValueError):
        text = str(json.loads(f'"{text}"'))
    return redact_text(text)[:_QUOTE_LENGTH]


def _not_json(path: Path, text: str) -> InventoryFileError:
    if not text:
        return _refusal(path, "the file holds only white space", _EXPORT)
    if text.startswith("<"):
        return _refusal(
            path,
            "HTML or XML, not JSON",
            "A sign-in or error page was saved: ask an address under"
            f" {API.prefix} and send a token.",
        )
    if re.match(r"HTTP/\d|# *curl|[*<>] ", text):
        return _refusal(
            path,
            "an HTTP answer with its headers, not JSON",
            "Save the body alone: curl without -i and -v.",
        )
    return _refusal(path, "neither JSON, JSON Lines nor Parquet", _EXPORT)


def _refusal(path: Path, message: str, remedy: str) -> InventoryFileError:
    return InventoryFileError(message, where=str(path), remedy=remedy)
