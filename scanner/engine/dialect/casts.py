"""Casts that come to the same in every database."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from scanner.engine.dialect.calls.matching import digits
from scanner.engine.dialect.numbers import cast_number, fitting
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Typed, ValueKind, kind_of, mark
from scanner.engine.predicate.syntax import Node, arguments_of

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Lowering

_NUMBERS: Final = (ValueKind.INTEGER, ValueKind.EXACT, ValueKind.DOUBLE)
_AS_IT_IS: Final = (ValueKind.TEXT, ValueKind.BOOLEAN, ValueKind.MOMENT, ValueKind.DATE)
_DECIMALS: Final = 3  # digits of a DECIMAL that says none


def cast(lowering: "Lowering", node: Node) -> Typed:
    """Return a cast lowered. Raises RefusedError."""
    child = node["child"]
    name = str(node["type_expr"]["type_name"])
    if child.get("function_name") == "regexp_extract" and node["try_cast"]:
        if name != "BIGINT":
            raise inexpressible("casts a part of a text to something else than BIGINT", node)
        return digits(lowering, arguments_of(child))
    inner = lowering.expression(child)
    sizes = [size["literal"].get("text", "") for size in node["type_expr"].get("children", [])]
    kind, scale = kind_of(f"{name}({','.join(sizes)})" if sizes else name)
    if inner.kind is ValueKind.NULL or (kind is inner.kind and kind in _AS_IT_IS):
        return inner
    if (made := _other(lowering, node, inner, kind)) is not None:
        return made
    if kind is None or kind not in _NUMBERS:
        raise inexpressible(f"casts to {name} what other databases cast otherwise", node)
    scale = _DECIMALS if name == "DECIMAL" and not sizes else scale
    return fitting(cast_number(inner, kind, scale, node), name, sizes, node)


def _other(lowering: "Lowering", node: Node, inner: Typed, kind: ValueKind | None) -> Typed | None:
    """Return a cast between a number and something else; None where it is none of these."""
    match inner.kind, kind:
        case ValueKind.TEXT, ValueKind.INTEGER if node["try_cast"] and _is_field(inner.node):
            # Whole numbers, as the types of the catalogue have it.
            return Typed(mark("json_integer", *arguments_of(inner.node)), ValueKind.INTEGER)
        case ValueKind.BOOLEAN, ValueKind.INTEGER:
            return Typed(mark("flag", inner.node), ValueKind.INTEGER, Decimal(0), Decimal(1))
        case (ValueKind.INTEGER, ValueKind.TEXT) | (ValueKind.BOOLEAN, ValueKind.TEXT):
            return Typed(mark("as_text", inner.node), ValueKind.TEXT)
        case ValueKind.MOMENT, ValueKind.DATE:
            return Typed(mark("day_of", inner.node), ValueKind.DATE)
        case ValueKind.DATE, ValueKind.MOMENT:
            return lowering.as_kind(inner, ValueKind.MOMENT, 0, node)
    return None


def _is_field(node: Node) -> bool:
    return node.get("function_name") == "kp_field"
