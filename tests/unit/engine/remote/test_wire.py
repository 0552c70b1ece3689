"""What answers at an address may be anything: it is a failure of the source, and is told."""

import random
import socket
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("pg8000")

from scanner.base.errors import FetchError
from scanner.engine.remote import wire as wires
from scanner.engine.remote.address import ServerAddress, read_address
from scanner.engine.remote.wire import connected, disconnect, run_on


def message(kind: bytes, content: bytes = b"") -> bytes:
    return kind + struct.pack("!i", len(content) + 4) + content


def asks(way: int, more: bytes = b"") -> bytes:
    return message(b"R", struct.pack("!i", way) + more)


def refuses(code: str, said: str = "no") -> bytes:
    return message(b"E", f"SFATAL\0C{code}\0M{said}\0\0".encode())


SCRAM = asks(10, b"SCRAM-SHA-256\0\0")
READY = asks(0) + message(b"Z", b"I")
NOISE = [random.Random(seed).randbytes(64) for seed in range(40)]  # noqa: S311 - reproducible


@contextmanager
def answering(
    *answers: bytes, at: ServerAddress | None = None, silent: bool = False
) -> Iterator[ServerAddress]:
    """Give the address of a server that gives one answer to each thing that it is sent.

    Then it ends the connection, unless it is `silent`.
    """

    def serve() -> None:
        with listening.accept()[0] as to:
            for answer in answers:
                to.recv(4096)
                to.sendall(answer)
            if not silent:
                to.shutdown(socket.SHUT_WR)
            while to.recv(4096):
                pass  # nothing is left unread: closing would lose the answer

    with socket.socket(socket.AF_UNIX if at else socket.AF_INET) as listening:
        listening.bind(f"{at.socket}/.s.PGSQL.{at.port}" if at else ("127.0.0.1", 0))
        listening.listen()
        threading.Thread(target=serve, daemon=True).start()
        yield at or ServerAddress(
            "me", "127.0.0.1", listening.getsockname()[1], "keys", "", "disable"
        )


def ask(address: ServerAddress, secret: str) -> None:
    wire = connected(address, secret)
    try:
        run_on(wire, "SELECT 1", address.label)
    finally:
        disconnect(wire)


def failure(answers: Sequence[bytes], secret: str = "") -> FetchError:
    with answering(*answers) as address, pytest.raises(FetchError) as raised:
        ask(address, secret)
    assert raised.value.exit_code == 3
    return raised.value


@pytest.mark.parametrize("secret", ["", "hunter2"])
@pytest.mark.parametrize("way", [[asks(3)], [asks(5, b"salt")], [SCRAM]])
def test_a_password_that_is_not_taken_is_told_in_the_servers_words(
    way: list[bytes], secret: str
) -> None:
    told = failure([*way, refuses("28P01", "wrong: hunter2" if secret else "wrong")], secret)
    assert "the database failed: wrong" in told.message
    assert "hunter2" not in told.message
    assert ("There is no password" in told.remedy) is (secret == "")
    assert "PGPASSWORD" in told.remedy


@pytest.mark.parametrize(
    ("answers", "said", "remedy"),
    [
        ([refuses("28000", "who?")], "who?", "pg_hba.conf"),
        ([refuses("28000", "")], "it does not say why", "pg_hba.conf"),
        ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "network error", "reachable"),
        ([message(b"?", b"abc")], "cannot be read", "may be no PostgreSQL"),
        ([message(b"R")], "cannot be read", "may be no PostgreSQL"),
        ([asks(10, b"FOO\0\0")], "cannot be read", "may be no PostgreSQL"),
        ([SCRAM, asks(11, b"r=zz,s=!!,i=x")], "cannot be read", "may be no PostgreSQL"),
        ([READY, message(b"T", b"\0\5")], "cannot be read", "may be no PostgreSQL"),
    ],
)
def test_what_is_no_answer_is_told(answers: list[bytes], said: str, remedy: str) -> None:
    told = failure(answers)
    assert said in told.message
    assert remedy in told.remedy


def test_noise_of_any_kind_is_a_failure_of_the_source() -> None:
    for noise in NOISE:
        for answers in ([noise], [READY, noise], [message(noise[:1], noise[1:])]):
            failure(answers)


def test_a_socket_that_is_not_there_is_told_by_its_folder(tmp_path: Path) -> None:
    address = read_address(f"postgresql://me@/keys?host={tmp_path}")
    with pytest.raises(FetchError, match="No such file or directory") as raised:
        connected(address, "")
    assert str(tmp_path) in str(raised.value.where)


@pytest.mark.parametrize("answers", [[], [SCRAM]])
def test_who_takes_the_connection_and_says_nothing_is_not_waited_for(
    answers: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wires, "CONNECT_SECONDS", 0.2)
    with answering(*answers, silent=True) as address, pytest.raises(FetchError) as raised:
        connected(address, "")
    assert "it does not answer" in raised.value.message


def test_a_socket_is_greeted_as_a_host_is(tmp_path: Path) -> None:
    address = ServerAddress("me", "", 5432, "keys", str(tmp_path))
    with (
        answering(refuses("28P01", "wrong"), at=address) as served,
        pytest.raises(FetchError) as raised,
    ):
        connected(served, "")
    assert "the database failed: wrong" in raised.value.message
