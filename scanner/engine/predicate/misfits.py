"""Parts of a predicate that the database would take, and that nobody can mean.

Each is told where it stands and with what to write instead. What the database itself refuses is
told in scanner.engine.predicate.culprit.
"""

import re
from collections.abc import Collection, Mapping
from typing import Final

from scanner.base.hints import did_you_mean
from scanner.catalogue import TEXTS, Column
from scanner.engine.predicate import vocabulary
from scanner.engine.predicate.families import check_unit, check_values
from scanner.engine.predicate.kinds import NUMBERS, column_name, literal_kind, literal_text
from scanner.engine.predicate.refusal import RefusedError, refused
from scanner.engine.predicate.syntax import Node, arguments_of
from scanner.model.rule import ParamValue

_LIKE: Final = frozenset({"~~", "!~~", "~~*", "!~~*"})
_FIELDS: Final = frozenset({"->", "->>", "json_extract", "json_extract_string", "json_exists"})
_RATE_UNITS: Final = {"s", "m", "h", "d", "sec", "second", "min", "minute", "hour", "day"}
_UNITS: Final = frozenset({"second", "minute", "hour", "day", "week", "month", "quarter", "year"})
_WITH_UNIT: Final = frozenset({"date_diff", "datediff", "date_part", "date_trunc"})


def check(node: Node, columns: Mapping[str, Column], given: Mapping[str, ParamValue]) -> None:
    """Raise RefusedError if the node, as the author wrote it, is such a part."""
    check_values(node, columns, given)
    match node["class"]:
        case "CONJUNCTION":
            word = str(node["type"]).removeprefix("CONJUNCTION_")
            _check_conditions(node["children"], word, columns)
        case "OPERATOR":
            _check_operator(node, columns)
        case "CASE":
            whens = [one["when_expr"] for one in node["case_checks"]]
            _check_conditions(whens, "WHEN", columns)
        case "CAST":
            if str(node["type_expr"].get("type_name", "")).upper() == "INTERVAL":
                check_unit(node["child"])
        case "FUNCTION":
            _check_function(node, columns)
        case "LAMBDA" if literal_kind(node["expr"]):
            _check_json(node["lhs"], columns)
            _check_field([node["lhs"], node["expr"]], columns)


def _check_operator(node: Node, columns: Mapping[str, Column]) -> None:
    children = node["children"]
    if node["type"] == "OPERATOR_NOT":
        _check_conditions(children, "NOT", columns)
    elif node["type"] == "ARRAY_EXTRACT":
        _check_field(children, columns)


def _check_function(node: Node, columns: Mapping[str, Column]) -> None:
    name = str(node["function_name"]).lower()
    arguments = arguments_of(node)
    if name == "row" and arguments:
        raise _row(arguments)
    if name in _WITH_UNIT and arguments:
        _check_unit(name, node, arguments, columns)
    if name in vocabulary.SETS:
        _check_lists(name, arguments)
    if arguments and name.startswith(("json_", "->")):
        _check_json(arguments[0], columns)
    if len(arguments) > 1:
        _check_second(name, node, arguments, columns)


def _check_second(
    name: str, node: Node, arguments: list[Node], columns: Mapping[str, Column]
) -> None:
    """Check what is about a second argument."""
    if name in _LIKE:
        _check_like(arguments[1])
    elif name.endswith("like_escape"):
        _check_escape(arguments[-1])
    elif name == "regexp_full_match":
        _check_similar(node, *arguments[:2])
    elif name in _FIELDS:
        _check_field(arguments, columns)
    elif name == "/":
        _check_rate(arguments, columns)
    elif _is_in(node):
        raise _bare_list(node)


