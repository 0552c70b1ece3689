"""Finding the part of a predicate that the database refuses, and saying what to write instead."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

import _duckdb as duckdb

from scanner.base.errors import Problem
from scanner.catalogue import Column
from scanner.engine.database import reason
from scanner.engine.predicate import syntax
from scanner.engine.predicate.kinds import is_text, literal_kind
from scanner.engine.predicate.syntax import Node, arguments_of, children
from scanner.engine.predicate.vocabulary import MEMBERSHIP
from scanner.model.rule import ParamValue, Predicate

TypeOf = Callable[[Node], str]
"""Tells the type of an expression; raises duckdb.Error where the database refuses it."""

_NOISE: Final = re.compile(
    r"^\w+ Error: | - an explicit cast is required|_LITERAL\b"
    r"| You might need to add explicit type casts\.?| In order to select one, .*"
)
_QUOTED: Final = re.compile(r"""['"]([^'"]*)['"]""")

IMPOSSIBLE: Final = "impossible-value"
"""Code of the problem that a literal cannot be what it stands for."""

_NUMBER: Final = "BIGINT"
_TIME: Final = "TIMESTAMP"
_FAMILIES: Final = {
    "BIGINT": _NUMBER, "INTEGER": _NUMBER, "INT64": _NUMBER, "INT32": _NUMBER, "DOUBLE": _NUMBER,
    "INT128": _NUMBER, "UINT64": _NUMBER, "HUGEINT": _NUMBER, "DECIMAL": _NUMBER,
    "FLOAT": _NUMBER, "SMALLINT": _NUMBER, "TINYINT": _NUMBER, "TIMESTAMP": _TIME, "DATE": _TIME,
    "BOOL": "BOOLEAN", "BOOLEAN": "BOOLEAN", "INTERVAL": "INTERVAL", "JSON": "JSON",
    "TIMESTAMPTZ": _TIME, "VARCHAR": "VARCHAR",
}  # fmt: skip
"""Kinds of types, by the names that the database has for them in types and in messages."""

_NEEDED: Final = {
    _NUMBER: (
        "a number",
        "Write a number without quotes, in the unit of the column, such as days of age_days.",
    ),
    _TIME: (
        "a date",
        "Write a date as '2026-01-31' or '2026-01-31T00:00:00Z', or now() - INTERVAL '90 days'.",
    ),
    "BOOLEAN": ("true or false", "Write true or false, or the column by itself."),
    "INTERVAL": ("an interval", "Write a number and a unit, such as INTERVAL '90 days'."),
    "JSON": ("a JSON value", "Compare a field of it, such as rate_limit->>'window' = '60'."),
    "UNIT": ("a unit of time", "Units are 'year', 'month', 'week', 'day', 'hour', 'minute'."),
    "LIST": ("a list", "The list comes first: list_contains(column, 'text')."),
}
"""What a literal should have been, and what to write, by the kind of type."""

_PAIRS: Final[dict[frozenset[str], str]] = {
    frozenset({_TIME, _NUMBER}): "A time is moved by an interval, now() - INTERVAL '90 days', and"
    " compared with a date, '2026-01-31'; age_days is a number.",
    frozenset({"INTERVAL", _NUMBER}): "Compare an interval, such as now() - date_created or a"
    " parameter of type duration, with INTERVAL '90 days'; age_days with a number.",
    frozenset({"VARCHAR", _NUMBER}): "A text takes single quotes; length(...) is its length, and"
    " TRY_CAST(... AS BIGINT) the number in it.",
    frozenset({"VARCHAR", _TIME}): "Write a date as '2026-01-31', and an interval as"
    " INTERVAL '90 days'.",
    frozenset({"VARCHAR", "INTERVAL"}): "A date that is moved is a cast, DATE '2026-01-31' +"
    " INTERVAL '90 days'.",
    frozenset({"VARCHAR", "LIST"}): "Whether a list holds a text is list_contains(list, 'text').",
    frozenset({"BOOLEAN", "VARCHAR"}): "Compare a text with a text; a BOOLEAN is true or false.",
}
_TWO_TEXTS: Final = (
    {"~~", "!~~", "~~*", "!~~*", "||", "->", "->>", "contains", "starts_with", "ends_with"}
    | {"prefix", "suffix", "position", "strpos", "instr", "trim", "ltrim", "rtrim", "split_part"}
    | {"regexp_matches", "regexp_full_match", "regexp_extract", "json_extract", "json_exists"}
    | {"json_extract_string"}
)
_TEXT_AT: Final = {
    **dict.fromkeys(_TWO_TEXTS, (0, 1)),
    **dict.fromkeys(("list_contains", "list_has", "array_contains", "array_has"), (1,)),
    **dict.fromkeys(("left", "right", "substring", "substr", "lower", "upper", "length"), (0,)),
}
"""Where functions take texts as they are, and make nothing else of them."""

_BRANCHES: Final = frozenset({"CASE", "CONJUNCTION"})
"""Nodes of which a row may decide without all of their parts."""

_WRITTEN: Final = frozenset({"CONSTANT", "PARAMETER"})
"""Nodes whose value the author gives."""

_SAMPLES: Final = {
    **dict.fromkeys(("DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE"), "1970-01-01"),
    "INTERVAL": "1 day",
}
"""What can be cast to these types; to all others 0 can."""

_OTHERWISE: Final = "`keypolicy schema tables` lists the columns with their types."


def doubtful(
    tree: Node, columns: Mapping[str, Column], given: Mapping[str, ParamValue]
) -> list[Node]:
    """Return the parts of a rebuilt tree in which the database makes another value of a text.

    Whether it can, it may not try before a row comes to that part: `name IS NULL OR age_days <
    'ninety'` asks nothing more of a row without a name. A part within another is there by itself
    only where not every row that comes to the one comes to the other. No value of a row is refused
    in them. `given` are the parameters as bound.
    """
    return [
        syntax.rewritten(part, _sampled) for part in _doubtful(tree, columns, given, is_tried=False)
    ]


def _doubtful(
    node: Node,
    columns: Mapping[str, Column],
    given: Mapping[str, ParamValue],
    *,
    is_tried: bool,
) -> Iterator[Node]:
    if not is_tried and _is_doubtful(node, columns, given):
        yield node
        is_tried = True
    for child in children(node):
        yield from _doubtful(
            child, columns, given, is_tried=is_tried and node["class"] not in _BRANCHES
        )


def _sampled(made: Node) -> Node:
    """Return a cast with a value whatever the row, unless what it casts is written out.

    What a literal cannot become is the author's mistake; of a column it depends on the row. And
    beside NULL the database does not look at a literal.
    """
    if made.get("class") != "CAST" or made["child"]["class"] in _WRITTEN:
        return made
    sample = syntax.constant(_SAMPLES.get(made["type_expr"]["type_name"], "0"))
    values = [{**made, "try_cast": True}, {**made, "child": sample}]
    kind = {"class": "OPERATOR", "type": "OPERATOR_COALESCE"}
    return {**kind, **syntax.PLACE, "children": values}


def _is_doubtful(
    node: Node, columns: Mapping[str, Column], given: Mapping[str, ParamValue]
) -> bool:
    if node["class"] in {"FUNCTION", "WINDOW"}:
        as_it_is = _TEXT_AT.get(str(node["function_name"]).lower(), ())
        arguments = enumerate(arguments_of(node))
        return any(_is_written(one, given) for place, one in arguments if place not in as_it_is)
    parts = [] if node.get("try_cast") else children(node)
    return any(_is_written(part, given) for part in parts) and not any(
        is_text(part, columns) for part in parts
    )


def _is_written(node: Node, given: Mapping[str, ParamValue]) -> bool:
    value = given.get(str(node.get("identifier"))) if node["class"] == "PARAMETER" else None
    return literal_kind(node) == "STRING" or isinstance(value, str)


def culprit(predicate: Predicate, table: str, tree: Node, kind: TypeOf) -> Problem:
    """Return what is wrong with a guarded predicate that the database refuses, and where.

    `tree` has the places of the author's text. The part that is told is the smallest that is
    refused by itself, or the literal in it that the database names.
    """
    node, words = _smallest(tree, kind)
    parts = children(node)
    words = _NOISE.sub("", words.split("\n", 1)[0]).strip().rstrip(".")
    literal = next((part for part in parts if _is_named(part, words, predicate)), None)
    if literal is None:
        message = f"The predicate does not fit the types of {table}: {words}"
        return _problem(predicate, node, message, "type-error", _types_hint(parts, kind))
    needed = _needed(node, parts, literal, words, kind)
    what, hint = _NEEDED.get(needed, ("something else", _OTHERWISE))
    text = f"'{_value(literal, predicate)}'"
    if literal["class"] == "PARAMETER":
        text = f"the parameter ${_param(literal, predicate)}, which is {text},"
        hint = f"Give it another value, or another type. {hint}"
    message = f"The predicate has {text} where {what} belongs"
    return _problem(predicate, literal, message, IMPOSSIBLE, hint)


def _smallest(node: Node, kind: TypeOf) -> tuple[Node, str]:
    error = _refusal(node, kind)
    for child in children(node):
        if _refusal(child, kind):
            return _smallest(child, kind)
    return node, error


def _refusal(node: Node, kind: TypeOf) -> str:
    """Return the database's words where it refuses the expression, else nothing."""
    try:
        kind(node)
    except duckdb.Error as error:
        return reason(error)
    return ""


