import subprocess
import sys

import pytest

from scanner.inventory.source import SOURCES, load_source


@pytest.mark.parametrize("name", SOURCES)
def test_each_source_is_where_the_registry_says(name: str) -> None:
    assert callable(load_source(name).collect)  # type: ignore[attr-defined]


def test_only_what_is_used_is_imported() -> None:
    code = (
        "import sys; from scanner.inventory.source import load_source; load_source('file');"
        " print('httpx' in sys.modules, 'scanner.providers.sentry.demo' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
