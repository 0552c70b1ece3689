"""The demonstration: a made-up company whose keys break every rule in some project.

`demo.json` beside this file is curated by hand and gives ages in days instead of dates, so it
stays as old as it looks. Records get the shape of today's Sentry API, secrets included, and go
the way of any other source's records, redaction included.
"""

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

import msgspec

from scanner.catalogue import COSTLY
from scanner.engine.intake.scope import SlugPair, unseen
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, Gap, TableCoverage, lacking
from scanner.model.inventory import Inventory, Layout, Needs, RawInput, Scope

SERVER: Final = "https://otter-post.sentry.example"
"""Base URL of a server that cannot exist: .example is reserved."""

_INGEST: Final = "ingest.otter-post.sentry.example"
_DATA: Final = Path(__file__).with_name("demo.json")
_SDK_CHOICES: Final = ("latest", "10.x", "9.x", "8.x", "7.x")
_WHOLE: Final = TableCoverage(CoverageState.COMPLETE, "the whole demonstration")
_KEY: Final = "sentry_key"
_NO_USAGE: Final = Gap("The demonstration has no usage statistics (events_..._30d).")


class _Key(msgspec.Struct, forbid_unknown_fields=True):
    """A key as curated: age in days, limit as count and seconds; None where Sentry knows none."""

    name: str
    age: int | None
    limit: tuple[int, int] | None
    active: bool | None = True
    sdk: str = "10.x"
    replay: bool = False
    performance: bool = False
    debug: bool = False
    feedback: bool = False
    logs: bool = False
    use_case: str | None = None
    shape: str = "sentry"


class _Project(msgspec.Struct, forbid_unknown_fields=True):
    slug: str
    name: str
    platform: str
    team: str
    age: int
    keys: list[_Key]


class _Organization(msgspec.Struct, forbid_unknown_fields=True):
    slug: str
    name: str
    age: int


class _Demo(msgspec.Struct, forbid_unknown_fields=True):
    organization: _Organization
    projects: list[_Project]


