"""From an evaluated inventory to what the same rules will say of it on each day to come."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scanner.engine.database import Connection
    from scanner.engine.judge.evaluate import Evaluated
    from scanner.model.finding import Forecast
    from scanner.triage.triage import Triage


def look_ahead(  # noqa: PLR0913, PLR0917 - what the scan has come to
    connection: "Connection",
    evaluated: Sequence["Evaluated"],
    predicates: Sequence["Evaluated"],
    triage: "Triage",
    as_of: datetime,
    days: int,
) -> "Forecast | None":
    """Return what falls due in so many days after as-of, if nothing changes but the time.

    None where no day is asked for, as in most scans: nothing is imported for it then. `predicates`
    are those of the waivers, in the order of `Triage.predicates`. The tables must have been loaded
    with the days ahead.
    """
    if not days:
        return None
    from scanner.engine.forecast.ahead import foretold  # noqa: PLC0415

    return foretold(connection, evaluated, predicates, triage, as_of, days)
