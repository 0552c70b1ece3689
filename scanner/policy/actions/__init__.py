"""The actions of remedies: a name in, its arguments, proposal and documentation out.

To add one: write its module in the room of the provider whose keys it changes, and name it in the
provider's `actions`.
"""

from typing import Any, Final, cast

from scanner.catalogue import PROVIDERS
from scanner.model.provider import imported
from scanner.policy.actions.interface import Action, StateReader

ACTIONS: Final = {name: place for provider in PROVIDERS for name, place in provider.actions.items()}
"""Where each action is, by its name, in the order of documentation."""


def get_actions() -> list[Action[Any]]:
    """Return all actions in that order."""
    return [get_action(name) for name in ACTIONS]


def get_action(name: str) -> Action[Any]:
    """Return an action by its name in ACTIONS; only the ones in use are imported."""
    return cast("Action[Any]", imported(ACTIONS[name]))


def state_reader(table: str) -> StateReader | None:
    """Return how the state of the keys in a table is told; None where they cannot be changed."""
    for provider in PROVIDERS:
        if provider.keys == table and provider.state:
            return cast("StateReader", imported(provider.state))
    return None
