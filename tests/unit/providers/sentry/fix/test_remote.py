"""Sentry as a server on which keys are changed: what is sent, and what is believed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import respx

from scanner.base.errors import UsageError
from scanner.http.failure import ApiError, Reason
from scanner.inventory.source import LiveSettings
from scanner.model.token import Token
from scanner.providers.sentry.fix.remote import SentryRemote
from scanner.remediate.document import KeyTarget, State
from scanner.remediate.remote import Operation
from tests.simulator import CANARY, GLITCHTIP, Simulator, faults, make_world
from tests.unit.remediate.apply.applying import FAST, WRITE, remote, states, world

if TYPE_CHECKING:
    from collections.abc import Callable

TARGET = KeyTarget(
    type="sentry_key", organization="acme", project="web", project_id="2", id="7", name="k"
)
CURRENT: State = {
    "id": "7",
    "browserSdkVersion": "8.x",
    "dynamicSdkLoaderOptions": {"hasDebug": True, "hasReplay": False},
}
RECORD = {
    "id": "7",
    "name": "k",
    "secret": f"{CANARY}{CANARY}",
    "dsn": {
        "public": "https://7@o1.example/2",
        "secret": f"https://7:{CANARY}{CANARY}@o1.example/2",
    },
}


def sent(
    change: Callable[[SentryRemote], Any], answer: httpx.Response, **organization: Any
) -> httpx.Request:
    """Return the one change that was sent to a server which gives the answer to it."""
    with respx.mock(assert_all_called=False) as server:
        server.get(path="/api/0/organizations/acme/").respond(
            json={"id": "1", "slug": "acme", **organization}
        )
        route = server.route(path__regex=r"/api/0/projects/.*").mock(return_value=answer)
        live = LiveSettings(url="https://sentry.io", token=Token(WRITE), retry=FAST)
        with SentryRemote(live) as connected:
            change(connected)
    (call,) = route.calls
    request: httpx.Request = call.request
    return request


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({"name": "n"}, {"name": "n", "browserSdkVersion": "8.x"}),
        ({"browserSdkVersion": "7.x"}, {"browserSdkVersion": "7.x"}),
        (
            {"dynamicSdkLoaderOptions": {"hasDebug": False}},
            {
                "browserSdkVersion": "8.x",
                "dynamicSdkLoaderOptions": {"hasDebug": False, "hasReplay": False},
            },
        ),
        ({"rateLimit": None}, {"rateLimit": None, "browserSdkVersion": "8.x"}),
        (
            {"rateLimit": {"count": 1, "window": 60}},
            {"rateLimit": {"count": 1, "window": 60}, "browserSdkVersion": "8.x"},
        ),
    ],
)
def test_what_would_be_reset_goes_along(changes: State, body: State) -> None:
    good = httpx.Response(200, json=RECORD)
    request = sent(lambda one: one.update(TARGET, changes, CURRENT, "id-1"), good)
    assert (request.method, request.headers["X-Request-Id"]) == ("PUT", "id-1")
    assert request.url.path == "/api/0/projects/acme/web/keys/7/"
    assert json.loads(request.content) == body


def test_a_version_that_is_not_known_is_not_made_up() -> None:
    good = httpx.Response(200, json=RECORD)
    request = sent(lambda one: one.update(TARGET, {"name": "n"}, {"id": "7"}, ""), good)
    assert json.loads(request.content) == {"name": "n"}


def test_the_region_is_asked_and_names_stay_in_their_segment() -> None:
    target = KeyTarget(type="sentry_key", organization="acme", project="a/../b", id="7?x")
    region = {"regionUrl": "https://de.sentry.io", "organizationUrl": "https://acme.sentry.io"}
    request = sent(lambda one: one.delete(target, ""), httpx.Response(204), links=region)
    assert str(request.url) == "https://de.sentry.io/api/0/projects/acme/a%2F..%2Fb/keys/7%3Fx/"


@pytest.mark.parametrize("part", ["", ".", ".."])
def test_names_that_lead_elsewhere_are_refused(part: str) -> None:
    target = KeyTarget(type="sentry_key", organization="acme", project=part, id="7")
    live = LiveSettings(url="https://sentry.io", token=Token(WRITE), retry=FAST)
    with respx.mock(assert_all_called=False) as server, SentryRemote(live) as connected:
        with pytest.raises(ApiError) as error:
            connected.delete(target, "")
        assert not error.value.unsure
        assert server.calls.call_count == 0


NOT_TAKEN = r"not to be set|expected|nothing is called|missing"


def send(connected: SentryRemote, operation: Operation, fields: State) -> None:
    if operation is Operation.CREATE:
        connected.create(TARGET, fields, "")
    else:
        connected.update(TARGET, fields, {}, "")


@pytest.mark.parametrize(
    ("operation", "fields"),
    [
        (Operation.UPDATE, {"secret": "x"}),
        (Operation.UPDATE, {"useCase": "user"}),
        (Operation.CREATE, {"isActive": True}),
        (Operation.UPDATE, {"name": ""}),
        (Operation.UPDATE, {"name": "x" * 65}),
        (Operation.UPDATE, {"name": None}),
        (Operation.UPDATE, {"isActive": "no"}),
        (Operation.UPDATE, {"rateLimit": {"count": 10}}),
        (Operation.UPDATE, {"rateLimit": {"count": -1, "window": 60}}),
        (Operation.UPDATE, {"rateLimit": {"count": 1, "window": 86_401}}),
        (Operation.UPDATE, {"rateLimit": {"count": 1, "window": 60, "more": 1}}),
        (Operation.UPDATE, {"dynamicSdkLoaderOptions": {"hasDebug": 1}}),
    ],
)
def test_what_no_server_takes_is_not_sent(operation: Operation, fields: State) -> None:
    live = LiveSettings(url="https://sentry.io", token=Token(WRITE), retry=FAST)
    with respx.mock(assert_all_called=False) as server, SentryRemote(live) as connected:
        with pytest.raises(ValueError, match=NOT_TAKEN):
            connected.check(operation, fields)
        with pytest.raises(ValueError, match=NOT_TAKEN):
            send(connected, operation, fields)
        assert server.calls.call_count == 0


def test_a_key_is_read_without_its_secret() -> None:
    of = world()
    with Simulator(of) as sim, remote(sim) as connected:
        for owner in of.projects:
            found = connected.keys("acme", owner.slug)
            assert {one.state["id"]: one.state for one in found} == {
                key.public: states(of)[key.public] for key in owner.keys
            }
            assert CANARY not in repr(found)
            assert all(one.dsn and one.state["public"] in one.dsn for one in found)


def test_more_keys_than_a_page_holds() -> None:
    of = world(1, 230)
    with Simulator(of) as sim, remote(sim) as connected:
        assert len(connected.keys("acme", of.projects[0].slug)) == 230


def test_an_unusable_record_is_no_answer() -> None:
    of = world()
    owner = of.projects[0]
    target = KeyTarget(
        type="sentry_key", organization="acme", project=owner.slug, id=owner.keys[0].public
    )

    def spoil(record: Any) -> Any:
        return {**record, "isActive": "yes"}

    odd = faults.records(spoil, r"/keys/\w+/")
    with Simulator(of, faults=[odd]) as sim, remote(sim) as connected:
        with pytest.raises(ApiError) as error:
            connected.read(target)
        assert error.value.reason is Reason.GARBLED
        with pytest.raises(ApiError) as error:
            connected.update(target, {"name": "n"}, {}, "")
        assert error.value.unsure
    assert owner.keys[0].name == "n"


@pytest.mark.parametrize(
    ("scopes", "lacks"),
    [
        (("project:admin",), [None, None, None, None]),
        (("project:write",), [None, None, None, "project:admin"]),
        (("project:read",), [None, "project:write", "project:write", "project:admin"]),
        (("org:read",), ["project:read", "project:write", "project:write", "project:admin"]),
    ],
)
def test_scopes(scopes: tuple[str, ...], lacks: list[str | None]) -> None:
    with Simulator(world(2, 6, *scopes)) as sim, remote(sim) as connected:
        assert [connected.lacks(one) for one in Operation] == lacks
        assert connected.account() == "1"
        assert len(sim.log) == 1


def test_organizations_need_not_be_readable() -> None:
    of = world(2, 6, "project:write")
    owner = of.projects[0]
    with Simulator(of) as sim, remote(sim) as connected:
        assert len(connected.keys("acme", owner.slug)) == len(owner.keys)


def test_glitchtip_has_no_activity_to_tell() -> None:
    of = make_world(projects=1, keys=2)
    with Simulator(of, GLITCHTIP) as sim, remote(sim, of.token) as connected:
        (one, _) = connected.keys("acme", of.projects[0].slug)
    assert "isActive" not in one.state
    assert one.state["projectId"] == str(of.projects[0].number)


def test_a_token_that_no_header_can_carry() -> None:
    live = LiveSettings(url="https://sentry.io", token=Token("a b"), retry=FAST)
    with pytest.raises(UsageError, match="token is empty or holds"), SentryRemote(live):
        pass
