"""What a built-in check is: typed arguments, a macro in the predicate language, and its docs."""

from collections.abc import Callable
from typing import Annotated, Any, Final, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from scanner.catalogue import PROVIDERS, TABLES
from scanner.model.rule import ParamValue
from scanner.policy.language.slots import Slot

A = TypeVar("A", bound=msgspec.Struct)

PROJECT: Final = "organization_slug, coalesce(CAST(project_id AS VARCHAR), project_slug)"
"""What tells the projects of keys apart: the id, which no renaming changes, where it is told."""


class Macro(msgspec.Struct, frozen=True):
    """What a check stands for: SQL over one table's columns, with the values of its `$names`.

    The text is TRUE for a resource that passes, FALSE for one that fails, NULL where data is
    missing that would decide.
    """

    text: str
    params: dict[str, ParamValue]


class Check(msgspec.Struct, Generic[A], frozen=True, kw_only=True):
    """A built-in check.

    `arguments` is a Struct whose fields are annotated with their Slot; its __post_init__ raises
    ValueError for combinations that make no sense. `short` is the argument that a bare value
    stands for (`max_age: 90d`); `flag` checks may be written as `true`, with every argument at
    its default. `fails_surely` says that FALSE stays FALSE whatever further rows there are: it
    holds where not all of them were seen. `message` is the finding's message unless the rule has
    its own.
    """

    name: str
    summary: str
    description: str
    example: str
    message: str
    arguments: type[A]
    build: Callable[[A], Macro]
    short: str | None = None
    flag: bool = False
    fails_surely: bool = False

    @property
    def resources(self) -> tuple[str, ...]:
        """The tables that the check is for: those that say so."""
        return tuple(name for name, table in TABLES.items() if self.name in table.checks)

    def slots(self) -> dict[str, Slot]:
        """Return the slot of each argument, in the order of declaration."""
        hints = get_type_hints(self.arguments, include_extras=True)
        return {field: _slot(hint) for field, hint in hints.items()}

    def required(self) -> tuple[str, ...]:
        """Return the arguments without a default."""
        return tuple(
            field.name for field in msgspec.structs.fields(self.arguments) if field.required
        )


def remarks(name: str) -> str:
    """Return what providers have to say with a check, or an argument of it; a blank before each."""
    return "".join(f" {one.remarks[name]}" for one in PROVIDERS if name in one.remarks)


def _slot(hint: Any) -> Slot:  # noqa: ANN401 - a type annotation has no narrower type
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Slot):
                return extra
    raise TypeError(f"{hint} is not annotated with a Slot")
