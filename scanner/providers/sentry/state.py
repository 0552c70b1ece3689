"""A key's state: columns of a row or a record of the API go in, its manageable part comes out.

Both ways lead to the same values for the same key, so that a plan made from an inventory can be
held against the key as the server tells it. What is not told is absent; secrets are not looked at.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any, Final

from scanner.base.text import timestamp
from scanner.model.moment import read_moment
from scanner.policy.actions.interface import StateReader
from scanner.providers.sentry.tables.client_keys import LOADER_OPTIONS

_LIMIT: Final = "rateLimit"
_OPTIONS: Final = "dynamicSdkLoaderOptions"
_CREATED: Final = "dateCreated"
_PROJECT: Final = "projectId"
_PLAIN: Final = {
    "id": "id",
    "name": "name",
    "public": "public",
    "isActive": "is_active",
    "browserSdkVersion": "browser_sdk_version",
    "useCase": "use_case",
}
"""Fields that are a column as they are, with its name."""

_LIMIT_COLUMNS: Final = ("has_rate_limit", "rate_limit_count", "rate_limit_window")
_OPTION_COLUMNS: Final = {field: f"loader_has_{name}" for name, field in LOADER_OPTIONS.items()}


def state_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state that a row of `sentry_key` tells; times in it are texts, in ISO 8601.

    A column that is missing or NULL is not told. Of the findings of a report the evidence will do.
    """
    state = {field: row[name] for field, name in _PLAIN.items() if row.get(name) is not None}
    _add(state, _PROJECT, row.get("project_id"), str)
    _add(state, _CREATED, row.get("date_created"), _instant)
    has_limit, count, window = map(row.get, _LIMIT_COLUMNS)
    if has_limit is False:
        state[_LIMIT] = None
    elif has_limit and count is not None and window is not None:
        state[_LIMIT] = {"count": count, "window": window}
    options = {field: row.get(name) for field, name in _OPTION_COLUMNS.items()}
    _add_options(state, options)
    return state


def state_of_record(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the state that the API's record of a key tells."""
    state = {field: record[field] for field in _PLAIN if record.get(field) is not None}
    _add(state, _PROJECT, record.get(_PROJECT, record.get("projectID")), str)
    _add(state, _CREATED, record.get(_CREATED), _instant)
    limit = record.get(_LIMIT)
    if isinstance(limit, dict):
        count, window = limit.get("count"), limit.get("window")
        if isinstance(count, int) and isinstance(window, int):
            # Of a limit without a count or a window Sentry says at other times that there is none.
            is_one = count > 0 and window > 0
            state[_LIMIT] = {"count": count, "window": window} if is_one else None
    elif _LIMIT in record:
        state[_LIMIT] = None
    options = record.get(_OPTIONS)
    if isinstance(options, dict):
        _add_options(state, {field: options.get(field) for field in _OPTION_COLUMNS})
    return state


def row_of(state: Mapping[str, Any]) -> dict[str, Any]:
    """Return the columns that a state, or a part of one, tells of a row of `sentry_key`."""
    row = {name: state[field] for field, name in _PLAIN.items() if field in state}
    if _LIMIT in state:
        limit = state[_LIMIT] or {}
        told = bool(limit), limit.get("count"), limit.get("window")
        row |= dict(zip(_LIMIT_COLUMNS, told, strict=True))
        row["rate_limit_per_second"] = limit["count"] / limit["window"] if limit else None
        row["rate_limit"] = state[_LIMIT]
    row |= {
        _OPTION_COLUMNS[field]: value
        for field, value in state.get(_OPTIONS, {}).items()
        if field in _OPTION_COLUMNS
    }
    return row


def _add(state: dict[str, Any], field: str, value: Any, shape: Any) -> None:  # noqa: ANN401 - JSON
    if value is not None:
        with suppress(ValueError):
            state[field] = shape(value)


def _add_options(state: dict[str, Any], options: Mapping[str, Any]) -> None:
    told = {field: value for field, value in options.items() if isinstance(value, bool)}
    if told:
        state[_OPTIONS] = told


def _instant(text: str) -> str:
    return timestamp(read_moment(text))


STATE: Final = StateReader(
    columns=(
        *_PLAIN.values(),
        *("date_created", "project_id"),
        *_LIMIT_COLUMNS,
        *_OPTION_COLUMNS.values(),
    ),
    blank={
        **dict.fromkeys(("id", "name", "public", "browserSdkVersion"), ""),
        "isActive": True,
        _LIMIT: None,
        _OPTIONS: {},
    },
    state=state_of,
    row=row_of,
    traffic="events_accepted_30d",
)
