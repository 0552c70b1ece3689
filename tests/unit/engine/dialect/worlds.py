# ruff: noqa: E501, RUF001 - grammar in lines, and letters that are to be mistaken
"""Random predicates and rows, in which databases like to differ."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from hypothesis import strategies as st

from scanner.catalogue import TABLES
from tests.unit.engine.support import AS_OF

TEXTS = [
    *("", "web", "Web", "WEB-prod", "web-01", "api", "Default", "Client Key 2", "a%b_c", "a\\b"),
    *(" padded ", "\u00a0nbsp\u3000", "\ttab", "line\nbreak", "line\r\n", "straße", "STRASSE"),
    *("İstanbul", "ıstanbul", "ΟΔΟΣ", "οδος", "e\u0301t\u00e9", "K\u212a", "ſhort", "Ǆ", "ﬁ"),
    *("😀 emoji", "\U00010400", "\ud7ff\ue000", "zażółć", "日本語", "'quoted'", '"', "$name", ":a"),
    *("x" * 70, "aaaaaaaaaaaaaaaaaaaaaaaa!", "1", "-1", "1.5", "9223372036854775808"),
]
NUMBERS = [
    *(0, 1, -1, 2, 3, 59, 60, 90, 1_000, 2**31 - 1, 2**31, -(2**31) - 1, 2**53 - 1, 2**53),
    *(2**53 + 1, 2**63 - 1, -(2**63), -(2**63) + 1),
]
TIMES = [
    AS_OF,
    *(AS_OF - timedelta(days=days) for days in (1, 29, 30, 31, 89, 90, 91, 365, 366)),
    AS_OF - timedelta(microseconds=1),
    *(
        datetime.fromisoformat(text)
        for text in (
            *("1970-01-01T00:00:00Z", "2000-02-29T23:59:59.999999Z", "2024-12-31T23:00:00Z"),
            *("2024-03-31T01:30:00Z", "2026-01-31T12:00:00Z", "2025-12-29T00:00:00Z"),
            *("2026-02-01T00:00:00Z", "2026-03-01T00:00:00.000001Z"),
        )
    ),
]  # fmt: skip


def _maybe(values: list[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(st.none(), st.sampled_from(values))


ROWS = st.fixed_dictionaries(
    {
        "name": _maybe(TEXTS),
        "label": st.one_of(_maybe(TEXTS), st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)),
        "public": _maybe(["a", "A", "B", "b", "é", "z", "Z", "_", ""]),
        "is_active": _maybe([True, False]),
        "has_rate_limit": _maybe([True, False]),
        "date_created": _maybe(TIMES),
        "project_date_created": _maybe(TIMES),
        "project_id": _maybe([1, 2, 3]),
        "project_slug": _maybe(["web", "app"]),
        "rate_limit_count": _maybe(NUMBERS),
        "rate_limit_window": _maybe(NUMBERS),
        "rate_limit_per_second": _maybe([0.0, 0.1, 1.5, 1 / 3, 1e-10, 9.2e18, 100.0]),
        "rate_limit": _maybe(['{"window": 60, "count": 5}', '{"window": null, "count": 0}', "{}"]),
        "project_teams": _maybe([[], ["core"], ["core", "web"], ["Core", "é"]]),
    }
)  # fmt: skip


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


TEXT_COLUMNS = st.sampled_from(["name", "label", "public", "project_slug"])
INTEGER_COLUMNS = st.sampled_from(["rate_limit_count", "rate_limit_window", "project_id"])
TIME_COLUMNS = st.sampled_from(["date_created", "project_date_created"])
TEXT_LITERALS = st.sampled_from(TEXTS).map(_quoted)
SMALL = st.integers(0, 30)
UNITS = st.sampled_from(["year", "month", "week", "day", "hour", "minute"])
PATTERNS = st.sampled_from(
    [
        *("^[a-z0-9-]+$", "web", "(?i)web", "(?i)^(default|new|client|dsn|key| )*[0-9]*$", "."),
        *("^.$", "^.*$", r"\d+", r"\D", r"\w", r"\W+", r"\s", r"\S$", "[^a-z]", "[^\\d]", "a|", ""),
        *("(?i)k", "(?i)s", "(?i)[a-k]+", "(?i)[^k]", "(?s)line.break", "line.break", "b$", r"\n$"),
        *("(a|aa)+!$", "^(?:x{2}){3,}$", "x{70}", "^x{0,80}$", "[[:alpha:]]", "[[:^alpha:]]"),
        *("[é-ż]", "[\\x{1F600}-\\x{1F64F}]", "ß", "(?i)ß", r"\.", r"[.\]-]", "(web)?-(\\d\\d)?"),
        *("(?P<a>w)(?-i:e)b", "(?i:W)eb", r"\Aweb\z", "^$", "a{2}", r"\bweb\b", r"\pL", "[ \t]"),
    ]
)
LIKES = st.sampled_from(
    ["%", "_", "web%", "%b", "a\\%", "a%b_c", "a\\_", "%\\%", "WEB%", "İ%", "%ß%", "", "_%_", "😀%"]
)
INTERVALS = st.sampled_from(
    ["90 days", "1 month", "1 year 2 months 3 days", "36 hours", "0 days", "-1 month", "1.5 hours"]
).map(lambda text: f"INTERVAL '{text}'")


def _text(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(inner, inner)
    return st.one_of(
        st.builds("{}({})".format, st.sampled_from(["lower", "upper", "trim", "ltrim", "rtrim"]), inner),
        st.builds("{}({}, {})".format, st.sampled_from(["left", "right"]), inner, SMALL),
        st.builds("substring({}, {}, {})".format, inner, st.integers(1, 9), SMALL),
        st.builds("split_part({}, {}, {})".format, inner, st.sampled_from(["'-'", "' '", "'b'"]), st.integers(1, 4)),
        pairs.map(lambda two: f"({two[0]} || {two[1]})"),
        pairs.map(lambda two: f"concat({two[0]}, {two[1]})"),
        pairs.map(lambda two: f"coalesce({two[0]}, {two[1]})"),
        pairs.map(lambda two: f"nullif({two[0]}, {two[1]})"),
        pairs.map(lambda two: f"greatest({two[0]}, {two[1]})"),
        pairs.map(lambda two: f"CASE WHEN is_active THEN {two[0]} ELSE {two[1]} END"),
        st.builds("CAST({} AS VARCHAR)".format, INTEGER_COLUMNS),
        st.builds("(rate_limit->>'{}')".format, st.sampled_from(["window", "count"])),
    )  # fmt: skip


TEXT = st.recursive(st.one_of(TEXT_COLUMNS, TEXT_COLUMNS, TEXT_LITERALS), _text, max_leaves=3)


def _number(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    signs = st.sampled_from(["+", "-", "*", "//", "%", "/"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, signs, inner),
        st.builds("(CAST({} AS HUGEINT) {} {})".format, inner, signs, inner),
        st.builds("CAST({} AS {})".format, inner, st.sampled_from(["DOUBLE", "BIGINT", "HUGEINT", "DECIMAL(20,2)", "INTEGER"])),
        st.builds("abs({})".format, inner),
        st.builds("-({})".format, inner),
        st.builds("{}({}, {})".format, st.sampled_from(["coalesce", "greatest", "least", "nullif"]), inner, inner),
        st.builds("length({})".format, TEXT),
        st.builds("strpos({}, {})".format, TEXT, TEXT),
        st.builds("{}({})".format, st.sampled_from(["year", "month", "day", "hour", "dayofweek"]), TIME_COLUMNS),
        st.builds("date_diff('{}', {}, {})".format, st.sampled_from(["day", "hour", "minute"]), TIME_COLUMNS, st.one_of(TIME_COLUMNS, st.just("now()"))),
        st.builds("CASE WHEN is_active THEN {} WHEN has_rate_limit THEN {} END".format, inner, inner),
        st.builds("len(project_teams)".format),
        st.builds("TRY_CAST(rate_limit->>'window' AS BIGINT)".format),
        WINDOWS,
    )  # fmt: skip


PARTITIONS = st.sampled_from(
    [
        "",
        "PARTITION BY project_id",
        "PARTITION BY lower(name)",
        "PARTITION BY organization_slug, coalesce(CAST(project_id AS VARCHAR), project_slug)",
        "PARTITION BY is_active, CAST(date_created AS DATE)",
    ]
)
ORDERS = st.sampled_from(
    [
        "",
        "ORDER BY date_created",
        "ORDER BY name DESC, id",
        "ORDER BY public NULLS FIRST, id DESC",
        "ORDER BY date_created DESC NULLS LAST, id ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
        "ORDER BY rate_limit_count, id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
    ]
)
WINDOWS = st.builds(
    "{} OVER ({} {})".format,
    st.sampled_from(
        [
            *("count(*)", "count(name)", "rank()", "dense_rank()", "row_number()", "count(*) FILTER (is_active)"),
            *("min(rate_limit_count)", "max(project_id)", "sum(rate_limit_count)", "lag(rate_limit_count)"),
            *("first_value(project_id)", "count(CASE WHEN is_active THEN 1 END)"),
        ]
    ),
    PARTITIONS,
    ORDERS,
)  # fmt: skip
_ROW_FRAMES = [
    *("2 PRECEDING AND 1 FOLLOWING", "3 PRECEDING AND 2 PRECEDING", "1 PRECEDING AND 3 PRECEDING"),
    *("1 FOLLOWING AND 2 FOLLOWING", "0 PRECEDING AND 0 FOLLOWING", "CURRENT ROW AND CURRENT ROW"),
    *("CURRENT ROW AND 1 FOLLOWING", "1 FOLLOWING AND UNBOUNDED FOLLOWING"),
    *("UNBOUNDED PRECEDING AND 1 PRECEDING", "9999999999 PRECEDING AND CURRENT ROW"),
    *("NULL PRECEDING AND CURRENT ROW", "CURRENT ROW AND 1.5 FOLLOWING"),
]
_OPEN_FRAMES = [
    *("UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING", "UNBOUNDED PRECEDING AND CURRENT ROW"),
    *("CURRENT ROW AND UNBOUNDED FOLLOWING", "CURRENT ROW AND CURRENT ROW"),
]
_FRAMES = [
    "",
    *(f"ROWS BETWEEN {one}" for one in [*_ROW_FRAMES, *_OPEN_FRAMES]),
    *(f"RANGE BETWEEN {one}" for one in [*_OPEN_FRAMES, "1 PRECEDING AND CURRENT ROW"]),
    "GROUPS BETWEEN CURRENT ROW AND CURRENT ROW",
    "ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW",
]
FRAMED = [
    f"{window} OVER (PARTITION BY project_id {order} {frame}) IS NOT DISTINCT FROM {other}"
    for frame in _FRAMES
    for order in ("", "ORDER BY rate_limit_count", "ORDER BY 1, public DESC, id")
    for other, windows in {
        "2": ["count(*)", "count(name)", "rank()", "dense_rank()", "row_number()", "count(*) FILTER (is_active)"],
        "name": ["min(name)", "first_value(name)", "lag(name)", "lead(name, 2)", "lag(name IGNORE NULLS)"],
        "is_active": ["min(is_active)", "max(is_active)", "bool_and(is_active)", "bool_or(has_rate_limit)", "last_value(is_active)"],
        "date_created": ["max(date_created)", "min(date_created) FILTER (is_active)", "last_value(date_created)"],
        "project_id": ["sum(project_id)", "max(project_id)", "sum(project_id) FILTER (is_active)", "avg(project_id)", "count(DISTINCT name)"],
        "rate_limit_per_second": ["max(rate_limit_per_second)", "lead(rate_limit_per_second)", "lag(rate_limit_per_second, 1, 0.5)"],
    }.items()
    for window in windows
]  # fmt: skip
"""Every window over every frame and order, also those that are refused."""

NUMBER = st.recursive(
    st.one_of(INTEGER_COLUMNS, st.just("rate_limit_per_second"), st.sampled_from(NUMBERS).map(str), st.sampled_from(["1.5", "0.1", "1e3", "-2.25"])),
    _number,
    max_leaves=4,
)  # fmt: skip

TIME = st.one_of(
    TIME_COLUMNS,
    st.builds("({} {} {})".format, TIME_COLUMNS, st.sampled_from("+-"), INTERVALS),
    st.builds("(now() - {})".format, INTERVALS),
    st.builds("date_trunc('{}', {})".format, UNITS, TIME_COLUMNS),
    st.sampled_from(["'2026-01-31'", "'2024-12-31T23:00:00Z'", "'2026-01-01 00:00:00+05:30'", "now()", "current_date"]),
)  # fmt: skip
COMPARE = st.sampled_from(
    ["=", "<>", "<", "<=", ">", ">=", "IS DISTINCT FROM", "IS NOT DISTINCT FROM"]
)
SIMPLE = st.one_of(
    st.sampled_from(["is_active", "has_rate_limit", "NULL", "true"]),
    st.builds("{} {} {}".format, TEXT, COMPARE, TEXT),
    st.builds("{} {} {}".format, NUMBER, COMPARE, NUMBER),
    st.builds("{} {} {}".format, TIME, COMPARE, TIME),
    st.builds("{} BETWEEN {} AND {}".format, TEXT, TEXT, TEXT),
    st.builds("{} BETWEEN {} AND {}".format, NUMBER, NUMBER, NUMBER),
    st.builds("{} IN ({}, {}, NULL)".format, TEXT, TEXT, TEXT_LITERALS),
    st.builds("{} NOT IN ({}, {})".format, NUMBER, NUMBER, NUMBER),
    st.builds("({} - {}) {} {}".format, TIME_COLUMNS, st.one_of(TIME_COLUMNS, st.just("now()")), COMPARE, INTERVALS),
    st.builds("CAST({} AS DATE) {} DATE '2026-01-31'".format, TIME, COMPARE),
    st.builds("{} IS {}NULL".format, st.one_of(TEXT, NUMBER, TIME_COLUMNS), st.sampled_from(["", "NOT "])),
    st.builds("{} {} {}".format, TEXT, st.sampled_from(["LIKE", "NOT LIKE", "ILIKE", "NOT ILIKE"]), LIKES.map(_quoted)),
    st.builds("{}({}, {})".format, st.sampled_from(["regexp_matches", "regexp_full_match"]), TEXT, PATTERNS.map(_quoted)),
    st.builds("regexp_matches({}, {}, 'i')".format, TEXT, PATTERNS.map(_quoted)),
    st.builds("{}({}, {})".format, st.sampled_from(["contains", "starts_with", "ends_with"]), TEXT, TEXT),
    st.builds("name_matches_any({}, ['web*', '?pi', 'D*t'])".format, TEXT),
    st.builds("{}(project_teams, ['core', 'é'])".format, st.sampled_from(["list_has_any", "list_has_all"])),
    st.builds("list_has_all(['core', 'web'], project_teams)".format),
    st.builds("list_contains(project_teams, {})".format, TEXT),
)  # fmt: skip
PREDICATES = st.recursive(
    SIMPLE,
    lambda inner: st.one_of(
        st.builds("({}) AND ({})".format, inner, inner),
        st.builds("({}) OR ({})".format, inner, inner),
        st.builds("NOT ({})".format, inner),
        st.builds("CASE WHEN {} THEN {} ELSE {} END".format, inner, inner, inner),
        st.builds("coalesce({}, {})".format, inner, st.sampled_from(["true", "is_active"])),
        st.builds("({}) IS {}NULL".format, inner, st.sampled_from(["", "NOT "])),
    ),
    max_leaves=4,
)

WORDS = [
    *(*TEXTS, "latest", "7.x", "10.x", "v8.1.2", "8", "08.x", "99999999999999999999.1", "x7"),
    *("javascript", "javascript-react", "python", "active", "user", "profiling", ""),
]
SCOPES = ["org:read", "org:admin", "project:read", "project:write", "event:read", "Org:Read"]
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "VARCHAR": st.sampled_from(WORDS),
    "BOOLEAN": st.booleans(),
    "BIGINT": st.one_of(st.integers(0, 120), st.sampled_from(NUMBERS)),
    "DOUBLE": st.sampled_from([0.0, 0.1, 1.5, 1 / 3, 9.2e18, 100.0]),
    "JSON": st.sampled_from(['{"window": 60, "count": 5}', "{}"]),
    "VARCHAR[]": st.lists(st.sampled_from(SCOPES), unique=True, max_size=3),
    "TIMESTAMP WITH TIME ZONE": st.sampled_from(TIMES),
}


@cache
def rows_of(table: str) -> st.SearchStrategy[dict[str, Any]]:
    """Rows of a table of the catalogue, of few projects, with anything else in them."""
    columns = {name: spec for name, spec in TABLES[table].columns.items() if not spec.heavy}
    strategies = {name: st.one_of(st.none(), _VALUES[one.type]) for name, one in columns.items()}
    places: dict[str, list[Any]] = {
        "project_id": [1, 2, None],
        "project_slug": ["web", None],
        "organization_slug": ["a"],
    }
    strategies |= {n: st.sampled_from(v) for n, v in places.items() if n in columns}
    return st.fixed_dictionaries({n: s for n, s in strategies.items() if n not in {"id", "owner"}})


ONCE_DIFFERENT = [
    "list_contains(project_teams, name)",
    "coalesce(list_contains(project_teams, label), is_active)",
    "(coalesce(len(project_teams) IS DISTINCT FROM CASE WHEN is_active THEN rank() OVER (PARTITION BY organization_slug, coalesce(CAST(project_id AS VARCHAR), project_slug) ORDER BY rate_limit_count, id ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING) WHEN has_rate_limit THEN CAST(rate_limit_count AS DOUBLE) END, true)) OR (coalesce(CAST((project_date_created + INTERVAL '-1 month') AS DATE) >= DATE '2026-01-31', true))",
    "rank() OVER (PARTITION BY project_id) = 1",
    "min(is_active) OVER (PARTITION BY project_id)",
    "regexp_matches(name, '\\W', 'i')",
]
"""What databases said otherwise, until it was mended."""
