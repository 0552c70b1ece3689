"""The simulator: the API behind a real HTTP server on loopback."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from tests.simulator.api import Api
from tests.simulator.flavour import TODAY, Flavour
from tests.simulator.message import Request, Response
from tests.simulator.throttle import Limits, Throttle

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from tests.simulator.faults import Fault
    from tests.simulator.world import World

_LINGER_OFF = struct.pack("ii", 1, 0)  # closing then sends a reset


@dataclass(frozen=True)
class Seen:
    """A request that the server has got, and the status it answered with."""

    number: int
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int


@dataclass
class Simulator:
    """A Sentry-shaped server. Use as a context manager; `url` is its address.

    `limits` None: a self-hosted server, which has no limits and sends no headers about them.
    `latency` (seconds) passes before each answer, the making of it included. `on_request` is
    called before each with its number, so that the world can change while a client is paging.
    """

    world: World
    flavour: Flavour = TODAY
    limits: Limits | None = None
    latency: float = 0.0
    faults: Sequence[Fault] = ()
    whole_organization: bool | None = None
    url_prefix: str = "http://sentry.example.invalid"
    on_request: Callable[[int, World], None] | None = None
    log: list[Seen] = field(default_factory=list, init=False)
    peak: int = field(default=0, init=False)  # most requests under way at once
    bytes_sent: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        self.api = Api(self.world, self.flavour, self.url_prefix, self.whole_organization)
        self.throttle = Throttle(self.limits)
        self._lock = threading.Lock()
        self._running = 0
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the server listens."""
        assert self._server is not None, "the simulator is not running"
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def requests(self) -> int:
        """How many requests came in."""
        return len(self.log)

    @property
    def throttled(self) -> int:
        """How many of them were answered with 429."""
        return sum(seen.status == 429 for seen in self.log)

    @property
    def routes(self) -> Counter[str]:
        """How often each endpoint was asked, by the name of its view in `api`."""
        return Counter(self.api.route(seen.path).strip("_") for seen in self.log)

    def answer(self, request: Request) -> Response:
        """Answer a request with limits, faults and log, but without a socket."""
        with self._lock:
            number = len(self.log) + 1
            # The place in the log is taken at once; the status follows.
            self.log.append(
                Seen(number, request.method, request.path, request.query, request.headers, 0)
            )
            self._running += 1
            self.peak = max(self.peak, self._running)
            if self.on_request is not None:
                self.on_request(number, self.world)
        try:
            response = self._limited(request)
        finally:
            with self._lock:
                self._running -= 1
        self.log[number - 1] = replace(self.log[number - 1], status=response.status)
        return response

    def _limited(self, request: Request) -> Response:
        caller = f"{self.api.route(request.path)} {request.token}"
        with self.throttle.enter(caller) as (headers, refusal):
            if refusal is not None:
                return refusal
            due = time.monotonic() + self.latency
            with self._lock:
                response = self._spoiled(request)
            time.sleep(max(due - time.monotonic(), 0.0))
            if response.stall:
                time.sleep(response.stall)
            return replace(response, headers=response.headers | headers)

    def _spoiled(self, request: Request) -> Response:
        """Answer, and let faults spoil the answer; early ones come in place of the answer."""
        nothing = Response(0)
        for fault in self.faults:
            if fault.early and (spoiled := fault.apply(request, nothing)) is not nothing:
                return spoiled
        response = self.api(request)
        for fault in self.faults:
            response = response if fault.early else fault.apply(request, response)
        return response

    def __enter__(self) -> Self:
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._server is not None
        assert self._thread is not None
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False  # so that closing waits for them
    request_queue_size = 128

    def __init__(self, simulator: Simulator) -> None:
        self.simulator = simulator
        self._open: set[socket.socket] = set()
        super().__init__(("127.0.0.1", 0), _Handler)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: clients that hang up are part of the tests."""

    def server_close(self) -> None:
        # Idle keep-alive connections would keep their threads, and with them the exit, waiting.
        for connection in list(self._open):
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        super().server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = 1 << 16  # an answer leaves in one piece
    server: _Server
    lost = False  # whether what still comes on this connection is thrown away

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the stdlib's name
        """Say nothing."""

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        sent = self.rfile.read(length) if length else b""
        if self.lost:
            self._hang_up(hard=False)
            return
        request = Request.of(self.command, self.path, dict(self.headers.items()), sent)
        response = self.server.simulator.answer(request)
        self.lost = response.last
        if response.reset:
            self._hang_up(hard=True)
            return
        self.send_response(response.status)
        for name, value in response.headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(response.body)))
        self.end_headers()
        body = response.body if response.cut is None else response.body[: response.cut]
        if self.command != "HEAD":
            self.wfile.write(body)
        self.wfile.flush()
        self.server.simulator.bytes_sent += len(body)
        if response.cut is not None:
            self._hang_up(hard=False)

    def _hang_up(self, *, hard: bool) -> None:
        self.close_connection = True
        if hard:
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_OFF)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _serve  # noqa: N815 - names that the stdlib calls
