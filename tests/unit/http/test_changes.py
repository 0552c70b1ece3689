"""A change is sent once, and every failure tells whether it may have been done."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx

from scanner.http.changes import ChangeRequest
from scanner.http.client import connect
from scanner.http.connection import ClientSettings
from scanner.http.failure import ApiError, Reason
from scanner.model.token import Token
from tests.simulator import CANARY, Simulator, faults, make_world
from tests.unit.http.asking import BASE, FAST, TOKEN, use

if TYPE_CHECKING:
    from scanner.http.answers import Reply
    from tests.simulator.faults import Fault

PUT = ChangeRequest("PUT", "x/", {"name": "new"}, "id-1")


@pytest.fixture
def server() -> Any:
    with respx.mock(base_url=f"{BASE}/api/0/", assert_all_called=False) as mock:
        yield mock


def send(change: ChangeRequest = PUT, **settings: Any) -> Reply:
    reply: Reply = use(lambda client: client.change("x", change), **settings)
    return reply


def failed(change: ChangeRequest = PUT, **settings: Any) -> ApiError:
    with pytest.raises(ApiError) as error:
        send(change, **settings)
    assert CANARY not in str(error.value)
    return error.value


def test_what_is_sent(server: respx.MockRouter) -> None:
    route = server.put("x/").respond(json={"name": "new"})
    assert send().payload == {"name": "new"}
    sent = route.calls.last.request
    assert json.loads(sent.content) == {"name": "new"}
    assert sent.headers["Content-Type"] == "application/json"
    assert sent.headers["X-Request-Id"] == "id-1"
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"


def test_good_answers(server: respx.MockRouter) -> None:
    server.post("x/").respond(201, json={"id": "7"})
    server.delete("x/").respond(204)
    assert send(ChangeRequest("POST", "x/", {})).payload == {"id": "7"}
    assert send(ChangeRequest("DELETE", "x/")).payload is None


@pytest.mark.parametrize(
    ("status", "reason", "unsure"),
    [
        (400, Reason.REFUSED, False),
        (401, Reason.UNAUTHORIZED, False),
        (403, Reason.FORBIDDEN, False),
        (404, Reason.MISSING, False),
        (409, Reason.REFUSED, False),
        (408, Reason.SERVER, True),
        (500, Reason.SERVER, True),
        (502, Reason.SERVER, True),
        (202, Reason.REFUSED, True),
        (304, Reason.REFUSED, True),
    ],
)
def test_only_a_refusal_tells_that_nothing_was_done(
    server: respx.MockRouter, status: int, reason: Reason, *, unsure: bool
) -> None:
    route = server.put("x/").respond(status, json={"detail": f"because {TOKEN}\x1b[31m"})
    error = failed()
    assert (error.reason, error.unsure) == (reason, unsure)
    assert route.call_count == 1, "it was sent again"


def test_a_page_in_place_of_the_answer_leaves_it_open(server: respx.MockRouter) -> None:
    route = server.put("x/").respond(200, text="<html>signed out</html>")
    error = failed()
    assert (error.reason, error.unsure, route.call_count) == (Reason.GARBLED, True, 1)


def test_what_is_said_of_fields(server: respx.MockRouter) -> None:
    problem = {"rateLimit": {"window": ["Too long."], "count": ["Too few."]}, "name": [TOKEN]}
    server.put("x/").respond(400, json=problem)
    message = failed().message
    assert "rateLimit: window: Too long., count: Too few.; name: [redacted]" in message


def test_being_told_to_slow_down_is_waited_out(server: respx.MockRouter) -> None:
    refused = httpx.Response(429, text='"too fast"', headers={"Retry-After": "0"})
    good = httpx.Response(200, json=5)
    route = server.put("x/").mock(side_effect=[refused, refused, good])
    assert send().payload == 5
    assert route.call_count == 3
    server.put("y/").respond(429)
    error = failed(ChangeRequest("PUT", "y/", {}))
    assert (error.reason, error.unsure) == (Reason.THROTTLED, False)


def test_a_pause_that_is_too_long_is_not_made(server: respx.MockRouter) -> None:
    route = server.put("x/").respond(429, headers={"Retry-After": "86400"})
    assert failed().reason is Reason.THROTTLED
    assert route.call_count == 1


@pytest.mark.parametrize(
    "location",
    ["https://evil.example/api/0/x/", "http://sentry.example.com/api/0/x/", "/auth/login/", "//a"],
)
def test_redirects_are_not_followed(server: respx.MockRouter, location: str) -> None:
    with respx.mock(assert_all_called=False) as everything:
        elsewhere = everything.route(host="evil.example").respond(json={})
        route = everything.put(f"{BASE}/api/0/x/").respond(307, headers={"Location": location})
        error = failed()
    assert (error.reason, error.unsure) == (Reason.REDIRECTED, True)
    assert (route.call_count, elsewhere.call_count) == (1, 0)
    assert server.calls.call_count == 0


def test_a_renamed_project_is_not_followed_by_a_change(server: respx.MockRouter) -> None:
    old, new = (f"{BASE}/api/0/projects/acme/{slug}/keys/7/" for slug in ("old", "new"))
    moved = {"slug": "new", "detail": {"code": "resource-moved"}}
    route = server.put(old).respond(302, json=moved, headers={"Location": new})
    after = server.put(new).respond(json={})
    error = failed(ChangeRequest("PUT", "projects/acme/old/keys/7/", {}))
    assert "called new now" in error.message
    assert (route.call_count, after.call_count) == (1, 0)


def test_a_question_about_a_key_follows_its_project(server: respx.MockRouter) -> None:
    old, new = (f"{BASE}/api/0/projects/acme/{slug}/keys/7/" for slug in ("old", "new"))
    moved = {"slug": "new", "detail": {"code": "resource-moved"}}
    server.get(old).respond(302, json=moved, headers={"Location": new})
    server.get(new).respond(json={"id": "7"})
    reply = use(lambda client: client.get("key", "projects/acme/old/keys/7/"))
    assert (reply.payload, reply.moved_to) == ({"id": "7"}, "new")
    server.get(new).respond(302, json=moved, headers={"Location": old.replace("/7/", "/8/")})
    with pytest.raises(ApiError, match="redirects"):
        use(lambda client: client.get("key", "projects/acme/old/keys/7/"))


def test_a_refused_connection_did_nothing() -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        error = failed(base=f"http://127.0.0.1:{closed.getsockname()[1]}")
    assert (error.reason, error.unsure) == (Reason.UNREACHABLE, False)


def broken(fault: Fault, *, ask_first: bool = False, timeout: float = 30.0) -> Simulator:
    """Send a change that fails and may have been done; return the server that it was sent to."""
    world = make_world(projects=1, keys=1)
    token = Token(world.add_token(f"sntryu_{CANARY}w", "project:write"))
    path = f"projects/acme/{world.projects[0].slug}/keys/{world.keys[0].public}/"

    async def work(base: str) -> None:
        settings = ClientSettings(base=base, token=token, retry=FAST, timeout=timeout)
        async with connect(settings) as client:
            if ask_first:
                await client.get("key", path)
            await client.change("key", ChangeRequest("PUT", path, {"name": "new"}))

    with Simulator(world, faults=[fault]) as sim:
        with pytest.raises(ApiError) as error:
            asyncio.run(work(sim.url))
        assert error.value.unsure
    return sim


@pytest.mark.parametrize("early", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("how", ["reset", "cut", "silence"])
def test_what_breaks_off_after_sending_is_open(how: str, *, early: bool) -> None:
    fault, timeout = {
        "reset": (faults.reset(), 30.0),
        "cut": (faults.truncate(), 30.0),
        "silence": (faults.stall(1.0), 0.3),
    }[how]
    sim = broken(faults.on("PUT", fault, early=early), timeout=timeout)
    assert [seen.method for seen in sim.log] == ["PUT"]
    assert len(sim.world.writes) == (0 if early else 1)


def test_an_idle_connection_that_is_closed_leaves_a_change_open() -> None:
    """A question would be asked again; whether a change arrived nobody knows."""
    sim = broken(faults.on("GET", faults.lose_idle()), ask_first=True)
    assert [seen.method for seen in sim.log] == ["GET"]
