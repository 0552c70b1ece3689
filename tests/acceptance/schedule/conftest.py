"""One machine a test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.schedule.machine import Machine, machine


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Machine]:
    with machine(tmp_path) as made:
        yield made
