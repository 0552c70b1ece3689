"""The one catalogue of tables and columns.

The database's tables, the words that a policy may use, strict ingestion and the documentation
all derive from it. A column names where its value comes from: `<$.path>` is the text of a field
of the API's record, `<type $.path>` the JSON type of that field (SQL NULL: the field is missing).
Column names follow Steampipe's `sentry_key`, so that its published queries run unchanged.
"""

from typing import Final

import msgspec

TEXT: Final = ("VARCHAR",)
INTEGER: Final = ("UBIGINT", "BIGINT")
BOOLEAN: Final = ("BOOLEAN",)
OBJECT: Final = ("OBJECT",)
LIST: Final = ("ARRAY",)


class Field(msgspec.Struct, frozen=True):
    """A field of the API's record: the JSON types it may have besides null.

    `required` fields must hold a value; `timestamp` fields must hold an ISO 8601 date-time.
    """

    types: tuple[str, ...]
    required: bool = False
    timestamp: bool = False


class Column(msgspec.Struct, frozen=True):
    """A column: its SQL type, its meaning, and how it is made from the record's fields.

    In `source`, `organization`, `project` and `server` are what the input says of the record,
    `joined` is its row in sentry_project, `$as_of` the scan's time. A `heavy` column is loaded
    only when something reads it; a `derived` one adds no fact, so it is not in the digest.
    """

    type: str
    doc: str
    source: str
    heavy: bool = False
    derived: bool = False


class Table(msgspec.Struct, frozen=True):
    """A table, and which of its columns tell what a row is and where it belongs.

    `title` is what one row is called in messages. `project_key` is what fingerprints use.
    """

    title: str
    doc: str
    fields: dict[str, Field]
    columns: dict[str, Column]
    organization: str = "organization_slug"
    project: str = "NULL"
    project_key: str = "NULL"


def _text(path: str, doc: str) -> Column:
    return Column("VARCHAR", doc, f"<{path}>")


def _boolean(path: str, doc: str) -> Column:
    return Column("BOOLEAN", doc, f"TRY_CAST(<{path}> AS BOOLEAN)")


def _integer(path: str, doc: str) -> Column:
    return Column("BIGINT", doc, f"TRY_CAST(<{path}> AS BIGINT)")


def _time(path: str, doc: str) -> Column:
    return Column("TIMESTAMP WITH TIME ZONE", doc, f"TRY_CAST(<{path}> AS TIMESTAMPTZ)")


def _json(path: str, doc: str) -> Column:
    return Column("JSON", doc, f"CAST(<{path}> AS JSON)")


_ORGANIZATION = Column("VARCHAR", "Slug of the organization", "organization")

