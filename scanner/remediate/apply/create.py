"""A key to make and those of its project go in; the one that it is already comes out, if any."""

from scanner.remediate.apply.audit import OPEN, AuditEntry
from scanner.remediate.apply.compare import fits, lacking
from scanner.remediate.document import State
from scanner.remediate.remote import FoundKey


def chosen(
    wanted: State, there: list[FoundKey], past: list[AuditEntry]
) -> tuple[FoundKey | None, bool, str]:
    """Return the key that is there for the action, whether it was made by it, and what is amiss.

    A key is known by its name, as people know it: of one name there is to be one. `past` are the
    entries of the action so far.
    """
    same = [one for one in there if one.state.get("name") == wanted.get("name")]
    if not same:
        return None, False, ""
    name = wanted.get("name")
    if len(same) > 1:
        return None, False, f"the project has {len(same)} keys of the name {name}"
    (one,) = same
    is_open = bool(past) and past[-1].result in OPEN
    made = {entry.target.id for entry in past if entry.target.id}
    if is_open or one.state.get("id") in made:
        return one, True, ""
    if fits(wanted, one.state):
        return one, False, ""
    fields = ", ".join(lacking(wanted, one.state))
    return None, False, f"the project has a key of the name {name}, and it differs in: {fields}"
