"""Databases that evaluate rules where the data already is: one file each, and a line here."""

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from scanner.base.errors import UsageError
from scanner.engine.dialect.words import words_of
from scanner.engine.remote.interface import DataPlace, Opener

if TYPE_CHECKING:
    from scanner.engine.dialect.words.write import Words

ENGINES: Final = {
    "postgres": "scanner.engine.remote.postgres:open_postgres",
    "spark": "scanner.engine.remote.spark:open_spark",
}
"""What opens each engine, by name."""


def opener(place: DataPlace) -> tuple[Opener, "Words"]:
    """Return what opens the engine of a place, and its words.

    Raises UsageError where it is not installed.
    """
    module, _, name = ENGINES[place.engine].partition(":")
    try:
        opened = import_module(module)
        return cast("Opener", getattr(opened, name)), words_of(place.engine)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith("scanner"):
            raise
        raise UsageError(
            f"the engine {place.engine} needs the package {error.name}",
            where="--engine",
            remedy=f"Install it: `pip install 'keypolicy[{place.engine}]'`.",
        ) from None
