"""enable: a disabled key goes in, the same key that accepts events comes out."""

from typing import Final

from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, NoArguments, Proposal, Situation


def propose(arguments: NoArguments, situation: Situation) -> Proposal:
    """Propose that it accepts events."""
    del arguments, situation
    return Proposal({"isActive": True})


ACTION: Final = Action(
    name="enable",
    summary="Enables the key.",
    description=("Enables a disabled key, and with it every copy of its DSN."),
    example="fix: {enable: true}",
    flag=True,
    arguments=NoArguments,
    resource="sentry_key",
    risk=Risk.SAFE,
    needs=("isActive",),
    propose=propose,
)
