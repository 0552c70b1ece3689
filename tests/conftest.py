"""What holds for all tests: none is timed, and those of other engines come first."""

import gc

import pytest
from hypothesis import settings

settings.register_profile("untimed", deadline=None, max_examples=40)
settings.load_profile("untimed")


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
