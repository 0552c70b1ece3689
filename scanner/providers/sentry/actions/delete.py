"""delete: a key goes in, and none comes out."""

from typing import Final

from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, NoArguments, Proposal, Situation


def propose(arguments: NoArguments, situation: Situation) -> Proposal:
    """Propose that it is there no more."""
    del arguments, situation
    return Proposal(None)


ACTION: Final = Action(
    name="delete",
    summary="Deletes the key.",
    description=(
        "Deletes the key for good: nothing brings it back, and a new one has another DSN. It is"
        " applied only with `--allow-irreversible`."
    ),
    example="fix: {delete: true}",
    flag=True,
    arguments=NoArguments,
    resource="sentry_key",
    risk=Risk.IRREVERSIBLE,
    cuts=True,
    propose=propose,
)
