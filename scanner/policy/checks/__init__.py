"""The built-in checks. To add one: write its module, and name it here."""

from importlib import import_module
from typing import Any, Final

from scanner.policy.checks.interface import Check

CHECKS: Final = (
    "max_age",
    "no_inactive",
    "rate_limit",
    "name_matches",
    "max_active_per_project",
    "unique_name",
    "sdk_version",
    "loader_options",
    "unused_for",
    "scopes",
)
"""Names of the checks, in the order of documentation; each is a module with a CHECK."""


def get_check(name: str) -> Check[Any]:
    """Return a check by its name in CHECKS; only the ones in use are imported."""
    if name not in CHECKS:
        raise KeyError(name)
    check: Check[Any] = import_module(f"{__name__}.{name}").CHECK
    return check
