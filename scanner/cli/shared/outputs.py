"""Output: whether a format can go there, that no file is lost by it, and how it is shown."""

import argparse
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import check_writable, real
from scanner.base.streams import takes_bytes
from scanner.base.text import clean, clean_json
from scanner.config.settings import Settings
from scanner.model.history import MANIFEST, MARKER


def check_format(name: str) -> None:
    """Raise UsageError for a format that standard output cannot take, or that there is not."""
    from scanner.report import format_called  # noqa: PLC0415 - not for --help

    if format_called(name).is_binary and (sys.stdout.isatty() or not takes_bytes()):
        kind = "a terminal" if takes_bytes() else "of text alone"
        raise UsageError(
            f"{name} is no text, and standard output is {kind}",
            where="--format",
            remedy="Name a file with -o FILE, or send standard output to one: > FILE.",
        )


def check_outputs(
    outputs: Iterable[Path], namespace: argparse.Namespace, settings: Settings
) -> None:
    """Raise UsageError where an output cannot be written, or is a file that the command reads.

    Done before anything is fetched.
    """
    if chosen := list(outputs):
        # What is not there yet can take nothing away: no policy is read for it.
        replaces = any(map(os.path.isfile, chosen))
        check_free(chosen, _read_by(namespace, settings) if replaces else ())


def check_free(paths: Iterable[Path], read: Iterable[Path] = ()) -> None:
    """Raise UsageError where a file cannot be written, is `read`, or is in a kept run.

    In a kept run nothing ever changes.
    """
    chosen = list(paths)
    for path in chosen:
        for folder in real(path).parents:
            if (folder / MANIFEST).is_file() and (folder.parent / MARKER).is_file():
                raise UsageError(
                    "is in a kept run of a history, which it would damage",
                    where=str(path),
                    remedy="Name a file outside of the runs.",
                )
    check_writable(chosen, read)


def _read_by(namespace: argparse.Namespace, settings: Settings) -> Iterator[Path]:
    """Give the files that the command reads, as far as its arguments and settings name them."""
    files = [one for one in getattr(namespace, "inventory", ()) if isinstance(one, Path)]
    if files:
        from scanner.inventory.file import files_of  # noqa: PLC0415 - read soon, but not by --help

        yield from files_of(files)
    yield from getattr(namespace, "earlier", ())
    yield from getattr(namespace, "organizations_from", ())
    locked = Path(settings.locked[0]) if settings.locked else None
    named = (settings.waivers, settings.baseline, settings.owners, locked)
    given = (getattr(namespace, name, None) for name in ("report", "audit", "ca_bundle"))
    yield from (Path(path) for path in (*named, *given) if path is not None)
    if settings.policies:
        from scanner.policy.load import files_read  # noqa: PLC0415 - see above

        yield from files_read(settings.policies)


def as_json(value: object) -> bytes:
    """Return a value as JSON for people."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"


def print_json(value: object) -> None:
    """Write a value to standard output as JSON for people, safe for logs."""
    sys.stdout.write(clean_json(as_json(value).decode()))


def print_lines(text: str) -> None:
    """Write text to standard output as it is, with each of its lines made harmless."""
    sys.stdout.write("\n".join(map(clean, text.split("\n"))))
