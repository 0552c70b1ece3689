"""The API: from a request to an answer, by the rules of one flavour of server."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.simulator import access, render
from tests.simulator.flavour import TODAY, Flavour
from tests.simulator.message import READ, Request, Response, answer, raw_answer
from tests.simulator.pages import PagingError, by_offset, cursor_of, keyset, page_size
from tests.simulator.world import TokenKind
from tests.simulator.writes import create_key, delete_key, update_key

if TYPE_CHECKING:
    from tests.simulator.pages import Link
    from tests.simulator.world import ApiToken, Key, Organization, Project, World

View = Callable[..., Response]

READ_CREATE = "GET, POST, HEAD, OPTIONS"
READ_CHANGE = "GET, PUT, DELETE, HEAD, OPTIONS"


@dataclass
class Api:
    """A server without a socket. `prefix` is its configured url-prefix, as in Link and DSNs."""

    world: World
    flavour: Flavour = TODAY
    prefix: str = "http://sentry.example.invalid"
    whole_organization: bool | None = None  # None: as the flavour has it

    def __call__(self, request: Request) -> Response:
        """Return the answer to a request."""
        if not request.path.endswith("/"):
            return _no_slash(request)
        for pattern, allow, view in _ROUTES:
            match = pattern.fullmatch(request.path)
            if match and self._has(view):
                return self.call(request, allow, view, match.groupdict())
        return raw_answer(404, b"", "text/html; charset=utf-8", allow=None)

    def route(self, path: str) -> str:
        """Return which endpoint serves the path; limits count for each apart."""
        for pattern, _, view in _ROUTES:
            if pattern.fullmatch(path):
                return view.__name__
        return "unknown"

    def call(self, request: Request, allow: str, view: View, names: dict[str, str]) -> Response:
        """Answer by one view, after the token was looked at."""
        if request.method not in allow:
            return answer(405, {"detail": f'Method "{request.method}" not allowed.'}, allow=allow)
        try:
            token = access.authenticate(request, self.world, allow)
            return view(Call(self, request, token, allow), **names)
        except access.RefusedError as refusal:
            return refusal.response
        except PagingError as refusal:
            return raw_answer(400, refusal.response.body, "application/json", allow=allow)

    def _has(self, view: View) -> bool:
        if view in {_sentry_apps, _org_auth_tokens, _api_keys}:
            return self.flavour.credentials
        return view is not _organization_keys or self._has_whole_listing()

    def _has_whole_listing(self) -> bool:
        chosen = self.whole_organization
        return self.flavour.whole_organization if chosen is None else chosen


@dataclass(frozen=True)
class Call:
    """One request to one endpoint, with the token it came with."""

    api: Api
    request: Request
    token: ApiToken
    allow: str

    def organization(self, slug: str, needed: frozenset[str]) -> Organization:
        """Return the organization, or raise the 404 or 403 that belongs to it."""
        for org in self.api.world.organizations:
            if slug in {org.slug, str(org.number)}:
                access.require(self.token, needed, org.slug, self.allow)
                return org
        raise access.missing(self.allow)

    def project(self, org: str, slug: str, needed: frozenset[str]) -> Project:
        """Return the project, or raise the 404, 302 or 403 that belongs to it."""
        home = self.organization(org, needed)
        found = home.project(slug)
        if found is None and slug in home.renamed:
            moved = _moved(self.request, slug, home.renamed[slug], self.allow)
            raise access.RefusedError(moved)
        if found is None:
            raise access.missing(self.allow)
        if not found.accessible:
            raise access.forbidden(self.allow)
        return found

    def key(self, owner: Project, public: str) -> Key:
        """Return the key, or raise the 404 that belongs to it."""
        for key in owner.keys:
            if key.public == public:
                return key
        raise access.missing(self.allow)

    def rendered(self, key: Key, owner: Project) -> render.Record:
        """Return the key's record."""
        return render.key(key, owner, self.api.prefix, self.api.flavour)

    def page(self, records: list[render.Record], link: Link) -> Response:
        """Return a page of a list with its Link header."""
        header = link.header(self.request, self.api.prefix)
        return self.answer(200, records).with_headers(Link=header)

    def keys_page(self, owned: list[tuple[Key, Project]]) -> Response:
        """Return a page of keys, filtered by status as the request asks."""
        status = self.request.query.get("status")
        if status:
            wanted = {"active": True, "inactive": False}.get(status)
            owned = [pair for pair in owned if pair[0].active is wanted]
        size = page_size(self.request, self.api.flavour)
        cursor = cursor_of(self.request)
        rows, link = keyset(owned, lambda pair: pair[0].number, cursor, size)
        return self.page([self.rendered(key, owner) for key, owner in rows], link)

    def answer(self, status: int, payload: object) -> Response:
        """Return a JSON answer."""
        return answer(status, payload, allow=self.allow)


