"""What an action is: a key's state and arguments go in, what the key is to be comes out."""

from collections.abc import Callable, Mapping
from typing import Any, Generic

import msgspec

from scanner.model.outcome import Risk
from scanner.policy.language.signature import A, Signature


class KeyUsage(msgspec.Struct, frozen=True):
    """Events that a key accepted: by hour, oldest first, up to now."""

    hours: tuple[int, ...]

    @property
    def accepted(self) -> int:
        """All of them."""
        return sum(self.hours)

    @property
    def days(self) -> int:
        """The days that were looked at; hours that are only begun make no day more."""
        return max(round(len(self.hours) / 24), 1)

    def busiest(self, window: int) -> int:
        """Return the most events that came within so many seconds.

        Within an hour they are taken to be spread evenly: more is not known of it.
        """
        if window < _HOUR:
            return -(-max(self.hours, default=0) * window // _HOUR)
        # A window that begins within an hour meets one hour more than fit into it.
        span = -(-window // _HOUR) + (window > _HOUR)
        return max(
            (sum(self.hours[at : at + span]) for at in range(max(len(self.hours), 1))), default=0
        )


_HOUR = 3_600


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it was seen: where it is, its state, and its usage if that was asked for.

    `why_not` is why there is no usage. Fields of the state that the source did not tell are absent.
    `headroom` is the factor by which a limit is to be higher than what is in use.
    """

    organization: str
    project: str
    state: Mapping[str, Any]
    usage: KeyUsage | None = None
    why_not: str = ""
    headroom: float = 2.0


class StateReader(msgspec.Struct, frozen=True):
    """How the state of a provider's keys is told: by which columns, and the way there and back.

    `blank` is the state of a key that has nothing set; its texts are empty. `row` gives the columns
    that fields of a state, those of a proposal too, come to. `traffic` is the column with the
    events that were accepted in 30 days.
    """

    columns: tuple[str, ...]
    blank: Mapping[str, Any]
    state: Callable[[Mapping[str, Any]], dict[str, Any]]
    row: Callable[[Mapping[str, Any]], dict[str, Any]]
    traffic: str


class Proposal(msgspec.Struct, frozen=True):
    """What a key is to be: fields with the values to have, or None where it is to be deleted.

    `notes` are for whoever reviews it. `is_checked`: what is in use was looked at, and it stays.
    """

    after: dict[str, Any] | None
    notes: tuple[str, ...] = ()
    is_checked: bool = False


class NotPossibleError(ValueError):
    """An action that does not fit a key: a `code` for machines, and the reason."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class NoArguments(msgspec.Struct, frozen=True):
    """Nothing to say."""


class Action(Signature[A], Generic[A], frozen=True, kw_only=True):
    """Something that can be done to a key.

    It may mend findings about rows of the table `resource`. `propose` depends on its arguments
    alone, and raises NotPossibleError. `needs` are the fields of the key's state that have to be
    known for it, and `reads` further columns of keys that a plan of it is made of. `cuts`: events
    that are accepted now may be rejected. `creates` is the table of which it makes a row, empty
    where it changes one. `merges` are fields that are objects, of which a proposal has only the
    members that change.
    """

    resource: str
    risk: Risk
    needs: tuple[str, ...] = ()
    cuts: bool = False
    creates: str = ""
    merges: tuple[str, ...] = ()
    reads: tuple[str, ...] = ()
    propose: Callable[[A, Situation], Proposal]
