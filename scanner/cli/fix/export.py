"""`keypolicy fix export`: an inventory goes in, keys as code for a provisioning tool come out."""

import argparse
import sys
from pathlib import Path
from typing import Final

from scanner.base.files import check_writable, replacing
from scanner.cli.shared import inputs
from scanner.cli.shared.gaps import warn_of_gaps
from scanner.gate import EXIT_INCOMPLETE
from scanner.model.inventory import Needs
from scanner.remediate.export import EXPORTERS, exporter
from scanner.remediate.keys import key_tables, known_keys

_TITLES: Final = {
    "terraform": "resources sentry_key with import blocks, for the provider jianyuan/sentry",
    "alchemy": "resources ClientKey that adopt the keys, in TypeScript",
}
_LEFT_OUT: Final = 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the step's arguments."""
    inputs.add_source_arguments(parser)
    output = parser.add_argument_group("output")
    chosen = output.add_mutually_exclusive_group(required=True)
    for name in EXPORTERS:
        chosen.add_argument(
            f"--{name}", dest="tool", action="store_const", const=name, help=_TITLES[name]
        )
    output.add_argument(
        "-o", "--output", metavar="FILE", type=Path, help="file to write (default: standard output)"
    )
    inputs.add_partial_argument(output)


def run(namespace: argparse.Namespace) -> int:
    """Export; returns 1 where keys had to be left out, 3 where not all of them were seen."""
    if namespace.output is not None:
        check_writable([namespace.output])
    settings = inputs.settings(namespace)
    source = inputs.source(namespace, settings)
    as_of = inputs.as_of(namespace)
    from scanner.engine.judge.findings import Findings  # noqa: PLC0415 - heavy
    from scanner.pipeline import open_inventory  # noqa: PLC0415 - heavy

    wanted = Needs.of(key_tables())
    with open_inventory(source, inputs.scope(namespace, settings), as_of, wanted) as opened:
        gaps = warn_of_gaps(opened.loaded, wanted)
        rows = Findings(opened.connection, (), {}).rows
        keys = [key for table in wanted.tables for key in known_keys(rows, table)]
    exported = exporter(namespace.tool)((key.target, key.state) for key in keys)
    _write(exported.text, namespace.output)
    for sentence in exported.left:
        inputs.warn(sentence)
    if gaps and not settings.allow_partial:
        return EXIT_INCOMPLETE
    return _LEFT_OUT if exported.left else 0


def _write(text: str, path: Path | None) -> None:
    if path is None:
        sys.stdout.write(text)
        return
    with replacing(path) as out:
        out.write(text.encode())
