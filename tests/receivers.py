"""Servers on this machine that take messages: one of HTTP, one of SMTP. What came is kept."""

import base64
import socketserver
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from io import BufferedIOBase


@dataclass
class Received:
    """A request, as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class HttpReceiver:
    """`answers` are status and headers for one request after the other; the last one stays."""

    port: int
    requests: list[Received] = field(default_factory=list)
    answers: Sequence[tuple[int, dict[str, str]]] = ((200, {}),)
    said: bytes = b"ok"

    def url(self, path: str = "/hook") -> str:
        return f"http://127.0.0.1:{self.port}{path}"


@contextmanager
def http_receiver() -> Iterator[HttpReceiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            at = min(len(found.requests), len(found.answers) - 1)
            found.requests.append(Received(self.path, headers, body))
            status, more = found.answers[at]
            self.send_response(status)
            for name, value in {"Content-Length": str(len(found.said)), **more}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(found.said)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        found = HttpReceiver(server.server_address[1])
        with _serving(server):
            yield found


@dataclass
class Mail:
    """A message as it came: the envelope, the lines of it, and how."""

    sender: str
    recipients: list[str]
    content: bytes
    login: str | None
    is_encrypted: bool


@dataclass
class MailReceiver:
    """`refuses` are recipients, and `says` what a command is answered instead of the usual."""

    port: int
    mails: list[Mail] = field(default_factory=list)
    refuses: frozenset[str] = frozenset()
    says: dict[str, str] = field(default_factory=dict)
    offers_starttls: bool = False


class _Session(socketserver.StreamRequestHandler):
    """As much of RFC 5321 as a client needs that sends a message."""

    receiver: MailReceiver
    context: ssl.SSLContext | None

    def handle(self) -> None:
        self.sender, self.login, self.is_encrypted = "", "", False
        self.recipients: list[str] = []
        if self.context is not None and not self.receiver.offers_starttls:
            self.encrypt(self.context)
        self.say("220 localhost ready")
        while line := self.rfile.readline():
            command, _, rest = line.decode().strip().partition(" ")
            if command.upper() in self.receiver.says:
                self.say(self.receiver.says[command.upper()])
            elif not self.answer(command.upper(), rest):
                return

    def finish(self) -> None:
        super().finish()
        self.connection.close()  # after STARTTLS another one than the server knows

    def encrypt(self, context: ssl.SSLContext) -> None:
        secure = context.wrap_socket(self.connection, server_side=True)
        self.connection, self.is_encrypted = secure, True
        self.rfile = secure.makefile("rb")
        self.wfile = cast("BufferedIOBase", secure.makefile("wb", 0))

    def say(self, *lines: str) -> None:
        for line in lines:
            self.wfile.write(f"{line}\r\n".encode())

    def answer(self, command: str, rest: str) -> bool:
        if command == "EHLO":
            offered = ["250-STARTTLS"] if self.receiver.offers_starttls else []
            self.say("250-localhost", *offered, "250 AUTH PLAIN")
        elif command == "STARTTLS" and self.context is not None:
            self.say("220 go on")
            self.encrypt(self.context)
        elif command == "AUTH":
            self.login = base64.b64decode(rest.split()[1]).decode().replace("\0", " ").strip()
            self.say("235 welcome")
        elif command == "RCPT":
            who = rest[rest.index("<") + 1 : rest.index(">")]
            is_refused = who in self.receiver.refuses
            self.recipients += [] if is_refused else [who]
            self.say("550 nobody here" if is_refused else "250 ok")
        elif command == "DATA":
            self.say("354 go on")
            content = b"".join(iter(self.rfile.readline, b".\r\n"))
            self.receiver.mails.append(
                Mail(self.sender, self.recipients, content, self.login or None, self.is_encrypted)
            )
            self.say("250 ok")
        else:
            if command == "MAIL":
                self.sender = rest[rest.index("<") + 1 : rest.index(">")]
            self.say("221 bye" if command == "QUIT" else "250 ok")
        return command != "QUIT"


@contextmanager
def mail_receiver(
    context: ssl.SSLContext | None = None, *, at_once: bool = False
) -> Iterator[MailReceiver]:
    """Receive mail; with a context encrypted, from STARTTLS on or `at_once`."""

    class Session(_Session):
        def setup(self) -> None:
            self.receiver, self.context = found, context
            super().setup()

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Session) as server:
        server.daemon_threads = True
        server.handle_error = lambda *_: None  # type: ignore[method-assign]
        found = MailReceiver(
            server.server_address[1], offers_starttls=bool(context) and not at_once
        )
        with _serving(server):
            yield found


@contextmanager
def _serving(server: socketserver.BaseServer) -> Iterator[None]:
    run: Callable[[], None] = lambda: server.serve_forever(poll_interval=0.01)  # noqa: E731
    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join(timeout=10)