_KEY = Table(
    title="client key",
    doc="Client keys (DSNs) of projects.",
    project="project_slug",
    project_key="coalesce(CAST(project_id AS VARCHAR), project_slug)",
    fields={
        "$.id": Field(TEXT, required=True),
        "$.name": Field(TEXT),
        "$.label": Field(TEXT),
        "$.public": Field(TEXT),
        "$.secret": Field(TEXT),
        "$.isActive": Field(BOOLEAN),
        "$.dateCreated": Field(TEXT, timestamp=True),
        "$.projectId": Field((*INTEGER, *TEXT)),
        "$.projectID": Field((*INTEGER, *TEXT)),
        "$.rateLimit": Field(OBJECT),
        "$.rateLimit.window": Field(INTEGER),
        "$.rateLimit.count": Field(INTEGER),
        "$.dsn": Field(OBJECT),
        "$.browserSdkVersion": Field(TEXT),
        "$.dynamicSdkLoaderOptions": Field(OBJECT),
        "$.dynamicSdkLoaderOptions.hasReplay": Field(BOOLEAN),
        "$.dynamicSdkLoaderOptions.hasPerformance": Field(BOOLEAN),
        "$.dynamicSdkLoaderOptions.hasDebug": Field(BOOLEAN),
        "$.dynamicSdkLoaderOptions.hasFeedback": Field(BOOLEAN),
        "$.dynamicSdkLoaderOptions.hasLogsAndMetrics": Field(BOOLEAN),
        "$.useCase": Field(TEXT),
    },
    columns={
        "id": _text("$.id", "Identifier of the key"),
        "name": Column("VARCHAR", "Name of the key", "<clean $.name>"),
        "label": Column(
            "VARCHAR", "Label of the key; Sentry sets it to the name", "<clean $.label>"
        ),
        "title": Column("VARCHAR", "Title of the key: its name", "<clean $.name>"),
        "public": _text("$.public", "Public part of the DSN, not a secret"),
        "secret": Column("VARCHAR", "Always NULL: secrets are dropped where data enters", "NULL"),
        "is_active": _boolean("$.isActive", "Whether the key accepts events"),
        "date_created": _time("$.dateCreated", "When the key was created"),
        "project_id": Column(
            "BIGINT",
            "Identifier of the project",
            "TRY_CAST(coalesce(<$.projectId>, <$.projectID>) AS BIGINT)",
        ),
        "project_slug": Column(
            "VARCHAR",
            "Slug of the project; NULL where neither the source nor the project list tells it",
            "coalesce(joined.slug, project)",
        ),
        "organization_slug": _ORGANIZATION,
        "project_platform": Column("VARCHAR", "Platform of the project", "joined.platform"),
        "rate_limit": Column(
            "JSON",
            "Rate limit as Sentry gives it: window in seconds and count; NULL where there is none",
            "CASE WHEN <type $.rateLimit> = 'OBJECT' THEN CAST(<$.rateLimit> AS JSON) END",
        ),
        "has_rate_limit": Column(
            "BOOLEAN",
            "TRUE for a positive count and window, FALSE where Sentry says there is no limit",
            "CASE <type $.rateLimit> WHEN 'NULL' THEN false WHEN 'OBJECT' THEN"
            " TRY_CAST(<$.rateLimit.count> AS BIGINT) > 0"
            " AND TRY_CAST(<$.rateLimit.window> AS BIGINT) > 0 END",
        ),
        "rate_limit_window": _integer("$.rateLimit.window", "Window of the rate limit, in seconds"),
        "rate_limit_count": _integer("$.rateLimit.count", "Events accepted in one window"),
        "rate_limit_per_second": Column(
            "DOUBLE",
            "Events accepted a second: count by window",
            "CASE WHEN TRY_CAST(<$.rateLimit.window> AS BIGINT) > 0 THEN"
            " TRY_CAST(<$.rateLimit.count> AS DOUBLE)"
            " / TRY_CAST(<$.rateLimit.window> AS BIGINT) END",
        ),
        "dsn": Column(
            "JSON", "DSNs by kind, without the secret one", "<dsn>", heavy=True, derived=True
        ),
        "browser_sdk_version": _text(
            "$.browserSdkVersion", "Version of the browser SDK that the loader serves, such as 7.x"
        ),
        "loader_has_replay": _boolean(
            "$.dynamicSdkLoaderOptions.hasReplay", "Whether the loader adds Session Replay"
        ),
        "loader_has_performance": _boolean(
            "$.dynamicSdkLoaderOptions.hasPerformance", "Whether the loader adds tracing"
        ),
        "loader_has_debug": _boolean(
            "$.dynamicSdkLoaderOptions.hasDebug", "Whether the loader serves debug bundles"
        ),
        "loader_has_feedback": _boolean(
            "$.dynamicSdkLoaderOptions.hasFeedback", "Whether the loader adds User Feedback"
        ),
        "loader_has_logs_and_metrics": _boolean(
            "$.dynamicSdkLoaderOptions.hasLogsAndMetrics",
            "Whether the loader adds logs and metrics",
        ),
        "use_case": _text(
            "$.useCase", "What the key is for, such as user, profiling or escalating"
        ),
        "age_days": Column(
            "BIGINT",
            "Whole days since creation, at as-of",
            "CAST(floor((epoch($as_of) - epoch(TRY_CAST(<$.dateCreated> AS TIMESTAMPTZ))) / 86400)"
            " AS BIGINT)",
            derived=True,
        ),
        "url": Column(
            "VARCHAR",
            "Page of the key in Sentry",
            "server || '/settings/' || organization || '/projects/'"
            " || coalesce(joined.slug, project) || '/keys/' || <$.id> || '/'",
            derived=True,
        ),
    },
)

