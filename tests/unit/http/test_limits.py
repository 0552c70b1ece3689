"""The limiter against a clock that the test turns, and a server that counts as Sentry does."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from email.utils import formatdate
from typing import Any

import pytest

from scanner.http.failure import ApiError, Reason
from scanner.http.limits import Limiter


class Clock:
    """A clock that only moves when told; the server's is `skew` seconds ahead of it."""

    def __init__(self, now: float = 1000.0, skew: float = 0.0) -> None:
        self.now = now
        self.skew = skew

    def __call__(self) -> float:
        return self.now

    @property
    def server(self) -> float:
        return self.now + self.skew


def answer(
    left: int,
    *,
    reset: float | None = None,
    date: float | None = None,
    limit: int = 40,
    parallel_left: str = "9",
    parallel: int = 25,
) -> dict[str, str]:
    headers = {
        "X-Sentry-Rate-Limit-Limit": str(limit),
        "X-Sentry-Rate-Limit-Remaining": str(left),
        "X-Sentry-Rate-Limit-ConcurrentRemaining": parallel_left,
        "X-Sentry-Rate-Limit-ConcurrentLimit": str(parallel),
    }
    if reset is not None:
        headers["X-Sentry-Rate-Limit-Reset"] = str(int(reset))
    if date is not None:
        headers["Date"] = formatdate(date, usegmt=True)
    return headers


class Driver:
    """A limiter with an event loop of its own, so that tests can be written line by line."""

    def __init__(self, runner: asyncio.Runner, limiter: Limiter) -> None:
        self.limiter = limiter
        self.run = runner.run

    def exchange(self, status: int, headers: dict[str, str], times: int = 1) -> None:
        """Send a request and get this answer."""

        async def one() -> None:
            await self.limiter.acquire()
            self.limiter.observe(status, headers)
            self.limiter.release()

        for _ in range(times):
            self.run(one())

    @property
    def width(self) -> int:
        """How many requests are let through at once; none of them is left running."""

        async def count() -> int:
            number = 0
            while number < 100 and await admitted(self.limiter):
                number += 1
            for _ in range(number):
                self.limiter.release()
            return number

        return self.run(count())


Drive = Callable[..., Driver]


@pytest.fixture
def drive() -> Iterator[Drive]:
    with asyncio.Runner() as runner:

        def made(ceiling: int = 20, **options: Any) -> Driver:
            return Driver(runner, Limiter(ceiling=ceiling, **options))

        yield made


async def admitted(limiter: Limiter) -> bool:
    """Return whether one more request is let through at once."""
    try:
        async with asyncio.timeout(0.01):
            await limiter.acquire()
    except TimeoutError:
        return False
    return True


def test_it_starts_small_and_grows_with_every_good_answer(drive: Drive) -> None:
    driver = drive()
    assert driver.width == 4
    driver.exchange(200, {}, times=5)
    assert driver.width == 9
    driver.exchange(200, {}, times=50)
    assert driver.width == 20


def test_a_ceiling_below_the_start_holds(drive: Drive) -> None:
    assert drive(2).width == 2
    assert drive(0).width == 1


def test_the_servers_own_limit_of_parallel_requests_holds(drive: Drive) -> None:
    driver = drive()
    driver.exchange(200, answer(39, parallel=6), times=30)
    assert driver.width == 5


def test_others_who_use_the_same_allowance_are_given_room(drive: Drive) -> None:
    driver = drive()
    driver.exchange(200, answer(39), times=10)
    before = driver.width
    driver.exchange(200, answer(39, parallel_left="0"), times=3)
    assert driver.width == before - 3


def test_a_refusal_for_too_many_at_once_halves_and_growth_is_slow_then(drive: Drive) -> None:
    driver = drive()
    driver.exchange(200, {}, times=30)
    driver.exchange(429, answer(12, parallel_left="0"))
    assert driver.width == 10
    driver.exchange(200, {}, times=8)
    assert driver.width == 10
    driver.exchange(200, {}, times=4)
    assert driver.width == 11


def test_server_errors_do_not_speed_it_up(drive: Drive) -> None:
    driver = drive()
    driver.exchange(503, {}, times=10)
    assert driver.width == 4