def _is_named(node: Node, words: str, predicate: Predicate) -> bool:
    value = _value(node, predicate)
    quoted = _QUOTED.findall(words)
    # Of an interval with a wrong unit, only the unit is quoted.
    unit = words.startswith("extract") and value and any(word in value for word in quoted)
    return bool(unit) or (value is not None and value in quoted)


def _value(node: Node, predicate: Predicate) -> str | None:
    """Return the text that a literal or a parameter is."""
    if node["class"] == "CONSTANT":
        return str(node["literal"].get("text", ""))
    if node["class"] == "PARAMETER":
        value = predicate.params.get(_param(node, predicate))
        return value if isinstance(value, str) else None
    return None


def _param(node: Node, predicate: Predicate) -> str:
    """Return the name that the author gave a bound parameter, which has a prefix."""
    bound = str(node["identifier"])
    names = sorted(predicate.params, key=len, reverse=True)
    return next((name for name in names if bound.endswith(name)), bound)


def _needed(node: Node, parts: list[Node], literal: Node, words: str, kind: TypeOf) -> str:
    """Return the kind of type that the literal should have been of."""
    if node["class"] == "CAST":
        return _family(str(node["type_expr"]["type_name"]))
    if words.startswith("extract"):
        return "UNIT"
    if str(node.get("function_name")) in MEMBERSHIP or node["class"] == "COMPARISON":
        lists = [part for part in parts if part is not literal and kind(part).endswith("[]")]
        if lists or node["class"] == "FUNCTION":
            return "LIST"
    if found := re.search(r" to (?:the destination type )?([A-Z0-9]+)", words):
        return _family(found[1])
    others = [_family(kind(part)) for part in parts if part is not literal]
    return next((other for other in others if other not in {"VARCHAR", ""}), "")


def _types_hint(parts: list[Node], kind: TypeOf) -> str:
    found = frozenset(family for part in parts if (family := _family(kind(part))))
    return _PAIRS.get(found, _OTHERWISE)


def _family(name: str) -> str:
    if name.endswith("[]"):
        return "LIST"
    return _FAMILIES.get(name.split("(", maxsplit=1)[0].split(" ", maxsplit=1)[0].upper(), "")


def _problem(predicate: Predicate, node: Node, message: str, code: str, hint: str) -> Problem:
    offset = max(syntax.offset(node, predicate.text), 0)
    return Problem(predicate.place(offset), message, code, hint)
