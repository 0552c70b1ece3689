"""The registry of sources: what can deliver an inventory."""

from collections.abc import Callable
from importlib import import_module
from typing import Final, cast

from scanner.inventory.source import Source

SOURCES: Final = {
    "file": "scanner.inventory.file:FileSource",
    "sentry": "scanner.providers.sentry.live.source:SentrySource",
    "demo": "scanner.providers.sentry.demo:DemoSource",
}
"""Where each source lives, `module:class`; what is not used is not imported."""


def load_source(name: str) -> Callable[..., Source]:
    """Return the class of a source by its name in SOURCES."""
    module, _, attribute = SOURCES[name].partition(":")
    return cast("Callable[..., Source]", getattr(import_module(module), attribute))
