"""What asks for the present, and what stands for it: the scan's as-of time, in UTC."""

from typing import Final

from scanner.engine.predicate.syntax import Node, call, cast_to, parameter

AS_OF: Final = "as_of"
"""Name of the bound parameter that holds the scan's as-of time."""

KEYWORDS: Final[dict[str, str]] = {
    "current_timestamp": "",
    "current_date": "DATE",
    "current_time": "TIMETZ",
    "localtime": "TIME",
    "localtimestamp": "TIMESTAMP",
}
"""Words that SQL reads as the present, by the type that the as-of time is cast to."""

CALLS: Final[dict[str, str]] = {
    "now": "",
    "get_current_timestamp": "",
    "transaction_timestamp": "",
    "today": "DATE",
    "get_current_time": "TIMETZ",
    "current_localtime": "TIME",
    "current_localtimestamp": "TIMESTAMP",
    **KEYWORDS,
}
"""Functions without arguments that do."""

IMPURE: Final = frozenset(
    {
        # the clock, in ways that have no meaning at a fixed time
        *("ago", "pg_conf_load_time", "pg_postmaster_start_time", "sleep_ms", "pg_sleep"),
        # chance
        *("random", "setseed", "uuid", "uuidv4", "uuidv7", "gen_random_uuid"),
        "reservoir_quantile",
        # the session, the process, the machine
        *("current_setting", "getvariable", "getenv", "read_text", "read_blob", "current_query"),
        *("current_query_id", "current_connection_id", "current_transaction_id", "txid_current"),
        *("write_log", "nextval", "currval", "setval", "get_block_size", "in_search_path"),
        *("current_database", "current_catalog", "current_schema", "current_schemas"),
        *("pg_get_viewdef", "pg_get_constraintdef", "format_type", "stats", "vector_type"),
    }
)
"""Functions of DuckDB whose value depends on more than their arguments."""


def present(node: Node) -> Node | None:
    """Return what stands for the node where it asks for the present time, else None."""
    if node.get("class") == "COLUMN_REF" and len(node["column_names"]) == 1:
        kind = KEYWORDS.get(str(node["column_names"][0]).lower())
    elif node.get("class") == "FUNCTION" and not node.get("arguments"):
        kind = CALLS.get(str(node.get("function_name")).lower())
    else:
        return None
    return None if kind is None else moment(kind)


def age_of(node: Node) -> Node | None:
    """Return age(x) as the age at as-of, for DuckDB counts it from today; else None."""
    is_age = node.get("class") == "FUNCTION" and str(node.get("function_name")).lower() == "age"
    if not is_age or len(node["arguments"]) != 1:
        return None
    midnight = cast_to("TIMESTAMP", moment("DATE"))
    arguments = [midnight, node["arguments"][0]["expression"]]
    return {**node, **call("age", arguments)}


def moment(kind: str) -> Node:
    """Return the as-of time as a value of the type; as it is, with its time zone, for ""."""
    as_of = parameter(AS_OF)
    if not kind:
        return as_of
    # TIME has no cast from a time with zone that keeps UTC but by way of TIMESTAMP.
    return cast_to(kind, cast_to("TIMESTAMP", as_of) if kind == "TIME" else as_of)