class DemoSource:
    """Delivers the demonstration as it stands at `as_of`, which has to know its time zone."""

    def __init__(self, as_of: datetime) -> None:
        self._as_of = as_of.astimezone(UTC)

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        """Write what the scope asks for into the workspace; what is not there is a gap."""
        demo = msgspec.json.decode(_DATA.read_bytes(), type=_Demo)
        organization = demo.organization.slug
        there: list[SlugPair] = [(organization, project.slug) for project in demo.projects]
        is_asked = not scope.organizations or organization in scope.organizations
        chosen = [one for one in demo.projects if not scope.projects or one.slug in scope.projects]
        path = workspace / "demo.jsonl"
        with Spool(path, sources=("demo",), server=SERVER, scope=scope) as spool:
            if is_asked:
                self._write(spool, demo.organization, chosen)
            tables = ("sentry_organization", "sentry_project", _KEY)
            gaps = unseen(scope, there)
            coverage = {
                name: lacking(msgspec.structs.replace(_WHOLE, rows=spool.rows[name]), gaps)
                for name in tables
            }
            if needs.reads(_KEY, COSTLY[_KEY]):
                coverage[_KEY] = lacking(coverage[_KEY], [_NO_USAGE])
            spool.finish(coverage)
        raw = RawInput(path, Layout.INVENTORY_LINES, label="demo", is_redacted=True)
        return Inventory(inputs=(raw,), sources=("demo",))

    def _write(self, spool: Spool, home: _Organization, projects: list[_Project]) -> None:
        record = self._organization(home)
        spool.add("sentry_organization", record, organization=home.slug, project=None)
        for project in projects:
            record = self._project(project)
            spool.add("sentry_project", record, organization=home.slug, project=project.slug)
        for project in projects:
            for index, key in enumerate(project.keys):
                record = self._key(project, key, index)
                spool.add(_KEY, record, organization=home.slug, project=project.slug)

    def _organization(self, organization: _Organization) -> dict[str, Any]:
        return {
            "id": str(_number(organization.slug)),
            "slug": organization.slug,
            "name": organization.name,
            "status": {"id": "active", "name": "active"},
            "dateCreated": self._date(organization.age, organization.slug),
            "isEarlyAdopter": False,
            "require2FA": False,
            "hasAuthProvider": True,
            "allowMemberInvite": True,
            "allowMemberProjectCreation": True,
            "allowSuperuserAccess": False,
            "avatar": {"avatarType": "letter_avatar", "avatarUuid": None},
            "features": [],
            "links": {"organizationUrl": SERVER, "regionUrl": SERVER},
        }

    def _project(self, project: _Project) -> dict[str, Any]:
        team = {"id": str(_number(project.team)), "slug": project.team, "name": project.team}
        return {
            "id": str(_number(project.slug)),
            "slug": project.slug,
            "name": project.name,
            "platform": project.platform,
            "dateCreated": self._date(project.age, project.slug),
            "firstEvent": self._date(project.age - 1, project.slug) if project.keys else None,
            "isBookmarked": False,
            "isMember": True,
            "hasAccess": True,
            "features": ["alert-filters", "rate-limits"],
            "team": team,
            "teams": [team],
        }

    def _key(self, project: _Project, key: _Key, index: int) -> dict[str, Any]:
        seed = f"{project.slug}/{key.name}/{index}"
        public = _digest(seed)
        number = _number(project.slug)
        created = None if key.age is None else self._date(key.age, seed)
        limit = None if key.limit is None else {"window": key.limit[1], "count": key.limit[0]}
        if key.shape == "glitchtip":
            return _glitchtip(key, public, number, created, limit)
        secret = _digest(f"secret of {seed}")
        record = {
            "id": public,
            "name": key.name,
            "label": key.name,
            "public": public,
            "secret": secret,
            "projectId": number,
            "isActive": key.active,
            "rateLimit": limit,
            "dsn": _dsn(public, secret, number),
            "browserSdkVersion": key.sdk,
            "browserSdk": {"choices": [[choice, choice] for choice in _SDK_CHOICES]},
            "dateCreated": created,
            "dynamicSdkLoaderOptions": {
                "hasReplay": key.replay,
                "hasPerformance": key.performance,
                "hasDebug": key.debug,
                "hasFeedback": key.feedback,
                "hasLogsAndMetrics": key.logs,
            },
            "useCase": key.use_case or "user",
        }
        if key.active is None:
            del record["isActive"]
        return record

    def _date(self, days: int, seed: str) -> str:
        """Return the moment so many days before as-of, at an hour of its own."""
        within = int(_digest(seed)[:8], 16) % 36_000_000
        created = self._as_of - timedelta(days=days, milliseconds=within)
        return created.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _glitchtip(
    key: _Key, public: str, number: int, created: str | None, limit: dict[str, int] | None
) -> dict[str, Any]:
    """Return the key as GlitchTip shows it: UUIDs, no secret, and not whether it is active."""
    uuid = str(UUID(public))
    return {
        "id": uuid,
        "name": key.name,
        "label": key.name,
        "public": uuid,
        "projectID": number,
        "dateCreated": created,
        "rateLimit": limit,
        "dsn": {
            "public": f"https://{public}@{_INGEST}/{number}",
            "security": f"https://{_INGEST}/api/{number}/security/?glitchtip_key={public}",
        },
    }


def _dsn(public: str, secret: str, number: int) -> dict[str, str]:
    host = f"https://{_INGEST}"
    api = f"{host}/api/{number}"
    return {
        "secret": f"https://{public}:{secret}@{_INGEST}/{number}",
        "public": f"https://{public}@{_INGEST}/{number}",
        "csp": f"{api}/csp-report/?sentry_key={public}",
        "security": f"{api}/security/?sentry_key={public}",
        "minidump": f"{api}/minidump/?sentry_key={public}",
        "nel": f"{api}/nel/?sentry_key={public}",
        "unreal": f"{api}/unreal/{public}/",
        "crons": f"{api}/cron/___MONITOR_SLUG___/{public}/",
        "cdn": f"{host}/js-sdk-loader/{public}.min.js",
        "playstation": f"{api}/playstation/?sentry_key={public}",
        "integration": f"{api}/integration/",
        "otlp_traces": f"{api}/integration/otlp/v1/traces",
        "otlp_logs": f"{api}/integration/otlp/v1/logs",
    }


def _digest(seed: str) -> str:
    """Return 32 hexadecimal digits, the same for the same seed."""
    return hashlib.sha256(seed.encode()).hexdigest()[:32]


def _number(seed: str) -> int:
    """Return an identifier as the hosted service numbers things, the same for the same seed."""
    return 4_500_000_000_000_000 + int(_digest(seed)[:9], 16)
