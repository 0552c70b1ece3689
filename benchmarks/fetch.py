"""A fetch of 1,000 projects and 5,000 keys beside the lower bounds and the one-by-one way.

    python benchmarks/fetch.py [--projects 1000] [--keys 5000] [--fleet 1 50 200]
                               [--memory 10000 200000]

The server is the tests' simulator in another process: 40 ms latency, and Sentry's limits of 40
requests a second and 25 at once for each endpoint. A lower bound is what no client can beat:
pages of one list follow each other, limits allow so many requests a second, and a second look at
every page is what proves that nothing changed meanwhile. Memory is
measured in a process of its own, against answers that are made up on the fly.
"""

import argparse
import asyncio
import http.client
import json
import math
import multiprocessing
import resource
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import urlsplit

import httpx

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.costs import versions
from scanner.catalogue import BASIC
from scanner.inventory.progress import NoProgress
from scanner.inventory.source import LiveSettings
from scanner.model.inventory import Needs, Scope
from scanner.model.token import Token
from scanner.providers.sentry.live.fetch import run
from scanner.providers.sentry.live.source import FetchReport, SentrySource
from tests.simulator import SELF_HOSTED_23_7, TODAY, Flavour, Limits, Simulator, make_world
from tests.simulator import render as records

LATENCY: Final = 0.04
LIMITS: Final = Limits(requests=40, window=1, concurrent=25)
PAGE: Final = 100
NEEDS: Final = Needs.of(BASIC)
FORK: Final = multiprocessing.get_context("spawn")


def serve(projects: int, keys: int, organizations: int, flavour: Flavour, link: Connection) -> None:
    """Run the simulator; tells its address and token, then answers each message with counts."""
    world = make_world(projects=projects, keys=keys, organizations=organizations)
    with Simulator(world, flavour, LIMITS, LATENCY) as sim:
        link.send((sim.url, sim.world.token))
        while link.recv():
            link.send((sim.requests, sim.throttled))
            sim.log.clear()


class Server:
    """The simulator in a process of its own."""

    def __init__(self, projects: int, keys: int, flavour: Flavour, organizations: int = 1) -> None:
        self._link, theirs = FORK.Pipe()
        args = projects, keys, organizations, flavour, theirs
        self._process = FORK.Process(target=serve, args=args)

    def __enter__(self) -> Self:
        self._process.start()
        self.url, self.token = self._link.recv()
        return self

    def __exit__(self, *_: object) -> None:
        self._link.send(False)
        self._process.join()

    def counts(self) -> tuple[int, int]:
        """Return requests and refusals (429) since the last time."""
        self._link.send(True)
        found: tuple[int, int] = self._link.recv()
        return found


def fetch(server: Server) -> FetchReport:
    """Fetch once, as the command does."""
    settings = LiveSettings(url=server.url, token=Token(server.token))
    with tempfile.TemporaryDirectory() as folder:
        return SentrySource(settings).fetch(Scope(), NEEDS, Path(folder) / "i.jsonl")


def one_by_one(server: Server) -> float:
    """Ask for each project's keys in turn, on one connection, as Steampipe's plugin does."""
    started = time.perf_counter()
    wire = http.client.HTTPConnection(urlsplit(server.url).netloc)

    def get(path: str) -> tuple[Any, str]:
        wire.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
        answer = wire.getresponse()
        body = answer.read()
        if answer.status == 429:
            time.sleep(1)
            return get(path)
        return json.loads(body), answer.headers.get("Link", "")

    path, slugs = "/api/0/organizations/acme/projects/?per_page=100", []
    while path:
        rows, link = get(path)
        slugs += [row["slug"] for row in rows]
        following = link.rpartition('results="true"; cursor="')[2].rstrip('"')
        more = 'rel="next"; results="true"' in link
        path = f"{path.partition('&')[0]}&cursor={following}" if more else ""
    for slug in slugs:
        get(f"/api/0/projects/acme/{slug}/keys/?per_page=100")
    return time.perf_counter() - started


def raw_pages(server: Server) -> float:
    """Read the pages of the whole listing one after another and throw them away."""
    started = time.perf_counter()
    wire = http.client.HTTPConnection(urlsplit(server.url).netloc)
    cursor = ""
    while True:
        path = f"/api/0/organizations/acme/project-keys/?project=-1&per_page={PAGE}{cursor}"
        wire.request("GET", path, headers={"Authorization": f"Bearer {server.token}"})
        answer = wire.getresponse()
        answer.read()
        before, _, after = answer.headers["Link"].rpartition('cursor="')
        if not before.endswith('results="true"; '):
            return time.perf_counter() - started
        cursor = f"&cursor={after.rstrip(chr(34))}"


def report(name: str, server: Server, bound: float, runs: int) -> float:
    """Fetch and print a row; return the best time."""
    best = math.inf
    for _ in range(runs):
        best = min(best, fetch(server).stats.seconds)
        requests, refused = server.counts()
    print(f"{name:34}{requests:>9,}{refused:>6}{best:>9.2f}{bound:>9.2f}{best / bound:>8.2f}")
    return best