_PROJECT = Table(
    title="project",
    doc="Projects of an organization.",
    project="slug",
    project_key="id",
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
        "id": _text("$.id", "Identifier of the project"),
        "slug": _text("$.slug", "Slug of the project"),
        "name": _text("$.name", "Name of the project"),
        "title": _text("$.name", "Title of the project: its name"),
        "platform": _text("$.platform", "Platform of the project, such as python"),
        "organization_slug": Column(
            "VARCHAR", "Slug of the organization", "coalesce(organization, <$.organization.slug>)"
        ),
        "date_created": _time("$.dateCreated", "When the project was created"),
        "first_event": _time("$.firstEvent", "When the project got its first event"),
        "status": _text("$.status", "Status of the project"),
        "is_member": _boolean("$.isMember", "Whether the credential's owner is on its teams"),
        "has_access": _boolean("$.hasAccess", "Whether the credential's owner has access"),
        "is_bookmarked": _boolean("$.isBookmarked", "Whether the credential's owner marked it"),
        "is_public": _boolean("$.isPublic", "Whether the project is public"),
        "features": _json("$.features", "Features enabled for the project, a list of names"),
        "team": _json("$.team", "First team of the project"),
        "teams": _json("$.teams", "Teams of the project"),
        "url": Column(
            "VARCHAR",
            "Settings page of the project in Sentry",
            "server || '/settings/' || coalesce(organization, <$.organization.slug>)"
            " || '/projects/' || <$.slug> || '/'",
            derived=True,
        ),
    },
)

_ORG = Table(
    title="organization",
    doc="Organizations.",
    organization="slug",
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
        "id": _text("$.id", "Identifier of the organization"),
        "slug": _text("$.slug", "Slug of the organization"),
        "name": _text("$.name", "Name of the organization"),
        "title": _text("$.name", "Title of the organization: its name"),
        "date_created": _time("$.dateCreated", "When the organization was created"),
        "status": _text("$.status.id", "Status of the organization, such as active"),
        "is_early_adopter": _boolean("$.isEarlyAdopter", "Whether it gets features early"),
        "require_2fa": _boolean("$.require2FA", "Whether members must use a second factor"),
        "has_auth_provider": _boolean("$.hasAuthProvider", "Whether single sign-on is set up"),
        "allow_member_invite": _boolean("$.allowMemberInvite", "Whether members may invite others"),
        "allow_member_project_creation": _boolean(
            "$.allowMemberProjectCreation", "Whether members may create projects"
        ),
        "allow_superuser_access": _boolean(
            "$.allowSuperuserAccess", "Whether Sentry's superusers may look in"
        ),
        "features": _json("$.features", "Features enabled for the organization, a list of names"),
        "region_url": _text("$.links.regionUrl", "Base URL of the region that holds its data"),
        "organization_url": _text("$.links.organizationUrl", "Home page of the organization"),
        "url": Column(
            "VARCHAR",
            "Settings page of the organization in Sentry",
            "server || '/settings/' || <$.slug> || '/'",
            derived=True,
        ),
    },
)

TABLES: Final[dict[str, Table]] = {
    "sentry_key": _KEY,
    "sentry_project": _PROJECT,
    "sentry_organization": _ORG,
}
"""Every table by its name, in the order in which it is documented."""
