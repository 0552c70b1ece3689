"""How each database says what a lowered tree is made of: a file each, and a line here."""

from importlib import import_module
from typing import TYPE_CHECKING, Final, cast

from scanner.base.errors import UsageError

if TYPE_CHECKING:
    from scanner.engine.dialect.words.write import Words

DIALECTS: Final = {
    "postgres": "scanner.engine.dialect.words.postgres:POSTGRES",
    "spark": "scanner.engine.dialect.words.spark:SPARK",
}
"""The words of each engine, by name."""


def words_of(engine: str) -> "Words":
    """Return the words of an engine. Raises UsageError where sqlglot is not installed."""
    module, _, name = DIALECTS[engine].partition(":")
    try:
        return cast("Words", getattr(import_module(module), name))
    except ModuleNotFoundError as error:
        if error.name != "sqlglot":
            raise
        raise UsageError(
            f"the SQL of {engine} is written with sqlglot, which is not installed",
            where=engine,
            remedy=f"Install it: `pip install 'keypolicy[{engine}]'`.",
        ) from None
