"""Checkers from npm, where they are installed: `npm install --no-save PACKAGE`."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def node_module(package: str, file: str) -> Path:
    """Return a file of an npm package; skip the test, and say why, where it is not there.

    Looked for in the folder that TEST_NODE_MODULES names and in the repository's
    node_modules.
    """
    folders = [ROOT / "node_modules"]
    if given := os.environ.get("TEST_NODE_MODULES"):
        folders.insert(0, Path(given))
    for folder in folders:
        path = folder / package / file
        if path.exists():
            return path
    pytest.skip(f"the npm package {package} is not installed")
