"""One message to one address: what is tried again, what is told, and what never is."""

import logging
from collections.abc import Iterator

import httpx
import pytest
import respx

from scanner.base.errors import DeliveryError
from scanner.http.origin import check_address
from scanner.http.post import Patience, post
from scanner.model.token import Token

CANARY = "kanarienvogel"
URL = f"https://hooks.example.com/services/{CANARY}/x"
QUICK = Patience(attempts=3, each=1.0, whole=20.0, wait=1.0)


@pytest.fixture
def route() -> Iterator[respx.Route]:
    with respx.mock(assert_all_called=False) as mock:
        yield mock.post(URL)


def send(url: str = URL) -> list[float]:
    """Send a message; return what was waited between attempts."""
    waited: list[float] = []
    post(Token(url), b"{}", {"Content-Type": "application/json"}, QUICK, waited.append)
    return waited


def failure(url: str = URL) -> str:
    with pytest.raises(DeliveryError) as caught:
        send(url)
    assert CANARY not in str(caught.value)
    assert caught.value.__cause__ is None
    return str(caught.value)


def test_it_is_sent_once(route: respx.Route) -> None:
    assert send() == []
    (call,) = route.calls
    assert call.request.content == b"{}"
    assert call.request.headers["user-agent"].startswith("keypolicy/")
    assert "authorization" not in call.request.headers


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_what_worked(route: respx.Route, status: int) -> None:
    route.respond(status)
    assert send() == []


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_what_may_be_gone_soon_is_tried_again(route: respx.Route, status: int) -> None:
    route.side_effect = [httpx.Response(status), httpx.Response(status), httpx.Response(200)]
    assert send() == [1.0, 2.0]


def test_a_server_says_how_long_to_wait(route: respx.Route) -> None:
    route.side_effect = [httpx.Response(429, headers={"Retry-After": "7"}), httpx.Response(200)]
    assert send() == [7.0]


def test_no_server_may_ask_for_more_than_there_is(route: respx.Route) -> None:
    route.respond(429, headers={"Retry-After": "3600"})
    assert failure() == "hooks.example.com: it answered HTTP 429"
    assert route.call_count == 1


def test_three_attempts_are_all(route: respx.Route) -> None:
    route.respond(503)
    assert failure() == "hooks.example.com: it answered HTTP 503"
    assert route.call_count == 3


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_a_refusal_is_final(route: respx.Route, status: int) -> None:
    route.respond(status, text="no_service")
    assert failure() == f"hooks.example.com: it answered HTTP {status} (no_service)"
    assert route.call_count == 1


@pytest.mark.parametrize("said", [URL, CANARY, "No service", "<html>", "", "a" * 9000, "\x1b[31m"])
def test_what_a_server_says_is_not_repeated(route: respx.Route, said: str) -> None:
    route.respond(404, text=said)
    assert failure() == "hooks.example.com: it answered HTTP 404"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed(route: respx.Route, status: int) -> None:
    route.respond(status, headers={"Location": f"https://evil.example/{CANARY}"})
    assert f"it sends elsewhere (HTTP {status})" in failure()
    assert route.call_count == 1


@pytest.mark.parametrize(
    ("error", "told", "attempts"),
    [
        (httpx.ConnectError, "there is no connection to it", 3),
        (httpx.ConnectTimeout, "there is no connection to it", 3),
        (httpx.ReadTimeout, "no answer came in time", 1),  # it may have arrived
        (httpx.WriteTimeout, "no answer came in time", 1),
        (httpx.RemoteProtocolError, "the answer broke off", 1),
        (httpx.ReadError, "the answer broke off", 1),
    ],
)
def test_only_what_surely_did_not_arrive_is_sent_again(
    route: respx.Route, error: type[Exception], told: str, attempts: int
) -> None:
    route.side_effect = error(f"to {URL}")
    assert told in failure()
    assert route.call_count == attempts


@pytest.mark.parametrize(
    ("url", "told"),
    [
        (f"http://hooks.example.com/{CANARY}", "in clear"),
        (f"https://user:{CANARY}@hooks.example.com/", "user name or password"),
        (f"ftp://hooks.example.com/{CANARY}", "not an https URL"),
        (CANARY, "not an https URL"),
        (f"https:///{CANARY}", "not an https URL"),
        (f"https://[::1/{CANARY}", "not an https URL"),
        (f"https://hooks.example.com:no/{CANARY}", "not an https URL"),
        (f"https://hooks.example.com/a b{CANARY}", "not an https URL"),
        (f"https://hooks.example.com/\n{CANARY}", "not an https URL"),
        ("", "not an https URL"),
    ],
)
def test_where_no_message_goes(url: str, told: str) -> None:
    assert told in failure(url)


@pytest.mark.parametrize("host", ["localhost:80", "127.0.0.1:8080", "[::1]:9"])
def test_http_is_for_this_machine(host: str) -> None:
    assert check_address(Token(f"http://{host}/x")).endswith(host.rpartition(":")[2])


@pytest.mark.parametrize("address", ["gopher://proxy.example", "http://127.0.0.1:70000"])
def test_a_proxy_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("HTTPS_PROXY", address)
    assert "the proxy" in failure()


def test_the_address_is_not_logged(route: respx.Route, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        send()
    assert route.called
    assert CANARY not in caplog.text
