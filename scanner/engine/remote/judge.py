"""Evaluating rules in another database: counts and findings come back, everything else stays.

What comes back is put into the tables here, so that triage, reports and the gate are the ones of
every scan. Beside the findings each table holds one row for each label of a place, without an
outcome: they tell where the table has rows.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

import msgspec

from scanner.base.errors import FetchError
from scanner.catalogue import TABLES
from scanner.engine.database import Connection
from scanner.engine.dialect.translate import conditions, letters_in, translate
from scanner.engine.intake.load import Loaded
from scanner.engine.intake.scope import unseen
from scanner.engine.judge import places
from scanner.engine.judge.clear import ClearPlaces
from scanner.engine.judge.evaluate import UNKNOWN, Evaluated
from scanner.engine.judge.prepare import Prepared
from scanner.engine.judge.windows import cautious
from scanner.engine.predicate import syntax
from scanner.engine.remote import groups, local
from scanner.engine.remote.interface import CodeGroup, Question, Session
from scanner.engine.remote.relation import Relation, check, relate, swallows
from scanner.model.coverage import NOT_THERE, CoverageState, Gap, TableCoverage, lacking
from scanner.model.finding import Place
from scanner.model.history import GroupTally
from scanner.model.inventory import Reach, Scope

_WHOLE: Final = TableCoverage(CoverageState.COMPLETE, "")
_SQL_UNKNOWN: Final = str(UNKNOWN)


class Judged(msgspec.Struct, frozen=True):
    """What another database said: as a scan's own tables and evaluation say it."""

    loaded: Loaded
    evaluated: tuple[Evaluated, ...]
    clear: ClearPlaces
    organizations: dict[str, GroupTally]


