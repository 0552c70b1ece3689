"""What a broken or hostile server may send: each ends in an ApiError, bounded, never in a crash."""

from __future__ import annotations

import asyncio
import gzip
import tracemalloc
from typing import Any

import httpx
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import UsageError
from scanner.http import payload
from scanner.http.client import connect
from scanner.http.failure import ApiError, Reason
from scanner.http.origin import base_url, region_base
from scanner.http.retry import asked_pause, http_date
from tests.unit.http.asking import BASE, SETTINGS, failure, get

FAR = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
NOON, LATER = "Mon, 01 Jun 2026 12:00:00 GMT", "Mon, 01 Jun 2026 12:00:07 GMT"
MOVED = {"slug": "new", "detail": {"code": "resource-moved"}}


@pytest.fixture
def server() -> Any:
    with respx.mock(base_url=f"{BASE}/api/0/", assert_all_called=False) as mock:
        yield mock


class TestDates:
    @given(
        st.lists(
            st.sampled_from(
                [*FAR.split(), "-0000", "+9999", "2026", "1-Jan-1", "24:61:61", "(", "-1", ","]
            ),
            max_size=8,
        ).map(" ".join)
    )
    def test_any_text_can_be_asked(self, text: str) -> None:
        moment = http_date(text)
        assert moment is None or moment.tzinfo is not None

    @pytest.mark.parametrize("name", ["Date", "Retry-After"])
    @pytest.mark.parametrize("status", [200, 429, 503])
    def test_one_beyond_all_bounds_is_none(
        self, server: respx.MockRouter, name: str, status: int
    ) -> None:
        bad = httpx.Response(status, json=[1], headers={name: FAR})
        server.get("x/").mock(side_effect=[bad, httpx.Response(200, json=[1])])
        assert get().payload == [1]

    @pytest.mark.parametrize(
        ("headers", "pause"),
        [
            ({"Retry-After": LATER, "Date": NOON}, 7),
            ({"Retry-After": NOON, "Date": LATER}, None),
            ({"Retry-After": "0"}, None),
            ({"Retry-After": "5", "Date": NOON}, 5),
            ({"Date": NOON}, None),
        ],
    )
    def test_the_clock_that_counts_is_the_servers(
        self, headers: dict[str, str], pause: float | None
    ) -> None:
        assert asked_pause(headers) == pause


