"""Policies enter; one file leaves: what it extends taken in, each part with where it came from."""

from collections.abc import Collection, Mapping, Sequence
from typing import Final

import msgspec
from msgspec import UNSET

from scanner.authoring.explain.yamltext import entry, flow, scalar
from scanner.base.errors import UsageError
from scanner.base.yamlfile import printable
from scanner.policy.files.locate import shipped_policies
from scanner.policy.language.parameters import Parameter
from scanner.policy.load import inspect_policies
from scanner.policy.merge import MergedPolicy, MergedRule

_TEXTS: Final = ("message", "rationale", "remediation")
_LONGEST_NAME: Final = 40
_NEWLINE: Final = "\\n"


def merged_yaml(refs: Sequence[str], params: Mapping[str, str]) -> str:
    """Write one policy without `extends`, `override` and `disable`; it asks the same of keys.

    `params` are values from the command line; they become defaults. A rule that sees another
    value of a parameter than the policy at large gets a parameter of its own. Raises PolicyError
    for unsound policies, UsageError for several and for one without rules.
    """
    found = inspect_policies(refs, params).sound().merged
    if len(found) != 1:
        names = ", ".join(merged.name for merged in found)
        raise UsageError(
            f"--merged prints one policy, and these are {len(found)}: {names}",
            where="explain",
            remedy="Name one with --policy.",
        )
    (merged,) = found
    if not merged.rules:
        raise UsageError(
            f"policy {merged.name} has no rule left to print",
            where="explain",
            remedy="All of its rules are disabled: enable one, or name another policy.",
        )
    shared = merged.values
    declared = dict(shared)
    rules: list[str] = []
    for rule in merged.rules:
        own: dict[str, str] = {}
        for name, parameter in merged.values_of(rule).items():
            other = shared.get(name)
            if other is None or (other.slot, other.value) != (parameter.slot, parameter.value):
                made = _free_name(f"{rule.id.replace('-', '_')}_{name}", declared)
                own[name] = made
                declared[made] = msgspec.structs.replace(parameter, name=made)
        rules += ["", *_rule(rule.renamed(own))]
    lines = [*_head(merged), *_params(declared), "", "rules:", *rules[1:]]
    return "\n".join(lines) + "\n"


def _head(merged: MergedPolicy) -> list[str]:
    lines = ["# Merged by `keypolicy explain --merged` from:"]
    lines += [_note(f"  {source.name}") for source in merged.sources]
    for disabled in merged.disabled:
        lines.append(
            _note(f"Left out: {disabled.rule.id} ({disabled.location}): {disabled.reason}")
        )
    # The name of a shipped policy is taken: under it nobody may read anything else.
    name = f"{merged.name}-merged" if merged.name in shipped_policies() else merged.name
    lines += [f"policy: {name}", f"version: {merged.version}"]
    if merged.title:
        lines += entry("title", merged.title, "")
    description = merged.sources[0].fields.get("description")
    if isinstance(description, str):
        lines += entry("description", description, "")
    return lines


def _note(text: str) -> str:
    """Write a comment; it ends with its line, whatever is in the text."""
    return f"# {printable(text.rstrip()).replace(_NEWLINE, ' ')}"


def _free_name(wanted: str, taken: Collection[str]) -> str:
    number, name = 1, wanted[-_LONGEST_NAME:].lstrip("_0123456789")
    while name in taken:
        number += 1
        name = f"{wanted[: _LONGEST_NAME - 5]}_{number}"
    return name


def _params(declared: Mapping[str, Parameter]) -> list[str]:
    if not declared:
        return []
    lines = ["", "params:"]
    for name, parameter in declared.items():
        origin = "declared" if parameter.origin == "default" else parameter.origin
        lines.append(f"  {name}:  {_note(f'{origin}: {parameter.location}')}")
        lines += _declaration(parameter)
    return lines


def _declaration(parameter: Parameter) -> list[str]:
    slot, indent = parameter.slot, "    "
    values = {"default": parameter.value, "min": slot.minimum, "max": slot.maximum}
    lines = [f"{indent}type: {slot.type}"]
    lines += [
        f"{indent}{key}: {slot.exact(value) or flow(value)}"
        for key, value in values.items()
        if value is not UNSET and value is not None
    ]
    if slot.choices:
        choices = ", ".join(slot.exact(choice) or flow(choice) for choice in slot.choices)
        lines.append(f"{indent}enum: [{choices}]")
    if slot.pattern is not None:
        lines += entry("pattern", slot.pattern, indent)
    if slot.description:
        lines += entry("description", slot.description, indent)
    return lines


def _rule(rule: MergedRule) -> list[str]:
    document = rule.document
    home = rule.home.source.at_key((*rule.home.path, "id"))
    lines = [f"  {_note(str(home))}", f"  - id: {rule.id}"]
    indent = "    "
    if document.title:
        lines += entry("title", document.title, indent, comment=_origin(rule, "title"))
    lines.append(f"{indent}resource: {scalar(document.resource)}")
    lines.append(_with(f"{indent}severity: {document.severity}", _origin(rule, "severity")))
    if isinstance(document.where, str):
        lines += entry("where", document.where, indent, comment=_origin(rule, "where"))
    elif "where" in rule.overridden:
        lines.append(f"{indent}{_note('where: taken away, ' + _origin(rule, 'where'))}")
    if isinstance(document.check, dict):
        lines.append(f"{indent}check: {flow(document.check)}")
    if isinstance(document.require, str):
        lines += entry("require", document.require, indent)
    for key in _TEXTS:
        if text := getattr(document, key):
            lines += entry(key, text, indent, comment=_origin(rule, key))
    lines += _fix(rule, indent)
    if document.controls:
        lines.append(_with(f"{indent}controls:", _origin(rule, "controls")))
        lines += [
            f"{indent}  {scalar(name)}: {flow(items)}" for name, items in document.controls.items()
        ]
    return lines


def _fix(rule: MergedRule, indent: str) -> list[str]:
    written = rule.document.fix
    if isinstance(written, dict):
        return [_with(f"{indent}fix: {flow(written)}", _origin(rule, "fix"))]
    if "fix" in rule.overridden:
        return [f"{indent}{_note('fix: taken away, ' + _origin(rule, 'fix'))}"]
    return []


def _origin(rule: MergedRule, part: str) -> str:
    place = rule.changes.get(part)
    return f"override: {place}" if place else ""


def _with(line: str, comment: str) -> str:
    return f"{line}  {_note(comment)}" if comment else line
