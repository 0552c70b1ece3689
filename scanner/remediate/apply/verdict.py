"""A request and a key before and after it go in; what became of the request comes out."""

from scanner.http.failure import ApiError
from scanner.remediate.apply.audit import ActionFate
from scanner.remediate.apply.compare import lacking, spread, told
from scanner.remediate.document import State


def verdict(
    wanted: State | None,
    broken: ApiError | None,
    changes: State | None,
    before: State | None,
    after: State | None,
) -> tuple[ActionFate, str]:
    """Return what became of a request that was answered, refused or broke off, and why.

    The key as it is now decides: an answer of whatever kind may be that of a proxy. `wanted` is
    what the action is to come to and `changes` what the request sets of it, None for a deletion.
    """
    lost = f"{broken.message}; looked up: " if broken else ""
    missing = lacking(wanted or {}, after) if after is not None else []
    if broken is not None:
        is_refused = not broken.unsure
        is_there = after is not None and changes is None
        if after == before or is_there or (is_refused and missing):
            fate = ActionFate.REFUSED if is_refused else ActionFate.NOT_DONE
            return fate, f"{lost}it was not done"
    if changes is None or after is None:
        return _gone(changes, after, lost)
    if missing:
        reason = (
            f"{lost}the server did not do all of it, and said nothing: {told(missing, after)}"
            " (so do organizations without the feature for it)"
        )
        return ActionFate.IGNORED, reason
    if before is not None and (others := spread(before, after, changes)):
        return ActionFate.SPREAD, f"{lost}done, and besides: {told(others, after)}"
    return ActionFate.APPLIED, f"{lost}it was done" if lost else ""


def _gone(changes: State | None, after: State | None, lost: str) -> tuple[ActionFate, str]:
    """Say what came of a deletion, or of a change of a key that is gone by now."""
    if after is not None:
        return ActionFate.IGNORED, "the server says that the key is deleted, and still has it"
    if changes is not None:
        return ActionFate.VANISHED, f"{lost}the key is gone since"
    return ActionFate.APPLIED, f"{lost}it was done" if lost else ""
