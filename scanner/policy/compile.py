"""From merged policies to the model's: parameters resolved, checks replaced by their macros."""

import re
from collections.abc import Mapping
from hashlib import sha256

from msgspec import UNSET

from scanner.base.errors import Location, Problem
from scanner.base.given import given_at
from scanner.base.hints import did_you_mean
from scanner.catalogue import TABLES
from scanner.model.outcome import Severity
from scanner.model.rule import Policy, Predicate, Remedy, Rule
from scanner.policy.language.arguments import CheckUse, read_check, read_fix
from scanner.policy.language.parameters import Parameter
from scanner.policy.language.predicates import line_comments, parameters_in
from scanner.policy.language.scope import ParameterScope
from scanner.policy.language.slots import Slot
from scanner.policy.language.static import check_fit, check_resource, fix_fit
from scanner.policy.language.templates import faults
from scanner.policy.language.values import BadValueError, ValueType
from scanner.policy.merge import MergedPolicy, MergedRule, WrittenAt
from scanner.policy.parts import RulePredicate, parts, parts_of


class Compiler:
    """Compiles merged policies; `given` are parameters from the command line, by name.

    `named` is the line of a file of settings that names the policies, if one does.
    """

    def __init__(self, given: Mapping[str, str], named: Location | None = None) -> None:
        self._given = given
        self._named = named
        self._known: dict[str, None] = {}
        self._refused: dict[str, Problem] = {}
        self._open = False
        self.problems: list[Problem] = []
        self.parts: list[RulePredicate] = []

    def compile(self, merged: MergedPolicy) -> Policy:
        """Return the policy with every rule that compiles; the others leave problems and parts."""
        self._known |= dict.fromkeys(merged.parameters)
        self._open = self._open or merged.open_ended
        digest = sha256()
        for source in merged.sources:
            digest.update(source.raw)
        rules = [self._rule(rule, merged) for rule in merged.rules]
        for rejected in merged.rejected:
            if rule := self._rule(rejected, merged):
                self.parts += parts_of(rule)
        return Policy(
            name=merged.name,
            version=merged.version,
            title=merged.title,
            digest=digest.hexdigest(),
            rules=tuple(rule for rule in rules if rule is not None),
            location=merged.location,
            sources=tuple((source.name, source.raw) for source in merged.sources),
        )

    def finish(self) -> None:
        """Complete `problems` with those of the parameters that were given."""
        self.problems += self._refused.values()
        for name in self._given:
            if name not in self._known and not self._open:
                message = f"no selected policy has a parameter `{name}`"
                hint = did_you_mean(name, self._known, kind="parameters")
                self.problems.append(
                    Problem(given_at(self._given, name), message, "unknown-param", hint)
                )

    def _settled(self, parameter: Parameter) -> Parameter:
        try:
            return parameter.settled(self._given)
        except BadValueError as error:
            location = given_at(self._given, parameter.name)
            self._refused[parameter.name] = Problem(location, error.message, error.code, error.hint)
            return parameter

    def _rule(self, merged: MergedRule, policy: MergedPolicy) -> Rule | None:
        before = len(self.problems)
        seen = {name: self._settled(parameter) for name, parameter in merged.parameters.items()}
        scope = ParameterScope(seen, merged.excused, is_open=policy.open_ended)
        document = merged.document
        resource = merged.place("resource")
        self.problems += check_resource(resource.source, resource.path, document.resource)
        # The check and the fix come first: they take no values from a scope that lacks one.
        requirement, use = self._requirement(merged, scope)
        fix = self._fix(merged, scope)
        demands = _demands(merged, requirement, scope)
        where, conditions = _where(merged, scope)
        severity = _severity(merged, scope)
        message = document.message or (use.check.message if use else "")
        if document.message and document.resource in TABLES:
            self.problems += _message_problems(merged)
        self.problems += scope.problems
        is_told = len(self.problems) > before
        if is_told or requirement is None or severity is None or not scope.complete:
            self.parts += parts(document.resource, conditions, where, demands)
            return None
        return Rule(
            id=merged.id,
            policy=policy.name,
            title=document.title or merged.id.replace("-", " ").capitalize(),
            severity=severity,
            resource=document.resource,
            requirement=requirement,
            location=_rule_location(merged),
            where=where,
            conditions=conditions,
            check=use.check.name if use else None,
            message=message,
            rationale=document.rationale,
            remediation=document.remediation,
            controls=document.controls,
            fix=fix,
            brought=merged.brought or (self._named if merged.home.source.is_shipped else None),
        )

    def _requirement(
        self, merged: MergedRule, scope: ParameterScope
    ) -> tuple[Predicate | None, CheckUse | None]:
        document = merged.document
        if document.check is UNSET:
            if document.require is UNSET:  # decoding has made sure of one of the two
                return None, None
            return _predicate(document.require, merged.place("require"), scope), None
        place = merged.place("check")
        use, problems = read_check(place.source, place.path, document.check, scope)
        self.problems += problems
        if use is None:
            return None, None
        if document.resource in TABLES:
            misfit = check_fit(place.source, place.path, use, document.resource)
            self.problems += misfit
            if misfit:
                return None, use
        if use.macro is None:
            return None, use
        location = place.source.at_key((*place.path, use.check.name))
        return Predicate(use.macro.text, use.macro.params, location, is_made=True), use

    def _fix(self, merged: MergedRule, scope: ParameterScope) -> Remedy | None:
        document = merged.document
        if document.fix is UNSET:
            return None
        place = merged.place("fix")
        use, problems = read_fix(place.source, place.path, document.fix, scope)
        self.problems += problems
        if use is None:
            return None
        if document.resource in TABLES:
            self.problems += fix_fit(place.source, place.path, use, document.resource)
        location = place.source.at_key((*place.path, use.action.name))
        return None if use.arguments is None else Remedy(use.action.name, use.arguments, location)


