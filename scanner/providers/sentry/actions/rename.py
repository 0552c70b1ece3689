"""rename: a pattern for names and a key go in, the key's new name comes out."""

import re
from typing import Annotated, Final

import msgspec

from scanner.base.text import plural
from scanner.model.outcome import Risk
from scanner.policy.actions.interface import Action, NotPossibleError, Proposal, Situation
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType
from scanner.remediate.keys import kept_name

LONGEST: Final = 64
"""Longest name of a key: Sentry answers 400 for more (its API description, `name`)."""

_SHORT: Final = 8
_PLACE: Final = re.compile(r"\{([a-z]+)\}")
_PLACES: Final = ("organization", "project", "name", "public")


class RenameArguments(msgspec.Struct, frozen=True):
    """What the key is to be called."""

    to: Annotated[
        str,
        Slot(
            type=ValueType.STRING,
            pattern=r"([^{}]|\{(organization|project|name|public)\})+",
            description="The new name; {organization}, {project} and {name} stand for what they are"
            " now, {public} for the first 8 characters of the public key.",
        ),
    ]


def propose(arguments: RenameArguments, situation: Situation) -> Proposal:
    """Propose the name; one that Sentry would not take is not possible."""
    state = situation.state
    known = {
        "organization": situation.organization,
        "project": situation.project,
        "name": state["name"],
        "public": str(state.get("public", ""))[:_SHORT],
    }
    lacking = [name for name in _PLACE.findall(arguments.to) if not known[name]]
    if lacking:
        raise NotPossibleError("unknown-state", f"its new name has {{{lacking[0]}}}: not known")
    name = kept_name(_PLACE.sub(lambda found: str(known[found[1]]), arguments.to))
    if not 0 < len(name) <= LONGEST:
        bounds = f"its new name would have {plural(len(name), 'character')}, not 1 to {LONGEST}"
        raise NotPossibleError("bad-name", bounds)
    return Proposal({"name": name})


ACTION: Final = Action(
    name="rename",
    summary="Gives the key another name.",
    description=(
        "Gives the key another name. Applications do not see it. A key that would get the"
        " name of another one of its project is left alone."
    ),
    example='fix: {rename: "{project}-{public}"}',
    short="to",
    arguments=RenameArguments,
    resource="sentry_key",
    risk=Risk.SAFE,
    needs=("name",),
    reads=("name",),
    propose=propose,
)
