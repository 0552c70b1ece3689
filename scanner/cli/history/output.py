"""What the actions share: the history that is meant, and a sheet or JSON where it is wanted."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.base.text import clean_json
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import as_json, check_free
from scanner.history.folder import History
from scanner.history.manifest import DamageError
from scanner.history.tell.words import MOST, MOST_OF_A_PAGE
from scanner.report.sheet import lines
from scanner.report.sheet.sheet import Sheet

_SUFFIXES: Final = {".html": "html", ".json": "json", ".md": "markdown", ".txt": "terminal"}


def form_of(namespace: argparse.Namespace) -> str:
    """Return the format that is meant. Raises UsageError for a file that has none."""
    if namespace.format is not None:
        form: str = namespace.format
        return form
    if namespace.output is None:
        return "terminal"
    found = _SUFFIXES.get(namespace.output.suffix.lower())
    if found is None:
        raise UsageError(
            "has no format that goes by this file name",
            where=str(namespace.output),
            remedy=f"End the name in one of {', '.join(_SUFFIXES)}, or give --format.",
        )
    return found


def folder_of(namespace: argparse.Namespace) -> Path | None:
    """Return the folder that the options or the settings name."""
    return inputs.settings(namespace).history


def opened(folder: Path | None) -> History:
    """Open the history. Raises UsageError where none is named, DamageError where it is none."""
    if folder is None:
        raise UsageError(
            "there is no history",
            where="history",
            remedy="Name it: --history DIR, KEYPOLICY_HISTORY, or `history` in keypolicy.yaml.",
        )
    return History(folder)


def warn_of(damage: Iterable[DamageError]) -> None:
    """Warn of runs that are passed over."""
    for error in damage:
        inputs.warn(f"{error.where}: {error.message}; see `keypolicy history verify`")


def damage_line(one: DamageError) -> str:
    """Return what is wrong in a line for people."""
    return f"{one.where}: {one.message} [{one.code}]. {one.remedy}".rstrip(" ")


def damage_plain(one: DamageError) -> dict[str, str]:
    """Return what is wrong as JSON tells it."""
    told = {"where": one.where, "code": one.code, "message": one.message}
    return {**told, "remedy": one.remedy}


def tell(
    namespace: argparse.Namespace,
    put: Callable[[Sheet, int], None],
    value: Callable[[], object],
) -> None:
    """Write what an action has to tell: `put` puts it on a sheet, `value` is the same as JSON.

    The number that `put` is given is how many findings of a class there is room for.
    """
    form = form_of(namespace)
    if form == "json":
        write(namespace, as_json(value()), is_json=True)
        return
    sheet = Sheet()
    put(sheet, MOST_OF_A_PAGE if form == "html" else MOST)
    write(namespace, written(sheet, form))


def written(sheet: Sheet, form: str) -> bytes:
    """Return a sheet in one of the formats but JSON."""
    if form == "html":
        from scanner.report.sheet.page import html  # noqa: PLC0415 - heavy

        return html(sheet)
    made = lines.markdown(sheet) if form == "markdown" else lines.terminal(sheet)
    return "".join(f"{line}\n" for line in made).encode()


def write(namespace: argparse.Namespace, content: bytes, *, is_json: bool = False) -> None:
    """Write to the file that is named, or to standard output: JSON so that it is safe for logs."""
    if namespace.output is not None:
        check_free([namespace.output])
        with replacing(namespace.output) as out:
            out.write(content)
        return
    sys.stdout.write(clean_json(content.decode()) if is_json else content.decode())
