"""Composition: a policy with the rules, overrides and parameters of what it extends."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.composer import NodePath
from scanner.base.errors import Location
from scanner.base.yamlfile import YamlFile
from scanner.policy.files.document import RuleDocument
from scanner.policy.language.parameters import Parameter
from scanner.policy.language.predicates import parameters_in
from scanner.policy.language.slots import parameter_in


class RulePart(StrEnum):
    """Parts of a rule that an override may replace."""

    SEVERITY = "severity"
    WHERE = "where"
    TITLE = "title"
    MESSAGE = "message"
    RATIONALE = "rationale"
    REMEDIATION = "remediation"
    FIX = "fix"
    CONTROLS = "controls"


class WrittenAt(msgspec.Struct, frozen=True):
    """Where a part of a rule is written: the file, and the path of its value."""

    source: YamlFile
    path: NodePath

    @property
    def location(self) -> Location:
        """The position of the value."""
        return self.source.at(self.path)


class CaseCondition(msgspec.Struct, frozen=True):
    """A condition of an override's case: the rule is about the rows that meet it, or the others."""

    text: str
    place: WrittenAt
    is_met: bool


class MergedRule(msgspec.Struct, frozen=True, kw_only=True):
    """A rule after overrides.

    `home` is the rule in its own file; `overridden` says where else a part of it comes from.
    `parameters` are the ones it can refer to; `excused` names declared but broken ones. `brought`
    is where a policy of the user's own takes a shipped rule over or changes it. `conditions` say
    besides its own `where` which rows the rule is about.
    """

    document: RuleDocument
    home: WrittenAt
    parameters: dict[str, Parameter]
    overridden: dict[RulePart, WrittenAt] = {}
    excused: frozenset[str] = frozenset()
    brought: Location | None = None
    conditions: tuple[CaseCondition, ...] = ()

    @property
    def where(self) -> str | UnsetType:
        """Which rows the rule is about: its own `where`, and what cases of overrides add."""
        if not self.conditions:
            return self.document.where
        parts = [f"({text}\n)" for text in (self.document.where,) if text is not UNSET]
        # A comment at the end of a text ends with the line, not with the bracket.
        parts += [f"{'' if one.is_met else 'NOT '}({one.text}\n)" for one in self.conditions]
        return " AND ".join(parts)

    @property
    def id(self) -> str:
        """The rule's identifier."""
        return self.document.id

    @property
    def used(self) -> list[str]:
        """The parameters that the rule refers to, in the order of its text."""
        document = self.document
        texts = (document.severity, self.where, document.require)
        names = [name for text in texts if isinstance(text, str) for name, _ in parameters_in(text)]
        for written in (document.check, document.fix):
            if written is not UNSET:
                names += _referred(written)
        return list(dict.fromkeys(names))

    @property
    def changes(self) -> dict[str, Location]:
        """The parts and parameters that overrides changed, each with the place of the last one."""
        parts = {part: self.overridden[part] for part in RulePart if part in self.overridden}
        return {str(part): place.location for part, place in parts.items()} | {
            f"params.{name}": parameter.location
            for name, parameter in self.parameters.items()
            if parameter.is_overridden
        }

    def place(self, key: str) -> WrittenAt:
        """Tell where the part of the rule called `key` is written."""
        if key in self.overridden:
            return self.overridden[RulePart(key)]
        return WrittenAt(self.home.source, (*self.home.path, key))

    def replaced(self, **changes: Any) -> "MergedRule":  # noqa: ANN401 - any of the fields
        """Return the rule with other fields."""
        return msgspec.structs.replace(self, **changes)

    def renamed(self, names: Mapping[str, str]) -> "MergedRule":
        """Return the rule with other names of parameters, all conditions in its `where`."""
        texts = {
            "severity": self.document.severity,
            "where": self.where,
            "require": self.document.require,
        }
        changes: dict[str, Any] = {key: _renamed(text, names) for key, text in texts.items()}
        changes["check"] = _swapped(self.document.check, names)
        changes["fix"] = _swapped(self.document.fix, names)
        return self.replaced(document=self.replaced_document(changes), conditions=())

    def replaced_document(self, changes: dict[str, Any]) -> RuleDocument:
        """Return the rule's document with other fields."""
        return msgspec.structs.replace(self.document, **changes)


class Disabled(msgspec.Struct, frozen=True):
    """A rule that a policy leaves out: why, and where it says so."""

    rule: MergedRule
    reason: str
    location: Location


class MergedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy after composition.

    `sources` are the files it is made from, its own first, each once. `rejected` are rules whose
    ids are taken, and what is sound of broken ones: not in force, but checked all the same.
    `excused` and `open_ended` as in Unit, those of the extended policies included. `given` are
    values of parameters from the command line, by name.
    """

    name: str
    version: str
    title: str
    rules: list[MergedRule]
    disabled: list[Disabled]
    rejected: list[MergedRule]
    parameters: dict[str, Parameter]
    sources: list[YamlFile]
    location: Location
    excused: frozenset[str] = frozenset()
    open_ended: bool = False
    given: Mapping[str, str] = {}

    @property
    def values(self) -> dict[str, Parameter]:
        """The policy's parameters with the values that they have in the end.

        Raises BadValueError for values that the inspection of the policy finds wrong.
        """
        return {name: one.settled(self.given) for name, one in self.parameters.items()}

    def values_of(self, rule: MergedRule) -> dict[str, Parameter]:
        """Return the same of the parameters that a rule uses, as the rule sees them."""
        seen = rule.parameters
        return {name: seen[name].settled(self.given) for name in rule.used if name in seen}


def _referred(raw: object) -> Iterator[str]:
    """Give the parameters that a written value refers to, at any depth."""
    if name := parameter_in(raw):
        yield name
    elif isinstance(raw, dict):
        for value in raw.values():
            yield from _referred(value)


def _renamed(text: str | UnsetType, names: Mapping[str, str]) -> str | UnsetType:
    if isinstance(text, str):
        for name, offset in reversed(parameters_in(text)):
            if name in names:
                text = f"{text[:offset]}${names[name]}{text[offset + 1 + len(name) :]}"
    return text


def _swapped(written: Any, names: Mapping[str, str]) -> Any:  # noqa: ANN401 - YAML is anything
    """Return what is written with other names of parameters, at any depth of mappings."""
    if isinstance(written, dict):
        return {key: _swapped(value, names) for key, value in written.items()}
    name = parameter_in(written)
    return f"${names[name]}" if name is not None and name in names else written
