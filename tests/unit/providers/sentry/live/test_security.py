"""Where the token goes, and what is imported for it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import TYPE_CHECKING

import httpx
import pytest

from scanner.base.errors import FetchError, UsageError
from scanner.inventory.progress import NoProgress
from scanner.inventory.source import LiveSettings
from scanner.model.coverage import CoverageState
from scanner.model.inventory import Needs, Scope
from scanner.model.token import Token
from scanner.providers.sentry.live.fetch import Result, run
from scanner.providers.sentry.live.source import SentrySource
from tests.simulator import CANARY, Request, Simulator, make_world
from tests.unit.providers.sentry.live.fetching import FAST, TABLES, fetch, table

if TYPE_CHECKING:
    from pathlib import Path

    from tests.simulator import World


class Internet(httpx.AsyncBaseTransport):
    """Hosts that are simulators without a socket; every request is noted, whoever gets it."""

    def __init__(self, hosts: dict[str, Simulator]) -> None:
        self.hosts = hosts
        self.asked: list[str] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        host = f"{request.url.scheme}://{request.url.netloc.decode()}"
        self.asked.append(host)
        target = request.url.raw_path.decode()
        asked = Request.of(request.method, target, dict(request.headers.items()))
        response = self.hosts[host].answer(asked)
        return httpx.Response(response.status, headers=response.headers, content=response.body)


def fetched(url: str, world: World, internet: Internet, output: Path) -> Result:
    settings = LiveSettings(url=url, token=Token(world.token), retry=FAST)
    return asyncio.run(
        run(url, settings, Scope(), Needs.of(TABLES), output, NoProgress(), internet)
    )


class TestRegions:
    @pytest.fixture
    def world(self) -> World:
        world = make_world(projects=6, keys=30, organizations=2)
        world.organizations[0].region_url = "https://us.sentry.io"
        world.organizations[1].region_url = "https://de.sentry.io"
        return world

    def test_each_organization_is_asked_in_its_region(self, world: World, tmp_path: Path) -> None:
        hosts = ("https://sentry.io", "https://us.sentry.io", "https://de.sentry.io")
        internet = Internet({host: Simulator(world) for host in hosts})
        result = fetched("https://sentry.io", world, internet, tmp_path / "i.jsonl")
        assert result.coverage["sentry_key"].state is CoverageState.COMPLETE
        assert len(table(tmp_path / "i.jsonl", "sentry_key")) == 30
        home, us, de = (internet.hosts[host] for host in hosts)
        assert home.routes.keys() == {"index", "organizations"}
        assert {seen.path.split("/")[4] for seen in us.log} == {"acme"}
        assert {seen.path.split("/")[4] for seen in de.log} == {"globex"}

    @pytest.mark.parametrize(
        "region",
        [
            "https://evil.example",
            "https://sentry.io.evil.example",
            "http://us.sentry.io",
            "https://us.sentry.io:8443",
        ],
    )
    def test_no_server_can_send_the_token_elsewhere(
        self, world: World, tmp_path: Path, region: str
    ) -> None:
        for organization in world.organizations:
            organization.region_url = region
        internet = Internet({"https://sentry.io": Simulator(world)})
        fetched("https://sentry.io", world, internet, tmp_path / "i.jsonl")
        assert set(internet.asked) == {"https://sentry.io"}

    def test_a_self_hosted_servers_internal_name_is_passed_over(
        self, world: World, tmp_path: Path
    ) -> None:
        url = "https://sentry.example.com/tools"
        for organization in world.organizations:
            organization.region_url = "http://sentry-internal:9000"

        class Prefixed(Internet):
            async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
                request.url = httpx.URL(str(request.url).replace("/tools/", "/"))
                return await super().handle_async_request(request)

        internet = Prefixed({"https://sentry.example.com": Simulator(world)})
        result = fetched(url, world, internet, tmp_path / "i.jsonl")
        assert result.coverage["sentry_key"].state is CoverageState.COMPLETE


@pytest.mark.parametrize("slug", ["..", ".", "a/../../users/me", "a?b=c", "a#b", "%2e%2e", "ä\n"])
@pytest.mark.parametrize("kind", ["organization", "project"])
def test_a_slug_never_leads_to_another_endpoint(tmp_path: Path, slug: str, kind: str) -> None:
    world = make_world(projects=2, keys=4)
    scope = Scope(organizations=(slug,)) if kind == "organization" else Scope(projects=(slug,))
    with Simulator(world) as simulator, pytest.raises(FetchError) as error:
        fetch(simulator, tmp_path / "i.jsonl", scope=scope)
    assert error.value.message.isprintable()
    known = {"index", "organizations", "organization", "projects", "keys"}
    assert simulator.routes.keys() <= known | {"unknown"}
    assert "users" not in {seen.path.split("/")[3] for seen in simulator.log}


def test_plain_http_to_another_machine_is_refused(tmp_path: Path) -> None:
    source = SentrySource(LiveSettings("http://sentry.example.com", Token("x" * 20)))
    with pytest.raises(UsageError, match="in clear"):
        source.fetch(Scope(), Needs.of(TABLES), tmp_path / "i.jsonl")


def test_settings_and_source_do_not_show_the_token() -> None:
    settings = LiveSettings("https://sentry.io", Token(f"sntryu_{CANARY}"))
    assert CANARY not in f"{settings!r} {settings} {vars(SentrySource(settings))}"


def test_httpx_is_imported_only_to_fetch() -> None:
    code = (
        "import sys, scanner.providers.sentry.live.source, scanner.inventory.progress\n"
        "print(sorted({'httpx', 'asyncio', 'ssl'} & sys.modules.keys()))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30
    )
    assert "httpx" not in done.stdout
