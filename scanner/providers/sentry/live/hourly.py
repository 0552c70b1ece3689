"""Usage of a few keys by the hour: places of keys go in, what each accepted comes out."""

import asyncio
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import httpx

from scanner.http.client import connect
from scanner.http.failure import ApiError
from scanner.policy.actions.interface import KeyUsage
from scanner.providers.sentry.live.api import OrganizationBase, SentryApi
from scanner.providers.sentry.live.fetch import client_settings
from scanner.providers.sentry.live.usage import PERIOD, Period, read_usage

if TYPE_CHECKING:
    from scanner.inventory.source import LiveSettings


async def hourly(
    base: str,
    settings: "LiveSettings",
    keys: Iterable[tuple[str, str, str]],
    transport: httpx.AsyncBaseTransport | None = None,
) -> dict[str, KeyUsage | str]:
    """Return what keys accepted in the last 30 days, by their id; of others why it is not known.

    Keys are given as organization, project (slugs) and id. Sentry counts errors only, and gives
    hours for no more than 30 days.
    """
    until = datetime.now(UTC)
    period = Period(until - PERIOD, until, "1h")
    async with connect(client_settings(base, settings), transport=transport) as client:
        api = SentryApi(client, base, status=None)
        asked = sorted(set(keys))
        slugs = sorted({organization for organization, _, _ in asked})
        places = dict(
            zip(slugs, await asyncio.gather(*(_place(api, slug) for slug in slugs)), strict=True)
        )
        found = await asyncio.gather(
            *(_usage(api, places[slug], project, key, period) for slug, project, key in asked)
        )
    return {key: usage for (_, _, key), usage in zip(asked, found, strict=True)}


async def _place(api: SentryApi, slug: str) -> OrganizationBase:
    try:
        return api.place(slug, await api.organization(slug))
    except ApiError:
        # Its keys may be readable all the same: then at the server itself.
        return api.place(slug, None)


async def _usage(
    api: SentryApi, place: OrganizationBase, project: str, key: str, period: Period
) -> KeyUsage | str:
    try:
        hours = await read_usage(api, place, project, key, period)
        return KeyUsage(tuple(hour.accepted for hour in hours))
    except ApiError as error:
        return error.sentence
