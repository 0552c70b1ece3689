"""Files with a record a line, as the database reads them: as lines of text where that can be.

The reader of JSON hands over 2,048 records at a time, parsed, of whatever size, and what takes
fields out of them parses as many again: 80 MB for each thread. Lines of text come by the buffer.
But without a word their reader loses lines that are longer than several buffers, and what stands
after its separator. So files are looked at first, which takes a fiftieth of the time of a load.
"""

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Final

from scanner.base.packed import Packing
from scanner.inventory.envelope import PLACES
from scanner.model.inventory import Layout, RawInput

LONGEST: Final = 1 << 20
"""Lines shorter than this, in bytes, are read as text."""

ENVELOPE: Final = ("kind", *PLACES, "record")
"""What each line of an inventory has, and each row of one in Parquet."""

_HALF: Final = LONGEST // 2
"""A line that is begun in less than this, and ended in less than this, is shorter than LONGEST."""
_BUFFER: Final = 4 << 20
_LARGE: Final = 4 << 20
"""Bytes of files from which on memory matters more than another look at them."""

_SEPARATOR: Final = "\x1f"
_NEWLINE: Final = b"\n"
_FOREIGN: Final = (_SEPARATOR.encode(), b"\r", b"\v", b"\f")
"""What the reader of text takes for the end of a column or a line, that of JSON for a space."""
_BLANK: Final = "[ \\t\\r]*"
_TWICE: Final = "error('a member comes twice in a line')"
_LINES: Final = {Layout.API_LINES, Layout.INVENTORY_LINES}


def are_short(inputs: Sequence[RawInput]) -> bool:
    """Whether files are large, and no line of theirs is too long to be read as text."""
    if any(raw.layout not in _LINES or raw.packing != "none" for raw in inputs):
        return False
    stats = [(raw.path, raw.path.stat()) for raw in inputs]
    if sum(stat.st_size for _, stat in stats) < _LARGE:
        return False
    return all(_is_short(path, stat.st_size, stat.st_mtime_ns) for path, stat in stats)


@lru_cache(maxsize=1_000)
def _is_short(path: Path, _size: int, _changed: int) -> bool:
    """Look at a file once, unless it changes."""
    block, open_since = bytearray(_HALF), 0
    with path.open("rb", buffering=0) as file:
        while length := file.readinto(block):
            if any(block.find(sign, 0, length) >= 0 for sign in _FOREIGN):
                return False
            end = block.rfind(_NEWLINE, 0, length)
            open_since = length - end - 1 if end >= 0 else open_since + length
            if open_since >= _HALF:
                return False
    return True


def text_lines(packing: Packing, longest: int = LONGEST, buffer: int = _BUFFER) -> str:
    """Return a SELECT of file_index and the lines of files `$path` as they are, blank ones aside.

    The lines, called `json`, may be as long as `longest`, in bytes.
    """
    # Without quotes, and with a separator that no JSON has, nothing in a line means anything.
    return (
        "SELECT json, file_index FROM read_csv($path, columns = {json: 'VARCHAR'}, auto_detect ="
        f" false, header = false, delim = '{_SEPARATOR}', quote = '', escape = '',"
        f" new_line = '\\n', strict_mode = false, max_line_size = {longest},"
        f" buffer_size = {buffer}, compression = '{packing}', hive_partitioning = false)"
        f" WHERE NOT regexp_full_match(json, '{_BLANK}')"
    )


def parted(lines: str) -> str:
    """Return a SELECT of what the `lines` of an inventory have, NULL for null, each as JSON.

    A line that tells one thing twice is an error.
    """
    paths = ", ".join(f"'$.{name}'" for name in ENVELOPE)
    names = ", ".join(f"'{name}'" for name in ENVELOPE)
    texts = [f"CAST(j[{place}] AS VARCHAR)" for place, _ in enumerate(ENVELOPE, start=1)]
    parts = ", ".join(
        f"CASE WHEN {text} <> 'null' THEN j[{place}] END AS {name}"
        for place, (name, text) in enumerate(zip(ENVELOPE, texts, strict=True), start=1)
    )
    # A line as long as what it tells has nothing else in it; only others are looked at closely.
    # Of a record that is written otherwise, such as 1e12, the text may be longer than in the line.
    length = len("{}") - 1 + sum(len(name) + len('"":,') for name in ENVELOPE)
    sum_of = " + ".join(f"strlen({text})" for text in texts)
    whole = f"strlen(json) = {length} + {sum_of} AND contains(json, {texts[-1]})"
    named = f"list_filter(json_keys(json), lambda name: name IN ({names}))"
    twice = f"len({named}) > len(list_distinct({named}))"
    sound = f"CASE WHEN {whole} THEN j WHEN {twice} THEN {_TWICE} ELSE j END"
    return (
        f"SELECT {parts}, file_index FROM (SELECT {sound} AS j, file_index FROM"
        f" (SELECT json, json_extract(json, [{paths}]) AS j, file_index FROM ({lines})))"
    )


def no_slug(name: str) -> str:
    """Return SQL that is TRUE for a place (JSON) that is neither null nor a text with a word."""
    # Of JSON texts only strings begin with a letter as low as a quote.
    return f"coalesce(CAST({name} AS VARCHAR) >= '#' OR trim({name} ->> '$') = '', false)"
