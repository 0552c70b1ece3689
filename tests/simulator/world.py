"""What the simulated server knows: organizations, projects, keys and tokens, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime  # noqa: TC003 - a dataclass field
from enum import StrEnum

CANARY = "ca4a7e5ec7e7"
"""Every secret and every token of a generated world holds it: no output of the product may."""

READ_SCOPES = frozenset({"org:read", "project:read"})


class TokenKind(StrEnum):
    """The three kinds of Sentry token that can be sent as a bearer token."""

    USER = "user"
    ORGANIZATION = "organization"
    INTEGRATION = "integration"


@dataclass(frozen=True)
class ApiToken:
    """A token the server accepts; `organizations` None means every one of the world."""

    value: str
    scopes: frozenset[str] = READ_SCOPES
    kind: TokenKind = TokenKind.USER
    expired: bool = False
    organizations: frozenset[str] | None = None


@dataclass
class Key:
    """A client key; `number` is the database id that pages are cut by."""

    number: int
    public: str
    secret: str
    name: str
    active: bool
    created: datetime | None
    rate_limit: tuple[int, int] | None  # (count, window in seconds)
    sdk_version: str = "7.x"
    debug: bool = False
    replay: bool = False
    performance: bool = False
    feedback: bool = False
    logs: bool = False
    use_case: str = "user"
    extra: dict[str, object] = field(default_factory=dict)  # merged over the rendered record
    daily: tuple[int, int, int] = (0, 0, 0)  # accepted, dropped, filtered events of each day


@dataclass
class Project:
    """A project; `member`: the caller is in its team; `accessible`: the caller may see it.

    `starred`: the caller bookmarked it, so that it comes first in the list of projects.
    """

    number: int
    slug: str
    name: str
    platform: str | None
    created: datetime
    keys: list[Key] = field(default_factory=list)
    member: bool = True
    accessible: bool = True
    starred: bool = False


@dataclass
class Integration:
    """An integration of the organization's own; its client secret is shown for a day."""

    uuid: str
    name: str
    scopes: tuple[str, ...]
    secret: str
    status: str = "internal"


@dataclass
class OrgToken:
    """An organization auth token, of which the API tells all but the token."""

    number: int
    name: str
    created: datetime
    last_used: datetime | None
    scopes: tuple[str, ...] = ("org:ci",)


@dataclass
class ApiKey:
    """A legacy API key of an organization, which the API shows in clear."""

    number: int
    label: str
    key: str
    active: bool = True


@dataclass
class Organization:
    """An organization; `renamed` maps slugs that projects used to have to today's.

    Without `rate_limits`, a feature of paid plans, what is asked of them is passed over silently.
    """

    number: int
    slug: str
    name: str
    created: datetime
    projects: list[Project] = field(default_factory=list)
    renamed: dict[str, str] = field(default_factory=dict)
    region_url: str | None = None
    integrations: list[Integration] = field(default_factory=list)
    tokens: list[OrgToken] = field(default_factory=list)
    api_keys: list[ApiKey] = field(default_factory=list)
    rate_limits: bool = True

    def project(self, slug_or_id: str) -> Project | None:
        """Return the project with this slug or id."""
        for project in self.projects:
            if slug_or_id in (project.slug, str(project.number)):
                return project
        return None


@dataclass
class World:
    """Everything on the server. `token` may read all of it, unless a test says otherwise.

    `writes` are the changes that were done to keys: the method, and the key by its public part.
    """

    organizations: list[Organization]
    tokens: dict[str, ApiToken]
    writes: list[tuple[str, str]] = field(default_factory=list)

    @property
    def token(self) -> str:
        """The value of the first token."""
        return next(iter(self.tokens))

    @property
    def organization(self) -> Organization:
        """The first organization."""
        return self.organizations[0]

    @property
    def projects(self) -> list[Project]:
        """Every project."""
        return [project for org in self.organizations for project in org.projects]

    @property
    def keys(self) -> list[Key]:
        """Every key."""
        return [key for project in self.projects for key in project.keys]

    def add_token(
        self,
        value: str,
        *scopes: str,
        kind: TokenKind = TokenKind.USER,
        expired: bool = False,
        organizations: frozenset[str] | None = None,
    ) -> str:
        """Make the server accept a further token and return its value."""
        self.tokens[value] = ApiToken(value, frozenset(scopes), kind, expired, organizations)
        return value
