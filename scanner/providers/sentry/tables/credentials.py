"""The tables of credentials that can read or change an organization: tokens and integrations."""

from typing import Final

from scanner.model.table import (
    INTEGER,
    LIST,
    OBJECT,
    ORGANIZATION,
    OWNER,
    TEXT,
    Column,
    Field,
    Table,
    age,
    integer,
    json,
    scopes,
    text,
    time,
)

SCOPES: Final = (
    *("org:read", "org:write", "org:admin", "org:integrations", "org:ci", "org:superuser"),
    *("project:read", "project:write", "project:admin", "project:releases"),
    *("project:distribution", "team:read", "team:write", "team:admin"),
    *("member:read", "member:write", "member:admin", "member:invite"),
    *("event:read", "event:write", "event:admin", "alerts:read", "alerts:write"),
    *("openid", "profile", "email"),
)
"""Scopes that Sentry has, deprecated ones included."""


def _page(path: str) -> Column:
    source = f"server || '/settings/' || organization || '{path}'"
    return Column("VARCHAR", "Settings page in Sentry", source, derived=True)


INTEGRATION: Final = Table(
    title="integration",
    checks=("scopes",),
    doc=(
        "Integrations that belong to the organization: internal ones, whose tokens people and"
        " scripts use, and those it publishes."
    ),
    identity="uuid",
    closed=True,
    optional=True,
    pages=(100,),
    fields={
        "$.uuid": Field(TEXT, required=True),
        "$.slug": Field(TEXT),
        "$.name": Field(TEXT),
        "$.status": Field(TEXT),
        "$.author": Field(TEXT),
        "$.scopes": Field(LIST),
        "$.events": Field(LIST),
        "$.dateCreated": Field(TEXT, timestamp=True),
        "$.datePublished": Field(TEXT, timestamp=True),
        "$.owner": Field(OBJECT),
        "$.owner.slug": Field(TEXT),
    },
    columns={
        "id": text("$.uuid", "Identifier (UUID) of the integration"),
        "slug": text("$.slug", "Slug of the integration"),
        "name": text("$.name", "Name of the integration"),
        "title": text("$.name", "Title of the integration: its name"),
        "status": text(
            "$.status",
            "internal, unpublished or published",
            ("internal", "unpublished", "published"),
        ),
        "author": text("$.author", "Who made it, as its owner says"),
        "scopes": scopes("$.scopes", SCOPES),
        "events": json("$.events", "Events that its webhook gets, a list of names"),
        "date_created": time(
            "$.dateCreated", "When it was created; Sentry's API does not tell that today"
        ),
        "date_published": time("$.datePublished", "When it was published"),
        "organization_slug": Column(
            "VARCHAR",
            "Slug of the organization",
            "coalesce(organization, <$.owner.slug>)",
            field="$.owner.slug",
        ),
        "owner": OWNER,
        "url": Column(
            "VARCHAR",
            "Settings page in Sentry",
            "server || '/settings/' || coalesce(organization, <$.owner.slug>)"
            " || '/developer-settings/' || <$.slug> || '/'",
            derived=True,
        ),
    },
)

ORG_AUTH_TOKEN: Final = Table(
    title="organization token",
    checks=("max_age", "scopes"),
    doc="Organization auth tokens (sntrys_), which belong to no person.",
    closed=True,
    optional=True,
    fields={
        "$.id": Field((*TEXT, *INTEGER), required=True),
        "$.name": Field(TEXT),
        "$.scopes": Field(LIST),
        "$.dateCreated": Field(TEXT, timestamp=True),
        "$.dateLastUsed": Field(TEXT, timestamp=True),
        "$.projectLastUsedId": Field((*TEXT, *INTEGER), number=True),
    },
    columns={
        "id": text("$.id", "Identifier of the token"),
        "name": text("$.name", "Name of the token"),
        "title": text("$.name", "Title of the token: its name"),
        "scopes": scopes("$.scopes", SCOPES),
        "date_created": time("$.dateCreated", "When the token was created"),
        "is_used": Column(
            "BOOLEAN",
            "Whether it was ever used: FALSE where Sentry says never",
            "CASE <type $.dateLastUsed> WHEN 'NULL' THEN false WHEN 'VARCHAR' THEN true END",
        ),
        "date_last_used": time("$.dateLastUsed", "When it was last used; NULL also for never"),
        "project_last_used_id": integer(
            "$.projectLastUsedId", "Identifier of the project that it was last used for"
        ),
        "organization_slug": ORGANIZATION,
        "age_days": age("$.dateCreated"),
        "owner": OWNER,
        "url": _page("/auth-tokens/"),
    },
)

API_KEY: Final = Table(
    title="legacy API key",
    checks=("scopes",),
    doc="API keys of the organization, which Sentry replaced by tokens; older servers have them.",
    closed=True,
    optional=True,
    fields={
        "$.id": Field((*TEXT, *INTEGER), required=True),
        "$.label": Field(TEXT),
        "$.status": Field(INTEGER),
        "$.scope_list": Field(LIST),
        "$.allowed_origins": Field(TEXT),
    },
    columns={
        "id": text("$.id", "Identifier of the key"),
        "name": text("$.label", "Name of the key: its label"),
        "title": text("$.label", "Title of the key: its label"),
        "is_active": Column(
            "BOOLEAN",
            "Whether the key works",
            "CASE TRY_CAST(<$.status> AS BIGINT) WHEN 0 THEN true WHEN 1 THEN false END",
        ),
        "scopes": scopes("$.scope_list", SCOPES),
        "allowed_origins": text("$.allowed_origins", "Origins that may use it, one a line"),
        "organization_slug": ORGANIZATION,
        "owner": OWNER,
        "url": _page("/api-keys/"),
    },
)

TOKEN: Final = Table(
    title="token in use",
    checks=("scopes",),
    doc="The credential that the inventory was fetched with: one row.",
    closed=True,
    global_=True,
    fields={
        "$.id": Field(TEXT, required=True),
        "$.kind": Field(TEXT),
        "$.scopes": Field(LIST),
    },
    columns={
        "id": text("$.id", "Always `current`"),
        "name": Column(
            "VARCHAR", "What it is called in messages", "coalesce(<$.kind> || ' token', 'token')"
        ),
        "title": Column("VARCHAR", "Title: its name", "coalesce(<$.kind> || ' token', 'token')"),
        "kind": text(
            "$.kind",
            "user, organization or integration, by its prefix; NULL where it has none",
            ("user", "organization", "integration"),
        ),
        "scopes": scopes("$.scopes", SCOPES),
        "organization_slug": Column("VARCHAR", "Always NULL: it may be of several", "organization"),
        "owner": OWNER,
        "url": Column("VARCHAR", "Always NULL", "NULL", derived=True),
    },
)