def _check_unit(
    name: str, node: Node, arguments: list[Node], columns: Mapping[str, Column]
) -> None:
    """Refuse a unit of time that is written as a name, or left out."""
    unit = column_name(arguments[0])
    if unit.removesuffix("s") in _UNITS and unit not in columns:
        raise refused(
            f"calls {name}() with the unit {unit}, which is no text",
            "unknown-column",
            arguments[0],
            f"A unit takes single quotes: '{unit}'.",
        )
    if name.endswith("diff") and len(arguments) == 2:  # noqa: PLR2004 - two times, as in MySQL
        raise refused(
            f"calls {name}() without a unit",
            "type-error",
            node,
            f"Write {name}('day', earlier, later), or now() - date_created, which is an interval.",
        )


def _check_lists(name: str, arguments: list[Node]) -> None:
    """Refuse a text where two lists are compared: the database finds that out row by row."""
    for argument in arguments:
        if literal_kind(argument) == "STRING" and not literal_text(argument).startswith("["):
            raise refused(
                f"calls {name}() with a text, and it compares lists",
                "type-error",
                argument,
                f"Put it into brackets: ['{literal_text(argument)}'].",
            )


def _check_conditions(parts: list[Node], word: str, columns: Mapping[str, Column]) -> None:
    """Refuse texts and numbers where conditions are joined."""
    for number, part in enumerate(parts):
        kind = literal_kind(part)
        if kind and kind not in {"BOOLEAN", "NULL_LITERAL"}:
            what = f"'{literal_text(part)}'" if kind == "STRING" else literal_text(part)
            hint = _repeated(parts[number - 1], what, word) if number else ""
            raise refused(
                f"has {what} beside {word}, which is no condition",
                "not-a-condition",
                part,
                hint or "Write a condition there, such as name = 'a', or true or false.",
            )
        column = columns.get(column_name(part))
        if column is not None and column.type != "BOOLEAN":
            raise refused(
                f"has `{column_name(part)}` beside {word}, which is {column.type} and no condition",
                "not-a-condition",
                part,
                f"Compare it with something, or write {column_name(part)} IS NOT NULL.",
            )


def _repeated(before: Node, what: str, word: str) -> str:
    """Say how `name = 'a' OR 'b'` is written."""
    if before["class"] != "COMPARISON" or before["left"]["class"] != "COLUMN_REF":
        return ""
    name = column_name(before["left"])
    if word == "OR" and before["type"] == "COMPARE_EQUAL" and literal_kind(before["right"]):
        return f"Name the column again, {name} = {what}, or write {name} IN (..., {what})."
    return f"Name the column again: {name} = {what}."


def _check_similar(node: Node, text: Node, pattern: Node) -> None:
    """Refuse SIMILAR TO, which stands behind its text, with the signs that it has elsewhere."""
    written = literal_text(pattern)
    if node["query_location"] > text["query_location"] and re.search("[%_]", written):
        raise refused(
            f"holds SIMILAR TO against '{written}', where % and _ stand for themselves",
            "like-pattern",
            pattern,
            "Write LIKE, or regexp_full_match(column, 'expression') with .* for any text.",
        )


def _check_like(pattern: Node) -> None:
    text = literal_text(pattern)
    if escaped := re.search(r"\\([%_\\])", text):
        raise refused(
            f"holds LIKE against '{text}', where \\ stands for itself",
            "like-pattern",
            pattern,
            f"Say that it escapes the {escaped[1]}: LIKE '{text}' ESCAPE '\\'.",
        )
    if literal_kind(pattern) != "STRING" or "%" in text or "_" in text:
        return
    if re.match(r"\^|.*(\$$|\.\*|\[.*\]|\(.*\))", text):
        raise refused(
            f"holds LIKE against '{text}', which has no % or _ and looks like a regular expression",
            "like-pattern",
            pattern,
            f"Write regexp_matches(column, '{text}'); LIKE has % for any text and _ for one"
            " character.",
        )
    if "*" in text or "?" in text:
        meant = text.replace("*", "%").replace("?", "_")
        raise refused(
            f"holds LIKE against '{text}', where * and ? stand for themselves",
            "like-pattern",
            pattern,
            f"LIKE has % for any text and _ for one character: '{meant}'. If it is meant as it"
            " stands, write =.",
        )


