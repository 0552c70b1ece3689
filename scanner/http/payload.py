"""The JSON of an answer, which may be anything else, or more than anybody wants to walk through."""

from typing import Any, Final

import httpx

from scanner.base.shape.decode import UnfitError, decoded
from scanner.catalogue import LIVE
from scanner.http.failure import ApiError, Reason

_DEEPEST: Final = 64
"""Levels of an answer. Records have five; whoever walks through one does so by calling itself."""
_MOST_VALUES: Final = 500_000
"""Values of an answer; a page of 100 projects has 20,000. A few packed bytes may be millions."""


def read_json(response: httpx.Response, body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the body's JSON; raise ApiError (GARBLED) for HTML, a cut body and the like.

    A list with nulls in it (SERVER) is what some services give, with status 200, while its database
    fails under it; asked again, it may be whole.
    """
    try:
        payload = decoded(body, object)
    except UnfitError as error:
        what = "a web page" if body.lstrip()[:1] == b"<" else "something that is not JSON"
        raise ApiError(
            Reason.GARBLED,
            f"the answer is {what} where {LIVE.title}'s API gives JSON",
            where=where_of(response),
        ) from error
    if excess := _excess(payload):
        message = f"the answer has more than {excess}"
        raise ApiError(Reason.OVERSIZED, message, where=where_of(response))
    if isinstance(payload, list) and None in payload:
        raise ApiError(
            Reason.SERVER,
            "the server gives null in place of records, as it does while its database fails",
            where=where_of(response),
        )
    return payload


def _excess(payload: object) -> str:
    level, values = [payload], 0
    for _ in range(_DEEPEST):
        maps = [inner for value in level if isinstance(value, dict) for inner in value.values()]
        level = maps + [inner for value in level if isinstance(value, list) for inner in value]
        values += len(level)
        if not level or values > _MOST_VALUES:
            return f"{_MOST_VALUES:,} values" if level else ""
    return f"{_DEEPEST} values within one another"


def json_or_none(body: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return the body's JSON, None where it is none."""
    try:
        return decoded(body, object)
    except UnfitError:
        return None


def where_of(response: httpx.Response) -> str:
    """Return the URL that was asked, without what may be large or nobody's business."""
    return str(response.url.copy_with(query=None, fragment=None))
