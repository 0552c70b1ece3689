"""A policy as one file: what it extends taken in, and each part with where it came from."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec import UNSET

from scanner.authoring.explain.yamltext import entry, flow, scalar
from scanner.base.yamlfile import printable
from scanner.policy.compile import Compiler
from scanner.policy.files.locate import shipped_policies
from scanner.policy.language.parameters import Origin, Parameter
from scanner.policy.language.predicates import parameters_in
from scanner.policy.language.slots import Slot, parameter_in
from scanner.policy.language.values import ValueType, format_duration, parse_rate
from scanner.policy.merge import MergedPolicy, MergedRule, used_parameters

_TEXTS: Final = ("message", "rationale", "remediation")
_LONGEST_NAME: Final = 40
_NEWLINE: Final = "\\n"


def merged_yaml(merged: MergedPolicy, params: Mapping[str, str]) -> str:
    """Write the policy without `extends`, `override` and `disable`; it asks the same of keys.

    `params` are values from the command line; they become defaults. A rule that sees another
    value of a parameter than the policy at large gets a parameter of its own.
    """
    compiler = Compiler(params)
    shared = compiler.effective(merged.parameters)
    own: dict[str, Parameter] = {}
    rules: list[str] = []
    for rule in merged.rules:
        names = _own_names(rule, compiler.effective(rule.parameters), shared, own)
        rules += ["", *_rule(rule, names)]
    declared = shared | own
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
    data = merged.sources[0].data
    if isinstance(data, dict) and isinstance(data.get("description"), str):
        lines += entry("description", data["description"], "")
    return lines


def _note(text: str) -> str:
    """Write a comment; it ends with its line, whatever is in the text."""
    return f"# {printable(text.rstrip()).replace(_NEWLINE, ' ')}"


def _own_names(
    rule: MergedRule,
    values: Mapping[str, Parameter],
    shared: Mapping[str, Parameter],
    own: dict[str, Parameter],
) -> dict[str, str]:
    """Declare a parameter for each value that only this rule sees; return the new names."""
    names: dict[str, str] = {}
    for name in used_parameters(rule):
        parameter = values[name]
        other = shared.get(name)
        if other is None or (other.slot, other.value) != (parameter.slot, parameter.value):
            taken = {*shared, *own}
            names[name] = _free_name(f"{rule.id.replace('-', '_')}_{name}", taken)
            own[names[name]] = msgspec.structs.replace(parameter, name=names[name])
    return names


def _free_name(wanted: str, taken: set[str]) -> str:
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
        origin = "declared" if parameter.origin is Origin.DEFAULT else str(parameter.origin)
        lines.append(f"  {name}:  {_note(f'{origin}: {parameter.location}')}")
        lines += _declaration(parameter)
    return lines


def _declaration(parameter: Parameter) -> list[str]:
    slot, indent = parameter.slot, "    "
    lines = [f"{indent}type: {slot.type}"]
    if parameter.value is not UNSET:
        lines.append(f"{indent}default: {_typed(slot, parameter.value)}")
    for key, bound in (("min", slot.minimum), ("max", slot.maximum)):
        if bound is not None:
            lines.append(f"{indent}{key}: {_typed(slot, bound)}")
    if slot.choices:
        choices = ", ".join(_typed(slot, choice) for choice in slot.choices)
        lines.append(f"{indent}enum: [{choices}]")
    if slot.pattern is not None:
        lines += entry("pattern", slot.pattern, indent)
    if slot.description:
        lines += entry("description", slot.description, indent)
    return lines


def _typed(slot: Slot, value: object) -> str:
    """Write a value so that it reads as exactly the same one."""
    if isinstance(value, timedelta):
        return format_duration(value)
    if slot.type is ValueType.RATE and isinstance(value, float):
        return _rate(value)
    return flow(value)


def _rate(value: float) -> str:
    for unit, seconds in (("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)):
        text = f"{round(value * seconds)}/{unit}"
        if len(text) < len("999999999999999/s") and parse_rate(text) == value:
            return text
    return flow(value)


def _rule(rule: MergedRule, names: Mapping[str, str]) -> list[str]:
    document = rule.document
    home = rule.home.source.at_key((*rule.home.path, "id"))
    lines = [f"  {_note(str(home))}", f"  - id: {rule.id}"]
    indent = "    "
    if document.title:
        lines += entry("title", document.title, indent, comment=_origin(rule, "title"))
    lines.append(f"{indent}resource: {scalar(document.resource)}")
    severity = _renamed(document.severity, names)
    lines.append(_with(f"{indent}severity: {severity}", _origin(rule, "severity")))
    if isinstance(rule.where, str):
        text = _renamed(rule.where, names)
        lines += entry("where", text, indent, comment=_origin(rule, "where"))
    elif "where" in rule.overridden:
        lines.append(f"{indent}{_note('where: taken away, ' + _origin(rule, 'where'))}")
    if isinstance(document.check, dict):
        lines.append(f"{indent}check: {flow(_swapped(document.check, names))}")
    if isinstance(document.require, str):
        lines += entry("require", _renamed(document.require, names), indent)
    for key in _TEXTS:
        if text := getattr(document, key):
            lines += entry(key, text, indent, comment=_origin(rule, key))
    if document.controls:
        lines.append(_with(f"{indent}controls:", _origin(rule, "controls")))
        lines += [
            f"{indent}  {scalar(name)}: {flow(items)}" for name, items in document.controls.items()
        ]
    return lines


def _origin(rule: MergedRule, part: str) -> str:
    place = {str(field): place for field, place in rule.overridden.items()}.get(part)
    return f"override: {place.location}" if place else ""


def _with(line: str, comment: str) -> str:
    return f"{line}  {_note(comment)}" if comment else line


def _swapped(check: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """Return the check with the rule's own parameters in place of the shared ones."""

    def swap(value: object) -> object:
        name = parameter_in(value)
        return f"${names[name]}" if name in names and name is not None else value

    return {
        check_name: {key: swap(value) for key, value in raw.items()}
        if isinstance(raw, dict)
        else swap(raw)
        for check_name, raw in check.items()
    }


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for name, offset in reversed(parameters_in(text)):
        if name in names:
            text = f"{text[:offset]}${names[name]}{text[offset + 1 + len(name) :]}"
    return text