def _where(
    merged: MergedRule, scope: ParameterScope
) -> tuple[Predicate | None, tuple[Predicate, ...]]:
    """Return which rows the rule is about, and the conditions that this is put together of."""
    where = merged.where
    if where is UNSET:
        return None, ()
    if not merged.conditions:
        return _predicate(where, merged.place("where"), scope), ()
    own = merged.document.where
    parts = [] if own is UNSET else [_predicate(own, merged.place("where"), scope)]
    parts += [_predicate(one.text, one.place, scope) for one in merged.conditions]
    params = {name: value for part in parts for name, value in part.params.items()}
    return Predicate(where, params, parts[-1].location), tuple(parts)


def _demands(
    merged: MergedRule, requirement: Predicate | None, scope: ParameterScope
) -> list[Predicate]:
    """Return the requirement, and beside a check what a broken rule requires as well."""
    found = [] if requirement is None else [requirement]
    document = merged.document
    if document.check is not UNSET and document.require is not UNSET:
        found.append(_predicate(document.require, merged.place("require"), scope))
    return found


def _severity(merged: MergedRule, scope: ParameterScope) -> Severity | None:
    """Return the severity, of a parameter where one is named; None with a problem in the scope."""
    given = merged.document.severity
    if not given.startswith("$"):
        return Severity(given)
    place = merged.place("severity")
    location = place.source.at(place.path)
    value = scope.value(given[1:], location, Slot(type=ValueType.STRING))
    if isinstance(value, str) and value in list(Severity):
        return Severity(value)
    if value is not None:
        words = ", ".join(Severity)
        message = f"`{given}` is {value!r}, which is no severity"
        hint = f"Give it one of: {words}. With `enum: [{words}]` it takes nothing else."
        scope.problems.append(Problem(location, message, "bad-value", hint))
    return None


def _predicate(text: str, place: WrittenAt, scope: ParameterScope) -> Predicate:
    location = place.source.at_text(place.path)
    params = {
        name: scope.value(name, location.within(text, offset))
        for name, offset in parameters_in(text)
    }
    scope.problems += place.source.folded_comments(place.path, text, line_comments(text))
    return Predicate(text, params, location)


def _rule_location(merged: MergedRule) -> Location:
    return merged.home.source.at_key((*merged.home.path, "id"))


def _message_problems(merged: MergedRule) -> list[Problem]:
    text, place = merged.document.message, merged.place("message")
    location = place.source.at_text(place.path)
    problems = []
    for one in faults(text, merged.document.resource):
        word = re.match(r"\{\$?(\w*)", text[one.offset :])
        is_parameter = word is not None and word[1] in merged.parameters
        hint = "It is a parameter; a message takes columns only." if is_parameter else one.hint
        at = location.within(text, one.offset)
        problems.append(Problem(at, one.message, one.code, hint))
    return problems
