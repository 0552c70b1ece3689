"""Policies and rules after loading: every parameter resolved, every predicate still SQL text."""

import hashlib
from datetime import timedelta

import msgspec

from scanner.base.errors import Location
from scanner.model.outcome import Severity

ParamValue = bool | int | float | str | timedelta | list[str] | list[int] | list[float] | None
"""A resolved parameter: durations are timedeltas, rates are events per second."""


class Predicate(msgspec.Struct, frozen=True):
    """A SQL predicate over one table, with the values of the `$names` in it.

    `text` is the author's or a check's; it is never run as it stands (see engine.predicate.guard).
    `is_made`: it is a check's, so that `location` is all that is to be said of where it stands.
    """

    text: str
    params: dict[str, ParamValue]
    location: Location
    is_made: bool = False

    def place(self, offset: int) -> Location:
        """Return the place of a character of the text in the author's file."""
        return self.location if self.is_made else self.location.within(self.text, offset)


class Remedy(msgspec.Struct, frozen=True):
    """The change that mends a violation: an action of policy.actions and its arguments, by name.

    `location` is where the policy says so.
    """

    action: str
    arguments: dict[str, ParamValue]
    location: Location


class Rule(msgspec.Struct, frozen=True):
    """One requirement on one resource type.

    `where` says which resources it is about (None: all). `check` is the name of the built-in
    check behind `requirement`, None for the author's own SQL. `controls` maps a framework to
    the requirements that the rule supports. `brought` is the line of a policy of the user's own
    by which a shipped rule is in force, None where there is none. `conditions` are what `where` is
    put together of, if it is: mistakes in one of them are told at its own place. `fix` is what
    a plan of remediation does about its findings. `shared` are further policies of the scan that
    take the rule over alike: it is judged once, and is a rule of each of them.
    """

    id: str
    policy: str
    title: str
    severity: Severity
    resource: str
    requirement: Predicate
    location: Location
    where: Predicate | None = None
    check: str | None = None
    message: str = ""
    rationale: str = ""
    remediation: str = ""
    controls: dict[str, list[str]] = {}
    brought: Location | None = None
    conditions: tuple[Predicate, ...] = ()
    fix: Remedy | None = None
    shared: tuple[str, ...] = ()

    @property
    def key(self) -> tuple[str, str]:
        """What findings name it by: its policy and its id."""
        return self.policy, self.id

    @property
    def policies(self) -> tuple[str, ...]:
        """The policies of the scan that it is a rule of."""
        return self.policy, *self.shared

    @property
    def written(self) -> Location:
        """Where the user can change the rule: in a file of theirs where there is one."""
        return self.brought or self.location

    @property
    def demand(self) -> str:
        """SHA-256 of what the rule demands of which resources, wording and severity left out."""
        conditions = map(_demand, (self.where, self.requirement))
        demanded = (self.id, self.resource, *conditions)
        return hashlib.sha256(msgspec.json.encode(demanded, order="sorted")).hexdigest()


class Policy(msgspec.Struct, frozen=True):
    """A named, versioned set of rules. `digest` is the SHA-256 of the files it was made from.

    `sources` are those files, its own first: what each is called, and its bytes. `demanded` are all
    of its rules, those that it shares with a policy before it included, where there are any.
    """

    name: str
    version: str
    title: str
    digest: str
    rules: tuple[Rule, ...]
    location: Location
    sources: tuple[tuple[str, bytes], ...] = ()
    demanded: tuple[Rule, ...] = ()

    @property
    def terms(self) -> str:
        """SHA-256 of what the rules demand, overrides and parameters included, wording left out.

        Two scans are held against each other only under the same terms: `digest` does not change
        with a parameter given on the command line, and does with a comment. A `fix` is no demand.
        """
        demands = [
            (rule.id, rule.severity, rule.resource, *map(_demand, (rule.where, rule.requirement)))
            for rule in self.demanded or self.rules
        ]
        return hashlib.sha256(msgspec.json.encode(demands, order="sorted")).hexdigest()


def _demand(predicate: Predicate | None) -> tuple[str, dict[str, ParamValue]] | None:
    return None if predicate is None else (predicate.text, predicate.params)
