"""A scan whose rules are evaluated in another database: from its place to an evaluation."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

import msgspec

from scanner.engine.database import Connection
from scanner.engine.dialect.translate import translate
from scanner.engine.intake.owners import assign
from scanner.engine.judge.evaluation import Evaluation
from scanner.engine.judge.places import unseen_of
from scanner.engine.judge.prepare import Prepared
from scanner.engine.remote import opener
from scanner.engine.remote.interface import DataPlace
from scanner.engine.remote.judge import RemoteJudge
from scanner.model.inventory import Scope
from scanner.model.owner import Owners


@contextmanager
def evaluated_in(  # noqa: PLR0913, PLR0917 - what outcomes depend on
    place: DataPlace,
    connection: Connection,
    prepared: Sequence[Prepared],
    rules: int,
    scope: Scope,
    as_of: datetime,
    owners: Owners | None,
) -> Iterator[Evaluation]:
    """Evaluate elsewhere; the session stays open, since triage may ask for other rows.

    Raises PolicyError for what the database would read otherwise, before it is asked anything.
    """
    open_session, words = opener(place)
    translate(connection, prepared, as_of, words)
    with open_session(place) as session:
        judge = RemoteJudge(connection, session, prepared, rules, scope, as_of)
        judged = judge.judge()
        loaded = judged.loaded
        if owners is not None:
            warnings = (*loaded.warnings, *assign(connection, owners))
            loaded = msgspec.structs.replace(loaded, warnings=warnings)
        found = judged.evaluated
        unseen = unseen_of(loaded)
        yield Evaluation(
            connection,
            loaded,
            unseen,
            found[:rules],
            found[rules:],
            judged.clear,
            judge.existing,
            judged.organizations,
        )
