"""Mutation: predicates are changed a little, to see whether any test case notices."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import msgspec

from scanner.authoring.cases.bench import Answers, Ask, Bench
from scanner.authoring.cases.mutants import moved, mutants
from scanner.authoring.cases.run import Tested
from scanner.authoring.cases.variants import Variant, numbered
from scanner.authoring.lint.listing import Listing
from scanner.base.errors import Location
from scanner.engine.database import Connection
from scanner.engine.judge.prepare import Prepared, examine
from scanner.engine.predicate import syntax
from scanner.model.rule import ParamValue, Predicate, Rule
from scanner.policy.language.values import format_duration

_AT_ONCE: Final = 150
"""Mutants that are checked by the engine and run together."""

_PREFIX: Final = re.compile(r"\$[wr][0-9]+_")


class Survivor(msgspec.Struct, frozen=True):
    """A mutant that no case noticed: where, what was done, and the whole predicate after it."""

    rule: str
    location: Location
    what: str
    before: str
    after: str
    sql: str


class Mutation(msgspec.Struct, frozen=True):
    """How many mutants were made, how many of them were the same as something else, and who lives.

    `untested` are rules that no case is about, so that nothing was tried.
    """

    made: int
    equivalent: int
    survivors: tuple[Survivor, ...]
    untested: tuple[str, ...]

    @property
    def killed(self) -> int:
        """How many mutants some case noticed."""
        return self.made - self.equivalent - len(self.survivors)


class _Attempt(msgspec.Struct, frozen=True):
    """A mutant as it will be run: every variant of the rule that it changes, with its cases."""

    change: Survivor
    rules: tuple[tuple[Rule, tuple[int, ...]], ...]


def mutate(connection: Connection, bench: Bench, tested: Tested, listing: Listing) -> Mutation:
    """Try every mutant of the predicates that are written in the policy's own file."""
    own = tested.policy.sources[0].name
    attempts: list[_Attempt] = []
    for rule_id in dict.fromkeys(variant.rule.id for variant in tested.variants):
        mine = [variant for variant in tested.variants if variant.rule.id == rule_id]
        for part in ("where", "requirement"):
            written = getattr(mine[0].rule, part)
            if written is not None and written.location.file == own:
                attempts += _attempts(connection, mine, part, listing)
    ids = {variant.rule.id for variant in tested.variants}
    untested = [
        rule.id
        for rule in tested.policy.rules
        if rule.home.source.name == own and rule.id not in ids
    ]
    trial = _Trial(connection, bench, tested)
    for start in range(0, len(attempts), _AT_ONCE):
        trial.run(attempts[start : start + _AT_ONCE])
    survivors = sorted(trial.survivors, key=lambda change: change.location)
    return Mutation(len(attempts), trial.equivalent, tuple(survivors), tuple(untested))


def _attempts(
    connection: Connection, mine: Sequence[Variant], part: str, listing: Listing
) -> list[_Attempt]:
    """Return the mutants of one predicate: of its text, and of the values of its parameters."""
    attempts: list[_Attempt] = []
    texts = dict.fromkeys(getattr(variant.rule, part).text for variant in mine)
    for text in texts:
        same = [variant for variant in mine if getattr(variant.rule, part).text == text]
        (tree,) = syntax.parse(connection, [text])
        made = list(mutants(tree))
        nodes = [node for one in made for node in (one.before, one.after, one.tree)]
        shown = iter(syntax.write(connection, nodes))
        for one in made:
            before, after, sql = next(shown), next(shown), next(shown)
            predicate: Predicate = getattr(same[0].rule, part)
            offset = syntax.offset(one.before, text)
            location = (
                predicate.location
                if part == "requirement" and same[0].rule.check
                else listing.place(predicate, offset)
            )
            change = Survivor(same[0].rule.id, location, one.what, before, after, sql)
            attempts.append(_Attempt(change, _changed(same, part, text=sql)))
        attempts += _moved(same, part)
    return attempts


