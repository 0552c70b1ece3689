"""Many small files in a few: a corpus is a folder of tables, each of many files in one text.

A line `=== NAME` begins a file, which goes on to the next such line. What cannot stand in a table,
such as a file with two kinds of line ends, lies beside the tables as it is.
"""

import re
from pathlib import Path

_START = re.compile(r"^=== (\S+)\n", re.MULTILINE)


def names(corpus: Path) -> list[str]:
    """Return the names of the files at the top of the corpus, in the order of the alphabet."""
    return sorted(name for name in _texts(corpus) if "/" not in name)


def unpack(corpus: Path, folder: Path) -> Path:
    """Write the corpus's files into a folder, and return it."""
    for name, text in _texts(corpus).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
    return folder


def _texts(corpus: Path) -> dict[str, bytes]:
    texts: dict[str, bytes] = {path.name: path.read_bytes() for path in corpus.glob("*.yaml")}
    for table in sorted(corpus.glob("*.txt")):
        parts = _START.split(table.read_text("utf-8"))
        for name, text in zip(parts[1::2], parts[2::2], strict=True):
            if name in texts:
                raise ValueError(f"{name} stands twice in {corpus}")
            texts[name] = text.encode()
    return texts
