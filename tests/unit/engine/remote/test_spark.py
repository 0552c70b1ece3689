"""Why Spark failed is told by what Java says, not by what was called."""

import pytest

pytest.importorskip("pyspark")

from scanner.engine.remote.spark import _failed


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "An error occurred while calling o78.x.\n: java.lang.OutOfMemoryError: heap\n\tat x.y",
            "Spark failed: java.lang.OutOfMemoryError: heap",
        ),
        ("[PATH_NOT_FOUND] Path does not exist.\nmore", "Spark failed: [PATH_NOT_FOUND] Path"),
        ("", "Spark failed: RuntimeError"),
        ("\n: token=sntrys_0123456789abcdef", "Spark failed: token="),
    ],
)
def test_the_reason_is_told_without_secrets(said: str, told: str) -> None:
    message = _failed("spark", RuntimeError(said)).message
    assert message.startswith(told)
    assert "0123456789abcdef" not in message
