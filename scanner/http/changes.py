"""An answer to a change goes in; what the server stored comes out, or what became of it."""

from typing import Any, Final

import httpx
import msgspec

from scanner.catalogue import API
from scanner.http.answers import check
from scanner.http.exchange import HttpRequest
from scanner.http.failure import ApiError, Reason, quote
from scanner.http.payload import json_or_none, read_json
from scanner.model.token import Token

_DONE: Final = frozenset({200, 201, 204})
_REQUEST_TIMEOUT: Final = 408


class ChangeRequest(msgspec.Struct, frozen=True):
    """A change to be sent: the path below the API, and the fields that become other.

    `request_id` goes along in the header X-Request-Id, by which logs of servers and proxies can be
    held against one's own.
    """

    method: str
    path: str
    fields: dict[str, Any] | None = None
    request_id: str = ""

    def at(self, home: str) -> HttpRequest:
        """Return the request to a server."""
        headers = {"X-Request-Id": self.request_id} if self.request_id else {}
        content = None
        if self.fields is not None:
            content = msgspec.json.encode(self.fields)
            headers["Content-Type"] = "application/json"
        url = f"{home}{API.prefix}{self.path}"
        return HttpRequest(url, method=self.method, change=content, headers=headers)


def check_change(response: httpx.Response, body: bytes, token: Token) -> Any:  # noqa: ANN401 - any JSON value
    """Return the JSON of a good answer, None where it has none.

    Raises ApiError for every other one. Only a refusal (4xx) tells that nothing was done; any
    other answer, such as an error after the change or a proxy's page in place of the server's
    word, leaves it open.
    """
    status = response.status_code
    try:
        if status in _DONE:
            return read_json(response, body) if body else None
        moved = check(response, body, token)
    except ApiError as error:
        refused = httpx.codes.is_client_error(status) and status != _REQUEST_TIMEOUT
        said = _problems(body, token) if error.reason is Reason.REFUSED else ""
        message, remedy = error.message, error.remedy
        if error.reason is Reason.FORBIDDEN:
            message = message.replace("may not read this", "may not change this")
            remedy = "Give the token the scopes for changing keys, and its owner access."
        if said:
            message, remedy = f"{message} ({said})", "Change the plan in what is refused."
        raise ApiError(
            error.reason, message, where=error.where, remedy=remedy, unsure=not refused
        ) from error
    slug = moved.slug if moved is not None else ""
    raise ApiError(
        Reason.REDIRECTED,
        f"the project is called {quote(slug, token)} now",
        where=str(response.url),
        remedy="Make the plan anew.",
        unsure=True,
    )


def _problems(body: bytes, token: Token) -> str:
    """Return what the server says of single fields, as it does with status 400."""
    said = json_or_none(body)
    if not isinstance(said, dict) or "detail" in said:
        return ""
    return quote("; ".join(f"{name}: {_flat(value)}" for name, value in said.items()), token)


def _flat(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name}: {_flat(inner)}" for name, inner in value.items())
    if isinstance(value, list):
        return " ".join(_flat(inner) for inner in value)
    return str(value)
