"""The client where it matters for safety: redirects, certificates, proxies, logs."""

from __future__ import annotations

import logging
import os
from typing import TYPE_CHECKING, Any

import pytest
import respx

from scanner.base.errors import UsageError
from scanner.http.failure import Reason
from scanner.model.token import Token
from tests.simulator import CANARY, Simulator, make_world
from tests.unit.http.asking import BASE, KEYS, failure, get, use

if TYPE_CHECKING:
    from pathlib import Path

    from scanner.http.client import Client


@pytest.fixture
def server() -> Any:
    with respx.mock(base_url=f"{BASE}/api/0/", assert_all_called=False) as mock:
        yield mock


class TestRedirects:
    @pytest.mark.parametrize(
        "location",
        [
            "https://evil.example/api/0/projects/acme/new/keys/",
            "//evil.example/api/0/projects/acme/new/keys/",
            "http://sentry.example.com/api/0/projects/acme/new/keys/",
            "https://sentry.example.com:8443/api/0/projects/acme/new/keys/",
            "https://sentry.example.com@evil.example/api/0/projects/acme/new/keys/",
            "https://evil.example\\@sentry.example.com/api/0/projects/acme/new/keys/",
            "/api/0/projects/other/new/keys/",
            "/api/0/organizations/acme/",
            "/auth/login/",
            "javascript:alert(1)",
            "",
        ],
    )
    def test_none_but_a_renamed_project_is_followed(
        self, server: respx.MockRouter, location: str
    ) -> None:
        body = {"slug": "new", "detail": {"code": "resource-moved"}}
        route = server.get(KEYS).respond(302, json=body, headers={"Location": location})
        assert failure(KEYS).reason is Reason.REDIRECTED
        assert route.call_count == 1

    @pytest.mark.parametrize(
        "location",
        [
            "/to/{}/",
            "/login/{}/",
            "https://{}.example/",
            "//{}@evil.example/",
            "{}x://sentry.example.com/",
        ],
    )
    def test_none_tells_the_token(self, server: respx.MockRouter, location: str) -> None:
        token = "acmes-own-token"  # of no form that is known without being told
        server.get(KEYS).respond(302, headers={"Location": location.format(token)})
        error = failure(KEYS, token=Token(token))
        assert error.reason is Reason.REDIRECTED
        assert token not in error.sentence

    def test_no_echo_in_a_header_is_told(self, server: respx.MockRouter) -> None:
        token = "acmes-own-token"
        server.get(KEYS).respond(200, headers={"Content-Encoding": token}, content=b"x")
        error = failure(KEYS, token=Token(token))
        assert "packed in a way" in error.message
        assert token not in error.sentence
        server.get(KEYS).respond(200, headers={"Content-Encoding": "br"}, content=b"x")
        assert "(br)" in failure(KEYS).message

    def test_not_without_the_servers_word_for_it(self, server: respx.MockRouter) -> None:
        location = "/api/0/projects/acme/new/keys/"
        server.get(KEYS).respond(302, html="moved", headers={"Location": location})
        assert failure(KEYS).reason is Reason.REDIRECTED

    @pytest.mark.parametrize("host", ["", BASE])
    def test_a_renamed_project_is_asked_for_with_the_same_query(
        self, server: respx.MockRouter, host: str
    ) -> None:
        moved = server.get(KEYS).respond(
            302,
            json={"slug": "new", "detail": {"code": "resource-moved"}},
            headers={"Location": f"{host}/api/0/projects/acme/new/keys/"},
        )
        new = server.get("projects/acme/new/keys/").respond(json=[1])

        async def work(client: Client) -> Any:
            return await client.get("x", KEYS, {"per_page": "100", "cursor": "1:0:0"})

        reply = use(work)
        assert (reply.payload, reply.moved_to) == ([1], "new")
        assert new.calls.last.request.url.params["cursor"] == "1:0:0"
        assert moved.call_count == 1

    def test_a_circle_of_names_ends(self, server: respx.MockRouter) -> None:
        for old, new in (("web", "app"), ("app", "web")):
            server.get(f"projects/acme/{old}/keys/").respond(
                302,
                json={"detail": {"code": "resource-moved"}},
                headers={"Location": f"/api/0/projects/acme/{new}/keys/"},
            )
        assert failure(KEYS).reason is Reason.LOOP
        assert server.calls.call_count < 8


class TestSettings:
    @pytest.mark.parametrize("value", ["", "a\r\nX-Evil: 1", "tökén"])
    def test_a_token_that_no_header_can_carry(self, value: str) -> None:
        with pytest.raises(UsageError, match="token") as error:
            get(token=Token(value))
        assert "Evil" not in str(error.value)

    def test_a_ca_bundle_that_is_not_there(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="CA bundle"):
            get(ca_bundle=str(tmp_path / "none.pem"))

    def test_a_ca_bundle_that_is_none(self, tmp_path: Path) -> None:
        file = tmp_path / "text.pem"
        file.write_text("hello", encoding="utf-8")
        with pytest.raises(UsageError, match="CA bundle"):
            get(ca_bundle=str(file))

    @pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
    @pytest.mark.parametrize("kind", ["none", "a pipe"])
    def test_a_ca_bundle_named_by_the_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str, kind: str
    ) -> None:
        place = tmp_path / "authorities"
        if kind == "a pipe":
            os.mkfifo(place)  # whose other end nobody opens
        monkeypatch.delenv("SSL_CERT_FILE", raising=False)
        monkeypatch.setenv(variable, str(place))
        with pytest.raises(UsageError, match=variable):
            get()

    @pytest.mark.parametrize(
        "address", ["gopher://proxy.example.com", "http://127.0.0.1:70000", "127.0.0.1:-1"]
    )
    def test_a_proxy_that_cannot_be_used(
        self, monkeypatch: pytest.MonkeyPatch, address: str
    ) -> None:
        monkeypatch.setenv("HTTPS_PROXY", address)
        with pytest.raises(UsageError, match="proxy"):
            get()

    def test_a_token_for_this_machine_does_not_go_through_a_proxy(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        world = make_world(projects=1, keys=1)
        with Simulator(world) as simulator, Simulator(world) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("ALL_PROXY", proxy.url)
            monkeypatch.delenv("NO_PROXY", raising=False)
            reply = get("", base=simulator.url, token=Token(world.token))
            assert reply.payload["version"] == "0"
            assert proxy.requests == 0

    def test_tls_to_a_server_without_it(self) -> None:
        with Simulator(make_world(projects=1, keys=1)) as simulator:
            failed = failure(base=simulator.url.replace("http:", "https:"))
        assert failed.reason is Reason.TLS

    def test_a_time_limit_for_the_whole_exchange(self) -> None:
        world = make_world(projects=1, keys=1)
        with Simulator(world, latency=0.5) as simulator:
            failed = failure("", base=simulator.url, timeout=0.05)
        assert failed.reason is Reason.TIMEOUT


def test_no_log_shows_the_token(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    world = make_world(projects=1, keys=1)
    with Simulator(world) as simulator:
        get("", base=simulator.url, token=Token(world.token))
    assert CANARY not in caplog.text
