"""What a predicate may be made of: the allow-lists that the guard holds every tree against.

A function belongs here when it is a pure function of its arguments, cannot fail the whole
statement in a way that hides data, and cannot build a value much larger than what it was given.
That keeps out replace(), repeat(), lpad(), format(), range() and every list builder but the
literal one; DuckDB's memory limit does not bound those.
"""

from typing import Final

FUNCTIONS: Final[dict[str, str]] = {
    # arithmetic
    "+": "sum, or a time moved by an interval",
    "-": "difference, or a time moved back by an interval",
    "*": "product",
    "/": "quotient",
    "//": "whole quotient",
    "%": "remainder",
    "abs": "absolute value",
    "ceil": "smallest whole number not below",
    "floor": "largest whole number not above",
    "round": "nearest number with so many digits",
    "trunc": "whole part",
    "greatest": "largest argument",
    "least": "smallest argument",
    "sign": "-1, 0 or 1",
    "sqrt": "square root",
    # text
    "lower": "text in lower case",
    "upper": "text in upper case",
    "trim": "text without the spaces around it",
    "ltrim": "text without the spaces before it",
    "rtrim": "text without the spaces after it",
    "length": "number of characters",
    "len": "number of characters or list items",
    "left": "first characters",
    "right": "last characters",
    "substring": "part of a text",
    "substr": "part of a text",
    "split_part": "part of a text between separators",
    "reverse": "text backwards",
    "||": "two texts joined",
    "concat": "texts joined",
    "contains": "whether a text holds another",
    "starts_with": "whether a text begins with another",
    "prefix": "whether a text begins with another",
    "suffix": "whether a text ends with another",
    "ends_with": "whether a text ends with another",
    "position": "where a text holds another, from 1; 0 where not",
    "strpos": "where a text holds another, from 1; 0 where not",
    "instr": "where a text holds another, from 1; 0 where not",
    "regexp_matches": "whether a text holds a match of a regular expression (RE2)",
    "regexp_full_match": "whether a whole text matches a regular expression (RE2)",
    "regexp_extract": "first match of a regular expression (RE2), or one of its groups",
    "~~": "LIKE",
    "!~~": "NOT LIKE",
    "~~*": "ILIKE",
    "!~~*": "NOT ILIKE",
    "like_escape": "LIKE with an escape character",
    "not_like_escape": "NOT LIKE with an escape character",
    "ilike_escape": "ILIKE with an escape character",
    "not_ilike_escape": "NOT ILIKE with an escape character",
    # time
    "now": "the scan's as-of time",
    "today": "the day of the scan's as-of time, in UTC",
    "date_part": "a part of a time, such as 'year'",
    "date_trunc": "a time cut to a unit, such as 'month'",
    "date_diff": "boundaries of a unit between two times",
    "datediff": "boundaries of a unit between two times",
    "epoch": "seconds since 1970, or seconds of an interval",
    "year": "year of a time",
    "month": "month of a time",
    "day": "day of the month of a time",
    "hour": "hour of a time",
    "dayofweek": "day of the week, Sunday is 0",
    "to_years": "interval of so many years",
    "to_months": "interval of so many months",
    "to_weeks": "interval of so many weeks",
    "to_days": "interval of so many days",
    "to_hours": "interval of so many hours",
    "to_minutes": "interval of so many minutes",
    "to_seconds": "interval of so many seconds",
    # JSON and lists
    "->": "a field of a JSON value, as JSON",
    "->>": "a field of a JSON value, as text",
    "json_extract": "a field of a JSON value, as JSON",
    "json_extract_string": "a field of a JSON value, as text",
    "json_type": "the type of a JSON value",
    "json_exists": "whether a JSON value has a field",
    "json_contains": "whether a JSON value holds another",
    "json_array_length": "number of items of a JSON list",
    "list_value": "a list written out",
    "list_contains": "whether a list holds a value",
    "list_has": "whether a list holds a value",
    "array_contains": "whether a list holds a value",
    "array_has": "whether a list holds a value",
    "list_has_any": "whether two lists have a value in common",
    "array_has_any": "whether two lists have a value in common",
    "list_has_all": "whether the first list holds every value of the second",
    "array_has_all": "whether the first list holds every value of the second",
    "name_matches_any": "whether a whole text matches one of a list of globs (`*`, `?`)",
    # choice
    "nullif": "NULL where two values are equal, else the first",
}
"""Scalar functions and operators by DuckDB's name, with their meaning."""

