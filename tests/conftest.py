"""What holds for all tests: none is timed, and those of other engines come first."""

import gc
from collections.abc import Iterator
from functools import cache

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None, max_examples=40)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _templates_compiled_once() -> Iterator[None]:
    """Compile the templates of pages once, also where Python may not keep what is compiled.

    It takes twenty times as long as writing a small report.
    """
    from scanner.report.html import frame  # noqa: PLC0415 - not before there is a test to run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(frame, "_environment", cache(frame._environment))  # noqa: SLF001
        yield


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that start a database or a Spark at the front.

    They take longest, and what is at the front no other worker takes away from the first: so it
    alone starts them.
    """
    items.sort(key=lambda item: item.get_closest_marker("engine") is None)


def pytest_collection_finish() -> None:
    """Leave ten thousand tests out of every look for unused cycles, and look for them less often.

    The command does so, too; it takes a twentieth of the time of all tests.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000)
