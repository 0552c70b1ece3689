"""Spark itself: the session that is there, or one that is begun, and how it fails."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final
from urllib.parse import urlsplit
from urllib.request import getproxies
from warnings import catch_warnings, simplefilter

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from scanner.base.errors import FetchError, UsageError
from scanner.catalogue.redact import redact_text
from scanner.engine.memory import allowed_memory

try:
    from py4j.protocol import Py4JError
except ModuleNotFoundError:  # where only the client of Spark Connect is installed
    Py4JError = PySparkException

FAILURES: Final = (PySparkException, Py4JError, OSError)
"""What a call of Spark raises; the last where its Java has died."""

_CAUSE: Final = "Caused by: "
_REMEDY: Final = (
    "Check the path, that Spark and Java 17 or later are there, and that they have memory enough:"
    " on this machine it is KEYPOLICY_MEMORY, such as 8GB."
)

_SERVER_PORT: Final = 15_002
"""Where a server of Spark Connect listens unless its URL says something else."""

_ANSWER: Final = 10.0
"""Seconds in which it has to take a connection."""


@contextmanager
def session_of_spark() -> Iterator[SparkSession]:
    """Give the session that is there, or one that ends with this. Raises FetchError.

    Java on this machine may take as much memory as the database, where that is set.
    """
    found = SparkSession.getActiveSession()
    if found is None:
        check_server()
    try:
        with catch_warnings():  # of what a server of Spark Connect has set for itself
            simplefilter("ignore")
            session = found or _builder().getOrCreate()
    except (*FAILURES, RuntimeError) as error:
        raise failed("spark", error) from None
    try:
        if found is None and hasattr(session, "sparkContext"):
            session.sparkContext.setLogLevel("OFF")
        yield session
    finally:
        if found is None:
            with letting_go():
                session.stop()


def check_server() -> None:
    """Check that the server of Spark Connect is there, if SPARK_REMOTE names one.

    Spark's client tries again for minutes, and says nothing meanwhile. Raises FetchError.
    """
    url = os.environ.get("SPARK_REMOTE", "")
    if not url.startswith("sc://") or getproxies() or "grpc_proxy" in os.environ:
        return
    try:
        host, port = urlsplit(url).hostname or "", urlsplit(url).port or _SERVER_PORT
    except ValueError:  # which Spark's client tells
        return
    try:
        socket.create_connection((host, port), _ANSWER).close()
    except OSError as error:
        raise FetchError(
            f"no server of Spark Connect is there: {error.strerror or error}",
            where=f"sc://{host}:{port}",
            remedy="Check SPARK_REMOTE, and that the server runs and may be reached from here.",
        ) from None


def check_new(path: str) -> None:
    """Check that findings do not go where something is: Spark would tell once all is judged.

    It would, moreover, write beside what is not of the same table. What is not on this machine is
    left to Spark. Raises UsageError.
    """
    is_far = "://" in path or os.environ.get("SPARK_REMOTE", "").startswith("sc://")
    if path and not is_far and os.path.lexists(path.removeprefix("file:")):
        raise UsageError(
            "something is there already",
            where=f"--findings {redact_text(path)}",
            remedy="Spark writes into a folder that it makes: name another, or remove this one.",
        )


def _builder() -> SparkSession.Builder:
    builder = SparkSession.builder.appName("keypolicy").config("spark.log.level", "OFF")
    if (size := allowed_memory()) is not None:
        builder = builder.config("spark.driver.memory", f"{size >> 20}m")
    return builder.config("spark.ui.showConsoleProgress", "false")


@contextmanager
def letting_go() -> Iterator[None]:
    """Let go of what Spark has: where that fails, Spark has failed before, and that is told."""
    level = logging.root.manager.disable
    logging.disable()  # py4j logs a traceback where Java has died
    try:
        with suppress(*FAILURES):
            yield
    finally:
        logging.disable(level)


def failed(label: str, error: Exception) -> FetchError:
    """Return why Spark failed: what it says first, and its last cause, without anything secret."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    # What Java says comes after what was called, and a colon; then what each came of.
    reason = next((line[2:] for line in lines if line.startswith(": ")), lines[0])
    causes = [line.removeprefix(_CAUSE) for line in lines if line.startswith(_CAUSE)]
    if causes and causes[-1] not in reason:
        reason = f"{reason.rstrip(': ')}: {causes[-1]}"
    told = redact_text(reason)[:400]
    return FetchError(f"Spark failed: {told}", where=label, remedy=_REMEDY)
