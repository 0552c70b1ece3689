"""What a rule demands, reads and depends on, with where each part was said."""

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from scanner.authoring.explain.words import Worded
from scanner.authoring.explain.yamltext import flow
from scanner.base.errors import UsageError
from scanner.base.hints import closest, did_you_mean
from scanner.catalogue import TABLES, Column
from scanner.engine.database import connect, literal
from scanner.engine.judge.prepare import Prepared, prepare
from scanner.engine.outline import outline
from scanner.engine.predicate.clock import AS_OF
from scanner.engine.predicate.guard import Guard
from scanner.model.inventory import Needs
from scanner.model.rule import ParamValue, Predicate, Rule
from scanner.policy.files.locate import shipped_policies
from scanner.policy.language.arguments import WrittenArguments, as_written, fix_as_written
from scanner.policy.language.values import ValueType, format_value
from scanner.policy.load import Inspection, inspect_policies
from scanner.policy.merge import MergedPolicy, MergedRule

_CLOCK: Final = "the scan's time"


class ColumnUse(msgspec.Struct, frozen=True):
    """A column that a rule reads.

    `heavy` ones are loaded only for rules that do; `costly` ones take requests of their own.
    """

    name: str
    type: str
    doc: str
    heavy: bool
    costly: bool


class ParameterUse(msgspec.Struct, frozen=True):
    """A parameter that a rule uses: its value, who gave it, and where."""

    name: str
    type: str
    value: str
    origin: str
    location: str
    description: str


class PredicateUse(msgspec.Struct, frozen=True):
    """A predicate: as the policy says it, as it is run, with its bound values, and in words."""

    written: str
    location: str
    sql: str
    values: dict[str, str]
    words: list[str]


class FixUse(msgspec.Struct, frozen=True):
    """What `keypolicy fix plan` would do about a finding: as the policy says it, and in words."""

    written: str
    location: str
    risk: str
    words: list[str]


class Explanation(msgspec.Struct, frozen=True):
    """Everything about one rule. `changed` maps a part to the place of its last override."""

    id: str
    title: str
    policy: str
    version: str
    location: str
    severity: str
    resource: str
    resource_doc: str
    check: str | None
    demand: list[str]
    where: PredicateUse | None
    requirement: PredicateUse
    columns: list[ColumnUse]
    parameters: list[ParameterUse]
    changed: dict[str, str]
    message: str
    rationale: str
    remediation: str
    controls: dict[str, list[str]]
    fix: FixUse | None = None


class Explained(msgspec.Struct, frozen=True):
    """An explanation, with the rule that it is about."""

    explanation: Explanation
    rule: Rule

    @property
    def needs(self) -> Needs:
        """What an inventory has to hold for the rule."""
        return Needs({self.rule.resource: frozenset(one.name for one in self.explanation.columns)})


def explain(refs: Sequence[str], params: Mapping[str, str], rule_id: str) -> Explained:
    """Explain one rule of these policies.

    Raises PolicyError for unsound policies, UsageError for a rule that they do not have.
    """
    inspection = inspect_policies(refs, params).sound()
    for policy, merged in zip(inspection.policies, inspection.merged, strict=True):
        for rule, source in zip(policy.rules, merged.rules, strict=True):
            if rule.id == rule_id:
                return Explained(_explained(rule, source, merged), rule)
    raise _unknown(rule_id, inspection)


def _unknown(rule_id: str, inspection: Inspection) -> UsageError:
    for merged in inspection.merged:
        for disabled in merged.disabled:
            if disabled.rule.id == rule_id:
                return UsageError(
                    f"policy {merged.name} disables the rule {rule_id}: {disabled.reason}",
                    where=str(disabled.location),
                    remedy="Explain it with --policy and the policy that it comes from.",
                )
    known = [rule.id for merged in inspection.merged for rule in merged.rules]
    remedy = did_you_mean(rule_id, known, kind="rules")
    if closest(rule_id, known, likeness=0.8) is None:
        remedy = _elsewhere(rule_id) or remedy
    return UsageError(f"the selected policies have no rule {rule_id!r}", remedy=remedy)


