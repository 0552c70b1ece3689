"""Keys on a Sentry server: questions and changes go in, what the server has and stored comes out.

What Sentry's API does with a change is from its description (openapi) and from real servers: a PUT
that does not name browserSdkVersion resets it, half a rate limit is status 500, and POST takes a
name, a rate limit and a use case alone.
"""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from types import TracebackType
from typing import Annotated, Any, Final, Self, TypeVar
from urllib.parse import quote

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.shape.decode import converted
from scanner.catalogue.redact import redact_record
from scanner.http.changes import ChangeRequest
from scanner.http.client import Client, connect
from scanner.http.failure import ApiError, Reason
from scanner.http.origin import base_url
from scanner.inventory.records import fault
from scanner.inventory.source import LiveSettings
from scanner.providers.sentry.live.api import KEY, Caller, OrganizationBase, SentryApi
from scanner.providers.sentry.live.fetch import client_settings
from scanner.providers.sentry.live.usage import Period, read_usage
from scanner.providers.sentry.live.watch import Watch
from scanner.providers.sentry.state import state_of_record
from scanner.remediate.document import KeyTarget, State
from scanner.remediate.keys import kept_name
from scanner.remediate.remote import FoundKey, Operation

T = TypeVar("T")

_SDK: Final = "browserSdkVersion"
_OPTIONS: Final = "dynamicSdkLoaderOptions"
_LIMIT: Final = "rateLimit"
_FIELDS: Final = {
    Operation.CREATE: frozenset({"name", _LIMIT, "useCase"}),
    Operation.UPDATE: frozenset({"name", "isActive", _LIMIT, _SDK, _OPTIONS}),
}
_SCOPES: Final = {
    Operation.READ: ("project:read", "project:write", "project:admin"),
    Operation.CREATE: ("project:write", "project:admin"),
    Operation.UPDATE: ("project:write", "project:admin"),
    Operation.DELETE: ("project:admin",),
}
"""The scopes of which a token needs one, the least first."""


class _RateLimit(msgspec.Struct, forbid_unknown_fields=True):
    """Both parts: half a limit breaks the server."""

    count: Annotated[int, Meta(ge=0)]
    window: Annotated[int, Meta(ge=0, le=86_400)]


class _KeyFields(msgspec.Struct, forbid_unknown_fields=True, rename="camel"):
    """What may be sent, by the API's description."""

    name: Annotated[str, Meta(min_length=1, max_length=64)] | UnsetType = UNSET
    is_active: bool | UnsetType = UNSET
    rate_limit: _RateLimit | UnsetType | None = UNSET
    browser_sdk_version: str | UnsetType = UNSET
    dynamic_sdk_loader_options: dict[str, bool] | UnsetType = UNSET
    use_case: str | UnsetType = UNSET


