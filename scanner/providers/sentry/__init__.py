"""Sentry as a provider: everything about it that the rest of the product has to be told."""

from typing import Final

from scanner.model.provider import Api, Kind, Provider, Secrets, Unclear
from scanner.providers.sentry.tables.client_keys import DSN_KINDS, KEY
from scanner.providers.sentry.tables.credentials import API_KEY, INTEGRATION, ORG_AUTH_TOKEN, TOKEN
from scanner.providers.sentry.tables.places import ORGANIZATIONS, PROJECT

SECRETS: Final = Secrets(
    # A client key carries its secret twice, as `secret` and inside `dsn.secret`; both come in clear
    # to any token that may read keys.
    fields=frozenset(
        {"secret", "token", "authToken", "refreshToken", "clientSecret", "key", "apiKey"}
    ),
    common="secret",
    # sntryu_ of a user, sntrys_ of an organization, sntryi_ of an integration.
    tokens=r"sntry[a-z]{0,3}_[A-Za-z0-9+/=_.\-]{8,}",
    signs=("sntry",),
    urls={"dsn": DSN_KINDS},
)

KINDS: Final = (
    Kind("sentry_key", frozenset(), frozenset({"public", "dsn", "projectId", "projectID"})),
    Kind(
        "sentry_integration",
        frozenset({"slug", "uuid", "scopes"}),
        frozenset({"verifyInstall", "isAlertable", "allowedOrigins", "webhookUrl"}),
    ),
    Kind(
        "sentry_org_auth_token",
        frozenset({"id", "scopes"}),
        frozenset({"dateLastUsed", "projectLastUsedId"}),
    ),
    Kind(
        "sentry_api_key",
        frozenset({"id", "label"}),
        frozenset({"allowed_origins", "scope_list"}),
    ),
    Kind(
        "sentry_organization",
        frozenset({"slug"}),
        frozenset({"links", "require2FA", "isEarlyAdopter", "hasAuthProvider", "onboardingTasks"}),
    ),
    Kind(
        "sentry_project",
        frozenset({"slug"}),
        frozenset({"platform", "platforms", "isMember", "hasAccess", "firstEvent", "isBookmarked"}),
    ),
)

PROVIDER: Final = Provider(
    name="sentry",
    title="Sentry",
    tables={
        "sentry_key": KEY,
        "sentry_project": PROJECT,
        "sentry_organization": ORGANIZATIONS,
        "sentry_integration": INTEGRATION,
        "sentry_org_auth_token": ORG_AUTH_TOKEN,
        "sentry_api_key": API_KEY,
        "sentry_token": TOKEN,
    },
    keys="sentry_key",
    basic=("sentry_organization", "sentry_project", "sentry_key"),
    kinds=KINDS,
    unclear=(
        Unclear(
            frozenset({"id", "slug"}),
            "the records may be projects or organizations: nothing in them tells which",
            "Keep all fields of the API's answer; projects have `platform`, organizations `links`.",
        ),
    ),
    secrets=SECRETS,
    export="a JSON answer of Sentry's API (a list of keys, projects, organizations, integrations or"
    " organization tokens)",
    sources={
        "sentry": "scanner.providers.sentry.live.source:SentrySource",
        "demo": "scanner.providers.sentry.demo:DemoSource",
    },
    extras={
        "usage": {
            "sentry_key": frozenset(name for name, column in KEY.columns.items() if column.costly)
        },
        "integrations": {"sentry_integration": frozenset()},
        "tokens": {
            "sentry_token": frozenset(),
            "sentry_org_auth_token": frozenset(),
            "sentry_api_key": frozenset(),
        },
    },
    filters=("status",),
    checks={
        name: f"scanner.providers.sentry.checks.{name}:CHECK"
        for name in ("rate_limit", "sdk_version", "loader_options", "unused_for")
    },
    remarks={
        "max_age": "Sentry keys cannot be renewed, so age is the time since rotation.",
        "no_inactive": "(counted from creation: Sentry does not tell when a key was disabled). An"
        " inactive key can be enabled again by anyone with project:write, so it is better deleted.",
        "no_inactive.grace": "Counted from creation because Sentry does not tell when a key was"
        " disabled.",
    },
    actions={
        name: f"scanner.providers.sentry.actions.{name}:ACTION"
        for name in (
            *("set_rate_limit", "disable", "enable", "delete", "rename", "set_sdk_version"),
            *("set_loader_options", "create", "rotate"),
        )
    },
    exports={
        "terraform": (
            "scanner.providers.sentry.export.terraform:EXPORT",
            "resources sentry_key with import blocks, for the provider jianyuan/sentry",
        ),
        "alchemy": (
            "scanner.providers.sentry.export.alchemy:EXPORT",
            "resources ClientKey that adopt the keys, in TypeScript",
        ),
    },
    state="scanner.providers.sentry.state:STATE",
    remote="scanner.providers.sentry.fix.remote:SentryRemote",
    # Two projects of one slug, such as from two files, are taken together: which row meets which
    # must not be left to chance.
    teams="SELECT organization_slug AS organization, slug AS project, flatten(list(coalesce("
    "json_extract_string(teams, '$[*].slug'), [json_extract_string(team, '$.slug')], []))) AS teams"
    " FROM sentry_project GROUP BY ALL",
    counts="scanner.providers.sentry.counts:count",
    api=Api(
        prefix="/api/0/",
        hosted="sentry.io",
        limits="X-Sentry-Rate-Limit-",
        moved="resource-moved",
        renamed=r"(?P<root>.*)(?P<head>/api/0/projects/[^/]+/)(?P<slug>[^/]+)"
        r"(?P<tail>/(?:keys/(?:[^/]+/)?)?)",
        pages="/settings/",
    ),
    url="https://sentry.io",
    policy="sentry-baseline",
    scopes="org:read and project:read",
    rc=".sentryclirc",
    rc_settings=(
        ("token", "auth", "token"),
        ("organizations", "defaults", "org"),
        ("projects", "defaults", "project"),
        ("url", "defaults", "url"),
    ),
    variables={
        "organizations": "SENTRY_ORG",
        "projects": "SENTRY_PROJECT",
        "url": "SENTRY_URL",
        "token": "SENTRY_AUTH_TOKEN",
    },
)
