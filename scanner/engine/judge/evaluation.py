"""What rules came to, in whatever database: all that triage, reports and the gate ask for."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

import msgspec

from scanner.engine.database import Connection
from scanner.engine.intake.load import Loaded
from scanner.engine.judge.clear import ClearPlaces
from scanner.engine.judge.evaluate import Evaluated, evaluate
from scanner.engine.judge.places import Unseen
from scanner.engine.judge.prepare import Prepared
from scanner.model.finding import Place
from scanner.model.history import GroupTally
from scanner.model.run import Clear

Existing = Callable[[str, frozenset[str]], list[tuple[str, Place]]]
"""See triage.interface.Facts."""


class Evaluation(msgspec.Struct, frozen=True):
    """Outcomes of a scan's `rules`, and of the predicates of its waivers.

    The database holds all rows, or those with a finding alone: then `existing` looks up others, and
    `counted` has the outcomes by organization.
    """

    connection: Connection
    loaded: Loaded
    unseen: Unseen
    rules: tuple[Evaluated, ...]
    predicates: tuple[Evaluated, ...]
    clear: Iterable[Clear]
    existing: Existing | None = None
    counted: Mapping[str, GroupTally] | None = None


def evaluated_here(  # noqa: PLR0913, PLR0917 - what outcomes depend on
    connection: Connection,
    loaded: Loaded,
    unseen: Unseen,
    prepared: Sequence[Prepared],
    rules: int,
    as_of: datetime,
) -> Evaluation:
    """Evaluate the prepared rules over the tables here; the first `rules` are the scan's own."""
    found = evaluate(connection, prepared, as_of, unseen)
    own, predicates = found[:rules], found[rules:]
    clear = ClearPlaces(connection, own)
    return Evaluation(connection, loaded, unseen, own, predicates, clear)
