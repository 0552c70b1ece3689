"""Who may see what: the wordings of a 401, and the scopes behind a 403."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.simulator.message import READ, detail
from tests.simulator.world import TokenKind

if TYPE_CHECKING:
    from tests.simulator.message import Request, Response
    from tests.simulator.world import ApiToken, World

ORG_READ = frozenset({"org:read", "org:write", "org:admin"})
ORG_ADMIN = frozenset({"org:admin"})
PROJECT_READ = frozenset({"project:read", "project:write", "project:admin"})
PROJECT_WRITE = frozenset({"project:write", "project:admin"})
PROJECT_ADMIN = frozenset({"project:admin"})

_FORBIDDEN = "You do not have permission to perform this action."
_MISSING = "The requested resource does not exist"


class RefusedError(Exception):
    """A request that is refused; `response` is the answer."""

    def __init__(self, response: Response) -> None:
        super().__init__(str(response.status))
        self.response = response


def unauthorized(message: str, allow: str = READ) -> RefusedError:
    """Return the refusal of a token."""
    response = detail(401, message, allow=allow)
    return RefusedError(response.with_headers(WWW_Authenticate='xBasic realm="api"'))


def forbidden(allow: str = READ) -> RefusedError:
    """Return the one refusal there is for a missing scope and for not being a member."""
    return RefusedError(detail(403, _FORBIDDEN, allow=allow))


def missing(allow: str = READ) -> RefusedError:
    """Return the refusal for an unknown organization, project or key."""
    return RefusedError(detail(404, _MISSING, allow=allow))


def authenticate(request: Request, world: World, allow: str) -> ApiToken:
    """Return the token in use or raise the 401 that belongs to it."""
    value = request.token
    if value is None:
        raise unauthorized("Authentication credentials were not provided.", allow)
    token = world.tokens.get(value)
    if token is None:
        wording = "Invalid org token" if value.startswith("sntrys_") else "Invalid token"
        raise unauthorized(wording, allow)
    if token.expired:
        raise unauthorized("Token expired", allow)
    return token


def scopes(token: ApiToken) -> frozenset[str]:
    """Return the scopes of the token; an organization token has org:ci alone."""
    return frozenset({"org:ci"}) if token.kind is TokenKind.ORGANIZATION else token.scopes


def require(token: ApiToken, needed: frozenset[str], organization: str, allow: str) -> None:
    """Raise a 403 unless the token has one of the scopes, in this organization."""
    outside = token.organizations is not None and organization not in token.organizations
    if outside or not scopes(token) & needed:
        raise forbidden(allow)
