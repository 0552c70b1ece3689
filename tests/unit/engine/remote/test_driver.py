"""How Spark is begun and let go, and why it failed: what Java says, not what was called."""

import logging
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pyspark")

from pyspark.sql import SparkSession

from scanner.base.errors import FetchError, UsageError
from scanner.engine.remote import driver
from scanner.engine.remote.driver import check_new, failed, letting_go, session_of_spark
from scanner.engine.remote.interface import DataPlace
from scanner.engine.remote.spark import open_spark


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "An error occurred while calling o78.x.\n: java.lang.OutOfMemoryError: heap\n\tat x.y",
            "Spark failed: java.lang.OutOfMemoryError: heap",
        ),
        (
            "o78.x.\n: a.B: failed: \n\tat x.y\nCaused by: c.D: e\nCaused by: f.G: heap\n\t... 5",
            "Spark failed: a.B: failed: f.G: heap",
        ),
        ("\n: a.B: c\nCaused by: a.B: c", "Spark failed: a.B: c"),
        ("[PATH_NOT_FOUND] Path does not exist.\nmore", "Spark failed: [PATH_NOT_FOUND] Path"),
        ("", "Spark failed: RuntimeError"),
        ("\n: token=sntrys_0123456789abcdef", "Spark failed: token="),
    ],
)
def test_the_reason_is_told_without_secrets(said: str, told: str) -> None:
    message = failed("spark", RuntimeError(said)).message
    assert message.startswith(told)
    assert "0123456789abcdef" not in message


def test_java_may_take_what_the_database_may(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, str] = {}

    class Builder(SparkSession.Builder):
        def config(self, key: str, value: str) -> "Builder":  # type: ignore[override]
            asked[key] = value
            return self

        def getOrCreate(self) -> SparkSession:  # noqa: N802 - its name in Spark
            raise RuntimeError

    monkeypatch.setattr(SparkSession, "getActiveSession", lambda: None)
    monkeypatch.setattr(SparkSession, "builder", Builder())
    monkeypatch.setattr(driver, "allowed_memory", lambda: 3 << 30)
    with pytest.raises(FetchError, match="RuntimeError"), session_of_spark():
        pass
    assert asked["spark.driver.memory"] == "3072m"


def test_letting_go_of_a_spark_that_is_gone_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    gone = ConnectionRefusedError(111, "Connection refused")
    with letting_go():
        logging.getLogger("py4j").error("Exception while sending command.", exc_info=gone)
        raise gone
    assert not any(capfd.readouterr())  # type: ignore[unreachable]
    assert not logging.root.manager.disable


def test_a_java_that_has_died_is_a_failure_of_the_source() -> None:
    assert issubclass(ConnectionRefusedError, driver.FAILURES)
    assert failed("x.parquet", ConnectionRefusedError(111, "Connection refused")).exit_code == 3


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("localhost", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("more", ["", "/", "/;token=sntrys_0123456789abcdef;use_ssl=true"])
def test_a_server_that_is_not_there_is_told_at_once(
    monkeypatch: pytest.MonkeyPatch, listening: int, more: str
) -> None:
    with socket.socket() as taken:  # bound, but nobody listens
        taken.bind(("localhost", 0))
        port = taken.getsockname()[1]
        monkeypatch.setenv("SPARK_REMOTE", f"sc://localhost:{port}{more}")
        with pytest.raises(FetchError, match="no server of Spark Connect") as told:
            driver.check_server()
    assert told.value.where == f"sc://localhost:{port}"
    monkeypatch.setenv("SPARK_REMOTE", f"sc://localhost:{listening}{more}")
    driver.check_server()


@pytest.mark.usefixtures("no_proxy")
@pytest.mark.parametrize("url", ["", "local[2]", "sc://localhost:many", "foo://localhost:1"])
def test_other_addresses_are_left_to_spark(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("SPARK_REMOTE", url)
    driver.check_server()


@pytest.mark.usefixtures("no_proxy")
def test_a_server_behind_a_proxy_is_left_to_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SPARK_REMOTE", "sc://localhost:1")
    monkeypatch.setenv("grpc_proxy", "http://localhost:3128")
    driver.check_server()


def test_findings_do_not_go_where_something_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SPARK_REMOTE", raising=False)
    (tmp_path / "file").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for there in (tmp_path, tmp_path / "file", tmp_path / "link", f"file:{tmp_path}"):
        place = DataPlace("spark", "nowhere", findings=str(there))
        with pytest.raises(UsageError, match="something is there already"), open_spark(place):
            pass
    for new in ("", str(tmp_path / "new"), "s3a://bucket/findings"):
        check_new(new)
    monkeypatch.setenv("SPARK_REMOTE", "sc://elsewhere")
    check_new(str(tmp_path))
