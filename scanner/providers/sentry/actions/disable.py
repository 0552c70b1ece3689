"""disable: a key goes in, the same key that accepts nothing comes out."""

from typing import Final

from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, NoArguments, Proposal, Situation


def propose(arguments: NoArguments, situation: Situation) -> Proposal:
    """Propose that it accepts no more events."""
    del arguments, situation
    return Proposal({"isActive": False})


ACTION: Final = Action(
    name="disable",
    summary="Disables the key.",
    description=(
        "Disables the key: Sentry drops whatever is sent with it, and keeps the key. Enabling it"
        " again undoes that, but events that came meanwhile are lost."
    ),
    example="fix: {disable: true}",
    flag=True,
    arguments=NoArguments,
    resource="sentry_key",
    risk=Risk.DISRUPTIVE,
    needs=("isActive",),
    cuts=True,
    propose=propose,
)
