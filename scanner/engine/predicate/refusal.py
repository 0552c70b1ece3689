"""Saying what of a predicate is not allowed, and what to write instead."""

from collections.abc import Iterable, Mapping
from typing import Final

from scanner.base.hints import closest, did_you_mean
from scanner.catalogue import Column
from scanner.engine.predicate import vocabulary
from scanner.engine.predicate.clock import CALLS
from scanner.engine.predicate.syntax import Node, byte

ONLY_LISTED: Final = "docs/policy-language.md lists what a condition may be made of."
TOO_LARGE: Final = "Make several rules of it, or shorten its lists and expressions."
_LIKENESS: Final = 0.75
"""How alike a function's name must be: among short names, others are soon like it."""

_ONLY_PURE: Final = "Only pure functions may be called; docs/policy-language.md lists them."
_INSTEAD: Final[dict[str, str]] = {
    "&&": "Write AND; whether lists have an item in common is list_has_any(one, other).",
    "&": "Write AND.",
    "|": "Write OR.",
    "!": "Write NOT.",
    "=>": "A rule that is about some rows only says which in `where`.",
    "=<": "Write <=.",
    "row": "Write a list with at least one value: name IN ('a', 'b').",
    "=~": "Write regexp_matches(column, 'expression').",
    "~~~": "Write LIKE, with % for any text and _ for one character.",
    "startswith": "Write starts_with(column, 'text').",
    "endswith": "Write ends_with(column, 'text').",
    "getdate": "Write now(), which is the scan's as-of time.",
    "sysdate": "Write now(), which is the scan's as-of time.",
    "datediff": "Write age_days, or now() - date_created > INTERVAL '90 days'.",
    "isnull": "Write column IS NULL.",
    "nvl": "Write coalesce(column, value).",
    "regexp_like": "Write regexp_matches(column, 'expression').",
    "rlike": "Write regexp_matches(column, 'expression').",
    "<=>": "Write IS NOT DISTINCT FROM.",
    "@>": "Write list_has_all(list, others).",
    "<@": "Write list_has_all(others, list).",
    "@": "A parameter is written $name.",
    "age": "Write now() - date_created < INTERVAL '90 days', or age_days.",
    **dict.fromkeys(
        ("date_sub", "date_add", "dateadd", "timestampadd", "adddate", "subdate"),
        "Move a time by an interval: now() - INTERVAL '90 days'.",
    ),
    "timestampdiff": "Write date_diff('day', earlier, later), or now() - date_created.",
    **dict.fromkeys(
        ("to_date", "to_timestamp", "str_to_date", "strptime", "parse_date", "date", "timestamp"),
        "Write a date as a text, '2026-01-31'.",
    ),
    **dict.fromkeys(
        ("to_char", "strftime", "date_format", "format_date"),
        "Compare the time itself, or a part of it: date_part('year', column).",
    ),
    **dict.fromkeys(
        ("array_length", "array_size", "cardinality", "jsonb_array_length", "list_count"),
        "Write len(list).",
    ),
    **dict.fromkeys(
        ("json_value", "get_json_object", "jsonb_extract_path_text", "json_extract_path_text"),
        "Write column ->> 'field'.",
    ),
    **dict.fromkeys(
        ("if", "iff", "iif", "decode", "nvl2"),
        "Write CASE WHEN condition THEN value ELSE value END.",
    ),
    **dict.fromkeys(("charindex", "locate", "indexof"), "Write contains(text, part)."),
    **dict.fromkeys(
        ("regexp_replace", "replace", "regexp_substr"),
        "Write regexp_extract(text, 'expression') or split_part(text, '-', 1) for a part of it.",
    ),
    "concat_ws": "Join texts with ||.",
}
"""What to write instead of functions and operators of other languages."""

_CURLY: Final = "\u2018\u2019\u201c\u201d\u00b4`"
"""Quotes of word processors: to the database they are letters."""


