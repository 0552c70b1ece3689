"""What a person is told: each way of going wrong, and the words that must be there."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable
from contextlib import contextmanager
from itertools import count
from typing import TYPE_CHECKING

import httpx
import pytest
import respx

from scanner.http.answers import unreachable
from scanner.http.failure import REMEDIES, ApiError, Reason
from tests.simulator import Simulator, make_world
from tests.unit.http.asking import BASE, failure, get, use

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scanner.http.client import Client

HTTP = "http://127.0.0.1:9000"


def redirect(location: str) -> httpx.Response:
    return httpx.Response(302, headers={"Location": location})


@pytest.mark.parametrize(
    ("base", "answer", "reason", "words"),
    [
        (BASE, redirect("/auth/login/"), Reason.REDIRECTED, ["login page", "/auth/login/"]),
        (BASE, redirect(f"{BASE}/auth/login/acme/"), Reason.REDIRECTED, ["login page"]),
        (BASE, redirect("/oauth2/start?rd=/api/0/"), Reason.REDIRECTED, ["login page", "proxy"]),
        (BASE, redirect("/signin"), Reason.REDIRECTED, ["login page"]),
        (BASE, redirect("/author/"), Reason.REDIRECTED, ["its page /author/"]),
        (BASE, redirect("https://sso.example.com/login"), Reason.REDIRECTED, ["sso.example.com"]),
        (HTTP, redirect("https://127.0.0.1:9000/api/0/x/"), Reason.REDIRECTED, ["to https://127"]),
        *(
            (
                BASE,
                httpx.Response(status, text="\n <html>no</html>"),
                reason,
                [f"{status}", "/api/0/"],
            )
            for status, reason in ((401, Reason.UNAUTHORIZED), (403, Reason.FORBIDDEN))
        ),
        (
            BASE,
            httpx.Response(401, json={"detail": {"code": "sso-required", "message": "Use SSO"}}),
            Reason.FORBIDDEN,
            ["may not read this", "Use SSO", "token that is no person's"],
        ),
        (
            BASE,
            httpx.Response(401, json={"detail": {"message": "Invalid token"}}),
            Reason.UNAUTHORIZED,
            ["Invalid token", "SENTRY_AUTH_TOKEN"],
        ),
        (BASE, httpx.Response(403, json={"detail": {"message": 5}}), Reason.FORBIDDEN, ["may not"]),
        (BASE, httpx.Response(200, json=[None]), Reason.SERVER, ["null", "database"]),
        (BASE, httpx.Response(200, json=[{}, None]), Reason.SERVER, ["null", "database"]),
        *(
            (HTTP, httpx.Response(400, text=text), Reason.TLS, ["plain http", "TLS", "https://127"])
            for text in (
                "<center>The plain HTTP request was sent to HTTPS port</center>",
                "Client sent an HTTP request to an HTTPS server.\n",
                "Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
            )
        ),
    ],
)
def test_answers(base: str, answer: httpx.Response, reason: Reason, words: list[str]) -> None:
    with respx.mock(base_url=f"{base}/api/0/") as server:
        server.get("x/").mock(return_value=answer)
        told(failure(base=base), reason, words)


def test_whatever_comes_in_place_of_an_answer_has_a_remedy() -> None:
    for status in (203, 204, 206, 300, 304, 400, 402, 404, 409, 418, 431, 451, 500):
        with respx.mock(base_url=f"{BASE}/api/0/") as server:
            server.get("x/").mock(return_value=httpx.Response(status))
            assert failure().remedy, status
    with_their_own = {Reason.UNREACHABLE, Reason.TIMEOUT, Reason.TLS, Reason.DEADLINE}
    assert set(Reason) - with_their_own == REMEDIES.keys()
    assert ApiError(Reason.LOOP, "a circle", remedy="Wait.").sentence == "A circle. Wait."


def told(error: ApiError, reason: Reason, words: list[str]) -> None:
    assert error.reason is reason
    missing = [word for word in words if word not in f"{error.message}. {error.remedy}"]
    assert not missing, f"{missing} not in {error}"


@pytest.mark.parametrize(
    ("error", "direct", "through"),
    [
        (
            httpx.ConnectError("x"),
            "no connection to sentry.example.com",
            "no connection to the proxy",
        ),
        (
            socket.gaierror("x"),
            "name sentry.example.com cannot be resolved",
            "name of the proxy that the environment names cannot be resolved",
        ),
    ],
)
def test_a_proxy_that_cannot_be_reached_is_not_called_the_server(
    monkeypatch: pytest.MonkeyPatch, error: Exception, direct: str, through: str
) -> None:
    for name in ("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    where = f"{BASE}/api/0/x/"
    failed = httpx.ConnectError("x")
    failed.__cause__ = error
    assert direct in unreachable(failed, where, 30).message
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example.com:3128")
    assert through in unreachable(failed, where, 30).message
    monkeypatch.setenv("NO_PROXY", "sentry.example.com")
    assert direct in unreachable(failed, where, 30).message


def test_nulls_are_asked_for_again() -> None:
    answers = [httpx.Response(200, json=[None]), httpx.Response(200, json=[{}])]
    with respx.mock(base_url=f"{BASE}/api/0/") as server:
        server.get("x/").mock(side_effect=answers)
        assert get().payload == [{}]


def test_https_to_a_port_that_speaks_http() -> None:
    with Simulator(make_world(projects=1, keys=1)) as simulator:
        base = simulator.url.replace("http:", "https:")
        told(failure(base=base), Reason.TLS, ["plain http", simulator.url])


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of this machine that signs itself, with its key in one file."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder


Spoil = Callable[[socket.socket, ssl.SSLContext], None]


def close_at_once(_connection: socket.socket, _context: ssl.SSLContext) -> None:
    """Hang up before anything is said."""


def close_in_the_handshake(connection: socket.socket, _context: ssl.SSLContext) -> None:
    """Hang up when the client has said what it wants."""
    connection.recv(65536)


def send_a_bad_record(connection: socket.socket, context: ssl.SSLContext) -> None:
    """Answer with what no key made."""
    with context.wrap_socket(connection, server_side=True) as secure:
        secure.recv(65536)
        with socket.socket(fileno=secure.detach()) as plain:
            plain.sendall(b"\x17\x03\x03\x00\x20" + bytes(32))


@contextmanager
def tls_server(folder: Path, spoil: Spoil | None = None) -> Iterator[int]:
    """Answer `[]` to every request over TLS; whatever else arrives gets what TLS gives it.

    What comes over the second connection is spoiled.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "ca.pem", folder / "key.pem")
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n[]"

    def serve(listening: socket.socket) -> None:
        for number in count(1):
            try:
                connection, _ = listening.accept()
            except OSError:  # closed: the test is over
                return
            try:
                if spoil is not None and number == 2:
                    with connection:
                        spoil(connection, context)
                    continue
                with context.wrap_socket(connection, server_side=True) as secure:
                    secure.recv(65536)
                    secure.sendall(answer)
            except OSError:
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, args=(listening,), daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)


