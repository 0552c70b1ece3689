"""A server that goes away: how soon it is noticed, and what is no failure at all."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest

from scanner.http.client import Client, connect
from scanner.http.connection import Use
from scanner.http.failure import ApiError, Reason
from scanner.http.retry import RetryPolicy
from scanner.model.token import Token
from tests.simulator import Simulator, faults, make_world
from tests.unit.http.asking import SETTINGS, use

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.simulator.faults import Fault

    Answers = Callable[[int], httpx.Response | None]

ENDLESS = RetryPolicy(attempts=500, throttled=500, first_wait=0.0001, longest_wait=0.0002)
"""Hardly a request comes to an end by itself: what all have in common has to end them."""

REQUESTS = 60
SECONDS = 30.0  # that each answer takes, on the test's clock


class Slow:
    """A server that answers every request after SECONDS of the test's clock.

    `answers` gives the n-th answer, None for none until the request's time is over.
    """

    def __init__(self, answers: Answers) -> None:
        self.now = 0.0
        self.sent = 0
        self._answers = answers

    def clock(self) -> float:
        self.now += 0.0001  # short pauses end
        return self.now

    async def answer(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        made, due = self._answers(self.sent), self.now + SECONDS
        await asyncio.sleep(0.001)  # those under way wait side by side
        self.now = max(self.now, due)
        if made is None:
            raise httpx.ReadTimeout("x", request=request)
        return made

    def ask(self, **settings: Any) -> list[ApiError]:
        """Send one request and then many at once; return how those failed."""

        async def all_of_them() -> list[Any]:
            made = msgspec.structs.replace(SETTINGS, **({"retry": ENDLESS} | settings))
            transport = httpx.MockTransport(self.answer)
            async with connect(made, transport=transport, clock=self.clock) as client:
                await client.get("x", "first/")
                asked = (client.get("x", f"{number}/") for number in range(REQUESTS))
                return await asyncio.gather(*asked, return_exceptions=True)

        return [error for error in asyncio.run(all_of_them()) if isinstance(error, ApiError)]


def then(good: int, bad: httpx.Response | None) -> Answers:
    return lambda number: httpx.Response(200, json=[]) if number <= good else bad


@pytest.mark.parametrize("good", [1, 5])
@pytest.mark.parametrize("status", [None, 500, 502])
@pytest.mark.parametrize("concurrency", [1, 4, 20])
def test_a_server_that_is_gone_is_given_up_within_two_minutes(
    good: int, status: int | None, concurrency: int
) -> None:
    server = Slow(then(good, None if status is None else httpx.Response(status)))
    failed = server.ask(concurrency=concurrency)
    assert len(failed) == REQUESTS + 1 - good
    assert all("given up" in error.message for error in failed)
    assert all("--max-time" in error.remedy for error in failed)
    assert server.now <= good * SECONDS + 120
    assert server.sent <= good + 4 * concurrency


def test_what_is_not_vital_is_given_up_within_two_minutes_and_by_itself() -> None:
    server, answers = Slow(lambda _: answers[-1]), [httpx.Response(200, json=[])]

    async def work() -> list[Any]:
        made = msgspec.structs.replace(SETTINGS, retry=ENDLESS, concurrency=4)
        transport = httpx.MockTransport(server.answer)
        async with connect(made, transport=transport, clock=server.clock) as client:
            await client.get("x", "first/")
            answers.append(httpx.Response(503))
            asked = (client.get("stats", f"{n}/", vital=False) for n in range(REQUESTS))
            lost = await asyncio.gather(*asked, return_exceptions=True)
            answers.pop()
            await client.get("x", "again/")
            return lost

    lost = asyncio.run(work())
    assert all(isinstance(error, ApiError) and "given up" in error.message for error in lost)
    assert len(lost) == REQUESTS
    assert server.now <= 2 * SECONDS + 120
    assert server.sent <= 2 + 4 * 4


def test_more_time_for_the_fetch_is_more_patience() -> None:
    server = Slow(then(1, None))
    server.ask(deadline=9000.0)
    assert 600 <= server.now <= 720


@pytest.mark.parametrize("sign", [200, 403, 404])
def test_any_answer_is_a_sign_of_life(sign: int) -> None:
    def answers(number: int) -> httpx.Response | None:
        if number == 1:
            return httpx.Response(200, json=[])
        return httpx.Response(sign, json=[]) if number % 3 == 0 else None

    failed = Slow(answers).ask(concurrency=2, deadline=1e5, retry=policy(patience=61.0))
    assert not [error for error in failed if "given up" in error.message]


def test_refusals_for_speed_are_no_failures_however_long_they_last() -> None:
    server = Slow(lambda number: httpx.Response(429 if 1 < number < 22 else 200, json=[]))
    # Three times the patience goes by; a failure would end its request at once.
    assert server.ask(concurrency=1, deadline=3000.0, retry=policy(attempts=1)) == []
    assert server.now > 600


def policy(**changes: Any) -> RetryPolicy:
    return msgspec.structs.replace(ENDLESS, **changes)


def test_what_runs_out_of_the_fetchs_own_time_says_so() -> None:
    world = make_world(projects=1, keys=1)
    with Simulator(world, latency=0.5) as simulator, pytest.raises(ApiError) as error:
        use(
            lambda client: client.get("", ""),
            base=simulator.url,
            token=Token(world.token),
            deadline=0.1,
        )
    assert error.value.reason is Reason.DEADLINE
    assert "--max-time" in error.value.remedy
    assert "within 30 s" not in error.value.message


class TestIdleConnections:
    """Servers close them without a word; then the next request never arrives."""

    @pytest.mark.parametrize("at_once", [1, 8])
    def test_a_lost_request_is_sent_again_at_once_and_is_no_failure(self, at_once: int) -> None:
        client, requests, asked = exchange(faults.lose_idle(), at_once=at_once)
        assert (client.traffic.retries, client.traffic.requests) == (0, asked)
        assert requests == asked

    def test_a_fresh_connection_that_breaks_is_a_failure(self) -> None:
        client, requests, asked = exchange(faults.reset(times=1), at_once=1)
        assert client.traffic.retries == 1
        assert requests == asked + 1

    def test_an_answer_that_breaks_off_is_a_failure_on_any_connection(self) -> None:
        client, _, _ = exchange(faults.truncate(at={3}), at_once=1)
        assert client.traffic.retries == 1

    @pytest.mark.parametrize("protocol", ["http11", "http2"])
    def test_how_a_used_connection_is_told(self, protocol: str) -> None:
        sent = f"{protocol}.send_request_headers.started"
        got = f"{protocol}.receive_response_headers.complete"
        assert seen(sent).is_stale
        assert not seen("connection.connect_tcp.started", sent).is_stale
        assert not seen(sent, got).is_stale
        assert not seen().is_stale


def seen(*events: str) -> Use:
    made = Use()
    for event in events:
        asyncio.run(made.trace(event, {}))
    return made


def exchange(fault: Fault, *, at_once: int) -> tuple[Client, int, int]:
    """Ask ten times so many at once, one failure allowed; count what the server got."""
    world = make_world(projects=1, keys=1)
    done: list[Client] = []

    async def work(client: Client) -> None:
        done.append(client)
        for _ in range(10):
            await asyncio.gather(*(client.get("", "") for _ in range(at_once)))

    with Simulator(world, faults=[fault]) as simulator:
        retry = policy(attempts=2, first_contact=2)
        use(work, base=simulator.url, token=Token(world.token), retry=retry)
        return done[0], simulator.requests, 10 * at_once
