"""Keys as code: states of keys go in, files for tools that provision keys come out."""

from collections.abc import Callable, Iterable
from typing import Any, Final, Protocol, cast

import msgspec

from scanner.catalogue import LIVE
from scanner.model.provider import imported
from scanner.remediate.document import KeyTarget, State


class ExportedFile(msgspec.Struct, frozen=True):
    """The text of a file, and of each key that is not in it a sentence that says why."""

    text: str
    left: tuple[str, ...]


class KeyWriter(Protocol):
    """Writes keys in the language of one tool; the same keys in any order give the same text."""

    def __call__(
        self, keys: Iterable[tuple[KeyTarget, State]], gone: Iterable[KeyTarget] = ()
    ) -> ExportedFile:
        """Return the file for these keys; a field that a state lacks is left out of it.

        A target has the name that its key has now, the state the one that it is to have. `gone` are
        keys that are there, and are not to be in the file.
        """
        ...


class Exporter(msgspec.Struct, frozen=True):
    """A tool that provisions keys.

    `title` is what of it sets them. `cannot` gives, of the fields that a state (empty for a new
    key) is to get, those that it cannot set.
    """

    title: str
    write: KeyWriter
    cannot: Callable[[State, State], list[str]]


EXPORTERS: Final = LIVE.exports
"""Where each exporter lives and what it writes; its name is that of the command's option."""


def exporter(name: str) -> Exporter:
    """Return an exporter by its name in EXPORTERS."""
    found: Any = imported(EXPORTERS[name][0])
    return cast("Exporter", found)