@needs_openssl
class TestCertificates:
    @pytest.fixture(autouse=True)
    def _no_variables(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for name in ("SSL_CERT_FILE", "SSL_CERT_DIR"):
            monkeypatch.delenv(name, raising=False)

    def test_an_authority_that_nobody_knows(self, certificate: Path) -> None:
        with tls_server(certificate) as port:
            error = failure(base=f"https://localhost:{port}")
        told(error, Reason.TLS, ["certificate of localhost", "self", "--ca-bundle"])

    def test_a_bundle(self, certificate: Path) -> None:
        bundle = str(certificate / "ca.pem")
        with tls_server(certificate) as port:
            assert get(base=f"https://localhost:{port}", ca_bundle=bundle).payload == []

    @pytest.mark.parametrize("spoil", [close_at_once, close_in_the_handshake, send_a_bad_record])
    def test_a_connection_that_breaks_in_the_midst_of_tls_is_made_again(
        self, certificate: Path, spoil: Spoil
    ) -> None:
        async def twice(client: Client) -> tuple[int, int]:
            for _ in range(2):
                await client.get("x", "x/")
            return client.traffic.requests, client.traffic.retries

        bundle = str(certificate / "ca.pem")
        with tls_server(certificate, spoil) as port:
            assert use(twice, base=f"https://localhost:{port}", ca_bundle=bundle) == (3, 1)

    def test_the_file_that_the_environment_names(
        self, certificate: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate / "ca.pem"))
        with tls_server(certificate) as port:
            assert get(base=f"https://localhost:{port}").payload == []

    def test_the_folder_that_the_environment_names(
        self, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        self.store(certificate, tmp_path)
        monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
        with tls_server(certificate) as port:
            assert get(base=f"https://localhost:{port}").payload == []

    def test_the_systems_own_store(
        self, certificate: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where OpenSSL was built to look, certificates are found without any setting."""
        self.store(certificate, tmp_path)

        def system(_protocol: int) -> ssl.SSLContext:
            return ssl.create_default_context(capath=tmp_path)

        monkeypatch.setattr("truststore.SSLContext", system)
        with tls_server(certificate) as port:
            assert get(base=f"https://localhost:{port}").payload == []

    @staticmethod
    def store(certificate: Path, folder: Path) -> None:
        """Keep the certificate in the folder as OpenSSL looks it up: by a hash of its subject."""
        asked = ["openssl", "x509", "-hash", "-noout", "-in", str(certificate / "ca.pem")]
        done = subprocess.run(asked, check=True, capture_output=True, text=True)
        shutil.copy(certificate / "ca.pem", folder / f"{done.stdout.strip()}.0")

    def test_plain_http_to_its_port(self, certificate: Path) -> None:
        with tls_server(certificate) as port:
            error = failure(base=f"http://localhost:{port}")
        assert "https://" in error.remedy
