"""What an inventory file says of itself, and its lines that are no keys.

Nearly all lines of a large inventory are keys, which the load reads. Here only the others are
parsed: they are found by how a line begins.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from scanner.base.errors import InventoryFileError
from scanner.base.shape.decode import UnfitError, decoded
from scanner.catalogue.redact import redact_text, redacted
from scanner.engine.database import Connection
from scanner.engine.intake import columnar
from scanner.engine.intake.reader import (
    FILE_NUMBER,
    MANY,
    MAX_RECORD,
    STAGED,
    BadInputError,
    lines_of,
    objects_of,
    refusing,
    run_on,
)
from scanner.inventory.envelope import (
    ENDING,
    HEADER,
    KINDS,
    OTHER_VERSION,
    PLACES,
    Ending,
    EnvelopeError,
    Header,
    check_line,
    decode,
    read_ending,
    read_header,
    unfiltered,
)
from scanner.inventory.rows.lines import are_short, no_slug, parted, text_lines
from scanner.inventory.rows.typed import Present
from scanner.model.inventory import Layout, RawInput

_MOST_LINES: Final = 10
"""Lines beside the records that are looked at of a file: a sound one has two."""

_KEY_LINES: Final = tuple(f'{{"kind":"{name}",' for name in MANY)
"""How the lines of keys begin as `keypolicy fetch` writes them."""


class Envelope(NamedTuple):
    """What an inventory says of itself, of which kinds the staged records are, its columns."""

    header: Header
    ending: Ending
    kinds: frozenset[str]
    present: Present | None


def read_envelopes(connection: Connection, inputs: Mapping[int, RawInput]) -> dict[int, Envelope]:
    """Read the first and the last line of inventory files, and hold their lines to their form.

    Lines of keys that begin as `keypolicy fetch` writes them are left to the load. Those of
    other tables are put aside on the way, into the table STAGED, each with the number that its
    file has among `inputs`. Raises InventoryFileError where a file is cut off or joined from
    several, BadInputError where a line is not as it should be or the version is another.
    """
    ways: dict[object, list[int]] = defaultdict(list)
    present: dict[int, Present | None] = {}
    for number, raw in inputs.items():
        in_columns = raw.layout is Layout.INVENTORY_PARQUET
        present[number] = columns_of(connection, raw) if in_columns else None
        ways[raw.layout, raw.packing, str(present[number])].append(number)
    connection.execute(
        f"CREATE OR REPLACE TABLE {STAGED} (kind JSON, organization JSON, project JSON,"
        " record JSON, odd BOOLEAN, file INTEGER)"
    )
    for numbers in ways.values():
        _put_aside(connection, {n: inputs[n] for n in numbers}, present[numbers[0]])
    lines: dict[int, list[tuple[str | None, ...]]] = defaultdict(list)
    for number, *line in connection.execute(
        f"SELECT file, COLUMNS(* EXCLUDE (file, odd))::VARCHAR FROM {STAGED} WHERE odd"
        f" QUALIFY row_number() OVER (PARTITION BY file ORDER BY rowid) <= {_MOST_LINES}"
        " ORDER BY rowid"
    ).fetchall():
        lines[number].append(tuple(line))
    kinds: dict[int, set[str]] = defaultdict(set)
    for number, kind in connection.execute(
        f"SELECT DISTINCT file, kind ->> '$' FROM {STAGED}"
    ).fetchall():
        kinds[number].add(kind)
    return {
        number: _envelope(raw, lines[number], frozenset(kinds[number]), present[number])
        for number, raw in inputs.items()
    }


def _envelope(
    raw: RawInput,
    found: Sequence[tuple[str | None, ...]],
    kinds: frozenset[str],
    present: Present | None,
) -> Envelope:
    """Return what the lines of a file say that are no records."""
    lines: dict[str, list[str | None]] = {HEADER: [], ENDING: []}
    try:
        for *places, record in found:
            line = [None if part is None else decoded(part.encode(), object) for part in places]
            check_line(*line)
            lines[str(line[0])].append(record)
        if max(map(len, lines.values())) > 1:
            raise _unusable(raw, "holds several inventories", "Give each file by itself.")
        if not lines[ENDING]:
            raise _unusable(raw, "is cut off: its closing line is missing")
        if not lines[HEADER]:
            raise _unusable(raw, "is not as `keypolicy fetch` writes it: its first line is missing")
        header, ending = (_without_secrets(lines[kind][0]) for kind in lines)
        told = read_header(header, typed=present is not None)
        if present is not None:
            columnar.check_said(raw, told.columns, present)
        return Envelope(told, unfiltered(told, read_ending(ending), raw.label), kinds, present)
    except (EnvelopeError, UnfitError) as error:
        why = redact_text(str(error))
        in_rows = raw.layout is Layout.INVENTORY_PARQUET  # others are read once more, for the place
        if in_rows and isinstance(error, EnvelopeError) and error.path == ("version",):
            raise _unusable(raw, why, OTHER_VERSION) from None
        raise BadInputError((raw,), why) from None


def _put_aside(
    connection: Connection, inputs: Mapping[int, RawInput], present: Present | None
) -> None:
    """Put lines that are no keys, and malformed ones, into STAGED, from files read alike."""
    raw = next(iter(inputs.values()))
    records = [kind for kind in KINDS if kind not in {HEADER, ENDING}]
    odd = (
        "kind IS NULL OR NOT list_contains($records, kind ->> '$')"
        f" OR {' OR '.join(map(no_slug, PLACES))}"
    )
    # Of a file that is no inventory every line may be malformed: their records are not kept.
    kept = f"kind ->> '$' IN ('{HEADER}', '{ENDING}') OR NOT odd"
    chosen = (
        f"SELECT * EXCLUDE (file_index) REPLACE (CASE WHEN {kept} THEN record END AS record),"
        f" {FILE_NUMBER} AS file FROM (SELECT *, {odd} AS odd FROM ({{}}))"
        " WHERE odd OR NOT list_contains($many, kind ->> '$')"
    )
    values = {"records": records, "many": list(MANY), "numbers": list(inputs)}
    # No temporary one: the cursor that looks for secrets in it would not see it.
    in_rows = raw.layout is Layout.INVENTORY_PARQUET
    short = are_short(tuple(inputs.values()))
    lines = lines_of(present) if in_rows else _other_lines(raw, short=short)
    insert = f"INSERT INTO {STAGED} BY NAME {chosen.format(lines)}"
    run_on(connection, tuple(inputs.values()), insert, values)


def _other_lines(raw: RawInput, *, short: bool) -> str:
    """Return the lines of an inventory, each column as JSON.

    In a file with one a line, those that begin as the lines of keys do are left out, not parsed.
    """
    if raw.layout is Layout.INVENTORY_ARRAY:
        return parted(f"SELECT json, file_index FROM {objects_of(raw)}")
    keys = " OR ".join(f"starts_with(json, '{beginning}')" for beginning in _KEY_LINES)
    lines = text_lines(raw.packing) if short else text_lines(raw.packing, MAX_RECORD, MAX_RECORD)
    return parted(f"SELECT * FROM ({lines}) WHERE NOT ({keys})")


def columns_of(connection: Connection, raw: RawInput) -> Present | None:
    """Return the columns of a Parquet file, see columnar, once it is known how far it unpacks.

    Raises InventoryFileError, and BadInputError where DuckDB cannot read the file.
    """
    try:
        with refusing((raw,)):
            present = columnar.present(connection, raw)
            columnar.check_expansion(connection, raw, present)
            if present is not None:
                columnar.check_places(connection, raw)
    except EnvelopeError as error:
        raise BadInputError((raw,), redact_text(str(error))) from None
    return present


def _without_secrets(text: str | None) -> object:
    """Decode a line of the file that is no record, which anybody may have edited."""
    return redacted(decode(text or "null"))


def _unusable(raw: RawInput, message: str, remedy: str = "") -> InventoryFileError:
    return InventoryFileError(
        message, where=raw.label, remedy=remedy or "Fetch it again with `keypolicy fetch -o FILE`."
    )
