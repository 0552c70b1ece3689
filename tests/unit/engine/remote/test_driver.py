"""How Spark is begun and let go, and why it failed: what Java says, not what was called."""

import logging

import pytest

pytest.importorskip("pyspark")

from pyspark.sql import SparkSession

from scanner.base.errors import FetchError
from scanner.engine.remote import driver
from scanner.engine.remote.driver import failed, letting_go, session_of_spark


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
