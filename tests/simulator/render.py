"""Records as the API renders them: every field of today's, of 23.7.1's, or of GlitchTip's."""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from datetime import datetime

    from tests.simulator.flavour import Flavour
    from tests.simulator.world import ApiKey, Integration, Key, Organization, OrgToken, Project

Record = dict[str, Any]

_TODAY_FLAGS = (
    "hasFlags",
    "hasFeedbacks",
    "hasNewFeedbacks",
    "hasInsightsHttp",
    "hasInsightsDb",
    "hasInsightsAssets",
    "hasInsightsAppStart",
    "hasInsightsScreenLoad",
    "hasInsightsVitals",
    "hasInsightsCaches",
    "hasInsightsQueues",
    "hasInsightsAgentMonitoring",
    "hasInsightsMCP",
    "hasLogs",
    "hasTraceMetrics",
)


def timestamp(moment: datetime | None) -> str | None:
    """Return the time as Sentry writes it."""
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def organization(org: Organization, prefix: str) -> Record:
    """Return an organization's entry in the list of organizations."""
    return {
        "id": str(org.number),
        "slug": org.slug,
        "name": org.name,
        "status": {"id": "active", "name": "active"},
        "dateCreated": timestamp(org.created),
        "isEarlyAdopter": False,
        "require2FA": False,
        "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
        "links": {"organizationUrl": prefix, "regionUrl": org.region_url or prefix},
        "hasAuthProvider": False,
        "allowMemberInvite": True,
        "allowMemberProjectCreation": True,
        "allowSuperuserAccess": False,
        "features": ["open-membership"],
    }


def project(item: Project, flavour: Flavour) -> Record:
    """Return a project's entry in an organization's list of projects."""
    team = {"id": "2", "slug": "team-a", "name": "team-a"}
    flags = ("hasSessions", "hasProfiles", "hasReplays", "hasMonitors", "hasMinifiedStackTrace")
    record: Record = {
        "team": team,
        "teams": [team],
        "id": str(item.number),
        "name": item.name,
        "slug": item.slug,
        "isBookmarked": item.starred,
        "isMember": item.member,
        "access": ["project:read", "org:read"] if item.accessible else [],
        "hasAccess": item.accessible,
        "dateCreated": timestamp(item.created),
        "environments": [],
        "features": ["alert-filters", "rate-limits"],
        "firstEvent": None,
        "firstTransactionEvent": False,
        **dict.fromkeys(flags, False),
        "platform": item.platform,
        "platforms": [],
        "latestRelease": None,
        "hasUserReports": False,
    }
    if flavour.strict_per_page:
        record |= dict.fromkeys(_TODAY_FLAGS, False)
    else:
        record |= {"eventProcessing": {"symbolicationDegraded": False}, "latestDeploys": None}
    return record


def key(item: Key, owner: Project, prefix: str, flavour: Flavour) -> Record:
    """Return a client key in full, its secrets in clear, as servers do."""
    if flavour.glitchtip:
        return _glitchtip_key(item, owner, prefix) | item.extra
    count, window = item.rate_limit or (0, 0)
    loader = {
        "hasReplay": item.replay,
        "hasPerformance": item.performance,
        "hasDebug": item.debug,
    }
    record: Record = {
        "id": item.public,
        "name": item.name,
        "label": item.name,
        "public": item.public,
        "secret": item.secret,
        "projectId": owner.number,
        "isActive": item.active,
        "rateLimit": {"window": window, "count": count} if count and window else None,
        "dsn": _dsn(item, owner.number, prefix, today=flavour.strict_per_page),
        "browserSdkVersion": item.sdk_version,
        "browserSdk": {"choices": [["latest", "latest"], ["8.x", "8.x"], ["7.x", "7.x"]]},
        "dateCreated": timestamp(item.created),
        "dynamicSdkLoaderOptions": loader,
    }
    if flavour.strict_per_page:
        loader |= {"hasFeedback": item.feedback, "hasLogsAndMetrics": item.logs}
        record["useCase"] = item.use_case
    return record | item.extra


def integration(item: Integration, owner: Organization) -> Record:
    """Return an integration, its client secret in clear, as on its first day."""
    return {
        "allowedOrigins": [],
        "author": None,
        "avatars": [],
        "events": [],
        "featureData": [],
        "isAlertable": False,
        "metadata": {},
        "name": item.name,
        "overview": None,
        "popularity": 1,
        "redirectUrl": None,
        "schema": {},
        "scopes": list(item.scopes),
        "slug": item.name.lower().replace(" ", "-"),
        "status": item.status,
        "uuid": item.uuid,
        "verifyInstall": False,
        "webhookUrl": f"https://hooks.example.invalid/{item.secret}",
        "clientId": item.uuid,
        "clientSecret": item.secret,
        "owner": {"id": owner.number, "slug": owner.slug},
    }


def org_token(item: OrgToken) -> Record:
    """Return an organization token, without the token."""
    return {
        "id": str(item.number),
        "name": item.name,
        "scopes": list(item.scopes),
        "tokenLastCharacters": "abcd",
        "dateCreated": timestamp(item.created),
        "dateLastUsed": timestamp(item.last_used),
        "projectLastUsedId": None if item.last_used is None else "2",
    }


def api_key(item: ApiKey) -> Record:
    """Return a legacy API key, the key in clear."""
    return {
        "id": str(item.number),
        "label": item.label,
        "key": item.key,
        "scope_list": ["project:read", "event:read", "team:read", "org:read", "member:read"],
        "status": 0 if item.active else 1,
        "allowed_origins": "",
    }


def _dsn(item: Key, number: int, prefix: str, *, today: bool) -> dict[str, str]:
    scheme, _, host = prefix.partition("://")
    api, query = f"{prefix}/api/{number}", f"?sentry_key={item.public}"
    kinds = {
        "secret": f"{scheme}://{item.public}:{item.secret}@{host}/{number}",
        "public": f"{scheme}://{item.public}@{host}/{number}",
        "csp": f"{api}/csp-report/{query}",
        "security": f"{api}/security/{query}",
        "minidump": f"{api}/minidump/{query}",
        "unreal": f"{api}/unreal/{item.public}/",
        "cdn": f"{prefix}/js-sdk-loader/{item.public}.min.js",
    }
    if today:
        kinds |= {
            "nel": f"{api}/nel/{query}",
            "crons": f"{api}/cron/___MONITOR_SLUG___/{item.public}/",
            "playstation": f"{api}/playstation/{query}",
            "integration": f"{api}/integration/",
            "otlp_traces": f"{api}/integration/otlp/v1/traces",
            "otlp_logs": f"{api}/integration/otlp/v1/logs",
        }
    return kinds


def _glitchtip_key(item: Key, owner: Project, prefix: str) -> Record:
    public = str(uuid.UUID(item.public))
    scheme, _, host = prefix.partition("://")
    return {
        "dateCreated": timestamp(item.created),
        "dsn": {"public": f"{scheme}://{item.public}@{host}/{owner.number}"},
        "id": public,
        "label": item.name,
        "name": item.name,
        "public": public,
        "projectID": owner.number,
        "rateLimit": None,
    }
