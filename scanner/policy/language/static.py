"""What can be said of a rule without its parameters: that its resource, check and action exist."""

from scanner.base.composer import NodePath
from scanner.base.errors import Problem
from scanner.base.hints import did_you_mean
from scanner.base.yamlfile import YamlFile
from scanner.catalogue import TABLES
from scanner.policy.language.arguments import ActionUse, CheckUse, read_check, read_fix
from scanner.policy.language.scope import ParameterScope


def check_rule(source: YamlFile, path: NodePath) -> list[Problem]:
    """Check the rule at `path`, which may be broken otherwise, as far as it can be read."""
    rule = source.get(path)
    if not isinstance(rule, dict):
        return []
    problems: list[Problem] = []
    resource = rule.get("resource")
    if isinstance(resource, str):
        problems += check_resource(source, (*path, "resource"), resource)
    check = rule.get("check")
    if isinstance(check, dict) and len(check) == 1:
        use, found = read_check(source, (*path, "check"), check, ParameterScope({}, is_open=True))
        problems += found
        if use and isinstance(resource, str) and resource in TABLES:
            problems += check_fit(source, (*path, "check"), use, resource)
    fix = rule.get("fix")
    if isinstance(fix, dict) and len(fix) == 1:
        remedy, found = read_fix(source, (*path, "fix"), fix, ParameterScope({}, is_open=True))
        problems += found
        if remedy and isinstance(resource, str) and resource in TABLES:
            problems += fix_fit(source, (*path, "fix"), remedy, resource)
    return problems


def check_resource(source: YamlFile, path: NodePath, resource: str) -> list[Problem]:
    """Check that the table exists."""
    if resource in TABLES:
        return []
    hint = did_you_mean(resource, TABLES, kind="resources")
    return [
        source.problem(path, f"there is no resource `{resource}`", "unknown-resource", hint=hint)
    ]


def check_fit(source: YamlFile, path: NodePath, use: CheckUse, resource: str) -> list[Problem]:
    """Check that the check is meant for that table."""
    check = use.check
    if resource in check.resources:
        return []
    message = f"check `{check.name}` is not for {resource}"
    hint = f"It is for {', '.join(check.resources)}."
    return [source.problem((*path, check.name), message, "check-resource", hint=hint, key=True)]


def fix_fit(source: YamlFile, path: NodePath, use: ActionUse, resource: str) -> list[Problem]:
    """Check that the action can mend what is found in that table."""
    action = use.action
    if resource == action.resource:
        return []
    message = f"action `{action.name}` mends nothing of {resource}"
    hint = f"It is for {action.resource}."
    return [source.problem((*path, action.name), message, "action-resource", hint=hint, key=True)]
