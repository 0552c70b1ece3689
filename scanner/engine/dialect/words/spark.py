"""Spark's words, from version 4 on, in a session in UTC; JSON is text there."""

from decimal import Decimal
from typing import Final

from sqlglot import exp

from scanner.engine.dialect.calls.patterns import Written
from scanner.engine.dialect.letters import SPACES
from scanner.engine.dialect.words.write import Build, Words, call, text_of

_ASCII: Final = "OCTET_LENGTH(:a) = CHAR_LENGTH(:a)"
_TRUNCATED: Final = (
    "(UNIX_MICROS(DATE_TRUNC('{0}', :b)) - UNIX_MICROS(DATE_TRUNC('{0}', :a))) DIV {1}"
)
_NAMES: Final = {
    "VARCHAR": "STRING",
    "BOOLEAN": "BOOLEAN",
    "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE",
    "JSON": "STRING",
    "VARCHAR[]": "ARRAY<STRING>",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMP",
}
_TEMPLATES: Final[dict[str, str]] = {
    "unknown": "CAST(NULL AS BOOLEAN)",
    "nothing": "CAST(NULL AS STRING)",
    "flag": "CAST(:a AS BIGINT)",
    "as_integer": "CAST(:a AS BIGINT)",
    "as_exact": "CAST(:a AS DECIMAL(38, {b}))",
    "as_double": "CAST(:a AS DOUBLE)",
    "as_text": "CAST(:a AS STRING)",
    "day_of": "CAST(:a AS DATE)",
    "date_moment": "CAST(:a AS TIMESTAMP)",
    "plus": ":a + :b",
    "minus": ":a - :b",
    "times": ":a * :b",
    "over": ":a / :b",
    "divided": ":a DIV :b",
    "remainder": ":a % :b",
    "bits": ":a & :b",
    "negative": "-:a",
    "absolute": "ABS(:a)",
    "unless": "NULLIF(:a, :b)",
    # Java's table of letters is of another version of Unicode, and makes two of some.
    "lower": f"CASE WHEN {_ASCII} THEN LOWER(:a)"
    " ELSE TRANSLATE(:a, letters.has_lower, letters.its_lower) END",
    "upper": f"CASE WHEN {_ASCII} THEN UPPER(:a)"
    " ELSE TRANSLATE(:a, letters.has_upper, letters.its_upper) END",
    "trim": f"TRIM(BOTH '{SPACES}' FROM :a)",
    "ltrim": f"TRIM(LEADING '{SPACES}' FROM :a)",
    "rtrim": f"TRIM(TRAILING '{SPACES}' FROM :a)",
    "length": "CAST(CHAR_LENGTH(:a) AS BIGINT)",
    "items": "CAST(ARRAY_SIZE(:a) AS BIGINT)",
    "left": "LEFT(:a, {b})",
    "right": "RIGHT(:a, {b})",
    "substring": "SUBSTRING(:a, {b}, {c})",
    "piece": "SPLIT_PART(:a, :b, {c})",
    "joined": "CONCAT(:a, :b)",
    "contains": "CONTAINS(:a, :b)",
    "begins": "STARTSWITH(:a, :b)",
    "ends": "ENDSWITH(:a, :b)",
    "place": "CAST(INSTR(:a, :b) AS BIGINT)",
    "bytes": ":a",
    "micros": "UNIX_MICROS(:a) - UNIX_MICROS(:b)",
    "epoch": "UNIX_MICROS(:a)",
    "cut_time": "DATE_TRUNC('{b}', :a)",
    "days_between": "CAST(DATEDIFF(CAST(:b AS DATE), CAST(:a AS DATE)) AS BIGINT)",
    "hours_between": _TRUNCATED.format("HOUR", 3_600_000_000),
    "minutes_between": _TRUNCATED.format("MINUTE", 60_000_000),
    "field": "GET_JSON_OBJECT(:a, '$.{b}')",
    "json_type": "CASE WHEN TRIM(:a) = 'null' THEN 'NULL' WHEN STARTSWITH(TRIM(:a), '{{') THEN"
    " 'OBJECT' WHEN STARTSWITH(TRIM(:a), '[') THEN 'ARRAY' END",
    "json_integer": "TRY_CAST(GET_JSON_OBJECT(:a, '$.{b}') AS BIGINT)",
    "json_object": "CASE WHEN TRIM(:a) <> 'null' THEN :a END",
    "any_of": "ARRAYS_OVERLAP(:a, :b)",
    "all_of": "ARRAY_SIZE(ARRAY_EXCEPT(:b, :a)) = 0",
    # Nothing is in an empty list, not even what is not known.
    "member": "CASE WHEN ARRAY_SIZE(:a) = 0 THEN FALSE ELSE ARRAY_CONTAINS(:a, :b) END",
    **{f"no {kind}": f"CAST(NULL AS {name})" for kind, name in _NAMES.items()},
}


