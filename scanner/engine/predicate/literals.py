"""Arguments that must be written out: regular expressions and paths into JSON.

What they cost depends on their text, so it has to be known before anything is bound: DuckDB
compiles an expression and reads a path as soon as it is constant, even one put together of parts.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from scanner.engine.predicate.refusal import refused
from scanner.engine.predicate.syntax import Node
from scanner.model.rule import ParamValue
from scanner.policy.language.patterns import BadPatternError, from_glob, size

_PATTERNS: Final = frozenset({"regexp_matches", "regexp_full_match", "regexp_extract"})
_PATHS: Final = frozenset(
    {
        *("->", "->>", "json_extract", "json_extract_string", "array_extract"),
        *("json_type", "json_exists", "json_array_length"),
    }
)
"""Functions whose second argument is a regular expression, or a path into a JSON value."""


def instructions(name: str, arguments: Sequence[Node], given: Mapping[str, ParamValue]) -> int:
    """Return the size of the call's regular expression, 0 for a call without one.

    Raises RefusedError for one that is too large or not written out, and for such a path.
    """
    if len(arguments) < 2:  # noqa: PLR2004 - the second argument; binding will refuse the call
        return 0
    if name in _PATTERNS:
        return _pattern(name, arguments, given)
    if name in _PATHS:
        _check_path(name, arguments[1], given)
    return 0


def glob_patterns(node: Node, given: Mapping[str, ParamValue]) -> list[str]:
    """Return the regular expressions that a list of globs, or a single one, stands for.

    Raises RefusedError for globs that are not written out, and for too large ones.
    """
    patterns = []
    for part in written_out(node):
        value = _value(part, given)
        if not isinstance(value, (str, list)):
            raise refused(
                "calls name_matches_any() with globs that are not written out",
                "forbidden-pattern",
                part,
                "Write a list of texts, such as ['web-*', 'api-?'], or use a parameter.",
            )
        globs = [value] if isinstance(value, str) else value
        for glob in map(str, globs):
            if "%" in glob and not set("*?") & set(glob):
                raise refused(
                    f"calls name_matches_any() with '{glob}', where % stands for itself",
                    "like-pattern",
                    part,
                    f"Write * for any text: '{glob.replace('%', '*')}'.",
                )
        patterns += [from_glob(str(glob)) for glob in globs]
    return patterns


def pattern_size(pattern: str, node: Node) -> int:
    """Return the size of a regular expression. Raises RefusedError, placed at the node."""
    try:
        return size(pattern)
    except BadPatternError as error:
        raise refused(f"is refused: {error.message}", error.code, node, error.hint) from None


def _pattern(name: str, arguments: Sequence[Node], given: Mapping[str, ParamValue]) -> int:
    node = arguments[1]
    value = _value(node, given)
    if not isinstance(value, str):
        raise refused(
            f"calls {name}() with a pattern that is not written out",
            "forbidden-pattern",
            node,
            "Write the regular expression as a text, or use a parameter.",
        )
    # Options, such as 'i', come third; any case is the one that makes an expression larger.
    loose = "(?i)" if len(arguments) > 2 and name != "regexp_extract" else ""  # noqa: PLR2004
    try:
        return size(loose + value)
    except BadPatternError as error:
        message = error.message.replace(loose, "", 1) if loose else error.message
        found = refused(f"is refused: {message}", error.code, node, error.hint)
        if node["class"] == "CONSTANT" and not loose and error.offset:
            # Past the quote. One that is doubled before it moves the place by one.
            found.offset += 1 + len(value[: error.offset].replace("'", "''").encode())
        raise found from None


def _check_path(name: str, node: Node, given: Mapping[str, ParamValue]) -> None:
    for part in written_out(node):
        value = _value(part, given)
        if value is None:
            raise refused(
                f"takes a field of a JSON value by a path that is not written out ({name})",
                "forbidden-path",
                part,
                "Put brackets around it: (column -> 'field') = ...; other operators bind tighter."
                if name == "->"
                else "Write the path as a text, such as '$.count', or use a parameter.",
            )
        if isinstance(value, str) and value.startswith("$") and ".." in value:
            raise refused(
                "searches a JSON value at every depth (`..`)",
                "forbidden-path",
                part,
                "Name the way to the field, such as '$.a.b', or '$[*].b' for each of a list.",
            )


def written_out(node: Node) -> Iterator[Node]:
    """Give the items of a list that is written out, or the one thing that is there instead."""
    if node.get("class") == "FUNCTION" and node.get("function_name") == "list_value":
        yield from (argument["expression"] for argument in node["arguments"])
    else:
        yield node


def _value(node: Node, given: Mapping[str, ParamValue]) -> ParamValue:
    """Return what is written there: a text, or the value of a parameter; None for anything else."""
    if node.get("class") == "CONSTANT":
        return str(node["literal"].get("text", ""))
    if node.get("class") == "PARAMETER":
        # One that is not known is told where the tree is rebuilt.
        return given.get(str(node["identifier"]), "")
    return None


def is_list_first(arguments: Sequence[Node], given: Mapping[str, ParamValue]) -> bool:
    """Whether the first of two arguments is a list parameter."""
    return (
        len(arguments) == 2  # noqa: PLR2004 - a list and what is looked for in it
        and arguments[0].get("class") == "PARAMETER"
        and isinstance(given.get(str(arguments[0]["identifier"])), list)
    )
