"""Before anything is fetched: what the token may do, and which organizations there are."""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from functools import partial
from typing import Any, Final, TypeVar

import msgspec

from scanner.base.hints import closest
from scanner.catalogue import URL_SETTING
from scanner.http.failure import FATAL, ApiError, Reason, one_line
from scanner.inventory.ledger import Ledger
from scanner.model.inventory import Scope
from scanner.model.token import Token
from scanner.providers.sentry.live.api import (
    KEY,
    ORGANIZATION,
    PROJECT,
    TOKEN,
    Caller,
    OrganizationBase,
    SentryApi,
)
from scanner.providers.sentry.live.rights import check_token, explained
from scanner.providers.sentry.live.settle import note_doubt, steady
from scanner.providers.sentry.live.watch import Watch

T = TypeVar("T")

_HOPELESS: Final = FATAL | {Reason.REDIRECTED, Reason.UNREACHABLE, Reason.TIMEOUT}
"""With these at the very start, nothing else is worth asking."""

_TELLING: Final = frozenset({Reason.FORBIDDEN, Reason.MISSING})
"""Answers that only an API gives, though not the ones that were hoped for."""

_NAMED: Final = 5  # organizations that a message names; there may be hundreds

_NAME_ONE: Final = (
    "Name the organization with --org SLUG (SENTRY_ORG): servers do not list it to an "
    "integration's token. The owner of a personal token has to belong to it."
)


class Survey(msgspec.Struct, frozen=True):
    """Who is asking, and the organizations' records by slug, None where they cannot be read.

    `caller` is what kept the server from telling who is asking. `scope` has slugs where ids were
    asked for. `lost` are projects of it that are not to be asked for: ids of none that is listed.
    `slugs` are those of the projects by id.
    """

    caller: Caller | ApiError
    organizations: dict[str, dict[str, Any] | None]
    scope: Scope
    lost: frozenset[str] = frozenset()
    slugs: dict[str, str] = {}

    @property
    def scopes(self) -> frozenset[str] | None:
        """The token's scopes, None where they are not known."""
        return None if isinstance(self.caller, ApiError) else self.caller.scopes

    def places(self, api: SentryApi) -> list[OrganizationBase]:
        """Return where each organization's data is asked for."""
        return [api.place(slug, record) for slug, record in sorted(self.organizations.items())]


async def survey(
    api: SentryApi,
    token: Token,
    scope: Scope,
    tables: frozenset[str],
    ledger: Ledger,
) -> Survey:
    """Find out what the token may do and which organizations there are, side by side.

    Raises ApiError where nothing could be seen. An organization that cannot be found is noted
    as missing from the tables.
    """
    async with asyncio.TaskGroup() as both:
        asking = both.create_task(_outcome(api.caller()))
        listing = both.create_task(
            _outcome(steady(api, "list of organizations", partial(_list_organizations, api)))
        )
    caller, listed = asking.result(), listing.result()
    if isinstance(listed, ApiError) and _is_missing(caller) and _is_missing(listed):
        listed = _nowhere(listed)
        if not scope.organizations:
            raise listed
    for outcome in (caller, listed):
        if isinstance(outcome, ApiError) and outcome.reason in _HOPELESS:
            raise explained(outcome, token)
    check_token(token, None if isinstance(caller, ApiError) else caller.scopes)
    if isinstance(listed, ApiError):
        # With a name to go by there is hope, if the server answers at all: a token without
        # org:read may still read projects' keys.
        told = not isinstance(caller, ApiError) or listed.reason in _TELLING
        if not told or not scope.organizations:
            raise _unlisted(listed)
        ledger.failed([ORGANIZATION], listed)
        named = [slug for slug in scope.organizations if not slug.isdecimal()]
        ids = Scope(tuple(slug for slug in scope.organizations if slug.isdecimal()))
        # Asked by its id, an organization would go by it in every row.
        chosen, slugs = await _chosen(api, ids, {}, tables, ledger, named)
    else:
        seen, doubt = listed
        ledger.saw(ORGANIZATION)
        if not scope.organizations:
            # One that is lost between two pages is lost with all that it has. Those that are
            # named are asked for by their names if the list lacks them.
            note_doubt(ledger, None, sorted(tables - {TOKEN}), doubt)
        chosen, slugs = await _chosen(api, scope, seen, tables, ledger)
    asked = Scope(_renamed(scope.organizations, slugs), scope.projects)
    found = Survey(caller, chosen, asked)
    if PROJECT in tables and any(name.isdecimal() for name in asked.projects):
        return await _with_slugs(api, found, tables, ledger)
    return found


def _renamed(names: tuple[str, ...], slugs: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(slugs.get(name, name) for name in names))


