from collections.abc import Iterator

import pytest

from scanner.engine.database import Connection, connect


@pytest.fixture(scope="module")
def connection() -> Iterator[Connection]:
    """A database with one project, which records of keys are joined to."""
    with connect() as opened:
        opened.execute(
            "INSERT INTO sentry_project BY NAME SELECT '7' AS id, 'shop' AS slug, 'acme' AS"
            " organization_slug, 'python' AS platform"
        )
        yield opened