def _elsewhere(rule_id: str) -> str:
    """Say which shipped policy has the rule."""
    for name in shipped_policies():
        if any(
            rule.id == rule_id for one in inspect_policies([name]).policies for rule in one.rules
        ):
            return f"The policy {name} has it: --policy {name}."
    return ""


def _explained(rule: Rule, source: MergedRule, merged: MergedPolicy) -> Explanation:
    with connect() as connection:
        (prepared,) = prepare(connection, [rule])
        guard = Guard(connection)

        def use(predicate: Predicate, written: str) -> PredicateUse:
            checked = guard.check(predicate, rule.resource, prefix(predicate))
            shown = {name: show(value) for name, value in checked.params.items()}
            names = shown | ({AS_OF: "now()"} if checked.uses_as_of else {})
            words = Worded(names).lines(outline(connection, checked.sql))
            if checked.uses_as_of:
                shown[AS_OF] = _CLOCK
            return PredicateUse(written, str(predicate.location), checked.sql, shown, words)

        where = use(rule.where, rule.where.text) if rule.where else None
        requirement = use(rule.requirement, rule.requirement.text)
    check = None if source.document.check is UNSET else flow(source.document.check)
    return Explanation(
        id=rule.id,
        title=rule.title,
        policy=merged.name,
        version=merged.version,
        location=str(rule.location),
        severity=str(rule.severity),
        resource=rule.resource,
        resource_doc=TABLES[rule.resource].doc,
        check=check,
        demand=_check_words(merged, source) if check else requirement.words,
        where=where,
        requirement=requirement,
        columns=_columns(prepared),
        parameters=parameter_uses(merged, source),
        changed={part: str(place) for part, place in source.changes.items()},
        message=rule.message,
        rationale=rule.rationale,
        remediation=rule.remediation,
        controls=rule.controls,
        fix=_fix(rule, source, merged),
    )


def _fix(rule: Rule, source: MergedRule, merged: MergedPolicy) -> FixUse | None:
    """Say what the remedy of a rule does, with the values of its arguments."""
    written = source.document.fix
    if rule.fix is None or written is UNSET:
        return None
    action, arguments = fix_as_written(written)
    words = [action.description, *_argument_words(merged, source, arguments)]
    return FixUse(flow(written), str(rule.fix.location), str(action.risk), words)


def prefix(predicate: Predicate) -> str:
    """Return what to put before the names of parameters: nothing, unless one is called as_of."""
    return "_" if AS_OF in predicate.params else ""


def show(value: ParamValue) -> str:
    """Write a bound value as SQL or a policy would."""
    if isinstance(value, str):
        return literal(value)
    return format_value(ValueType.STRING, value)


def _columns(prepared: Prepared) -> list[ColumnUse]:
    table = TABLES[prepared.rule.resource].columns
    read = dict.fromkeys((*prepared.columns, *sorted(prepared.loaded)))
    return [_column(name, table[name]) for name in read]


def _column(name: str, column: Column) -> ColumnUse:
    return ColumnUse(name, column.type, column.doc, column.heavy, column.costly)


def parameter_uses(policy: MergedPolicy, rule: MergedRule) -> list[ParameterUse]:
    """Return the parameters that the rule uses, with where their values came from."""
    return [
        ParameterUse(
            name=name,
            type=str(parameter.slot.type),
            value=parameter.shown,
            origin=str(parameter.origin),
            location=str(parameter.location),
            description=parameter.slot.description,
        )
        for name, parameter in policy.values_of(rule).items()
    ]


def _check_words(policy: MergedPolicy, rule: MergedRule) -> list[str]:
    """Say what a check demands, with the values of its arguments."""
    written = rule.document.check
    if not isinstance(written, dict):
        return []
    check, arguments = as_written(written)
    return [check.description, *_argument_words(policy, rule, arguments)]


def _argument_words(
    policy: MergedPolicy, rule: MergedRule, arguments: WrittenArguments
) -> list[str]:
    known = policy.values_of(rule)
    return [
        f"- {name} is {flow(value)}"
        if parameter is None
        else f"- {name} is {known[parameter].shown} (from ${parameter})"
        for name, (value, parameter) in arguments.items()
    ]