def _check_escape(sign: Node) -> None:
    if len(text := literal_text(sign)) > 1:
        raise refused(
            f"escapes with '{text}', and that takes one character",
            "like-pattern",
            sign,
            "Write LIKE 'a!_b' ESCAPE '!', in which !_ stands for an underscore.",
        )


def _check_json(part: Node, columns: Mapping[str, Column]) -> None:
    """Refuse a column without JSON where it is looked into: the database tries it row by row."""
    column = columns.get(column_name(part))
    if column is None or column.type in {"JSON", TEXTS}:
        return
    having = ", ".join(name for name, one in columns.items() if one.type == "JSON")
    raise refused(
        f"looks for JSON in `{column_name(part)}`, which is {column.type}",
        "type-error",
        part,
        f"Columns with JSON: {having}." if having else "No column of the table has JSON.",
    )


def _check_field(parts: list[Node], columns: Mapping[str, Column]) -> None:
    """Refuse a field that the column's JSON values never have."""
    column = columns.get(column_name(parts[0]))
    if column is None or literal_kind(parts[1]) != "STRING":
        return
    path = literal_text(parts[1])
    if ".." in path:
        return  # refused for that
    first = re.split(r"[./\[]", re.sub(r"^(\$\.?|/)", "", path))[0].strip('"')
    if column.is_list and first and not first.isdecimal():
        raise refused(
            f"takes the field `{first}` of {column_name(parts[0])}, which is a list",
            "unknown-field",
            parts[1],
            f"({column_name(parts[0])} -> 0) ->> '{first}' is that of its first item; whether it"
            f" holds a text is json_contains({column_name(parts[0])}, '\"{first}\"').",
        )
    if column.keys and first and first not in column.keys:
        raise refused(
            f"takes the field `{first}` of {column_name(parts[0])}, which has none of that name",
            "unknown-field",
            parts[1],
            did_you_mean(first, column.keys, kind="fields"),
        )


def _check_rate(parts: list[Node], columns: Mapping[str, Column]) -> None:
    unit = column_name(parts[1])
    if literal_kind(parts[0]) in NUMBERS and unit in _RATE_UNITS - set(columns):
        count = literal_text(parts[0])
        rate = f"{count}/{unit[0]}"
        raise refused(
            f"has the rate {count}/{unit}, which is no SQL",
            "rate-in-sql",
            parts[0],
            f"Declare a parameter, params: {{limit: {{type: rate, default: {rate}}}}}, and compare"
            " rate_limit_per_second with $limit.",
        )


def _row(parts: list[Node]) -> RefusedError:
    """Return the error for expressions with commas between them."""
    first, second = parts[0], parts[-1]
    word = "IN"
    if first["type"] == "OPERATOR_NOT":
        first, word = first["children"][0], "NOT IN"
    if first["class"] == "FUNCTION" and _is_in(first, {"STRING", ""}):
        return _bare_list(first, word)
    return refused(
        "has a comma between two expressions",
        "not-an-expression",
        second,
        "Join conditions with AND or OR; a number has no comma in it, 1000.",
    )


def _is_in(node: Node, kinds: Collection[str] = ("STRING",)) -> bool:
    """Whether the call is what `name IN 'a'` is to the parser: it stands where its text does."""
    arguments = arguments_of(node)
    return (
        str(node["function_name"]).lower() == "contains"
        and len(arguments) == 2  # noqa: PLR2004 - the text, and what is looked for
        and literal_kind(arguments[0]) in kinds
        and node["query_location"] == arguments[0]["query_location"]
    )


def _bare_list(node: Node, word: str = "IN") -> RefusedError:
    text, name = arguments_of(node)
    return refused(
        f"has {word} without brackets",
        "in-without-brackets",
        text,
        f"Write the list in brackets: {column_name(name) or 'name'} {word}"
        f" ('{literal_text(text) or column_name(text)}', ...).",
    )
