"""The tables of what keys belong to: projects and organizations."""

from typing import Final

from scanner.model.table import (
    BOOLEAN,
    INTEGER,
    LIST,
    OBJECT,
    OWNER,
    TEXT,
    Column,
    Field,
    Table,
    boolean,
    count,
    json,
    text,
    texts,
    time,
)

_ACTIVE_KEYS: Final = count(
    "Number of active client keys; NULL also where it is not known of one",
    sentry_key=("id", "is_active"),
    sentry_project=(),
)

PROJECT: Final = Table(
    title="project",
    doc="Projects of an organization.",
    project="slug",
    project_key="id",
    place="project",
    checks=("name_matches",),
    pages=(100,),
    fields={
        "$.id": Field((*TEXT, *INTEGER), required=True),
        "$.slug": Field(TEXT, required=True),
        "$.name": Field(TEXT),
        "$.platform": Field(TEXT),
        "$.dateCreated": Field(TEXT, timestamp=True),
        "$.firstEvent": Field(TEXT, timestamp=True),
        "$.status": Field(TEXT),
        "$.isMember": Field(BOOLEAN),
        "$.hasAccess": Field(BOOLEAN),
        "$.isBookmarked": Field(BOOLEAN),
        "$.isPublic": Field(BOOLEAN),
        "$.features": Field(LIST),
        "$.teams": Field(LIST),
        "$.team": Field(OBJECT),
        "$.organization": Field(OBJECT),
        "$.organization.slug": Field(TEXT),
    },
    columns={
        "id": text("$.id", "Identifier of the project"),
        "slug": text("$.slug", "Slug of the project"),
        "name": text("$.name", "Name of the project"),
        "title": text("$.name", "Title of the project: its name"),
        "platform": Column(
            "VARCHAR",
            "Platform of the project, such as python; empty where Sentry says that none is set",
            "CASE <type $.platform> WHEN 'NULL' THEN '' ELSE <$.platform> END",
            field="$.platform",
        ),
        "organization_slug": Column(
            "VARCHAR",
            "Slug of the organization",
            "coalesce(organization, <$.organization.slug>)",
            field="$.organization.slug",
        ),
        "date_created": time("$.dateCreated", "When the project was created"),
        "first_event": time("$.firstEvent", "When the project got its first event"),
        "status": text("$.status", "Status of the project"),
        "is_member": boolean("$.isMember", "Whether the credential's owner is on its teams"),
        "has_access": boolean("$.hasAccess", "Whether the credential's owner has access"),
        "is_bookmarked": boolean("$.isBookmarked", "Whether the credential's owner marked it"),
        "is_public": boolean("$.isPublic", "Whether the project is public"),
        "features": json("$.features", "Features enabled for the project, a list of names"),
        "team": json("$.team", "First team of the project", keys=("id", "slug", "name")),
        "teams": json("$.teams", "Teams of the project"),
        "team_slugs": texts("$.teams", "Slugs of its teams", member=".slug", derived=True),
        "key_count": count(
            "Number of client keys, 0 for a project without any; NULL where they were not all seen",
            sentry_key=("id",),
            sentry_project=(),
        ),
        "active_key_count": _ACTIVE_KEYS,
        "owner": OWNER,
        "url": Column(
            "VARCHAR",
            "Settings page of the project in Sentry",
            "server || '/settings/' || coalesce(organization, <$.organization.slug>)"
            " || '/projects/' || <$.slug> || '/'",
            derived=True,
        ),
    },
)

ORGANIZATIONS: Final = Table(
    title="organization",
    doc="Organizations.",
    organization="slug",
    place="organization",
    checks=("name_matches",),
    pages=(100,),
    fields={
        "$.id": Field((*TEXT, *INTEGER), required=True),
        "$.slug": Field(TEXT, required=True),
        "$.name": Field(TEXT),
        "$.dateCreated": Field(TEXT, timestamp=True),
        "$.status": Field(OBJECT),
        "$.status.id": Field(TEXT),
        "$.isEarlyAdopter": Field(BOOLEAN),
        "$.require2FA": Field(BOOLEAN),
        "$.hasAuthProvider": Field(BOOLEAN),
        "$.allowMemberInvite": Field(BOOLEAN),
        "$.allowMemberProjectCreation": Field(BOOLEAN),
        "$.allowSuperuserAccess": Field(BOOLEAN),
        "$.features": Field(LIST),
        "$.links": Field(OBJECT),
        "$.links.regionUrl": Field(TEXT),
        "$.links.organizationUrl": Field(TEXT),
    },
    columns={
        "id": text("$.id", "Identifier of the organization"),
        "slug": text("$.slug", "Slug of the organization"),
        "name": text("$.name", "Name of the organization"),
        "title": text("$.name", "Title of the organization: its name"),
        "date_created": time("$.dateCreated", "When the organization was created"),
        "status": text("$.status.id", "Status of the organization, such as active"),
        "is_early_adopter": boolean("$.isEarlyAdopter", "Whether it gets features early"),
        "require_2fa": boolean("$.require2FA", "Whether members must use a second factor"),
        "has_auth_provider": boolean("$.hasAuthProvider", "Whether single sign-on is set up"),
        "allow_member_invite": boolean("$.allowMemberInvite", "Whether members may invite others"),
        "allow_member_project_creation": boolean(
            "$.allowMemberProjectCreation", "Whether members may create projects"
        ),
        "allow_superuser_access": boolean(
            "$.allowSuperuserAccess", "Whether Sentry's superusers may look in"
        ),
        "features": json("$.features", "Features enabled for the organization, a list of names"),
        "region_url": text("$.links.regionUrl", "Base URL of the region that holds its data"),
        "organization_url": text("$.links.organizationUrl", "Home page of the organization"),
        "project_count": count(
            "Number of projects; NULL where they were not all seen", sentry_project=("id",)
        ),
        "key_count": count(
            "Number of client keys of all projects; NULL where projects or keys were not all seen",
            sentry_key=("id",),
            sentry_project=(),
        ),
        "active_key_count": _ACTIVE_KEYS,
        "owner": OWNER,
        "url": Column(
            "VARCHAR",
            "Settings page of the organization in Sentry",
            "server || '/settings/' || <$.slug> || '/'",
            derived=True,
        ),
    },
)
