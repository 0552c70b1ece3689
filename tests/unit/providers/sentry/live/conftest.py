"""A small world, and the file that a fetch of it writes."""

from pathlib import Path

import pytest

from tests.simulator import World, make_world


@pytest.fixture
def world() -> World:
    return make_world(projects=12, keys=36)


@pytest.fixture
def output(tmp_path: Path) -> Path:
    return tmp_path / "inventory.jsonl"
