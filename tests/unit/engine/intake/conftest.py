"""A database for a whole module: to make one takes longer than most of what is asked of it."""

from collections.abc import Iterator

import pytest

from scanner.engine.database import Connection, connect


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    with connect() as opened:
        yield opened