def _moved(same: Sequence[Variant], part: str) -> list[_Attempt]:
    """Return the mutants in which a parameter has another value, in every variant."""
    attempts: list[_Attempt] = []
    predicate: Predicate = getattr(same[0].rule, part)
    for name, value in predicate.params.items():
        for number, (what, other) in enumerate(moved(value)):
            change = Survivor(
                same[0].rule.id,
                predicate.location,
                f"${name}: {what}",
                _shown(value),
                _shown(other),
                predicate.text,
            )
            attempts.append(_Attempt(change, _changed(same, part, name=name, number=number)))
    return attempts


def _changed(
    same: Sequence[Variant], part: str, *, text: str = "", name: str = "", number: int = 0
) -> tuple[tuple[Rule, tuple[int, ...]], ...]:
    """Return the variants with another text, or with the parameter moved in the same way."""
    made: list[tuple[Rule, tuple[int, ...]]] = []
    for variant in same:
        predicate: Predicate = getattr(variant.rule, part)
        if name:
            values = list(moved(predicate.params[name]))
            if number >= len(values):
                continue
            params: dict[str, ParamValue] = {**predicate.params, name: values[number][1]}
            new = msgspec.structs.replace(predicate, params=params)
        else:
            new = msgspec.structs.replace(predicate, text=text)
        made.append((msgspec.structs.replace(variant.rule, **{part: new}), variant.cases))
    return tuple(made)


class _Trial:
    """Runs mutants in batches and remembers what was run."""

    def __init__(self, connection: Connection, bench: Bench, tested: Tested) -> None:
        self._connection = connection
        self._bench = bench
        self._cases = tested.cases
        pairs = zip(tested.prepared, tested.variants, strict=True)
        self._known = {(_essence(one), variant.cases) for one, variant in pairs}
        self._seen: set[tuple[tuple[str, tuple[int, ...]], ...]] = set()
        self.equivalent = 0
        self.survivors: list[Survivor] = []

    def run(self, attempts: Sequence[_Attempt]) -> None:
        """Run some mutants; those that the engine refuses count as noticed."""
        flat = [rule for one in attempts for rule, _ in one.rules]
        ready, _ = examine(self._connection, numbered(flat))
        by_place = {int(one.rule.id): one for one in ready}
        tried: list[tuple[Survivor, list[Ask]]] = []
        place = 0
        for attempt in attempts:
            places = range(place, place + len(attempt.rules))
            place += len(attempt.rules)
            if not all(one in by_place for one in places):
                continue
            asked = [
                Ask(by_place[one], cases)
                for one, (_, cases) in zip(places, attempt.rules, strict=True)
            ]
            if self._is_new(asked):
                tried.append((attempt.change, asked))
            else:
                self.equivalent += 1
        answers = iter(self._bench.ask([ask for _, asked in tried for ask in asked]))
        for change, asked in tried:
            found = [next(answers) for _ in asked]
            if not any(self._notices(change.rule, given) for given in found):
                self.survivors.append(change)

    def _is_new(self, asked: Sequence[Ask]) -> bool:
        """Whether the mutant differs from the rule as it is, and from every mutant before it."""
        essence = tuple((_essence(ask.prepared), ask.cases) for ask in asked)
        if self._known.issuperset(essence) or essence in self._seen:
            return False
        self._seen.add(essence)
        return True

    def _notices(self, rule: str, given: Answers) -> bool:
        return any(
            expectation.rule == rule
            and given[number, expectation.row].outcome is not expectation.outcome
            for number in {number for number, _ in given}
            for expectation in self._cases[number].expectations
        )


def _essence(prepared: Prepared) -> str:
    """Return a text that is the same for rules that do the same on every row."""
    return repr(
        [
            (_PREFIX.sub("$", one.sql), [(k.partition("_")[2], v) for k, v in one.params.items()])
            for one in prepared.checks.values()
        ]
    )


def _shown(value: ParamValue) -> str:
    if isinstance(value, timedelta):
        return format_duration(value)
    return str(value).lower() if isinstance(value, bool) else str(value)