class RefusedError(Exception):
    """A part of a predicate that is not allowed; `offset` is its place in the text."""

    def __init__(self, message: str, code: str, offset: int, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.offset = offset
        self.hint = hint


def unknown_function(name: str, node: Node) -> RefusedError:
    """Return the error for a call of a function that is not on the list."""
    written = "count(*)" if name == "count_star" else f"{name}()"
    if name in vocabulary.WINDOWS and node["class"] == "FUNCTION":
        return refused(
            f"uses {written} without OVER (...)",
            "aggregate-without-over",
            node,
            f"A predicate is about one row; write for example `{written.replace('()', '(...)')}"
            " over (partition by project_slug)`.",
        )
    near = (
        closest(name, (*vocabulary.FUNCTIONS, *vocabulary.WINDOWS), likeness=_LIKENESS)
        if name.isidentifier()
        else ""
    )
    hint = f"Did you mean `{near}`?" if near else _ONLY_PURE
    if near == name and node["class"] == "WINDOW":
        hint = f"It takes no OVER (...): write {written}."
    elif near == name and (node["schema"] or node["catalog"]):
        hint = f"The column stands in the brackets: {name}(column)."
    what = f"call {written}" if name.isidentifier() else f"use {name}"
    return refused(f"may not {what}", "forbidden-function", node, _INSTEAD.get(name, hint))


def unknown_column(node: Node, columns: Mapping[str, Column], table: str) -> RefusedError:
    """Return the error for a name that is no column: often it was meant as something else."""
    names = [str(name) for name in node["column_names"]]
    word, first = ".".join(names), columns.get(names[0].lower())
    # A quoted name takes two characters more than it says.
    if int(node.get("query_location_length", 0)) == len(word.encode()) + 2:
        hint = f"A text takes single quotes: '{word}'. Double quotes are for names of columns."
    elif (bare := word.strip(_CURLY)) != word:
        hint = f"A text takes straight single quotes: '{bare}'."
    elif len(names) > 1 and first and first.type == "JSON":
        hint = f"Write the field as {names[0]}->>'{names[1]}'."
    elif word.lower() in CALLS:
        hint = f"Write {word.lower() if word.lower() in vocabulary.FUNCTIONS else 'now'}()."
    else:
        hint = column_meant(names[0].lower(), columns)
    message = f"names an unknown column `{word}` of {table}"
    return refused(message, "unknown-column", node, hint)


def unknown_kind(node: Node) -> RefusedError:
    """Return the error for a kind of expression that is not allowed."""
    kind = str(node.get("class"))
    other = f"{kind.lower()} expressions", "Write a comparison."
    what, hint = vocabulary.REFUSED.get(kind, other)
    if kind == "SUBQUERY":
        chosen = node["subquery"]["node"].get("select_list") or [{}]
        if chosen[0].get("function_name") == "unnest":
            what, hint = "ANY or ALL", "Write name IN ('a', 'b'), or list_contains(list, 'a')."
        elif node["subquery_type"] == "SCALAR":
            hint = f"Write only the condition, as it stands after WHERE. {hint}"
    return refused(f"may not have {what}", "forbidden-syntax", node, hint)


def refused(message: str, code: str, node: Node, hint: str = ONLY_LISTED) -> RefusedError:
    """Return the error for a node; the message goes on after "The predicate"."""
    return RefusedError(message, code, byte(node), hint)


def column_meant(name: str, columns: Iterable[str]) -> str:
    """Suggest a column for a name that is none, or say how a parameter is written."""
    known = list(columns)
    # `project` is a part of several names, of which one is meant.
    for meant in (f"{name}_slug", f"project_{name}", f"project_{name}s"):
        if meant in known:
            return f"Did you mean `{meant}`?"
    hint = did_you_mean(name, known, kind="columns")
    return hint if closest(name, known) else f"{hint} A parameter is written ${name}."
