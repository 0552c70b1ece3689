"""The built-in checks: a name in, its arguments, macro and documentation out.

To add one: write its module, here or in the room of the provider that alone has use for it (then
named in the provider's `checks`), and name it in the tables that it is for.
"""

from typing import Any, Final, cast

from scanner.catalogue import PROVIDERS, TABLES
from scanner.model.provider import imported
from scanner.policy.checks.interface import Check

CHECKS: Final = tuple(dict.fromkeys(name for table in TABLES.values() for name in table.checks))
"""Names of the checks, in the order of documentation: as tables name them."""

_OWN: Final = {name: place for provider in PROVIDERS for name, place in provider.checks.items()}


def get_checks() -> list[Check[Any]]:
    """Return all checks in that order."""
    return [get_check(name) for name in CHECKS]


def get_check(name: str) -> Check[Any]:
    """Return a check by its name in CHECKS; only the ones in use are imported."""
    if name not in CHECKS:
        raise KeyError(name)
    return cast("Check[Any]", imported(_OWN.get(name, f"{__name__}.{name}:CHECK")))
