"""What a plan leads to: keys and its actions go in, keys as they are to be come out."""

from collections.abc import Iterable

from scanner.remediate.document import KeyTarget, PlannedAction, State
from scanner.remediate.export.parts import called


def desired(
    keys: Iterable[tuple[KeyTarget, State]], actions: Iterable[PlannedAction]
) -> tuple[list[tuple[KeyTarget, State]], list[str]]:
    """Return the keys with the changes made, and of each that is to be deleted a sentence.

    Keys that are to be made come without an id. Names of resources stay: a key that is to be
    renamed is the same resource with another name.
    """
    found = {target.id: (target, dict(state)) for target, state in keys}
    made, gone = [], []
    for action in actions:
        target, after = action.target, action.after
        if after is None:
            if found.pop(target.id, None):
                gone.append(f"{called(target)} is not in it: the plan deletes it.")
        elif not target.id:
            made.append((target, {**after, "isActive": True}))
        elif target.id in found:
            found[target.id][1].update(after)
    return [*found.values(), *made], gone
