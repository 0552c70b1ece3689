"""What a plan leads to: keys and its actions go in, keys as they are to be come out."""

from collections.abc import Iterable

import msgspec

from scanner.remediate.document import KeyTarget, PlannedAction, State
from scanner.remediate.export import Exporter
from scanner.remediate.export.parts import called


class Desired(msgspec.Struct, frozen=True):
    """The keys with the changes made that a tool can make.

    `gone` are those that the plan deletes, `inexpressible` a sentence for each change that is not
    made.
    """

    keys: list[tuple[KeyTarget, State]]
    gone: list[KeyTarget]
    inexpressible: list[str]


def desired(
    keys: Iterable[tuple[KeyTarget, State]], actions: Iterable[PlannedAction], tool: Exporter
) -> Desired:
    """Return the keys as a tool would leave them that is given the plan's changes as code.

    Keys that are to be made come without an id. Names of resources stay: a key that is to be
    renamed is the same resource with another name. An action is made whole or not at all: a key
    that the tool cannot disable is not called disabled either.
    """
    found = {target.id: (target, dict(state)) for target, state in keys}
    made, gone, lost = [], [], []
    for action in actions:
        target, after = action.target, action.after
        if after is None:
            if found.pop(target.id, None):
                gone.append(target)
            continue
        if target.id and target.id not in found:
            continue
        _, before = found[target.id] if target.id else (target, {})
        cannot = tool.cannot(before, after)
        if cannot:
            lost.append(
                f"{called(target)}: {action.action} is not in it, or not whole:"
                f" {tool.title} cannot set {', '.join(cannot)}."
            )
        if not target.id:
            made.append((target, {**after, "isActive": True}))
        elif not cannot:
            before.update(after)
    return Desired([*found.values(), *made], gone, lost)
