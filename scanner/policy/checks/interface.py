"""What a built-in check is: typed arguments, a macro in the predicate language, and its docs."""

from collections.abc import Callable
from typing import Final, Generic

import msgspec

from scanner.catalogue import PROVIDERS, TABLES
from scanner.model.rule import ParamValue
from scanner.policy.language.signature import A, Signature

PROJECT: Final = "organization_slug, coalesce(CAST(project_id AS VARCHAR), project_slug)"
"""What tells the projects of keys apart: the id, which no renaming changes, where it is told."""


class Macro(msgspec.Struct, frozen=True):
    """What a check stands for: SQL over one table's columns, with the values of its `$names`.

    The text is TRUE for a resource that passes, FALSE for one that fails, NULL where data is
    missing that would decide.
    """

    text: str
    params: dict[str, ParamValue]


class Check(Signature[A], Generic[A], frozen=True, kw_only=True):
    """A built-in check.

    `fails_surely` says that FALSE stays FALSE whatever further rows there are: it holds where not
    all of them were seen. `message` is the finding's message unless the rule has its own.
    """

    message: str
    build: Callable[[A], Macro]
    fails_surely: bool = False

    @property
    def resources(self) -> tuple[str, ...]:
        """The tables that the check is for: those that say so."""
        return tuple(name for name, table in TABLES.items() if self.name in table.checks)


def remarks(name: str) -> str:
    """Return what providers have to say with a check, or an argument of it; a blank before each."""
    return "".join(f" {one.remarks[name]}" for one in PROVIDERS if name in one.remarks)
