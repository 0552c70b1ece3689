"""What a policy may use by name with typed arguments: a class of them goes in, slots come out."""

from typing import Annotated, Any, Generic, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from scanner.policy.language.slots import Slot

A = TypeVar("A", bound=msgspec.Struct)


class Signature(msgspec.Struct, Generic[A], frozen=True, kw_only=True):
    """A name with typed arguments, and its documentation.

    `arguments` is a Struct whose fields are annotated with their Slot; its __post_init__ raises
    ValueError for combinations that make no sense. `short` is the argument that a bare value
    stands for (`max_age: 90d`); what is a `flag` may be written as `true`, with every argument at
    its default.
    """

    name: str
    summary: str
    description: str
    example: str
    arguments: type[A]
    short: str | None = None
    flag: bool = False

    def slots(self) -> dict[str, Slot]:
        """Return the slot of each argument, in the order of declaration."""
        hints = get_type_hints(self.arguments, include_extras=True)
        return {field: _slot(hint) for field, hint in hints.items()}

    def required(self) -> tuple[str, ...]:
        """Return the arguments without a default."""
        return tuple(
            field.name for field in msgspec.structs.fields(self.arguments) if field.required
        )


def _slot(hint: Any) -> Slot:  # noqa: ANN401 - a type annotation has no narrower type
    if get_origin(hint) is Annotated:
        for extra in get_args(hint)[1:]:
            if isinstance(extra, Slot):
                return extra
    raise TypeError(f"{hint} is not annotated with a Slot")
