"""What a token may do: told before the first request where it is nothing, else by one refusal.

A server gives one wording for a missing scope and for not being a member. Where it has told the
token's scopes, they tell the two apart.
"""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from scanner.http.answers import Reply
from scanner.http.client import Client
from scanner.http.failure import ApiError, Reason
from scanner.model.token import Token

_NEEDED: Final = {
    "organizations": "org:read",
    "organization": "org:read",
    "projects": "org:read",
    "project-keys": "org:read",
    "sentry-apps": "org:read",
    "org-auth-tokens": "org:read",
    "api-keys": "org:admin",
    "keys": "project:read",
    "key-stats": "project:read",
}
"""The least scope that each endpoint wants; the wider ones of its area include it."""

_WIDER: Final = {"read": ("read", "write", "admin"), "admin": ("admin",)}


_USEFUL: Final = frozenset(
    f"{area}:{right}" for area in ("org", "project") for right in ("read", "write", "admin")
)
"""Scopes with which at least something can be listed."""

_USE_ANOTHER: Final = (
    "Use a token of an internal integration or a personal token, with the scopes org:read and "
    "project:read."
)


class TokenKind(StrEnum):
    """What a token belongs to, told by its prefix; older tokens have none."""

    USER = "sntryu_"
    ORGANIZATION = "sntrys_"
    INTEGRATION = "sntryi_"
    UNKNOWN = ""


def kind_of(token: Token) -> TokenKind:
    """Return what a token belongs to."""
    return next(kind for kind in TokenKind if token.begins(kind))


def check_token(token: Token, scopes: frozenset[str] | None) -> None:
    """Name a token that cannot list anything before it meets its first refusal."""
    if scopes is not None and scopes & _USEFUL:
        return
    if kind_of(token) is TokenKind.ORGANIZATION:
        raise ApiError(
            Reason.FORBIDDEN,
            "the token is an organization token (sntrys_): it carries the scope org:ci alone and "
            "cannot list keys",
            remedy=_USE_ANOTHER,
        )
    if scopes is not None:
        held = ", ".join(sorted(scopes)) or "none"
        raise ApiError(
            Reason.FORBIDDEN,
            f"the token has none of the scopes that listing keys needs (it has: {held})",
            remedy=_USE_ANOTHER,
        )


def explained(error: ApiError, token: Token) -> ApiError:
    """Return the error of a refused token, with what its kind could not do in any case."""
    if error.reason is Reason.UNAUTHORIZED and kind_of(token) is TokenKind.ORGANIZATION:
        remedy = f"Organization tokens (sntrys_) cannot list keys. {_USE_ANOTHER}"
        return ApiError(error.reason, error.message, where=error.where, remedy=remedy)
    return error


class RightfulClient:
    """Asks as the client does, but not again where a scope of the token is missing.

    `scopes` are the token's, None where the server does not tell.
    """

    def __init__(self, client: Client) -> None:
        self.scopes: frozenset[str] | None = None
        self._client = client
        self._first: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._allowed: set[str] = set()
        self._refused: dict[str, ApiError] = {}

    async def get(
        self,
        endpoint: str,
        path: str,
        query: Mapping[str, str] | None = None,
        *,
        base: str = "",
        vital: bool = True,
    ) -> Reply:
        """Return the JSON at `path`; raises ApiError, also as an earlier refusal told it."""
        if self._is_doubtful(endpoint):
            # One at a time, until one of them is answered: a server may know other scopes.
            async with self._first[endpoint]:
                if self._is_doubtful(endpoint):
                    return await self._try(endpoint, path, query, base=base, vital=vital)
        if (refused := self._refused.get(endpoint)) is not None:
            raise refused
        return await self._client.get(endpoint, path, query, base=base, vital=vital)

    def _is_doubtful(self, endpoint: str) -> bool:
        """Whether the scopes speak against it, and no answer has told yet."""
        if self.scopes is None or endpoint not in _NEEDED:
            return False
        area, _, right = _NEEDED[endpoint].partition(":")
        enough = {f"{area}:{wider}" for wider in _WIDER[right]}
        return not (self.scopes & enough or endpoint in self._allowed | self._refused.keys())

    async def _try(
        self, endpoint: str, path: str, query: Mapping[str, str] | None, *, base: str, vital: bool
    ) -> Reply:
        try:
            reply = await self._client.get(endpoint, path, query, base=base, vital=vital)
        except ApiError as error:
            if error.reason is not Reason.FORBIDDEN:
                raise
            self._refused[endpoint] = self._lacking(endpoint, error)
            raise self._refused[endpoint] from error
        self._allowed.add(endpoint)
        return reply

    def _lacking(self, endpoint: str, error: ApiError) -> ApiError:
        needed = _NEEDED[endpoint]
        held = ", ".join(sorted(self.scopes or ())) or "none"
        return ApiError(
            Reason.FORBIDDEN,
            f"the token lacks the scope {needed} (it has: {held})",
            where=error.where,
            remedy=f"Give the token {needed} too, or use one that has it.",
        )
