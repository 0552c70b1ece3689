"""What policies, checks and actions offer, as data and, for the generated pages, as Markdown."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
from msgspec import UNSET

from scanner.authoring.explain.rule import ParameterUse, parameter_uses
from scanner.authoring.explain.yamltext import flow
from scanner.authoring.reference.examples import Example, examples
from scanner.base.errors import PolicyError, Problem
from scanner.engine.database import Connection, connect
from scanner.engine.judge.prepare import prepare
from scanner.model.rule import Rule
from scanner.policy.actions import get_actions
from scanner.policy.checks import get_checks
from scanner.policy.files.cases import cases_beside, load_cases
from scanner.policy.files.locate import select_each, shipped_policies
from scanner.policy.language.arguments import example_sql
from scanner.policy.language.signature import Signature
from scanner.policy.load import inspect_policies
from scanner.policy.merge import MergedPolicy, MergedRule


class RuleEntry(msgspec.Struct, frozen=True):
    """A rule of a policy. `inherited_from` is the file of the policy that it comes from."""

    id: str
    title: str
    severity: str
    resource: str
    inherited_from: str | None
    changed: list[str]
    where: str | None
    check: str | None
    require: str | None
    message: str
    rationale: str
    remediation: str
    controls: dict[str, list[str]]
    fix: str | None
    parameters: list[ParameterUse]
    examples: list[Example]


class DisabledEntry(msgspec.Struct, frozen=True):
    """A rule of an extended policy that is not in force."""

    id: str
    reason: str


class PolicyEntry(msgspec.Struct, frozen=True):
    """A policy with its rules."""

    name: str
    version: str
    title: str
    description: str
    file: str
    rules: list[RuleEntry]
    disabled: list[DisabledEntry]


class ArgumentEntry(msgspec.Struct, frozen=True):
    """An argument of a check or an action."""

    name: str
    type: str
    required: bool
    description: str


class CheckEntry(msgspec.Struct, frozen=True):
    """A built-in check; `sql` is what its example stands for."""

    name: str
    summary: str
    description: str
    example: str
    sql: str
    arguments: list[ArgumentEntry]
    resources: list[str]


class ActionEntry(msgspec.Struct, frozen=True):
    """An action that a `fix` may name; `risk` is what it may cost."""

    name: str
    summary: str
    description: str
    example: str
    risk: str
    arguments: list[ArgumentEntry]
    resource: str


def policy_entries(refs: Sequence[str]) -> list[PolicyEntry]:
    """Describe these policies, or without any the shipped ones, each by itself.

    Raises PolicyError, with what is wrong with any of them, and UsageError as scanning by each
    does: conditions are held against the tables, so that nothing is listed that a scan would
    refuse. Two may have one rule id, as alternatives have: baseline and strict do.
    """
    found: list[PolicyEntry] = []
    problems: list[Problem] = []
    with connect() as connection:
        for file, one in [each for ref in refs or shipped_policies() for each in select_each(ref)]:
            try:
                found.append(_policy(connection, one, file.path))
            except PolicyError as error:
                problems += error.problems
    if problems:
        raise PolicyError(problems)
    return found


def _policy(connection: Connection, ref: str, path: Path) -> PolicyEntry:
    inspection = inspect_policies([ref]).sound()
    (policy,), (merged,) = inspection.policies, inspection.merged
    prepare(connection, policy.rules)
    tests = cases_beside(path)
    shown = str(Path(merged.location.file).with_name(tests.name))
    cases = load_cases(tests, shown, merged) if os.path.lexists(tests) else ()
    return PolicyEntry(
        name=merged.name,
        version=merged.version,
        title=merged.title,
        description=str(merged.sources[0].fields.get("description", "")),
        file=merged.location.file,
        rules=[
            _rule(rule, source, merged, examples(rule, cases))
            for rule, source in zip(policy.rules, merged.rules, strict=True)
        ],
        disabled=[DisabledEntry(one.rule.id, one.reason) for one in merged.disabled],
    )


def _rule(rule: Rule, source: MergedRule, merged: MergedPolicy, shown: list[Example]) -> RuleEntry:
    document = source.document
    home = source.home.source
    return RuleEntry(
        id=rule.id,
        title=rule.title,
        severity=str(rule.severity),
        resource=rule.resource,
        inherited_from=None if home is merged.sources[0] else home.name,
        changed=[str(field) for field in source.overridden],
        where=rule.where.text if rule.where else None,
        check=None if document.check is UNSET else flow(document.check),
        require=None if document.require is UNSET else document.require,
        message=rule.message,
        rationale=rule.rationale,
        remediation=rule.remediation,
        controls=rule.controls,
        fix=None if document.fix is UNSET else flow(document.fix),
        parameters=parameter_uses(merged, source),
        examples=shown,
    )


def check_entries() -> list[CheckEntry]:
    """Describe the built-in checks."""
    return [
        CheckEntry(
            name=check.name,
            summary=check.summary,
            description=check.description,
            example=check.example,
            sql=example_sql(check),
            arguments=_arguments(check),
            resources=list(check.resources),
        )
        for check in get_checks()
    ]


def action_entries() -> list[ActionEntry]:
    """Describe the actions of remedies."""
    return [
        ActionEntry(
            name=action.name,
            summary=action.summary,
            description=action.description,
            example=action.example,
            risk=str(action.risk),
            arguments=_arguments(action),
            resource=action.resource,
        )
        for action in get_actions()
    ]


def _arguments(used: Signature[Any]) -> list[ArgumentEntry]:
    return [
        ArgumentEntry(key, str(slot.type), key in used.required(), slot.meaning)
        for key, slot in used.slots().items()
    ]
