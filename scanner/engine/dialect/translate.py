"""From prepared rules to what another database computes for them: the same codes of outcomes."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Final

from scanner.base.errors import PolicyError, Problem
from scanner.engine.database import Connection
from scanner.engine.dialect.calls import CALLS
from scanner.engine.dialect.letters import NAMES, letters
from scanner.engine.dialect.lower import Lowering
from scanner.engine.dialect.refusing import inexpressible
from scanner.engine.dialect.typed import Typed
from scanner.engine.judge.evaluate import outcome_code
from scanner.engine.judge.prepare import Prepared, values
from scanner.engine.predicate import syntax
from scanner.engine.predicate.guard import Guard
from scanner.engine.predicate.refusal import RefusedError
from scanner.engine.predicate.syntax import Node
from scanner.model.rule import Predicate

if TYPE_CHECKING:  # sqlglot need not be installed
    from scanner.engine.dialect.words.write import Words

LONGEST: Final = 500_000
"""Characters of SQL that one rule may come to: what is used twice is written twice."""

_BACKTRACKS: Final = (
    "has a regular expression that may take {0} too long for a text that somebody else chose",
    "Take the repetition out of the repetition, such as a+ for (a+)+.",
)


def translate(
    connection: Connection,
    prepared: Sequence[Prepared],
    as_of: datetime,
    words: "Words",
    *,
    pretty: bool = False,
) -> list[str]:
    """Return the SQL of each rule's code, in the words of another database.

    It is made of the regenerated SQL. Raises PolicyError, with places, for all that this database
    would take otherwise.
    """
    made: dict[int, str] = {}
    problems: list[Problem] = []
    for table in dict.fromkeys(one.rule.resource for one in prepared):
        mine = [(n, one) for n, one in enumerate(prepared) if one.rule.resource == table]
        trees = syntax.parse(connection, [outcome_code(one) for _, one in mine])
        bound = values([part for _, one in mine for part in one.checks.values()], as_of)
        lowering = Lowering(connection, table, trees, bound, CALLS)
        lowered: dict[int, Node] = {}
        for (number, one), tree in zip(mine, trees, strict=True):
            try:
                lowered[number] = _node(lowering, tree, words, lowering.expression)
            except RefusedError as error:
                problems += _located(connection, one, as_of, words, error)
        texts = words.write(connection, list(lowered.values()), pretty=pretty)
        made |= dict(zip(lowered, texts, strict=True))
    problems += [
        Problem(
            one.rule.location,
            f"The rule is too long for {words.title}",
            "predicate-too-large",
            "Write it as several rules.",
        )
        for number, one in enumerate(prepared)
        if len(made.get(number, "")) > LONGEST
    ]
    if problems:
        raise PolicyError(sorted(problems, key=lambda problem: problem.location))
    return [made[number] for number in range(len(prepared))]


def conditions(
    connection: Connection, table: str, texts: Sequence[str], as_of: datetime, words: "Words"
) -> list[str]:
    """Return expressions of our own over a table, translated."""
    trees = syntax.parse(connection, texts)
    lowering = Lowering(connection, table, trees, {"as_of": as_of}, CALLS)
    return words.write(connection, [lowering.expression(tree).node for tree in trees])


def letters_in(connection: Connection, sql: str, words: "Words") -> str:
    """Return what has to follow the FROM of a statement for expressions that look at letters."""
    if "letters." not in sql:
        return ""
    texts = zip(NAMES, letters(connection), strict=True)
    chosen = ", ".join(f"{words.text(text)} AS {name}" for name, text in texts)
    return f" CROSS JOIN (SELECT {chosen}) AS letters"


def _node(
    lowering: Lowering, tree: Node, words: "Words", lower: Callable[[Node], Typed | Node]
) -> Node:
    lowering.steep.clear()
    made = lower(tree)
    if words.backtracks and lowering.steep:
        what, hint = _BACKTRACKS
        raise inexpressible(f"{what.format(words.title)},", lowering.steep[0], hint)
    return made.node if isinstance(made, Typed) else made


def _located(
    connection: Connection, one: Prepared, as_of: datetime, words: "Words", error: RefusedError
) -> Iterator[Problem]:
    """Give what is refused of a rule, at its place in the author's text."""
    guard = Guard(connection)
    table = one.rule.resource
    told = False
    for predicate in filter(None, (one.rule.where, one.rule.requirement)):
        checked = guard.check(predicate, table, "x_")
        tree = syntax.finite(guard.tree(predicate, table, "x_"))  # as it is in what is lowered
        lowering = Lowering(connection, table, [tree], values([checked], as_of), CALLS)
        try:
            _node(lowering, tree, words, lowering.condition)
        except RefusedError as refused:
            told = True
            yield _problem(predicate, refused, words)
    if not told:
        yield _problem(one.rule.requirement, RefusedError(error.message, error.code, 0), words)


def _problem(predicate: Predicate, error: RefusedError, words: "Words") -> Problem:
    message = error.message.replace("another engine", words.title)
    offset = syntax.character(predicate.text, error.offset)
    place = predicate.place(offset)
    return Problem(place, f"The predicate {message}", error.code, error.hint)
