"""The client, request by request, against answers that the test makes up."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
from typing import Any

import httpx
import pytest
import respx

from scanner.http import exchange
from scanner.http.client import Client, connect
from scanner.http.failure import ApiError, Reason
from tests.unit.http.asking import BASE, FAST, SETTINGS, TOKEN, failure, get, use


@pytest.fixture
def server() -> Any:
    with respx.mock(base_url=f"{BASE}/api/0/", assert_all_called=False) as mock:
        yield mock


def test_what_is_sent(server: respx.MockRouter) -> None:
    route = server.get("x/").respond(json=[1])
    assert get().payload == [1]
    sent = route.calls.last.request
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert sent.headers["Accept"] == "application/json"
    assert sent.headers["User-Agent"].startswith("keypolicy/")


def test_the_links_of_an_answer(server: respx.MockRouter) -> None:
    link = '<http://internal/x/?&cursor=1:0:0>; rel="next"; results="true"; cursor="1:0:0"'
    server.get("x/").respond(json=[], headers={"Link": link})
    assert get().links["next"]["cursor"] == "1:0:0"


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (400, Reason.REFUSED),
        (401, Reason.UNAUTHORIZED),
        (403, Reason.FORBIDDEN),
        (404, Reason.MISSING),
        (405, Reason.MISSING),
        (418, Reason.REFUSED),
        (204, Reason.REFUSED),
        (304, Reason.REFUSED),
    ],
)
def test_refusals_are_final(server: respx.MockRouter, status: int, reason: Reason) -> None:
    route = server.get("x/").respond(status, json={"detail": f"because {TOKEN}\x1b[31m"})
    error = failure()
    assert error.reason is reason
    assert route.call_count == 1
    assert error.where == f"{BASE}/api/0/x/"
    if status not in {204, 304}:
        assert "because [redacted]" in error.message
        assert "\x1b" not in error.message


@pytest.mark.parametrize("status", [500, 502, 503, 504, 599, 408])
def test_failures_of_the_server_are_tried_again(server: respx.MockRouter, status: int) -> None:
    server.get("x/").mock(
        side_effect=[httpx.Response(status), httpx.Response(status), httpx.Response(200, json=5)]
    )
    assert get().payload == 5
    server.get("y/").respond(status)
    assert failure("y/").reason in {Reason.SERVER, Reason.TIMEOUT}


def test_refusals_for_speed_are_tried_again_and_counted(server: respx.MockRouter) -> None:
    refused = httpx.Response(429, text='"too fast"')
    server.get("x/").mock(side_effect=[refused, refused, httpx.Response(200, json=5)])

    async def work(client: Client) -> None:
        await client.get("x", "x/")
        assert client.traffic.requests == 3
        assert client.traffic.throttled == 2
        assert client.traffic.retries == 2

    use(work)


def test_refusals_for_speed_are_not_tried_for_ever(server: respx.MockRouter) -> None:
    route = server.get("x/").respond(429)
    assert failure().reason is Reason.THROTTLED
    assert route.call_count == 3


@pytest.mark.parametrize(
    ("error", "reason", "told"),
    [
        (httpx.ConnectError("x"), Reason.UNREACHABLE, "no connection to sentry.example.com"),
        (httpx.ConnectTimeout("x"), Reason.TIMEOUT, "no connection to sentry.example.com"),
        (httpx.ReadTimeout("x"), Reason.TIMEOUT, "within 30 s"),
        (httpx.ReadError("x"), Reason.UNREACHABLE, "broke off"),
        (httpx.RemoteProtocolError("x"), Reason.UNREACHABLE, "broke off"),
        (httpx.ProxyError("407"), Reason.UNREACHABLE, "proxy"),
        (httpx.DecodingError("x"), Reason.GARBLED, "cannot be unpacked"),
    ],
)
def test_broken_exchanges(
    server: respx.MockRouter, error: Exception, reason: Reason, told: str
) -> None:
    route = server.get("x/").mock(side_effect=error)
    failed = failure()
    assert failed.reason is reason
    assert told in failed.message
    assert failed.remedy
    assert route.call_count == FAST.first_contact


@pytest.mark.parametrize(
    ("cause", "reason", "told", "calls"),
    [
        (ssl.SSLCertVerificationError("self-signed"), Reason.TLS, "certificate", 1),
        (socket.gaierror(-2, "unknown"), Reason.UNREACHABLE, "cannot be resolved", 2),
    ],
)
def test_what_lies_behind_a_failed_connection(
    cause: Exception, reason: Reason, told: str, calls: int
) -> None:
    asked: list[httpx.Request] = []

    def fail(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        raise httpx.ConnectError("x") from cause

    async def run() -> None:
        async with connect(SETTINGS, transport=httpx.MockTransport(fail)) as client:
            await client.get("x", "x/")

    with pytest.raises(ApiError, match=told) as error:
        asyncio.run(run())
    assert (error.value.reason, len(asked)) == (reason, calls)


def test_a_server_that_has_answered_once_is_tried_longer(server: respx.MockRouter) -> None:
    server.get("x/").respond(json=1)
    down = server.get("y/").mock(side_effect=httpx.ConnectError("x"))

    async def work(client: Client) -> None:
        await client.get("x", "x/")
        with pytest.raises(ApiError):
            await client.get("y", "y/")

    use(work)
    assert down.call_count == FAST.attempts


def test_after_some_lost_requests_the_others_are_not_sent(server: respx.MockRouter) -> None:
    route = server.route(method="GET").respond(500)

    async def work(client: Client) -> None:
        for number in range(20):
            with pytest.raises(ApiError):
                await client.get("x", f"{number}/")

    use(work)
    assert route.call_count == 5 * FAST.attempts


def test_a_token_that_is_refused_is_not_sent_again(server: respx.MockRouter) -> None:
    route = server.route(method="GET").respond(401)

    async def work(client: Client) -> None:
        for _ in range(3):
            with pytest.raises(ApiError):
                await client.get("x", "x/")

    use(work)
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b"<html>", "a web page"),
        (b"\n <!DOCTYPE html>", "a web page"),
        (b"[1, 2", "not JSON"),
        (b"", "not JSON"),
        (b"\xff\xfe", "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b'{"a": NaN}', "not JSON"),
    ],
)
def test_what_is_not_json(server: respx.MockRouter, body: bytes, told: str) -> None:
    server.get("x/").respond(200, content=body)
    failed = failure()
    assert failed.reason is Reason.GARBLED
    assert told in failed.message


@pytest.mark.parametrize("packed", [False, True])
def test_too_much_is_not_read(
    server: respx.MockRouter,
    monkeypatch: pytest.MonkeyPatch,
    packed: bool,  # noqa: FBT001 - a parameter of the test
) -> None:
    monkeypatch.setattr(exchange, "MOST_BYTES", 50_000)
    body = b" " * 1_000_000
    headers = {"Content-Encoding": "gzip"} if packed else {}
    content = gzip.compress(body) if packed else body
    route = server.get("x/").respond(200, content=content, headers=headers)
    assert failure().reason is Reason.OVERSIZED
    assert route.call_count == 1


class TestRetryAfter:
    def test_it_is_honoured(self, server: respx.MockRouter) -> None:
        server.get("x/").mock(
            side_effect=[
                httpx.Response(503, headers={"Retry-After": "1"}),
                httpx.Response(200, json=1),
            ]
        )
        waits: list[float | None] = []

        async def run() -> None:
            async with connect(SETTINGS, waits.append) as client:
                await client.get("x", "x/")
                assert client.waited >= 0.9

        asyncio.run(run())
        assert any(waits)

    def test_an_hour_is_too_long(self, server: respx.MockRouter) -> None:
        route = server.get("x/").respond(503, headers={"Retry-After": "3600"})
        assert failure().reason is Reason.SERVER
        assert route.call_count == 1
