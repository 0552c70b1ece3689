"""PostgreSQL's words, from version 14 on, in a database of encoding UTF8 and a session in UTC."""

from typing import Final

import sqlglot
from sqlglot import exp

from scanner.engine.dialect.calls.patterns import Written
from scanner.engine.dialect.letters import SPACES
from scanner.engine.dialect.words.write import Build, Words, call, text_of

_ASCII: Final = "OCTET_LENGTH(:a) = CHAR_LENGTH(:a)"
_SINCE: Final = "CAST(EXTRACT(EPOCH FROM {0}) * 1000000 AS BIGINT)"
_TRUNCATED: Final = "DATE_TRUNC('{0}', :b, 'UTC') - DATE_TRUNC('{0}', :a, 'UTC')"

_NAMES: Final = {
    "VARCHAR": "TEXT",
    "BOOLEAN": "BOOLEAN",
    "BIGINT": "BIGINT",
    "DOUBLE": "DOUBLE PRECISION",
    "JSON": "JSONB",
    "VARCHAR[]": "TEXT[]",
    "TIMESTAMP WITH TIME ZONE": "TIMESTAMPTZ",
}
_TEMPLATES: Final[dict[str, str]] = {
    "unknown": "CAST(NULL AS BOOLEAN)",
    "nothing": "CAST(NULL AS TEXT)",
    "flag": "CAST(CAST(:a AS INT) AS BIGINT)",
    "as_integer": "CAST(:a AS BIGINT)",
    "as_exact": "CAST(:a AS DECIMAL(38, {b}))",
    "as_double": "CAST(:a AS DOUBLE PRECISION)",
    "as_text": "CAST(:a AS TEXT)",
    "day_of": "CAST(:a AT TIME ZONE 'UTC' AS DATE)",
    "date_moment": "CAST(:a AS TIMESTAMP) AT TIME ZONE 'UTC'",
    "plus": ":a + :b",
    "minus": ":a - :b",
    "times": ":a * :b",
    "over": ":a / :b",
    "divided": ":a / :b",
    "remainder": ":a % :b",
    "bits": ":a & :b",
    "negative": "-:a",
    "absolute": "ABS(:a)",
    "unless": "NULLIF(:a, :b)",
    # No function of the database's for other letters than a to z: they go by its version of
    # Unicode, its operating system, or a language. `letters` has DuckDB's table.
    "lower": f'CASE WHEN {_ASCII} THEN LOWER(:a COLLATE "C")'
    " ELSE TRANSLATE(:a, letters.has_lower, letters.its_lower) END",
    "upper": f'CASE WHEN {_ASCII} THEN UPPER(:a COLLATE "C")'
    " ELSE TRANSLATE(:a, letters.has_upper, letters.its_upper) END",
    "trim": f"BTRIM(:a, '{SPACES}')",
    "ltrim": f"LTRIM(:a, '{SPACES}')",
    "rtrim": f"RTRIM(:a, '{SPACES}')",
    "length": "CAST(CHAR_LENGTH(:a) AS BIGINT)",
    "items": "CAST(CARDINALITY(:a) AS BIGINT)",
    "left": "LEFT(:a, {b})",
    "right": "RIGHT(:a, {b})",
    "substring": "SUBSTR(:a, {b}, {c})",
    "piece": "SPLIT_PART(:a, :b, {c})",
    "joined": ":a || :b",
    "contains": "STRPOS(:a, :b) > 0",
    "begins": "LEFT(:a, CHAR_LENGTH(:b)) = :b",
    "ends": "RIGHT(:a, CHAR_LENGTH(:b)) = :b",
    "place": "CAST(STRPOS(:a, :b) AS BIGINT)",
    "bytes": ':a COLLATE "C"',
    "micros": _SINCE.format("(:a - :b)"),
    "epoch": _SINCE.format(":a"),
    "moved": "CAST(:a AS TIMESTAMPTZ) + CAST('{b} months {c} days {d} microseconds' AS INTERVAL)",
    "part_of_time": "CAST(EXTRACT({b} FROM :a AT TIME ZONE 'UTC') AS BIGINT)",
    "cut_time": "DATE_TRUNC('{b}', :a, 'UTC')",
    "days_between": "CAST(CAST(:b AT TIME ZONE 'UTC' AS DATE)"
    " - CAST(:a AT TIME ZONE 'UTC' AS DATE) AS BIGINT)",
    "hours_between": f"CAST(EXTRACT(EPOCH FROM ({_TRUNCATED.format('hour')})) / 3600 AS BIGINT)",
    "minutes_between": f"CAST(EXTRACT(EPOCH FROM ({_TRUNCATED.format('minute')})) / 60 AS BIGINT)",
    "field": ":a ->> '{b}'",
    "json_type": "CASE JSONB_TYPEOF(:a) WHEN 'object' THEN 'OBJECT' WHEN 'null' THEN 'NULL'"
    " WHEN 'array' THEN 'ARRAY' END",
    "json_integer": "CASE WHEN JSONB_TYPEOF(:a -> '{b}') = 'number'"
    " THEN CAST(:a ->> '{b}' AS BIGINT) END",
    **{f"no {kind}": f"CAST(NULL AS {name})" for kind, name in _NAMES.items()},
    "json_object": "CASE WHEN JSONB_TYPEOF(:a) <> 'null' THEN :a END",
    "any_of": ":a && :b",
    "all_of": ":a @> :b",
    "member": ":b = ANY(:a)",
}