def test_a_pause_of_nothing_does_not_make_a_storm(
    server: respx.MockRouter, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Being told to come back at once, twenty requests went out within a moment."""
    pauses: list[float] = []
    monkeypatch.setattr("scanner.http.limits.Limiter.pause", lambda _, wait: pauses.append(wait))
    server.get("x/").respond(429, headers={"Retry-After": "0"})
    assert failure().reason is Reason.THROTTLED
    assert pauses
    assert all(wait > 0 for wait in pauses)


def test_a_pause_that_is_not_made_is_told(server: respx.MockRouter) -> None:
    server.get("x/").respond(429, headers={"Retry-After": "3600"})
    assert "wait 3,600 seconds, more than the 300" in str(failure())


class TestRedirects:
    @pytest.mark.parametrize(
        "location", ["http://[", "//[::1", "http://host:99999999/", "http://host:port/", "\\\\["]
    )
    def test_one_that_is_no_url(self, server: respx.MockRouter, location: str) -> None:
        server.get("x/").respond(302, json=MOVED, headers={"Location": location})
        assert failure().reason in {Reason.REDIRECTED, Reason.UNREACHABLE}

    @pytest.mark.parametrize("root", ["", "/sub"])
    def test_a_renamed_project_of_a_server_below_a_path(self, root: str) -> None:
        """A proxy may take the path away, so that the server names the place without it."""
        with respx.mock(base_url=f"{BASE}/sub/api/0/") as mock:
            place = f"{root}/api/0/projects/acme/new/keys/"
            old = mock.get("projects/acme/old/keys/")
            old.respond(302, json=MOVED, headers={"Location": place})
            new = mock.get("projects/acme/new/keys/").respond(json=[1])
            reply = get("projects/acme/old/keys/", base=f"{BASE}/sub")
        assert (reply.payload, reply.moved_to, new.call_count) == ([1], "new", 1)

    @pytest.mark.parametrize(
        "place",
        [
            "/other/api/0/projects/acme/new/keys/",
            "/api/0/projects/else/new/keys/",
            "/sub/api/0/projects/acme/new/",
            "https://else.example.com/sub/api/0/projects/acme/new/keys/",
        ],
    )
    def test_any_other_place_is_refused(self, place: str) -> None:
        with respx.mock(base_url=f"{BASE}/sub/api/0/") as mock:
            old = mock.get("projects/acme/old/keys/")
            old.respond(302, json=MOVED, headers={"Location": place})
            error = failure("projects/acme/old/keys/", base=f"{BASE}/sub")
        assert error.reason is Reason.REDIRECTED


@pytest.mark.parametrize("pair", ["[]", ('{"a":', "}")])
@pytest.mark.parametrize("depth", [70, 800, 960, 5000])
def test_an_answer_that_is_too_deep(
    server: respx.MockRouter, pair: tuple[str, str], depth: int
) -> None:
    server.get("x/").respond(text=f"[{pair[0] * depth}1{pair[1] * depth}]")
    assert failure().reason in {Reason.OVERSIZED, Reason.GARBLED}


@pytest.mark.parametrize("piece", ["1", "[]", "{}", '{"a":[1]}', "null", "[[],[],[],[],[]]"])
@pytest.mark.parametrize("inside", ["[%s]", '[{"teams":[%s]}]', '{"a":{"b":[%s]}}'])
def test_an_answer_of_too_many_values(
    server: respx.MockRouter, monkeypatch: pytest.MonkeyPatch, piece: str, inside: str
) -> None:
    """A few packed kilobytes kept a fetch busy for minutes, far beyond --max-time."""
    monkeypatch.setattr(payload, "_MOST_VALUES", 5_000)
    route = server.get("x/").respond(text=inside % ",".join([piece] * 5_001))
    error = failure()
    assert error.reason is Reason.OVERSIZED
    assert "5,000 values" in error.message
    assert route.call_count == 1


def test_half_a_million_values_are_too_many(server: respx.MockRouter) -> None:
    server.get("x/").respond(text=f"[{'1,' * 500_000}1]")
    assert "500,000 values" in failure().message


def packed(body: bytes, packing: str) -> tuple[ApiError, httpx.Request]:
    """Ask for what is packed so; return how that failed, and what was sent."""
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        stream = httpx.ByteStream(body)
        return httpx.Response(200, stream=stream, headers={"Content-Encoding": packing})

    async def run() -> None:
        async with connect(SETTINGS, transport=httpx.MockTransport(answer)) as client:
            await client.get("x", "x/")

    with pytest.raises(ApiError) as error:
        asyncio.run(run())
    return error.value, sent[0]


class TestPacked:
    @pytest.mark.parametrize("packing", ["gzip, gzip", "br", "zstd", "compress", "gzip, br, gzip"])
    def test_in_a_way_that_nobody_asked_for(self, packing: str) -> None:
        error, sent = packed(b"[1]", packing)
        assert error.reason is Reason.GARBLED
        assert packing in error.message
        assert sent.headers["Accept-Encoding"] == "gzip"

    def test_twice_takes_no_more_memory_than_once(self) -> None:
        body = gzip.compress(gzip.compress(b" " * (1 << 28), 1))
        tracemalloc.start()
        packed(body, "gzip, gzip")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 64 << 20

    def test_badly(self) -> None:
        error, _ = packed(b"[1]", "gzip")
        assert error.reason is Reason.GARBLED
        assert "unpacked" in error.message


class TestAddresses:
    @pytest.mark.parametrize(
        "host",
        ["xn--.example.com", "\u202eevil.example", "a\u3002\u3002b", "\U0001f600\ufe0f.example"],
    )
    def test_a_name_that_none_can_have_is_the_users_mistake(self, host: str) -> None:
        with pytest.raises(UsageError, match="not an http or https URL"):
            base_url(f"https://{host}")

    @pytest.mark.parametrize("host", ["exämple.com", "xn--exmple-cua.com", "bücher.example"])
    def test_names_of_other_scripts(self, host: str) -> None:
        assert base_url(f"https://{host}") == f"https://{host}"

    @pytest.mark.parametrize("region", ["https://co.example", "https://us.co.example"])
    def test_a_server_below_a_path_is_asked_there(self, region: str) -> None:
        base = "https://co.example/sentry"
        assert region_base(base, region) == base
