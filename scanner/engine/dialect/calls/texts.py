"""Functions of texts and of lists of texts."""

from decimal import Decimal
from typing import TYPE_CHECKING, Final

from scanner.engine.dialect.calls.arguments import LENGTH, count, text, written_out
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Typed, ValueKind, hexed, mark
from scanner.engine.predicate.syntax import Node

if TYPE_CHECKING:
    from scanner.engine.dialect.lower import Call, Lowering


def _of_texts(name: str, kind: ValueKind, count: int) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        if len(arguments) != count:
            raise inexpressible(f"calls {node['function_name']}() with other arguments", node)
        parts = [text(lowering, one).node for one in arguments]
        return Typed(mark(name, *parts), kind, Decimal(0), LENGTH)

    return call


def _cut(name: str, *least: int) -> "Call":
    """Return a function of a text and of numbers that are written out."""

    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        if len(arguments) != len(least) + 1:
            raise inexpressible(f"calls {node['function_name']}() with other arguments", node)
        first = text(lowering, arguments[0]).node
        numbers = [count(lowering, a, n) for a, n in zip(arguments[1:], least, strict=True)]
        return Typed(mark(name, first, *numbers), ValueKind.TEXT)

    return call


def _split(lowering: "Lowering", _: Node, arguments: list[Node]) -> Typed:
    first = text(lowering, arguments[0]).node
    between = written_out(lowering, arguments[1], "a separator")
    if not isinstance(between, str) or not between:
        raise inexpressible("has an empty separator", arguments[1])
    number = count(lowering, arguments[2], 1)
    return Typed(mark("piece", first, mark("text", hexed(between)), number), ValueKind.TEXT)


def _concat(lowering: "Lowering", _: Node, arguments: list[Node]) -> Typed:
    parts = [text(lowering, one).node for one in arguments]
    return Typed(mark("concat", *parts), ValueKind.TEXT)


def _contains(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    if lowering.expression(arguments[0]).kind is ValueKind.TEXTS:
        return _member(lowering, node, arguments)
    return _of_texts("contains", ValueKind.BOOLEAN, 2)(lowering, node, arguments)


def _length(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    name = "items" if made.kind is ValueKind.TEXTS else "length"
    if made.kind not in {ValueKind.TEXT, ValueKind.TEXTS}:
        raise inexpressible("takes the length of what is no text", node)
    return Typed(mark(name, made.node), ValueKind.INTEGER, Decimal(0), LENGTH)


def _lists(name: str) -> "Call":
    def call(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
        made = [lowering.expression(one) for one in arguments]
        if any(one.kind is not ValueKind.TEXTS for one in made):
            raise inexpressible("compares lists of something else than texts", node)
        return Typed(mark(name, *(one.node for one in made)), ValueKind.BOOLEAN)

    return call


def _member(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    if made.kind is not ValueKind.TEXTS:
        raise inexpressible("looks into a list of something else than texts", node)
    return Typed(mark("member", made.node, text(lowering, arguments[1]).node), ValueKind.BOOLEAN)


def _field(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    name = str(written_out(lowering, arguments[1], "a field")).removeprefix("$.")
    if made.kind is not ValueKind.JSON or not name.isidentifier() or not name.isascii():
        raise inexpressible("takes a field by a path", node, "Write column->>'field'.")
    return Typed(mark("field", made.node, name), ValueKind.TEXT)


def _type_of(lowering: "Lowering", node: Node, arguments: list[Node]) -> Typed:
    made = lowering.expression(arguments[0])
    if made.kind is not ValueKind.JSON or len(arguments) > 1:
        raise inexpressible("asks for the type of a field", node)
    return Typed(mark("json_type", made.node), ValueKind.TEXT)


TEXTS: Final[dict[str, "Call"]] = {
    "lower": _of_texts("lower", ValueKind.TEXT, 1),
    "upper": _of_texts("upper", ValueKind.TEXT, 1),
    "trim": _of_texts("trim", ValueKind.TEXT, 1),
    "ltrim": _of_texts("ltrim", ValueKind.TEXT, 1),
    "rtrim": _of_texts("rtrim", ValueKind.TEXT, 1),
    "length": _length,
    "len": _length,
    "left": _cut("left", 0),
    "right": _cut("right", 0),
    "substring": _cut("substring", 1, 0),
    "substr": _cut("substring", 1, 0),
    "split_part": _split,
    "||": _of_texts("joined", ValueKind.TEXT, 2),
    "concat": _concat,
    "contains": _contains,
    **dict.fromkeys(("starts_with", "prefix"), _of_texts("begins", ValueKind.BOOLEAN, 2)),
    **dict.fromkeys(("ends_with", "suffix"), _of_texts("ends", ValueKind.BOOLEAN, 2)),
    **dict.fromkeys(("position", "strpos", "instr"), _of_texts("place", ValueKind.INTEGER, 2)),
    **dict.fromkeys(("->>", "json_extract_string"), _field),
    "json_type": _type_of,
    **dict.fromkeys(("list_contains", "list_has", "array_contains", "array_has"), _member),
    **dict.fromkeys(("list_has_any", "array_has_any"), _lists("any_of")),
    **dict.fromkeys(("list_has_all", "array_has_all"), _lists("all_of")),
}
"""These functions by DuckDB's name."""
