"""The table of client keys, with Steampipe's columns among its own."""

from typing import Final

import msgspec

from scanner.model.table import (
    BOOLEAN,
    INTEGER,
    OBJECT,
    ORGANIZATION,
    OWNER,
    TEXT,
    TEXTS,
    Column,
    Field,
    Table,
    age,
    boolean,
    integer,
    text,
    time,
)

USAGE: Final = "keypolicyUsage"
"""The field of a key's record that this product adds: sums over its usage statistics."""

LOADER_OPTIONS: Final = {
    "replay": "hasReplay",
    "performance": "hasPerformance",
    "debug": "hasDebug",
    "feedback": "hasFeedback",
    "logs_and_metrics": "hasLogsAndMetrics",
}
"""The API's names of the loader's options; columns and arguments have ours."""

DSN_KINDS: Final = (
    "public",
    "csp",
    "security",
    "minidump",
    "nel",
    "unreal",
    "crons",
    "cdn",
    "playstation",
    "integration",
    "otlp_traces",
    "otlp_logs",
)
"""The DSNs without a secret, from Sentry's API description (schema of a project key)."""

_CAVEAT: Final = (
    "in the 30 days before the keys were fetched. Sentry counts errors only here, not"
    " transactions, replays or sessions; NULL where the statistics were not fetched"
)


_IN_LIMIT: Final = {
    name: f"TRY_CAST(rate_limit ->> '{name}' AS BIGINT)" for name in ("count", "window")
}
"""The numbers of a rate limit, from the column that holds all of it."""


def _events(name: str, doc: str) -> Column:
    path = f"$.{USAGE}.{name}"
    source = f"CASE WHEN TRY_CAST(<{path}> AS BIGINT) >= 0 THEN TRY_CAST(<{path}> AS BIGINT) END"
    return Column("BIGINT", f"{doc} {_CAVEAT}", source, costly=True, field=path)


def _of_usage(name: str, doc: str) -> Column:
    doc = f"{doc}; NULL where the statistics were not fetched"
    return msgspec.structs.replace(time(f"$.{USAGE}.{name}", doc), costly=True)


def _dsns() -> str:
    kinds = ", ".join(f"'{kind}', <$.dsn.{kind}>" for kind in DSN_KINDS)
    # Merging into an empty object leaves out the kinds that the record does not have.
    text = f"CAST(json_merge_patch('{{}}', json_object({kinds})) AS VARCHAR)"
    return f"CASE WHEN <type $.dsn> = 'OBJECT' THEN CAST({text} AS JSON) END"