class TestWindow:
    """What is left of the server's window of time, on clocks that disagree."""

    @pytest.mark.parametrize("skew", [0.0, 1.8e9, -300.0])
    def test_nothing_is_sent_beyond_what_is_left(self, drive: Drive, skew: float) -> None:
        clock = Clock(now=1000.25, skew=skew)
        driver = drive(clock=clock)
        reset = math.floor(clock.server) + 1
        driver.exchange(200, answer(2, reset=reset, date=clock.server))
        assert driver.width == 2
        driver.exchange(200, answer(0, reset=reset, date=clock.server))
        assert driver.width == 0
        clock.now += 0.74  # on the server, the window may last for a quarter of a second more
        assert driver.width == 0
        clock.now += 0.3
        assert driver.width > 0

    def test_requests_under_way_are_counted_as_if_they_were_not_yet(self, drive: Drive) -> None:
        clock = Clock()
        driver = drive(clock=clock)

        async def scene() -> None:
            await driver.limiter.acquire()
            await driver.limiter.acquire()
            driver.limiter.observe(200, answer(3, reset=1001, date=1000))
            driver.limiter.release()
            assert await admitted(driver.limiter)
            assert await admitted(driver.limiter)
            assert not await admitted(driver.limiter)

        driver.run(scene())

    def test_late_answers_of_an_old_window_change_nothing(self, drive: Drive) -> None:
        clock = Clock()
        driver = drive(clock=clock)
        driver.exchange(200, answer(0, reset=1001, date=1000))
        clock.now = 1001.1
        assert driver.width == 4 + 1
        driver.exchange(200, answer(0, reset=1001, date=1000))
        assert driver.width > 0

    def test_a_new_window_seen_in_an_answer_is_believed_at_once(self, drive: Drive) -> None:
        clock = Clock()
        driver = drive(clock=clock)
        driver.exchange(200, answer(1, reset=1001, date=1000))
        driver.exchange(200, answer(39, reset=1002, date=1001))
        assert driver.width > 1

    def test_a_refusal_waits_for_the_window_to_end(self, drive: Drive) -> None:
        clock = Clock()
        driver = drive(clock=clock)
        driver.exchange(429, answer(0, reset=1030, date=1000, parallel_left="None"))
        assert driver.limiter.paused
        clock.now = 1029.9
        assert driver.width == 0
        clock.now = 1030.1
        assert driver.width == 4

    @pytest.mark.parametrize("reset", [None, 99_999_999])
    def test_a_reset_that_makes_no_sense_is_not_waited_for(
        self, drive: Drive, reset: int | None
    ) -> None:
        clock = Clock()
        driver = drive(clock=clock)
        driver.exchange(429, answer(0, reset=reset, date=1000))
        assert not driver.limiter.paused

    @pytest.mark.parametrize("junk", ["None", "-1", "1e9", "", "٣", "9" * 30])
    def test_headers_that_are_no_numbers_are_passed_over(self, drive: Drive, junk: str) -> None:
        driver = drive()
        names = ("Limit", "Remaining", "Reset", "ConcurrentLimit", "ConcurrentRemaining")
        headers = {f"X-Sentry-Rate-Limit-{name}": junk for name in names} | {"Date": junk}
        driver.exchange(200, headers)
        assert driver.width == 5


class TestPause:
    @pytest.mark.parametrize("asked", ["7", "Thu, 01 Jan 2099 00:00:00 GMT"])
    def test_retry_after_holds_everybody_back(self, drive: Drive, asked: str) -> None:
        clock = Clock()
        driver = drive(clock=clock)
        driver.exchange(429, {"Retry-After": asked})
        clock.now += 6.9
        assert driver.width == 0

    def test_it_ends(self, drive: Drive) -> None:
        clock = Clock()
        driver = drive(clock=clock)
        driver.limiter.pause(5)
        driver.limiter.pause(1)
        clock.now += 4.9
        assert driver.width == 0
        clock.now += 0.2
        assert driver.width == 4

    def test_a_wait_beyond_the_deadline_is_not_begun(self, drive: Drive) -> None:
        clock = Clock()
        driver = drive(deadline=1010.0, clock=clock)
        driver.limiter.pause(60)
        with pytest.raises(ApiError) as error:
            driver.run(driver.limiter.acquire())
        assert error.value.reason is Reason.DEADLINE

    def test_after_the_deadline_nothing_goes_out(self, drive: Drive) -> None:
        clock = Clock()
        driver = drive(deadline=1010.0, clock=clock)
        clock.now = 1010.0
        with pytest.raises(ApiError):
            driver.run(driver.limiter.acquire())

    def test_it_is_told_with_its_length_and_its_end(self, drive: Drive) -> None:
        told: list[float | None] = []
        driver = drive(on_wait=told.append)
        driver.limiter.pause(30)
        assert driver.width == 0
        assert told[0] == pytest.approx(30, abs=1)
        assert told[-1] is None


def test_waiting_requests_go_as_soon_as_there_is_room(drive: Drive) -> None:
    driver = drive(1)

    async def scene() -> list[str]:
        order: list[str] = []

        async def request(name: str) -> None:
            await driver.limiter.acquire()
            order.append(name)
            await asyncio.sleep(0)
            driver.limiter.release()

        await asyncio.gather(*(request(name) for name in "abc"))
        return order

    assert driver.run(scene()) == ["a", "b", "c"]