def _index(call: Call) -> Response:
    auth = {"scopes": sorted(access.scopes(call.token))}
    user = None if call.token.kind is TokenKind.ORGANIZATION else {"id": "1", "name": "owner"}
    return call.answer(200, {"version": "0", "auth": auth, "user": user})


def _organizations(call: Call) -> Response:
    if not access.scopes(call.token) & access.ORG_READ:
        raise access.forbidden(call.allow)
    only = call.token.organizations
    seen = [org for org in call.api.world.organizations if only is None or org.slug in only]
    size = page_size(call.request, call.api.flavour, default=100)
    rows, link = keyset(seen, _created_ms, cursor_of(call.request), size)
    return call.page([render.organization(org, call.api.prefix) for org in rows], link)


def _organization(call: Call, org: str) -> Response:
    found = call.organization(org, access.ORG_READ)
    return call.answer(200, render.organization(found, call.api.prefix))


def _projects(call: Call, org: str) -> Response:
    found = call.organization(org, access.ORG_READ)
    size = page_size(call.request, call.api.flavour, default=100)
    ordered = sorted(found.projects, key=lambda project: (not project.starred, project.slug))
    rows, link = by_offset(ordered, cursor_of(call.request), size)
    return call.page([render.project(item, call.api.flavour) for item in rows], link)


def _organization_keys(call: Call, org: str) -> Response:
    found = call.organization(org, access.ORG_READ)
    everything = call.request.query.get("project") == "-1"
    projects = [p for p in found.projects if p.accessible and (everything or p.member)]
    return call.keys_page([(key, p) for p in projects for key in p.keys])


def _project(call: Call, org: str, project: str) -> Response:
    found = call.project(org, project, access.PROJECT_READ)
    return call.answer(200, render.project(found, call.api.flavour))


def _keys(call: Call, org: str, project: str) -> Response:
    if call.request.method == "POST":
        owner = call.project(org, project, access.PROJECT_WRITE)
        home = call.organization(org, access.PROJECT_WRITE)
        made = create_key(call.api.world, home, owner, call.request)
        if isinstance(made, Response):
            return made
        return call.answer(201, call.rendered(made, owner))
    owner = call.project(org, project, access.PROJECT_READ)
    return call.keys_page([(key, owner) for key in owner.keys])


def _key(call: Call, org: str, project: str, key: str) -> Response:
    needed = {"PUT": access.PROJECT_WRITE, "DELETE": access.PROJECT_ADMIN}
    method = call.request.method
    scopes = needed.get(method, access.PROJECT_READ)
    home, owner = call.organization(org, scopes), call.project(org, project, scopes)
    item, world = call.key(owner, key), call.api.world
    if method == "DELETE":
        delete_key(world, owner, item)
        return raw_answer(204, b"", None, allow=call.allow)
    if method == "PUT" and (problem := update_key(world, home, item, call.request, call.allow)):
        return problem
    return call.answer(200, call.rendered(item, owner))