class SentryRemote:
    """One server; see scanner.remediate.remote. Use as a context manager."""

    fields = _FIELDS

    def __init__(
        self, settings: LiveSettings, on_wait: Callable[[float | None], None] = lambda _: None
    ) -> None:
        self.base = base_url(settings.url, insecure_http=settings.insecure_http)
        self._settings = settings
        self._on_wait = on_wait
        self._runner = asyncio.Runner()
        self._connection = connect(client_settings(self.base, settings), on_wait)
        self._places: dict[str, OrganizationBase] = {}
        self._caller: Caller | None = None

    def __enter__(self) -> Self:
        try:
            self._client: Client = self._run(self._connection.__aenter__())
        except BaseException:
            self._runner.close()
            raise
        self._api = SentryApi(self._client, self.base, status=None)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        try:
            self._run(self._connection.__aexit__(None, None, None))
        finally:
            self._runner.close()

    def account(self) -> str | None:
        """Return the id of the user whose token it is."""
        return self._who().user

    def lacks(self, operation: Operation) -> str | None:
        """Return the least scope that the token lacks for an operation."""
        held = self._who().scopes
        needed = _SCOPES[operation]
        return None if held is None or held.intersection(needed) else needed[0]

    def check(self, operation: Operation, fields: State) -> None:
        """Raise ValueError for what is not to be sent to a server."""
        if unknown := fields.keys() - _FIELDS[operation]:
            raise ValueError(f"{', '.join(sorted(unknown))}: not to be set by {operation}")
        converted(fields, _KeyFields)

    def read(self, target: KeyTarget) -> FoundKey | None:
        """Return the key as it is now.

        That a key is gone is believed only where its project's list can be read and lacks it: a
        wrong address or a missing right has the same status.
        """
        try:
            path, base = self._path(target), self._place(target.organization).base
            reply = self._run(self._client.get("key", path, base=base))
        except ApiError as error:
            if error.reason is not Reason.MISSING:
                raise
            there = self.keys(target.organization, target.project)
            return next((one for one in there if one.state.get("id") == target.id), None)
        return self._found(reply.payload, reply.moved_to or target.project, path)

    def keys(self, organization: str, project: str) -> list[FoundKey]:
        """Return all keys of a project; raises ApiError where not all of them can be told."""
        return self._run(self._listed(self._place(organization), project))

    async def _listed(self, place: OrganizationBase, project: str) -> list[FoundKey]:
        found: list[FoundKey] = []
        async for page in self._api.project_keys(place, Watch(), project):
            for problem in page.faults:
                raise self._unusable(problem, f"projects/{place.slug}/{project}/keys/")
            slug = page.moved_to or project
            found += [self._found(record, slug, "") for record in page.records]
        return found

    def project(self, organization: str, project: str) -> tuple[str, str]:
        """Return the id of a project, and the slug that it goes by now."""
        place = self._place(organization)

        async def asked() -> dict[str, Any]:
            try:
                return await self._api.project(place, project)
            except ApiError as error:
                if error.reason is Reason.MISSING:
                    # A server, or a proxy before it, may have the list alone.
                    async for page in self._api.projects(place, Watch()):
                        for record in page.records:
                            if record.get("slug") == project:
                                return record
                raise

        record = self._run(asked())
        return str(record["id"]), str(record["slug"])

    def received(self, target: KeyTarget, since: datetime) -> int:
        """Return how many errors the key received since the hour of then; Sentry counts no more."""
        period = Period(since, datetime.now(UTC), "1h")
        place = self._place(target.organization)
        hours = self._run(read_usage(self._api, place, target.project, target.id, period))
        return sum(hour.events for hour in hours)

    def update(
        self, target: KeyTarget, changes: State, current: State, request_id: str
    ) -> FoundKey | None:
        """Change fields of a key; sends along what the API would reset."""
        self.check(Operation.UPDATE, changes)
        body = dict(changes)
        if current.get(_SDK) is not None:
            body.setdefault(_SDK, current[_SDK])
        if _OPTIONS in body:
            body[_OPTIONS] = {**current.get(_OPTIONS, {}), **body[_OPTIONS]}
        change = ChangeRequest("PUT", self._path(target), body, request_id)
        return self._change(target, change)

    def create(self, target: KeyTarget, fields: State, request_id: str) -> FoundKey | None:
        """Make a key in the target's project, which has none of the name."""
        self.check(Operation.CREATE, fields)
        change = ChangeRequest("POST", self._path(target), fields, request_id)
        place = self._place(target.organization)

        async def is_done() -> bool:
            try:
                there = await self._listed(place, target.project)
            except ApiError as error:
                error.unsure = True
                raise
            names = {kept_name(str(one.state.get("name") or "")) for one in there}
            return kept_name(str(fields.get("name") or "")) in names

        return self._change(target, change, is_done)

    def delete(self, target: KeyTarget, request_id: str) -> None:
        """Delete the key."""
        self._change(target, ChangeRequest("DELETE", self._path(target), None, request_id))

    def _change(
        self,
        target: KeyTarget,
        change: ChangeRequest,
        is_done: Callable[[], Coroutine[Any, Any, bool]] | None = None,
    ) -> FoundKey | None:
        base = self._place(target.organization).base
        endpoint = "keys" if not target.id else "key"
        asked = self._client.change(endpoint, change, base=base, is_done=is_done)
        reply = self._run(asked)
        if reply.payload is None:
            return None
        try:
            return self._found(reply.payload, target.project, change.path)
        except ApiError as error:
            error.unsure = True
            raise

    def _found(self, record: Any, project: str, path: str) -> FoundKey:  # noqa: ANN401 - any JSON value
        problem = fault(KEY, record)
        if problem is not None:
            raise self._unusable(problem, path)
        clean = redact_record(record, KEY)
        dsn = clean.get("dsn")
        public = dsn.get("public") if isinstance(dsn, dict) else None
        return FoundKey(
            state_of_record(clean), project, public if isinstance(public, str) else None
        )

    def _unusable(self, problem: str, path: str) -> ApiError:
        return ApiError(
            Reason.GARBLED,
            f"the key's record cannot be used: {problem}",
            where=f"{self.base}/api/0/{path}",
        )

    def _place(self, organization: str) -> OrganizationBase:
        """Return where the organization's keys are asked for: on the hosted service, its region."""
        if organization not in self._places:
            record = None
            try:
                record = self._run(self._api.organization(organization))
            except ApiError as error:
                # Changing keys does not take the right to read the organization.
                if error.reason not in {Reason.FORBIDDEN, Reason.MISSING}:
                    raise
            self._places[organization] = self._api.place(organization, record)
        return self._places[organization]

    def _who(self) -> Caller:
        if self._caller is None:
            self._caller = self._run(self._api.caller())
        return self._caller

    @staticmethod
    def _path(target: KeyTarget) -> str:
        parts = [target.organization, target.project, *([target.id] if target.id else [])]
        for part in parts:
            if part.strip(".") == "":
                raise ApiError(Reason.MISSING, f"{part!r} is not a name that Sentry gives")
        organization, project, *key = (quote(part, safe="") for part in parts)
        return "/".join(["projects", organization, project, "keys", *key, ""])

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(work)
