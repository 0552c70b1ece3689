"""Rotation of keys: what is known of a project's keys goes in, the next step of one comes out.

A rotation is made of steps, each of which a plan of its own proposes: make a successor, disable the
old key, delete it. How far one has come is read off the server alone: the successor's name holds
the old key's short id, its creation date is when the grace began, and the old key's name tells when
it was disabled. So nobody has to keep a file, and two people may plan.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from scanner.base.text import clock, plural
from scanner.model.moment import read_moment
from scanner.remediate.document import State
from scanner.remediate.keys import HIDDEN, KnownKey, is_whole
from scanner.remediate.rotation.names import SHORT, Rotate, disabled_name, disabled_on

COPIED: Final = ("rateLimit", "browserSdkVersion", "dynamicSdkLoaderOptions", "useCase")
"""What a successor has from the old key, besides the name."""

ERRORS_ONLY: Final = (
    "The statistics count errors alone: that there are none does not prove the key unused by"
    " transactions, replays, sessions or check-ins."
)
_STALE: Final = timedelta(days=1)


class RotationStep(msgspec.Struct, frozen=True):
    """The next step: create, disable or delete. `after` is None for the last, as in a plan."""

    step: str
    after: State | None
    reason: str
    notes: tuple[str, ...] = ()


class Waiting(msgspec.Struct, frozen=True):
    """Why there is no step now; `code` is a word for machines."""

    code: str
    reason: str


def next_step(
    old: KnownKey, project: Sequence[KnownKey], how: Rotate, as_of: datetime
) -> RotationStep | Waiting:
    """Return what comes next for a key, given all keys of its project.

    Nothing is proposed that would cut off a key which receives events, or of which that is not
    known, and nothing that would make a second successor.
    """
    unknown = [one for one in ("name", "isActive", "rateLimit") if one not in old.state]
    if unknown or not old.name:
        told = ", ".join(unknown) or "a name"
        return Waiting("unknown-state", f"the source did not tell its {told}")
    short = old.target.id[:SHORT]
    if any(k.target.id[:SHORT] == short and k.target.id != old.target.id for k in project):
        return Waiting(
            "ambiguous", f"another key of the project has an id that begins with {short}"
        )
    found = successors(old, project, how)
    if len(found) > 1:
        names = ", ".join(sorted(one.name for one in found))
        return Waiting(
            "ambiguous", f"has {plural(len(found), 'successor')} ({names}); delete all but one"
        )
    following = _after(old, found[0], how, as_of) if found else _create(old, how)
    if isinstance(following, RotationStep) and not is_whole(following.after or {}):
        return Waiting("unknown-state", f"its name {HIDDEN}")
    return following


def successors(old: KnownKey, project: Sequence[KnownKey], how: Rotate) -> list[KnownKey]:
    """Return the keys of the project whose names say that they follow this one."""
    short = old.target.id[:SHORT]
    # Most names hold no such thing, and a project may have thousands of keys.
    likely = [k for k in project if short in k.name and k.target.id != old.target.id]
    follows = how.follows(old.target.id) if likely else None
    return [key for key in likely if follows and follows.fullmatch(key.name)]


def _after(old: KnownKey, new: KnownKey, how: Rotate, as_of: datetime) -> RotationStep | Waiting:
    if new.state.get("isActive") is not True:
        return Waiting("rotation", f"its successor {new.name} is not known to be active")
    return _disable(old, new, how, as_of) if old.state["isActive"] else _delete(old, how, as_of)


def _create(old: KnownKey, how: Rotate) -> RotationStep | Waiting:
    if not old.state["isActive"]:
        return Waiting("already-so", "is inactive and has no successor: there is nothing to rotate")
    after: State = {field: old.state[field] for field in COPIED if field in old.state}
    missing = [field for field in COPIED if field not in old.state]
    notes = ["The key stays as it is. Roll the successor's DSN out, and plan again."]
    if missing:
        notes.append(f"The source did not tell {', '.join(missing)}: the server's defaults stand.")
    return RotationStep(
        "create",
        {"name": how.successor_of(old.name, old.target.id), **after},
        f"a successor of {old.name}, side by side with it for {_days(how.grace)}",
        tuple(notes),
    )


def _disable(old: KnownKey, new: KnownKey, how: Rotate, as_of: datetime) -> RotationStep | Waiting:
    told = new.state.get("dateCreated")
    if not isinstance(told, str):
        return Waiting("unknown-state", f"when its successor {new.name} was made is not told")
    created = read_moment(told)
    rollout = f" Its DSN: {new.dsn}" if new.dsn else ""
    if as_of < created + how.grace:
        return Waiting(
            "rotation",
            f"its successor {new.name} is there since {clock(created)}; it is not disabled before"
            f" {clock(created + how.grace)}.{rollout}",
        )
    if why := _busy(old, how, as_of):
        return Waiting("rotation", f"its successor {new.name} is there, but {why}.{rollout}")
    notes = [ERRORS_ONLY]
    if new.usage is None or not new.usage.events:
        notes.append(f"The successor {new.name} is not seen to receive errors either.")
    return RotationStep(
        "disable",
        {"isActive": False, "name": disabled_name(old.name, as_of)},
        f"its successor {new.name} is there for {_days(how.grace)} or longer, and the key received"
        f" no errors for {_days(how.quiet)}; its new name tells when it was disabled",
        tuple(notes),
    )


def _delete(old: KnownKey, how: Rotate, as_of: datetime) -> RotationStep | Waiting:
    since = disabled_on(old.name)
    if since is None:
        return Waiting(
            "rotation",
            "is inactive, but its name does not tell since when, as in `(disabled 2026-01-31)`",
        )
    # The day is known, not the hour: the grace begins when that day is over.
    due = datetime(since.year, since.month, since.day, tzinfo=UTC) + timedelta(days=1)
    due += how.second_grace
    if as_of < due:
        return Waiting("rotation", f"is disabled since {since}; not deleted before {clock(due)}")
    if why := _busy(old, how, as_of):
        return Waiting("rotation", f"is disabled since {since}, but {why}")
    return RotationStep(
        "delete",
        None,
        f"is disabled for {_days(how.second_grace)} or longer, and received no errors for"
        f" {_days(how.quiet)}",
        (ERRORS_ONLY,),
    )


def _busy(old: KnownKey, how: Rotate, as_of: datetime) -> str | None:
    """Return why the old key cannot be said to have been quiet, or None where it was."""
    usage = old.usage
    if usage is None:
        return "without usage statistics nobody can say whether the old key still receives events"
    why = None
    if as_of - usage.until > _STALE:
        why = f"the usage statistics end at {clock(usage.until)}: fetch them again"
    elif how.quiet > timedelta(days=usage.days):
        covered = plural(usage.days, "day")
        why = f"the usage statistics cover {covered} of the {_days(how.quiet)} asked for"
    elif usage.events and usage.last is None:
        why = f"the old key received {plural(usage.events, 'error')} in {plural(usage.days, 'day')}"
    elif usage.last and usage.last > usage.until - how.quiet:
        why = f"the old key received errors until {clock(min(usage.last, usage.until))}"
    return why


def _days(time: timedelta) -> str:
    days, rest = divmod(time, timedelta(days=1))
    return f"{days + rest / timedelta(days=1):g} d" if rest else plural(days, "day")
