"""rotate: a key goes in, and its successor comes out, step by step."""

from typing import Final

from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, NotPossibleError, Proposal, Situation
from scanner.remediate.keys import USAGE
from scanner.remediate.rotation.names import Rotate


def propose(arguments: Rotate, situation: Situation) -> Proposal:
    """Refuse: a step depends on all keys of the project (remediate.rotation)."""
    del arguments, situation
    raise NotPossibleError("rotation", "a step is planned with all keys of its project in view")


ACTION: Final = Action(
    name="rotate",
    summary="Replaces the key, in steps that cut off nothing.",
    description=(
        "Makes a successor of the key (or takes the one that is there); on a later run, once the"
        " grace is over and the key has received nothing for the quiet days, disables it; after the"
        " second grace deletes it. Each step is a plan of its own. Without usage statistics nothing"
        " is disabled; they count errors alone, so that zero does not prove a key unused."
    ),
    example="fix: {rotate: {grace: 30d, quiet: 14d, second_grace: 90d}}",
    flag=True,
    arguments=Rotate,
    resource="sentry_key",
    risk=Risk.DISRUPTIVE,
    needs=("name", "isActive", "rateLimit"),
    reads=(*USAGE, "dsn"),
    propose=propose,
)