def _texts(arguments: list[exp.Expression]) -> exp.Expression:
    items = [exp.Literal.string(text_of(one)) for one in arguments]
    return exp.cast(call("ARRAY", *items), "ARRAY<STRING>", dialect="spark")


def _like(*, negated: bool) -> Build:
    def build(arguments: list[exp.Expression]) -> exp.Expression:
        # Spark's LIKE escapes with a backslash, DuckDB's with nothing.
        pattern = text_of(arguments[1]).replace("\\", "\\\\")
        made = exp.Like(this=arguments[0], expression=exp.Literal.string(pattern))
        return exp.Not(this=exp.Paren(this=made)) if negated else made

    return build


def _match(arguments: list[exp.Expression]) -> exp.Expression:
    return exp.RegexpLike(this=arguments[0], expression=_pattern(arguments[1]))


def _digits(arguments: list[exp.Expression]) -> exp.Expression:
    one = exp.Literal.number(1)
    part = call("REGEXP_EXTRACT", arguments[0], _pattern(arguments[1]), one)
    return exp.TryCast(this=part, to=exp.DataType.build("BIGINT"), safe=True)


def _pattern(argument: exp.Expression) -> exp.Expression:
    def character(code: int) -> str:
        plain = chr(code)
        return plain if plain.isascii() and plain.isalnum() else f"\\x{{{code:x}}}"

    written = Written(text_of(argument), is_steep=False)
    return exp.Literal.string(written.spelled(character, "\\A", "\\z"))


def _concat(arguments: list[exp.Expression]) -> exp.Expression:
    empty = exp.Literal.string("")
    return call("CONCAT", *(call("COALESCE", one, empty.copy()) for one in arguments))


def _moved(arguments: list[exp.Expression]) -> exp.Expression:
    months, days, micros = (one.name for one in arguments[1:])
    number = exp.Literal.number
    moved = exp.Add(
        this=exp.Paren(this=arguments[0]),
        expression=call("MAKE_YM_INTERVAL", number(0), number(months)),
    )
    seconds = number(format(Decimal(micros).scaleb(-6), "f"))
    parts = (number(days), number(0), number(0), seconds)
    return exp.Add(this=moved, expression=call("MAKE_DT_INTERVAL", *parts))


def _part_of_time(arguments: list[exp.Expression]) -> exp.Expression:
    name = arguments[1].name
    function = {"day": "DAYOFMONTH", "dow": "WEEKDAY"}.get(name, name.upper())
    made = exp.cast(call(function, arguments[0]), "BIGINT")
    if name != "dow":
        return made
    # Spark's Monday is 0, and Sunday 6.
    after = exp.Add(this=made, expression=exp.Literal.number(1))
    return exp.Mod(this=exp.Paren(this=after), expression=exp.Literal.number(7))


def _extreme(name: str) -> Build:
    return lambda arguments: call(name, *arguments) if len(arguments) > 1 else arguments[0]


SPARK: Final = Words(
    "Spark",
    "spark",
    _TEMPLATES,
    {
        "texts": _texts,
        "like": _like(negated=False),
        "unlike": _like(negated=True),
        "match": _match,
        "digits": _digits,
        "concat": _concat,
        "greatest": _extreme("GREATEST"),
        "least": _extreme("LEAST"),
        "moved": _moved,
        "part_of_time": _part_of_time,
    },
    backtracks=True,
)
