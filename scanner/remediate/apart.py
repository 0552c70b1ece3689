"""Actions go in; those by which a project would have two keys of one name are taken out."""

from collections.abc import Iterable, Sequence

import msgspec

from scanner.remediate.document import KeyTarget, Left, PlannedAction
from scanner.remediate.keys import kept_name
from scanner.remediate.proposals import Knowledge

_Place = tuple[str, str, str]
"""Organization, project and name, as the server keeps it."""

_UNSEEN = "whether another key of the project is called so is not known: not all keys were told"


def apart(
    actions: Sequence[PlannedAction], known: Knowledge, left: list[Left]
) -> list[PlannedAction]:
    """Return the actions without those that give a key the name of another one of its project.

    The other key may have it now, also where it is to get another one: which comes first is not
    said. Keys that are rotated out keep the names that they had in common.
    """
    naming = {one.id: place for one in actions if (place := _to_be(one))}
    wanted: dict[_Place, int] = {}
    for place in naming.values():
        wanted[place] = wanted.get(place, 0) + 1
    tables = {one.target.type for one in actions if one.id in naming}
    present = _present(known, tables) if known.keys else None
    kept = []
    for one in actions:
        place = naming.get(one.id)
        if place is None:
            kept.append(one)
        elif wanted[place] > 1:
            reason = f"another key of the project would be called {place[2]} too"
            left += left_of(one, "conflict", reason)
        elif present is None:
            kept.append(msgspec.structs.replace(one, notes=(*one.notes, _UNSEEN)))
        elif present.get(place, frozenset()) - {one.target.id}:
            reason = f"another key of the project is called {place[2]}"
            left += left_of(one, "conflict" if one.target.id else "already-so", reason)
        else:
            kept.append(one)
    return kept


def _to_be(one: PlannedAction) -> _Place | None:
    """Return the place of the name that an action gives, None for one that gives none."""
    if one.rotation is not None or not one.after or "name" not in one.after:
        return None
    return (*_project(one.target), kept_name(one.after["name"]))


def _present(known: Knowledge, tables: Iterable[str]) -> dict[_Place, set[str]]:
    """Return the ids of the keys that have each name now."""
    assert known.keys is not None  # noqa: S101 - asked by the caller
    found: dict[_Place, set[str]] = {}
    for table in sorted(tables):
        for key in known.keys(table):
            found.setdefault((*_project(key.target), key.name), set()).add(key.target.id)
    return found


def _project(target: KeyTarget) -> tuple[str, str]:
    return target.organization, target.project


def left_of(one: PlannedAction, code: str, reason: str) -> list[Left]:
    """Return the findings that ask for an action as those about which nothing is done."""
    return [Left.of(cause, one.target, code, reason) for cause in one.findings]
