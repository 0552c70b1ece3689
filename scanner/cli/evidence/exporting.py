"""`keypolicy evidence export`: write the bundle of a run, and its signature."""

import argparse
import hashlib
import shutil
import sys
from typing import TYPE_CHECKING

from scanner.base.files import replacing
from scanner.base.scratch import scratch
from scanner.base.text import clean, plural
from scanner.cli.history.output import folder_of, opened
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import check_free
from scanner.evidence.archive import pack
from scanner.evidence.bundle import chain, members
from scanner.evidence.signature import SUFFIX, sign
from scanner.history.choose import choose
from scanner.history.tell.words import day

if TYPE_CHECKING:
    from pathlib import Path


def run(namespace: argparse.Namespace) -> int:
    """Write the bundle; nothing is written where it cannot be made or signed."""
    history = opened(folder_of(namespace))
    chosen = choose(history, namespace.run)
    output: Path = namespace.output
    beside = output.with_name(output.name + SUFFIX)
    key = [namespace.sign] if namespace.sign else []
    check_free([output, beside] if key else [output], key)
    found = members(history, chosen)
    with scratch() as folder:
        made = folder / "bundle.zip"
        with made.open("wb") as out:
            pack(found, out)
        signature = sign(made, namespace.sign) if namespace.sign else None
        with made.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            file.seek(0)
            with replacing(output) as out:
                shutil.copyfileobj(file, out, 1 << 20)
        if signature is not None:
            with replacing(beside) as out:
                out.write(signature)
        size = made.stat().st_size
    if not any(name.rpartition("/")[2].startswith("inventory-") for name in found):
        inputs.warn("the run has no inventory any more: nobody can judge it anew")
    before = len(chain(history, chosen))
    sys.stdout.write(
        f"{clean(str(output))}: run {chosen.manifest.run.id[:12]} of"
        f" {day(chosen.manifest.run.as_of)} UTC and {plural(before, 'run')} before it,"
        f" {plural(len(found), 'file')}, {plural(size, 'byte')}\nSHA-256 {digest}\n"
        + (f"{clean(str(beside))}: its signature\n" if signature else "")
    )
    return 0