KEY: Final = Table(
    title="client key",
    doc="Client keys (DSNs) of projects.",
    unique=True,
    project="project_slug",
    project_key="coalesce(CAST(project_id AS VARCHAR), project_slug)",
    joined="sentry_project",
    # A whole-organization listing tells only the project's id.
    join="joined.id = coalesce(<$.projectId>, <$.projectID>)"
    " AND joined.organization_slug IS NOT DISTINCT FROM organization",
    checks=(
        *("max_age", "no_inactive", "rate_limit", "name_matches", "max_active_per_project"),
        *("unique_name", "sdk_version", "loader_options", "unused_for"),
    ),
    pages=(10, 100),  # the default, and the most there is
    fields={
        "$.id": Field(TEXT, required=True),
        "$.name": Field(TEXT),
        "$.label": Field(TEXT),
        "$.public": Field(TEXT),
        "$.secret": Field(TEXT),
        "$.isActive": Field(BOOLEAN),
        "$.dateCreated": Field(TEXT, timestamp=True),
        "$.projectId": Field((*INTEGER, *TEXT), number=True),
        "$.projectID": Field((*INTEGER, *TEXT), number=True, same_as="$.projectId"),
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
        f"$.{USAGE}": Field(OBJECT),
        f"$.{USAGE}.accepted": Field(INTEGER),
        f"$.{USAGE}.dropped": Field(INTEGER),
        f"$.{USAGE}.filtered": Field(INTEGER),
        f"$.{USAGE}.until": Field(TEXT, timestamp=True),
        f"$.{USAGE}.last": Field(TEXT, timestamp=True),
    },
    columns={
        "id": text("$.id", "Identifier of the key"),
        "name": text("$.name", "Name of the key"),
        "label": text("$.label", "Label of the key; Sentry sets it to the name"),
        "title": msgspec.structs.replace(
            text("$.name", "Title of the key: its name"), made_of="name"
        ),
        "public": text("$.public", "Public part of the DSN, not a secret"),
        "secret": Column("VARCHAR", "Always NULL: secrets are dropped where data enters", "NULL"),
        "is_active": boolean("$.isActive", "Whether the key accepts events"),
        "date_created": time("$.dateCreated", "When the key was created"),
        "project_id": Column(
            "BIGINT",
            "Identifier of the project",
            "TRY_CAST(coalesce(<$.projectId>, <$.projectID>) AS BIGINT)",
            field="$.projectId",
        ),
        "project_slug": Column(
            "VARCHAR",
            "Slug of the project; NULL where neither the source nor the project list tells it",
            "coalesce(joined.slug, project)",
        ),
        "organization_slug": ORGANIZATION,
        "project_platform": Column(
            "VARCHAR",
            "Platform of the project; empty where Sentry says that none is set",
            "joined.platform",
            derived=True,
        ),
        "project_teams": Column(
            TEXTS,
            "Slugs of the project's teams, a list of texts; NULL where the project list does not"
            " tell them",
            "joined.team_slugs",
            derived=True,
        ),
        "project_status": Column(
            "VARCHAR", "Status of the project, such as active", "joined.status", derived=True
        ),
        "project_date_created": Column(
            "TIMESTAMP WITH TIME ZONE",
            "When the project was created",
            "joined.date_created",
            derived=True,
        ),
        "rate_limit": Column(
            "JSON",
            "Rate limit as Sentry gives it: window in seconds and count; NULL where there is none",
            "CASE WHEN <type $.rateLimit> = 'OBJECT' THEN CAST(<$.rateLimit> AS JSON) END",
            keys=("window", "count"),
            field="$.rateLimit",
        ),
        "has_rate_limit": Column(
            "BOOLEAN",
            "TRUE for a positive count and window, FALSE where Sentry says there is no limit",
            "CASE <type $.rateLimit> WHEN 'NULL' THEN false WHEN 'OBJECT' THEN"
            " TRY_CAST(<$.rateLimit.count> AS BIGINT) > 0"
            " AND TRY_CAST(<$.rateLimit.window> AS BIGINT) > 0 END",
            made_of="CASE json_type(rate_limit) WHEN 'NULL' THEN false WHEN 'OBJECT' THEN"
            f" {_IN_LIMIT['count']} > 0 AND {_IN_LIMIT['window']} > 0 END",
        ),
        "rate_limit_window": msgspec.structs.replace(
            integer("$.rateLimit.window", "Window of the rate limit, in seconds"),
            made_of=_IN_LIMIT["window"],
        ),
        "rate_limit_count": msgspec.structs.replace(
            integer("$.rateLimit.count", "Events accepted in one window"),
            made_of=_IN_LIMIT["count"],
        ),
        "rate_limit_per_second": Column(
            "DOUBLE",
            "Events accepted a second: count by window",
            "CASE WHEN TRY_CAST(<$.rateLimit.window> AS BIGINT) > 0 THEN"
            " TRY_CAST(<$.rateLimit.count> AS DOUBLE)"
            " / TRY_CAST(<$.rateLimit.window> AS BIGINT) END",
            made_of=f"CASE WHEN {_IN_LIMIT['window']} > 0 THEN CAST({_IN_LIMIT['count']} AS DOUBLE)"
            f" / nullif({_IN_LIMIT['window']}, 0) END",
        ),
        "dsn": Column(
            "JSON",
            "DSNs by kind, without the secret one",
            _dsns(),
            heavy=True,
            derived=True,
            keys=DSN_KINDS,
            field="$.dsn",
        ),
        "browser_sdk_version": text(
            "$.browserSdkVersion", "Version of the browser SDK that the loader serves, such as 7.x"
        ),
        "loader_has_replay": boolean(
            "$.dynamicSdkLoaderOptions.hasReplay", "Whether the loader adds Session Replay"
        ),
        "loader_has_performance": boolean(
            "$.dynamicSdkLoaderOptions.hasPerformance", "Whether the loader adds tracing"
        ),
        "loader_has_debug": boolean(
            "$.dynamicSdkLoaderOptions.hasDebug", "Whether the loader serves debug bundles"
        ),
        "loader_has_feedback": boolean(
            "$.dynamicSdkLoaderOptions.hasFeedback", "Whether the loader adds User Feedback"
        ),
        "loader_has_logs_and_metrics": boolean(
            "$.dynamicSdkLoaderOptions.hasLogsAndMetrics",
            "Whether the loader adds logs and metrics",
        ),
        "use_case": text("$.useCase", "What the key is for, such as user, profiling or escalating"),
        "events_accepted_30d": _events("accepted", "Errors accepted"),
        "events_dropped_30d": _events("dropped", "Errors dropped, by rate limits for example,"),
        "events_filtered_30d": _events("filtered", "Errors filtered out"),
        "events_last_day": _of_usage(
            "last",
            "Start of the last of those days with errors of any fate; NULL where none had any",
        ),
        "events_until": _of_usage("until", "When those 30 days ended"),
        "age_days": age("$.dateCreated"),
        "owner": OWNER,
        "url": Column(
            "VARCHAR",
            "Page of the key in Sentry",
            "server || '/settings/' || organization || '/projects/'"
            " || coalesce(joined.slug, project) || '/keys/' || <$.id> || '/'",
            derived=True,
        ),
    },
)