async def _with_slugs(
    api: SentryApi, found: Survey, tables: frozenset[str], ledger: Ledger
) -> Survey:
    """Put slugs in place of the projects' ids, from the list of projects.

    A server answers to the id as it does to the slug, but its rows would go by what they were asked
    for. Raises ApiError where no project that was named is left.
    """
    names, slugs = found.scope.projects, dict[str, str]()  # by id
    ids = {name for name in names if name.isdecimal()}
    failed: ApiError | None = None
    for place in found.places(api):
        try:
            async for page in api.projects(place, Watch()):
                slugs |= {str(record["id"]): record["slug"] for record in page.records}
        except ApiError as error:
            failed = _or_by_slug(error, "project")
            slugs |= await _by_themselves(api, place, ids - slugs.keys())
    lost = ids - slugs.keys() - set(slugs.values())
    near = one_line(", ".join(sorted(slugs.values())[:_NAMED])) or "none"
    unknown = failed or ApiError(
        Reason.MISSING,
        f"there is no project {' or '.join(map(repr, sorted(lost)))}, by slug or id",
        remedy=f"Projects that the token sees: {near}.",
    )
    if lost.issuperset(names):
        raise unknown
    for name in sorted(lost):
        ledger.failed(sorted(tables & {PROJECT, KEY}), unknown, project=name)
    known = {number: slugs[number] for number in ids & slugs.keys() - set(slugs.values())}
    asked = Scope(found.scope.organizations, _renamed(names, known))
    return msgspec.structs.replace(found, scope=asked, lost=frozenset(lost), slugs=known)


async def _by_themselves(
    api: SentryApi, place: OrganizationBase, ids: Iterable[str]
) -> dict[str, str]:
    """Return the slugs of projects by id, each asked for alone: that takes no org:read."""
    found = [await _outcome(api.project(place, number)) for number in sorted(ids)]
    return {str(one["id"]): one["slug"] for one in found if not isinstance(one, ApiError)}


def _or_by_slug(error: ApiError, what: str) -> ApiError:
    remedy = f"{error.remedy} Or name the {what} by its slug.".lstrip()
    return ApiError(error.reason, error.message, where=error.where, remedy=remedy)


async def _outcome(asked: Coroutine[None, None, T]) -> T | ApiError:
    """Return what came of it, be it an error."""
    try:
        return await asked
    except ApiError as error:
        return error


async def _list_organizations(api: SentryApi, watch: Watch) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    async for page in api.organizations(watch):
        # All is asked for by slug, so that of two with one slug, one would be lost.
        twins = [r["slug"] for r in page.records if found.setdefault(r["slug"], r) is not r]
        for fault in (*page.faults, *(f"another has the slug {twin!r}, too" for twin in twins)):
            message = f"an organization's record cannot be used: {one_line(fault)}"
            raise ApiError(Reason.GARBLED, message)
    return found


async def _chosen(  # noqa: PLR0913, PLR0917 - what the survey knows
    api: SentryApi,
    scope: Scope,
    listed: dict[str, dict[str, Any]],
    tables: frozenset[str],
    ledger: Ledger,
    unread: Iterable[str] = (),
) -> tuple[dict[str, dict[str, Any] | None], dict[str, str]]:
    """Return the organizations of the scope, and their slugs by the names that were asked for.

    Those that are not listed are asked for by name, but for those `unread`.
    """
    chosen: dict[str, dict[str, Any] | None] = dict.fromkeys(unread)
    if not scope.organizations and not chosen:
        if not listed:
            raise ApiError(
                Reason.MISSING,
                "the token sees no organization",
                remedy=_NAME_ONE,
            )
        return dict(listed), {}
    slugs: dict[str, str] = {}
    errors: dict[str, ApiError] = {}
    async with asyncio.TaskGroup() as asking:
        asked = {
            slug: asking.create_task(_outcome(api.organization(slug)))
            for slug in dict.fromkeys(scope.organizations)
            if slug not in listed
        }
    for slug in dict.fromkeys(scope.organizations):
        record = asked[slug].result() if slug in asked else listed[slug]
        if isinstance(record, ApiError):
            errors[slug] = _unknown(slug, record, listed)
        else:
            slugs[slug] = str(record["slug"])
            chosen[slugs[slug]] = record
    if not chosen:
        raise next(iter(errors.values()))
    for slug, unknown in errors.items():
        ledger.failed(sorted(tables), unknown, organization=slug)
    return chosen, slugs


def _is_missing(outcome: object) -> bool:
    return isinstance(outcome, ApiError) and outcome.reason is Reason.MISSING


def _nowhere(error: ApiError) -> ApiError:
    """Return the error of a server without what every Sentry has, whoever asks."""
    return ApiError(
        Reason.MISSING,
        "no Sentry seems to be at this address: it has neither /api/0/ nor a list of organizations",
        where=error.where,
        remedy=f"Check host, port and path of the server's address ({URL_SETTING}).",
    )


def _unlisted(error: ApiError) -> ApiError:
    """Return the error with the way around a list that the token may not read."""
    if error.reason not in _TELLING:
        return error
    remedy = f"{error.remedy} {_NAME_ONE}"
    return ApiError(error.reason, error.message, where=error.where, remedy=remedy)


def _unknown(slug: str, error: ApiError, listed: Mapping[str, Any]) -> ApiError:
    if error.reason is not Reason.MISSING:
        return _or_by_slug(error, "organization") if slug.isdecimal() else error
    near, others = closest(slug, listed), sorted(listed)
    meant = f"Did you mean `{near}`? " if near else ""
    more = f" and {len(others) - _NAMED:,} more" if len(others) > _NAMED else ""
    seen = one_line(", ".join(others[:_NAMED])) or "none"
    return ApiError(
        Reason.MISSING,
        f"there is no organization {slug!r}, or the token may not see it",
        where=error.where,
        remedy=f"{meant}Organizations that the token sees: {seen}{more}.",
    )