def _texts(arguments: list[exp.Expression]) -> exp.Expression:
    items = [exp.Literal.string(text_of(one)) for one in arguments]
    return exp.cast(exp.Array(expressions=items), "TEXT[]", dialect="postgres")


def _like(*, negated: bool) -> Build:
    def build(arguments: list[exp.Expression]) -> exp.Expression:
        pattern = exp.Literal.string(text_of(arguments[1]))
        # DuckDB's LIKE has no character of escape unless one is named.
        made = exp.Escape(
            this=exp.Like(this=arguments[0], expression=pattern),
            expression=exp.Literal.string(""),
        )
        return exp.Not(this=exp.Paren(this=made)) if negated else made

    return build


def _match(arguments: list[exp.Expression]) -> exp.Expression:
    pattern = spelled(text_of(arguments[1]))
    return exp.RegexpLike(this=arguments[0], expression=exp.Literal.string(pattern))


def _digits(arguments: list[exp.Expression]) -> exp.Expression:
    """Return the number that the one group of an expression is, NULL beyond 64 bits."""
    pattern = exp.Literal.string(spelled(text_of(arguments[1])))
    part = call("SUBSTRING", arguments[0], pattern)
    made = sqlglot.parse_one(
        "CASE WHEN LENGTH(:part) < 1000 THEN CASE WHEN CAST(:part AS NUMERIC)"
        " <= 9223372036854775807 THEN CAST(:part AS BIGINT) END END",
        read="postgres",
    )
    return made.transform(lambda one: part.copy() if isinstance(one, exp.Placeholder) else one)


def spelled(pattern: str) -> str:
    """Return a portable regular expression as PostgreSQL reads it."""

    def character(code: int) -> str:
        plain = chr(code)
        return plain if plain.isascii() and plain.isalnum() else f"\\U{code:08x}"

    return Written(pattern, is_steep=False).spelled(character, "\\A", "\\Z")


POSTGRES: Final = Words(
    "PostgreSQL",
    "postgres",
    _TEMPLATES,
    {
        "texts": _texts,
        "like": _like(negated=False),
        "unlike": _like(negated=True),
        "match": _match,
        "digits": _digits,
        "concat": lambda arguments: call("CONCAT", *arguments),
        "greatest": lambda arguments: call("GREATEST", *arguments),
        "least": lambda arguments: call("LEAST", *arguments),
    },
)
