"""One database for all policies: opening one takes as long as half of what lint does with it."""

from collections.abc import Iterator
from contextlib import closing, nullcontext

import pytest

from scanner.engine.database import Connection, connect


@pytest.fixture(scope="session")
def tables() -> Iterator[Connection]:
    with closing(connect()) as connection:
        yield connection


@pytest.fixture(autouse=True)
def _one_database(tables: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "scanner.authoring.lint.policies.connect", lambda: nullcontext(tables.cursor())
    )
