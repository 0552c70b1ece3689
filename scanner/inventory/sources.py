"""The registry of sources: what can deliver an inventory."""

from collections.abc import Callable
from typing import Final, cast

from scanner.catalogue import PROVIDERS
from scanner.inventory.source import Source
from scanner.model.provider import imported

SOURCES: Final = {
    "file": "scanner.inventory.file:FileSource",
    **{name: place for provider in PROVIDERS for name, place in provider.sources.items()},
}
"""Where each source lives, `module:class`; what is not used is not imported."""


def load_source(name: str) -> Callable[..., Source]:
    """Return the class of a source by its name in SOURCES."""
    return cast("Callable[..., Source]", imported(SOURCES[name]))
