"""Where the files that travel with the product lie: policies, report templates, schemas.

A wheel carries the first two as `scanner/_data`; a checkout and an editable install have them
at the top of the repository.
"""

from pathlib import Path
from typing import Final

_PACKAGE: Final = Path(__file__).resolve().parents[1]


def policies_dir() -> Path:
    """Return the folder of the shipped policies, `NAME.yaml` each."""
    return _data("policies", checkout="policies")


def templates_dir() -> Path:
    """Return the folder of the report templates."""
    return _data("templates", checkout="reports/templates")


def scaffold_dir() -> Path:
    """Return the folder of the files that `keypolicy init` writes."""
    return _PACKAGE / "authoring" / "templates"


def schema_path(name: str) -> Path:
    """Return the file of the JSON Schema called `name`, such as "policy"; it may not exist."""
    return _PACKAGE / "schemas" / f"{name}.json"


def _data(name: str, *, checkout: str) -> Path:
    installed = _PACKAGE / "_data" / name
    return installed if installed.is_dir() else _PACKAGE.parent / checkout
