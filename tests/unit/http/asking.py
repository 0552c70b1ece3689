"""What the tests of the client share: one request, and how it failed."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
import pytest

from scanner.http.client import Client, connect
from scanner.http.connection import ClientSettings
from scanner.http.failure import ApiError
from scanner.http.retry import RetryPolicy
from scanner.model.token import Token
from tests.simulator import CANARY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from scanner.http.answers import Reply

BASE = "https://sentry.example.com"
TOKEN = f"sntryu_{CANARY}00112233"
KEYS = "projects/acme/web/keys/"
FAST = RetryPolicy(attempts=3, throttled=3, first_wait=0.001, longest_wait=0.002)
SETTINGS = ClientSettings(base=BASE, token=Token(TOKEN), retry=FAST)


def use(work: Callable[[Client], Awaitable[Any]], **settings: Any) -> Any:
    async def run() -> Any:
        async with connect(msgspec.structs.replace(SETTINGS, **settings)) as client:
            return await work(client)

    return asyncio.run(run())


def get(path: str = "x/", **settings: Any) -> Reply:
    reply: Reply = use(lambda client: client.get("x", path), **settings)
    return reply


def failure(path: str = "x/", **settings: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        get(path, **settings)
    assert CANARY not in str(error.value)
    assert CANARY not in error.value.sentence
    return error.value