class RemoteJudge:
    """Evaluates prepared rules in one session, the first `judged` of which are a scan's own."""

    def __init__(  # noqa: PLR0913, PLR0917 - what a scan depends on
        self,
        connection: Connection,
        session: Session,
        prepared: Sequence[Prepared],
        judged: int,
        scope: Scope,
        as_of: datetime,
    ) -> None:
        self._connection = connection
        self._session = session
        self._prepared = prepared
        self._own = frozenset(one.rule.id for one in prepared[:judged])
        self._scope = scope
        self._as_of = as_of
        self._relations: dict[str, Relation] = {}
        self._rows = dict.fromkeys(TABLES, 0)
        self._coverage = dict.fromkeys(TABLES, NOT_THERE)
        self._warnings: list[str] = []
        self._digest = hashlib.sha256()
        self._found: dict[int, Evaluated] = {}
        self._places: dict[str, int] = {}  # of a rule's code among those of its table
        self._tallies: dict[str, GroupTally] = {}

    def judge(self) -> Judged:
        """Evaluate everything. Raises FetchError and InventoryFileError."""
        for table in dict.fromkeys(one.rule.resource for one in self._prepared):
            mine = [(n, o) for n, o in enumerate(self._prepared) if o.rule.resource == table]
            relation = relate(self._connection, self._session, table, self._scope, self._as_of)
            if relation is None:
                reason = f"{self._session.label} has no table {table}"
                self._coverage[table] = TableCoverage(CoverageState.ABSENT, reason)
                self._take(table, [one for _, one in mine], iter(()), [n for n, _ in mine])
                local.fill(self._connection, table, (), len(mine))
                continue
            self._relations[table] = relation
            self._coverage[table] = self._session.coverage(table) or _WHOLE
            self._judge(relation, mine)
        label, named = self._session.label, frozenset(self._relations)
        loaded = Loaded(
            rows=self._rows,
            coverage=self._coverage,
            sources=(label,),
            digest=self._digest.hexdigest(),
            organizations=groups.projects(self._connection, list(self._relations)),
            reaches=tuple(self._session.reaches()) or (Reach(named),),
            warnings=tuple(self._warnings),
            scope=self._scope,
        )
        found = tuple(self._found[number] for number in range(len(self._prepared)))
        own = [one for one in found if one.prepared.rule.id in self._own]
        clear = ClearPlaces(self._connection, own, self._judged)
        return Judged(loaded, found, clear, self._tallies)

    def existing(self, table: str, ids: frozenset[str]) -> list[tuple[str, Place]]:
        """Give the table's rows that have one of the ids, as triage.interface has it."""
        relation = self._relations.get(table)
        if relation is None or not ids:
            return []
        place = ", ".join(self._place_of(table))
        wanted = ", ".join(map(self._session.value, sorted(ids)))
        sql = f"SELECT DISTINCT id, {place} FROM ({relation.sql}) AS t WHERE id IN ({wanted})"
        return [
            (str(key), Place(*(None if part is None else str(part) for part in place)))
            for some in self._session.rows(sql)
            for key, *place in some
        ]

    def _judge(self, relation: Relation, mine: Sequence[tuple[int, Prepared]]) -> None:
        table, session = relation.table, self._session
        self._rows[table] = check(session, relation)
        local.place(self._connection, session, table, relation.sql)
        gaps = self._gaps(table)
        self._coverage[table] = lacking(self._coverage[table], gaps)
        told = places.lacks({table: self._coverage[table]}, session.reaches(), self._scope)
        rules = cautious(self._connection, [one for _, one in mine], told)
        known = [self._known(relation, one) for one in rules]
        able = [one for one, is_known in zip(rules, known, strict=True) if is_known]
        codes = iter(translate(self._connection, able, self._as_of, session.words))
        marks, joined = local.marks(self._connection, session, table)
        said = [next(codes) if is_known else _SQL_UNKNOWN for is_known in known]
        answer = session.ask(
            Question(
                table=table,
                relation=f"SELECT t.*{marks} FROM ({relation.sql}) AS t{joined}",
                codes=said,
                rules=[
                    (one.rule.id, one.rule.policy, one.rule.severity.value)
                    for one in rules
                    if one.rule.id in self._own
                ],
                told=self._told(relation, rules),
                facts=relation.facts,
                place=self._place_of(table),
                letters=letters_in(self._connection, " ".join(said), session.words),
                number=self._rows[table],
            )
        )
        self._take(table, rules, answer.groups(), [number for number, _ in mine])
        local.fill(self._connection, table, answer.rows(), len(rules))
        own = [self._found[number] for number, one in mine if one.rule.id in self._own]
        if not local.is_whole(self._connection, own):
            raise FetchError(
                f"{table} changed while it was read",
                where=session.label,
                remedy="Run the scan again.",
            )

    def _gaps(self, table: str) -> list[Gap]:
        """Return what was asked for and is not there, or cannot be told."""
        scope, title = self._scope, TABLES[table].title
        if scope == Scope():
            return []
        seen = local.places_in(self._connection, table)
        gaps = unseen(scope, seen)
        if scope.projects and any(project is None for _, project in seen):
            reason = f"Some {title}s do not tell their project, so that --project may mean them."
            gaps.append(Gap(reason))
        return gaps

    def _known(self, relation: Relation, one: Prepared) -> bool:
        """Whether the rule can be told: nothing is made of a column that the table lacks."""
        spec = TABLES[relation.table]
        known = relation.has | {spec.organization}
        lacks = [name for name in one.columns if name not in known]
        if not lacks:
            return True
        self._warnings.append(
            f"{self._session.label}: {relation.table} has no {', '.join(lacks)}, so that"
            f" {one.rule.id} cannot be told where it depends on that"
        )
        texts = [part.sql for part in one.checks.values()]
        return not any(swallows(tree, lacks) for tree in syntax.parse(self._connection, texts))

    def _told(self, relation: Relation, rules: Sequence[Prepared]) -> list[str]:
        """Return the columns that come back: what messages, evidence and places need."""
        spec = TABLES[relation.table]
        named = {"id", "name", spec.organization, "project_id", "project_slug"}
        named |= {name for one in rules for name in one.loaded if one.rule.id in self._own}
        return [name for name in spec.columns if name in named and name in relation.has]

    def _place_of(self, table: str) -> tuple[str, str, str]:
        """Return what tells the place of a row: organization, key of the project, project."""
        spec = TABLES[table]
        texts = [spec.organization, spec.project_key, spec.project]
        made = conditions(self._connection, table, texts, self._as_of, self._session.words)
        return made[0], made[1], made[2]

    def _take(
        self,
        table: str,
        rules: Sequence[Prepared],
        found: Iterator[CodeGroup],
        numbers: Sequence[int],
    ) -> None:
        """Count the outcomes of each rule."""
        rows, sums = groups.take(self._connection, table, found)
        self._digest.update(json.dumps([table, rows, sums]).encode())
        tallies = groups.tallies(self._connection, table, len(rules))
        for place, (one, number) in enumerate(zip(rules, numbers, strict=True)):
            name, column = local.verdicts(table, place)
            self._found[number] = Evaluated(one, name, column, tallies[place])
            self._places[one.rule.id] = place
        own = [place for place, one in enumerate(rules) if one.rule.id in self._own]
        for organization, tally in groups.by_organization(self._connection, table, own).items():
            known = self._tallies.get(organization, GroupTally())
            self._tallies[organization] = known.plus(tally)

    def _judged(self, some: Sequence[Evaluated]) -> str:
        rules = [one.prepared.rule for one in some]
        return groups.judged(rules[0].resource, [self._places[rule.id] for rule in rules])
