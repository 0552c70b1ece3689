"""Warnings about a policy as it is written: what is missing, unused, without effect or mistyped."""

import json
import re
from typing import Any

from scanner.authoring.lint import controls
from scanner.base.errors import Problem
from scanner.base.yamlfile import YamlFile
from scanner.catalogue import TABLES
from scanner.policy.merge import MergedPolicy, MergedRule


def advice(policy: MergedPolicy) -> list[Problem]:
    """Return the warnings about what the policy's own file says."""
    own = policy.sources[0]
    return [
        *_remediation(policy, own),
        *_unused_parameters(policy, own),
        *_idle_overrides(policy, own),
        *_hidden_values(policy, own),
        *_controls(policy, own),
    ]


def own_rules(policy: MergedPolicy) -> list[MergedRule]:
    """Return the rules that are written in the policy's own file."""
    return [rule for rule in policy.rules if rule.home.source is policy.sources[0]]


def _remediation(policy: MergedPolicy, own: YamlFile) -> list[Problem]:
    return [
        own.problem(
            (*rule.home.path, "id"),
            f"rule `{rule.id}` does not say how to mend a violation",
            "missing-remediation",
            hint="Add `remediation`: whoever gets the finding reads it first.",
        )
        for rule in (*own_rules(policy), *policy.rejected)
        if rule.home.source is own and not _has_remediation(rule)
    ]


def _has_remediation(rule: MergedRule) -> bool:
    """Whether there is one, be it a wrong one, which is told already."""
    written: Any = rule.home.source.get(rule.home.path)
    return bool(rule.document.remediation.strip() or str(written.get("remediation", "")).strip())


def _unused_parameters(policy: MergedPolicy, own: YamlFile) -> list[Problem]:
    if policy.open_ended:
        return []
    rules = [*policy.rules, *policy.rejected]
    used = {name for rule in rules for name in rule.used}
    used |= _used_by_broken(own, {rule.id for rule in rules})
    declared = own.fields.get("params")
    return [
        own.problem(
            ("params", name),
            f"no rule uses the parameter `{name}`",
            "unused-param",
            hint=f"Write ${name} where the value belongs, or take it out.",
            key=True,
        )
        for name in (declared if isinstance(declared, dict) else {})
        if name in policy.parameters and name not in used
    ]


def _used_by_broken(own: YamlFile, known: set[str]) -> set[str]:
    """Return the parameters in rules that could not be read: what they would use, they use."""
    rules = own.fields.get("rules")
    broken = [
        rule
        for rule in (rules if isinstance(rules, list) else [])
        if not isinstance(rule, dict) or rule.get("id") not in known
    ]
    return set(re.findall(r"\$(\w+)", json.dumps(broken)))


def _idle_overrides(policy: MergedPolicy, own: YamlFile) -> list[Problem]:
    """Find overrides that say what holds anyway, or set what the rule does not use."""
    rules = {rule.id: rule for rule in policy.rules}
    given = own.fields.get("override")
    problems: list[Problem] = []
    for name, override in (given if isinstance(given, dict) else {}).items():
        rule = rules.get(name)
        if rule is None or not isinstance(override, dict):
            continue
        home = rule.home.source.get(rule.home.path)
        for key, value in override.items():
            path = ("override", name, key)
            if key == "params":
                problems += _idle_parameters(rule, own, path, value)
            elif _is_first(policy, name) and isinstance(home, dict) and home.get(key) == value:
                message = f"rule `{name}` has this `{key}` anyway"
                problems.append(
                    own.problem(path, message, "idle-override", hint="Take it out.", key=True)
                )
    return problems


def _idle_parameters(
    rule: MergedRule, own: YamlFile, path: tuple[str, ...], given: object
) -> list[Problem]:
    used = rule.used
    return [
        own.problem(
            (*path, name),
            f"rule `{rule.id}` does not use the parameter `{name}`",
            "idle-override",
            hint=f"It uses: {', '.join(sorted(used))}." if used else "It uses none.",
            key=True,
        )
        for name in (given if isinstance(given, dict) else {})
        if name in rule.parameters and name not in used
    ]


def _is_first(policy: MergedPolicy, rule: str) -> bool:
    """Whether no extended policy changes the rule before this one does."""
    for source in policy.sources[1:]:
        overrides = source.fields.get("override")
        if isinstance(overrides, dict) and rule in overrides:
            return False
    return True


def _hidden_values(policy: MergedPolicy, own: YamlFile) -> list[Problem]:
    """Find values of parameters that every rule that uses them overrides."""
    given = own.fields.get("params")
    problems: list[Problem] = []
    for name in given if isinstance(given, dict) else {}:
        users = [rule for rule in policy.rules if name in rule.used]
        hiders = [
            rule.id
            for rule in users
            if name in rule.parameters and rule.parameters[name].is_overridden
        ]
        if users and len(hiders) == len(users):
            rules = ", ".join(f"`{rule}`" for rule in hiders)
            problems.append(
                own.problem(
                    ("params", name),
                    f"this value is never used: {rules} override `{name}`"
                    if len(hiders) > 1
                    else f"this value is never used: {rules} overrides `{name}`",
                    "shadowed-param",
                    hint="Give the value in one of the two places.",
                    key=True,
                )
            )
    return problems


def _controls(policy: MergedPolicy, own: YamlFile) -> list[Problem]:
    problems: list[Problem] = []
    for rule in (*policy.rules, *policy.rejected):
        place = rule.place("controls")
        if place.source is not own:
            continue
        for framework, identifiers in rule.document.controls.items():
            path = (*place.path, framework)
            if meant := controls.mistyped_framework(framework):
                message = f"there is no framework `{framework}` that we know"
                hint = f"Did you mean `{meant}`?"
                problems.append(
                    own.problem(path, message, "unknown-framework", hint=hint, key=True)
                )
            problems += [
                own.problem(
                    (*path, index),
                    f"{framework} has no `{identifier}`",
                    "unknown-control",
                    hint=f"Its identifiers look like {controls.example(framework)}.",
                )
                for index, identifier in enumerate(identifiers)
                if not controls.is_known(framework, identifier)
            ]
    return problems


def empty_columns(table: str, columns: tuple[str, ...]) -> list[str]:
    """Return those of the columns that never have a value."""
    known = TABLES[table].columns
    return [name for name in columns if known[name].is_empty]