def compare(projects: int, keys: int, runs: int) -> None:
    """Print both ways of fetching beside their bounds, and the one-by-one way."""
    print(f"{'':34}{'requests':>9}{'429s':>6}{'seconds':>9}{'bound':>9}{'ratio':>8}")
    # First who is asking; then the pages of keys, each after the one before; then all of them
    # for a second look, at once as far as the limit lets them.
    pages = math.ceil(keys / PAGE)
    again = max(math.ceil(pages / LIMITS.requests) - 1, 0) * LIMITS.window + LATENCY
    paging = (1 + pages) * LATENCY + again
    # The list of projects comes first; the limit's first window is free to be used at once.
    rate = max(math.ceil(2 * projects / LIMITS.requests) - 1, 0) * LIMITS.window + 4 * LATENCY
    with Server(projects, keys, TODAY) as server:
        raw = min(raw_pages(server) for _ in range(runs)) + LATENCY + again
        server.counts()
        report("whole organization, paging bound", server, paging, runs)
        report("whole organization, bare reading", server, raw, runs)
    with Server(projects, keys, SELF_HOSTED_23_7) as server:
        best = report("project by project, rate bound", server, rate, 1)
        slow = one_by_one(server)
        requests, refused = server.counts()
        print(f"{'project by project, one by one':34}{requests:>9,}{refused:>6}{slow:>9.2f}")
        print(f"  {slow / best:.1f} times as long as ours, without a second look")


def fleet(projects: int, keys: int, sizes: list[int]) -> None:
    """Print what the same projects and keys take where they are of so many organizations.

    The bound is the rate limit of what is asked most often, and it is asked once an organization.
    """
    print(f"{'':34}{'requests':>9}{'429s':>6}{'seconds':>9}{'bound':>9}{'ratio':>8}")
    for size in sizes:
        # Both lists of each organization, and each of them once more for the second look.
        bound = max(math.ceil(2 * size / LIMITS.requests) - 1, 0) * LIMITS.window + 4 * LATENCY
        with Server(projects, keys, TODAY, size) as server:
            report(f"{size} organizations, rate bound", server, bound, 1)


class MadeUp(httpx.AsyncBaseTransport):
    """Answers as a server with so many keys would, without holding them."""

    def __init__(self, keys: int) -> None:
        world = make_world(projects=1000, keys=1)
        self._keys = keys
        self._world = world
        self._projects = world.projects
        self._key = records.key(world.keys[0], self._projects[0], "https://sentry.example", TODAY)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        path, query = request.url.path, request.url.params
        start = int(query.get("cursor", "0"))
        rows: list[Any] = []
        total = 0
        if path.endswith("/api/0/"):
            return httpx.Response(200, json={"auth": {"scopes": ["org:read", "project:read"]}})
        if path.endswith("/organizations/"):
            rows = [records.organization(self._world.organization, "https://sentry.example")]
        elif path.endswith("/projects/"):
            total = len(self._projects)
            chosen = self._projects[start : start + PAGE]
            rows = [records.project(one, TODAY) for one in chosen]
        else:
            total = self._keys
            rows = [self._made(n) for n in range(start, min(start + PAGE, total))]
        more = str(start + PAGE < total).lower()
        link = f'<x>; rel="next"; results="{more}"; cursor="{start + PAGE}"'
        return httpx.Response(200, json=rows, headers={"Link": link})

    def _made(self, number: int) -> dict[str, Any]:
        owner = self._projects[number % len(self._projects)]
        return self._key | {"id": f"{number:032x}", "projectId": owner.number}


def peak_of(keys: int, link: Connection) -> None:
    """Fetch so many keys and tell the peak of this process's memory, in MiB, and the seconds."""
    settings = LiveSettings(url="http://127.0.0.1", token=Token("x"))
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "i.jsonl"
        work = run(settings.url, settings, Scope(), NEEDS, output, NoProgress(), MadeUp(keys))
        asyncio.run(work)
        size = output.stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    link.send((peak, size / 2**20, time.perf_counter() - started))


def memory(counts: list[int]) -> None:
    """Print the peak memory of fetches of so many keys."""
    print(f"{'':34}{'peak MiB':>9}{'file MiB':>10}{'seconds':>9}")
    for keys in counts:
        mine, theirs = FORK.Pipe()
        process = FORK.Process(target=peak_of, args=(keys, theirs))
        process.start()
        peak, size, seconds = mine.recv()
        process.join()
        print(f"{f'memory, {keys:,} keys':34}{peak:>9.0f}{size:>10.1f}{seconds:>9.1f}")


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--projects", type=int, default=1000)
    parser.add_argument("--keys", type=int, default=5000)
    parser.add_argument("--fleet", type=int, nargs="*", default=[1, 50, 200])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--memory", type=int, nargs="*", default=[10_000, 200_000])
    chosen = parser.parse_args()
    print(versions())
    if chosen.keys:
        compare(chosen.projects, chosen.keys, chosen.runs)
        fleet(chosen.projects, chosen.keys, chosen.fleet)
    memory(chosen.memory)


if __name__ == "__main__":
    main()
