"""Merges policy files along `extends`, and collects what is wrong on the way."""

from msgspec import UNSET

from scanner.base.composer import NodePath
from scanner.base.errors import Location, Problem
from scanner.base.hints import did_you_mean
from scanner.base.yamlfile import YamlFile
from scanner.policy.files.document import Changes, OverrideDocument, RuleDocument
from scanner.policy.files.unit import Unit
from scanner.policy.language.parameters import Origin, Parameter, declare
from scanner.policy.language.predicates import parameters_in
from scanner.policy.language.values import BadValueError
from scanner.policy.merge import (
    CaseCondition,
    Disabled,
    MergedPolicy,
    MergedRule,
    RulePart,
    WrittenAt,
)


class Composition:
    """The composition of one unit with the policies that it extends, already merged.

    `parents` come with the index of their entry in `extends`. Problems of the unit itself are in
    `problems`; those of the parents are told where they are merged.
    """

    def __init__(
        self, unit: Unit, parents: list[tuple[int, MergedPolicy]], *, open_ended: bool
    ) -> None:
        self.problems: list[Problem] = []
        self._unit = unit
        self._source = unit.source
        self._parents = parents
        self._open = open_ended or unit.open_ended or any(p.open_ended for _, p in parents)
        self._rejected: list[MergedRule] = []
        self._excused = unit.broken.union(*(parent.excused for _, parent in parents))

    def merge(self) -> MergedPolicy:
        """Return the merged policy; look at `problems` before relying on it."""
        inherited = self._inherited_parameters()
        own = self._own_parameters(inherited)
        rules = self._inherited_rules(own)
        disabled = self._disable(rules)
        self._override(rules, disabled, own)
        parameters = inherited | own
        self._add_own_rules(rules, disabled, parameters)
        return MergedPolicy(
            name=self._unit.name,
            version=self._unit.version,
            title=self._unit.title,
            rules=list(rules.values()),
            disabled=list(disabled.values()),
            rejected=self._rejected,
            parameters=parameters,
            sources=self._sources(),
            location=self._source.at_key(("policy",)),
            excused=self._excused,
            open_ended=self._open,
        )

    def _inherited_parameters(self) -> dict[str, Parameter]:
        merged: dict[str, Parameter] = {}
        for index, parent in self._parents:
            for name, parameter in parent.parameters.items():
                other = merged.get(name)
                if other and other.slot.type is not parameter.slot.type:
                    message = (
                        f"parameter `{name}` has type {parameter.slot.type} here,"
                        f" {other.slot.type} in another extended policy"
                    )
                    hint = "Extend only one of them."
                    self._add(("extends", index), message, "param-type", hint)
                merged[name] = parameter
        return merged

    def _own_parameters(self, inherited: dict[str, Parameter]) -> dict[str, Parameter]:
        own: dict[str, Parameter] = {}
        for name, given in self._unit.params.items():
            if self._open and name not in inherited:
                # Whether it is declared in what could not be read, nobody knows.
                self._excused |= {name}
            parameter, problems = declare(self._source, name, given, inherited)
            if parameter is not None:
                own[name] = parameter
            else:
                self._excused |= {name}
            self.problems += [
                problem
                for problem in problems
                if not (self._open and problem.code in ("unknown-param", "missing-key"))
            ]
        return own

    def _inherited_rules(self, own: dict[str, Parameter]) -> dict[str, MergedRule]:
        rules: dict[str, MergedRule] = {}
        for index, parent in self._parents:
            self._check_repeated(index, parent, rules)
            for rule in parent.rules:
                changed = {name: own[name] for name in rule.parameters if name in own}
                taken = rule.replaced(
                    parameters=rule.parameters | changed, excused=rule.excused | self._excused
                )
                entry = self._source.at(("extends", index))
                rules[rule.id] = self._brought(taken, rule.brought or entry)
        return rules

    def _check_repeated(
        self, index: int, parent: MergedPolicy, rules: dict[str, MergedRule]
    ) -> None:
        repeated = [rule for rule in parent.rules if rule.id in rules]
        if not repeated:
            return
        names = ", ".join(f"`{rule.id}`" for rule in repeated)
        message = f"in more than one of the extended policies: {names}"
        first, second = rules[repeated[0].id].home.location, repeated[0].home.location
        hint = f"The first is in {first} and in {second}."
        if first == second:
            hint = "They come from the same file: extend only one of the two."
        self._add(("extends", index), message, "duplicate-rule", hint)

    def _disable(self, rules: dict[str, MergedRule]) -> dict[str, Disabled]:
        disabled: dict[str, Disabled] = {}
        for name, reason in self._unit.disable.items():
            path = ("disable", name)
            if name in rules:
                disabled[name] = Disabled(rules.pop(name), reason, self._source.at_key(path))
            else:
                self._unknown_rule("disable", name, rules)
        return disabled

    def _override(
        self,
        rules: dict[str, MergedRule],
        disabled: dict[str, Disabled],
        own: dict[str, Parameter],
    ) -> None:
        for name, override in self._unit.override.items():
            if name in disabled:
                message = f"rule `{name}` is disabled, so overriding it has no effect"
                hint = "Take one of the two out."
                self._add(("override", name), message, "disabled-rule", hint, key=True)
            elif name in rules:
                rules[name] = self._overridden(rules[name], override, ("override", name))
                for made in (name, *self._add_cases(rules, disabled, name, override)):
                    # What an override says may refer to the policy's own parameters as well.
                    seen = own | rules[made].parameters
                    rules[made] = rules[made].replaced(parameters=seen)
            else:
                self._unknown_rule("override", name, rules)

    def _add_cases(
        self,
        rules: dict[str, MergedRule],
        disabled: dict[str, Disabled],
        name: str,
        override: OverrideDocument,
    ) -> list[str]:
        """Make a rule of each case; the one that was overridden is about the rows that are left.

        Returns the ids of the new rules.
        """
        base = rules[name]
        added = []
        changed = {param for case in override.cases for param in case.params}
        for index, case in enumerate(override.cases):
            path = ("override", name, "cases", index)
            place = WrittenAt(self._source, (*path, "when"))
            self._check_when(case.when, place, changed)
            conditions = rules[name].conditions
            made = self._overridden(base, case, path)
            made = made.replaced(
                document=made.replaced_document({"id": f"{name}-{case.name}"}),
                conditions=(*conditions, CaseCondition(case.when, place, is_met=True)),
            )
            if made.id in rules or made.id in disabled:
                message = f"there is a rule `{made.id}` already"
                hint = "Give the case another name."
                self._add((*path, "name"), message, "duplicate-rule", hint)
                continue
            rules[made.id] = made
            added.append(made.id)
            conditions = (*conditions, CaseCondition(case.when, place, is_met=False))
            rules[name] = rules[name].replaced(conditions=conditions)
        return added

    def _check_when(self, text: str, place: WrittenAt, changed: set[str]) -> None:
        """Refuse a condition that would mean another thing in each of the rules that have it."""
        for name, offset in parameters_in(text):
            if name in changed:
                location = self._source.at_text(place.path).within(text, offset)
                message = f"`when` refers to `${name}`, which a case of this override changes"
                hint = "Refer to a parameter that all cases see alike."
                self.problems.append(Problem(location, message, "changed-param", hint))

    def _overridden(self, rule: MergedRule, override: Changes, path: NodePath) -> MergedRule:
        changes: dict[str, object] = {}
        places = dict(rule.overridden)
        for field in RulePart:
            value = getattr(override, field)
            if value is not UNSET:
                changes[field] = UNSET if value is None else value
                places[field] = WrittenAt(self._source, (*path, field))
        parameters = dict(rule.parameters)
        for name, raw in override.params.items():
            at = (*path, "params", name)
            if name not in parameters:
                self._unknown_parameter(at, name, rule)
                continue
            try:
                location = self._source.at(at)
                parameters[name] = parameters[name].given(raw, Origin.OVERRIDE, location)
            except BadValueError as error:
                self._add(at, error.message, error.code, error.hint)
        document = rule.replaced_document(changes)
        changed = rule.replaced(document=document, overridden=places, parameters=parameters)
        return self._brought(changed, self._source.at_key(path))

    def _brought(self, rule: MergedRule, location: Location) -> MergedRule:
        """Note where a shipped rule comes into a policy that is not: that is what users have."""
        is_taken = rule.home.source.is_shipped and not self._source.is_shipped
        return rule.replaced(brought=location) if is_taken else rule

    def _add_own_rules(
        self,
        rules: dict[str, MergedRule],
        disabled: dict[str, Disabled],
        parameters: dict[str, Parameter],
    ) -> None:
        self._rejected += [self._own(*one, parameters) for one in self._unit.remains]
        for index, document in self._unit.rules:
            rule = self._own(index, document, parameters)
            first = rules.get(rule.id) or (disabled[rule.id].rule if rule.id in disabled else None)
            if first is None:
                rules[rule.id] = rule
                continue
            place, hint = first.home, "Use another id."
            if cases := [one.place for one in first.conditions if one.is_met]:
                place, hint = cases[-1], "Use another id, or another name of the case."
            elif first.home.source is not self._source:
                hint = "Use another id, or `override` that rule."
            message = f"rule `{rule.id}` is already in {place.location}"
            self._add((*rule.home.path, "id"), message, "duplicate-rule", hint)
            self._rejected.append(rule)

    def _own(
        self, index: int, document: RuleDocument, parameters: dict[str, Parameter]
    ) -> MergedRule:
        return MergedRule(
            document=document,
            home=WrittenAt(self._source, ("rules", index)),
            parameters=parameters,
            excused=self._excused,
        )

    def _sources(self) -> list[YamlFile]:
        sources = [self._source]
        for _, parent in self._parents:
            sources += [source for source in parent.sources if source not in sources]
        return sources

    def _unknown_rule(self, key: str, name: str, rules: dict[str, MergedRule]) -> None:
        if self._open or name in self._excused:
            return
        path = (key, name)
        if any(document.id == name for _, document in self._unit.rules):
            message = f"rule `{name}` is this policy's own"
            self._add(path, message, "own-rule", "Change the rule itself.", key=True)
            return
        message = f"no extended policy has a rule `{name}`"
        hint = did_you_mean(name, rules, kind="inherited rules")
        self._add(path, message, "unknown-rule", hint, key=True)

    def _unknown_parameter(self, path: NodePath, name: str, rule: MergedRule) -> None:
        if self._open or name in self._excused or name in rule.excused:
            return
        message = f"rule `{rule.id}` has no parameter `{name}`"
        hint = did_you_mean(name, rule.parameters, kind="parameters")
        self._add(path, message, "unknown-param", hint, key=True)

    def _add(
        self,
        path: tuple[str | int, ...],
        message: str,
        code: str,
        hint: str,
        *,
        key: bool = False,
    ) -> None:
        self.problems.append(self._source.problem(path, message, code, hint=hint, key=key))
