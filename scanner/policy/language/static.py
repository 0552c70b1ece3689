"""What can be said of a rule without its parameters: that its resource and its check exist."""

from scanner.base.composer import NodePath
from scanner.base.errors import Problem
from scanner.base.hints import did_you_mean
from scanner.base.yamlfile import YamlFile
from scanner.catalogue import TABLES
from scanner.policy.language.arguments import CheckUse, read_check
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