def _key_stats(call: Call, org: str, project: str, key: str) -> Response:
    item = call.key(call.project(org, project, access.PROJECT_READ), key)
    since, until = (int(call.request.query.get(name, "0")) for name in ("since", "until"))
    if call.request.query.get("resolution") == "1h":
        return _hourly(call, item, since, until)
    day = 86_400
    accepted, dropped, filtered = item.daily
    counts = {
        "total": sum(item.daily),
        "dropped": dropped,
        "accepted": accepted,
        "filtered": filtered,
    }
    days = range(since - since % day, until + 1, day)
    return call.answer(200, [{"ts": ts, **counts} for ts in days])


def _hourly(call: Call, item: Key, since: int, until: int) -> Response:
    """Give a day's events in one hour of it; a long time at this resolution is refused.

    The hour is far from where the time begins and ends, whatever the time of day: none is cut.
    """
    hour = 3_600
    busy = (until // hour + 12) % 24
    if until - since > 31 * 86_400:
        return call.answer(400, {"detail": "Invalid request data"})
    hours = []
    for ts in range(since - since % hour, until + 1, hour):
        told = item.daily if ts // hour % 24 == busy else (0, 0, 0)
        counts = dict(zip(("accepted", "dropped", "filtered"), told, strict=True))
        hours.append({"ts": ts, "total": sum(told), **counts})
    return call.answer(200, hours)


def _sentry_apps(call: Call, org: str) -> Response:
    found = call.organization(org, access.ORG_READ)
    size = page_size(call.request, call.api.flavour, default=100)
    rows, link = by_offset(found.integrations, cursor_of(call.request), size)
    return call.page([render.integration(item, found) for item in rows], link)


def _org_auth_tokens(call: Call, org: str) -> Response:
    found = call.organization(org, access.ORG_READ)
    if not call.api.flavour.token_list_for_tokens:
        raise access.forbidden(call.allow)
    return call.answer(200, [render.org_token(item) for item in found.tokens])


def _api_keys(call: Call, org: str) -> Response:
    found = call.organization(org, access.ORG_ADMIN)
    return call.answer(200, [render.api_key(item) for item in found.api_keys])


def _created_ms(org: Organization) -> int:
    return int(org.created.timestamp() * 1000)


def _moved(request: Request, old: str, new: str, allow: str) -> Response:
    url = request.path.replace(f"/{old}/", f"/{new}/")
    extra = {"url": url, "slug": new}
    message = {"code": "resource-moved", "message": "Resource has been moved", "extra": extra}
    return answer(302, {"slug": new, "detail": message}, allow=allow).with_headers(Location=url)


def _no_slash(request: Request) -> Response:
    tried = f"try: {request.path}/"
    pointer = " " * (len(tried) - 1) + "^"
    text = f"Route not found, did you forget a trailing slash?\n\n{tried}\n{pointer}\n"
    return raw_answer(404, text.encode(), "text/plain", allow=None)


_ORG = r"/api/0/organizations/(?P<org>[^/]+)/"
_PROJECT = r"/api/0/projects/(?P<org>[^/]+)/(?P<project>[^/]+)/"
_KEYS = _PROJECT + "keys/"
_ROUTES = (
    (re.compile(r"/api/0/"), READ, _index),
    (re.compile(r"/api/0/organizations/"), READ, _organizations),
    (re.compile(_ORG), READ, _organization),
    (re.compile(_ORG + "projects/"), READ, _projects),
    (re.compile(_ORG + "project-keys/"), READ, _organization_keys),
    (re.compile(_ORG + "sentry-apps/"), READ, _sentry_apps),
    (re.compile(_ORG + "org-auth-tokens/"), READ_CREATE, _org_auth_tokens),
    (re.compile(_ORG + "api-keys/"), READ_CREATE, _api_keys),
    (re.compile(_PROJECT), READ, _project),
    (re.compile(_KEYS), READ_CREATE, _keys),
    (re.compile(_KEYS + r"(?P<key>[^/]+)/"), READ_CHANGE, _key),
    (re.compile(_KEYS + r"(?P<key>[^/]+)/stats/"), READ, _key_stats),
)