GLOBS: Final = "name_matches_any"
"""The one function that is not DuckDB's: the guard writes it as regular expressions."""

MEMBERSHIP: Final = frozenset(
    {"contains", "list_contains", "list_has", "array_contains", "array_has"}
)
"""Functions that tell whether a list, the first argument, holds a value."""

SETS: Final = frozenset({"list_has_any", "array_has_any", "list_has_all", "array_has_all"})
"""Functions that compare two lists."""

WINDOWS: Final[dict[str, str]] = {
    "count": "number of rows with a value",
    "count_star": "number of rows",
    "row_number": "number of the row in its partition, from 1",
    "rank": "rank with gaps",
    "dense_rank": "rank without gaps",
    "min": "smallest value",
    "max": "largest value",
    "sum": "sum",
    "avg": "mean",
    "bool_and": "whether all are true",
    "bool_or": "whether any is true",
    "first_value": "first value",
    "last_value": "last value",
    "lag": "value of the row before",
    "lead": "value of the row after",
}
"""Functions that may be used with OVER (...); they see every row of the table."""

FRAMED: Final = frozenset({"first_value", "last_value"})
BY_PLACE: Final = FRAMED | {"row_number", "lag", "lead"}
"""Windows whose value depends on the order of rows, also of equal ones."""

RANKS: Final = frozenset({"rank", "dense_rank"})
"""Windows that say which rows are equal, whatever their frame."""

SUMS: Final = frozenset({"sum", "avg"})

WINDOW_ARGUMENTS: Final = {"lag": 3, "lead": 3}
"""Most arguments of a window, where it is not one: max(x, n) would be a list of n values a row."""

OPERATORS: Final = frozenset(
    {
        "OPERATOR_NOT",
        "OPERATOR_IS_NULL",
        "OPERATOR_IS_NOT_NULL",
        "OPERATOR_COALESCE",
        "COMPARE_IN",
        "COMPARE_NOT_IN",
        "ARRAY_EXTRACT",
    }
)

COMPARISONS: Final = frozenset(
    {
        "COMPARE_EQUAL",
        "COMPARE_NOTEQUAL",
        "COMPARE_LESSTHAN",
        "COMPARE_GREATERTHAN",
        "COMPARE_LESSTHANOREQUALTO",
        "COMPARE_GREATERTHANOREQUALTO",
        "COMPARE_DISTINCT_FROM",
        "COMPARE_NOT_DISTINCT_FROM",
    }
)

TYPES: Final = frozenset(
    {
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INTEGER",
        "BIGINT",
        "HUGEINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL",
        "VARCHAR",
        "JSON",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP WITH TIME ZONE",
        "TIMESTAMPTZ",
        "INTERVAL",
    }
)
"""Types that a value may be cast to."""

OTHER_NAMES: Final = {
    **dict.fromkeys(("TEXT", "STRING", "NVARCHAR", "BPCHAR"), "VARCHAR"),
    **dict.fromkeys(("INT8", "LONG"), "BIGINT"),
    **dict.fromkeys(("BOOL", "LOGICAL"), "BOOLEAN"),
    "INT4": "INTEGER",
    "FLOAT4": "FLOAT",
    "FLOAT8": "DOUBLE",
    "DATETIME": "TIMESTAMP",
}
"""What other databases call some of them."""

REFUSED: Final[dict[str, tuple[str, str]]] = {
    "SUBQUERY": (
        "a subquery",
        "A predicate sees one table; windows, count(*) OVER (...), see its other rows.",
    ),
    "STAR": ("`*`", "Name the columns."),
    "POSITIONAL_REFERENCE": ("a positional reference (#1)", "Name the column."),
    "COLLATE": ("a collation", "Compare lower(...) instead."),
    "DEFAULT": ("DEFAULT", "Write the value."),
}
"""Kinds of nodes that people try, with what they are called and what to write instead."""
