"""The rule reference as a Markdown page."""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby
from typing import Final

from scanner.authoring.explain.yamltext import flow
from scanner.authoring.reference.rules import (
    ActionEntry,
    ArgumentEntry,
    CheckEntry,
    PolicyEntry,
    RuleEntry,
)
from scanner.report.parts.markup import escaped, prose

_TICKS: Final = re.compile("`+")


def rules_markdown(
    policies: Sequence[PolicyEntry],
    checks: Sequence[CheckEntry],
    actions: Sequence[ActionEntry],
) -> str:
    """Return the reference of these policies, of the built-in checks and of the actions."""
    lines = [
        "# Rules, checks and actions",
        "",
        "Made by `keypolicy rules --format markdown` from the policies and their test cases.",
        "",
    ]
    described = {
        rule.id for policy in policies for rule in policy.rules if rule.inherited_from is None
    }
    for policy in policies:
        lines += _policy(policy, described)
    lines += ["## Checks", "", "A check is a SQL condition with a name and typed arguments.", ""]
    for check in checks:
        lines += _check(check)
    lines += ["## Actions", "", "An action is what a `fix` asks `keypolicy fix` to do.", ""]
    for action in actions:
        lines += _action(action)
    return "\n".join(lines).rstrip("\n") + "\n"


def _policy(policy: PolicyEntry, described: AbstractSet[str]) -> Iterator[str]:
    yield f"## {escaped(policy.name)}"
    yield ""
    yield f"{escaped(policy.title or policy.name)}. Version {prose(policy.version)}."
    yield ""
    if policy.description:
        yield prose(policy.description.strip())
        yield ""
    yield "| Rule | Severity | Demands |"
    yield "|---|---|---|"
    for rule in policy.rules:
        name = f"[{rule.id}](#{rule.id})" if rule.id in described else f"`{rule.id}`"
        yield f"| {name} | {rule.severity} | {escaped(rule.title)} |"
    yield ""
    yield from _inherited(policy)
    for rule in policy.rules:
        if rule.inherited_from is None:
            yield from _rule(rule)


def _inherited(policy: PolicyEntry) -> Iterator[str]:
    """Say what becomes of the rules of extended policies, which are described with those."""
    inherited = [rule for rule in policy.rules if rule.inherited_from is not None]
    if not inherited and not policy.disabled:
        return
    yield "From the policies that it extends:"
    yield ""
    for rule in inherited:
        parts = [f"{part} is {rule.severity}" for part in rule.changed if part == "severity"]
        parts += [f"another {part}" for part in rule.changed if part != "severity"]
        parts += [
            f"`{one.name}` is {prose(one.value)}"
            for one in rule.parameters
            if one.origin != "default"
        ]
        yield f"- `{rule.id}`: {', '.join(parts) or 'as it is there'}."
    for one in policy.disabled:
        yield f"- `{one.id}` is left out: {prose(' '.join(one.reason.split()))}"
    yield ""


def _rule(rule: RuleEntry) -> Iterator[str]:
    yield f"### {rule.id}"
    yield ""
    yield f"**{escaped(rule.title)}.** Severity {rule.severity}, about `{rule.resource}`."
    yield ""
    yield from _block("yaml", list(_demand(rule)))
    for one in rule.parameters:
        yield f"- `{one.name}` ({one.type}, {prose(one.value)}): {prose(one.description)}"
    if rule.parameters:
        yield ""
    if rule.rationale:
        yield "**Why.** " + prose(rule.rationale.strip())
        yield ""
    yield from _examples(rule)
    if rule.remediation:
        yield "**Remediation.**"
        yield ""
        yield prose(rule.remediation.strip())
        yield ""
    if rule.fix is not None:
        yield "**Fix**, which `keypolicy fix plan` plans:"
        yield ""
        yield from _block("yaml", [f"fix: {rule.fix}"])
    if rule.controls:
        supported = (prose(f"{name} {', '.join(items)}") for name, items in rule.controls.items())
        yield f"**Supports.** {'; '.join(supported)}."
        yield ""


def _demand(rule: RuleEntry) -> Iterator[str]:
    if rule.where is not None:
        yield from _yaml("where", rule.where)
    if rule.check is not None:
        yield f"check: {rule.check}"
    if rule.require is not None:
        yield from _yaml("require", rule.require)


def _block(language: str, lines: Sequence[str]) -> Iterator[str]:
    """Give a block of code, whose fence is longer than any in it."""
    ticks = max((len(run) for line in lines for run in _TICKS.findall(line)), default=0)
    fence = "`" * max(ticks + 1, 3)
    yield from (f"{fence}{language}", *lines, fence, "")


def _yaml(key: str, text: str) -> Iterator[str]:
    if "\n" not in text.strip():
        yield f"{key}: {text.strip()}"
        return
    yield f"{key}: |"
    for line in text.strip().split("\n"):
        yield f"  {line}".rstrip()


def _examples(rule: RuleEntry) -> Iterator[str]:
    for as_of, group in groupby(rule.examples, key=lambda example: example.as_of):
        yield f"**Examples**, at {as_of}; columns that are not named are NULL:"
        yield ""
        rows = [f"- {flow(one.row)}  # {one.outcome.replace('_', ' ')}" for one in group]
        yield from _block("yaml", rows)


def _check(check: CheckEntry) -> Iterator[str]:
    yield f"### {check.name}"
    yield ""
    yield check.description
    yield ""
    yield from _arguments(check.arguments)
    yield f"`{check.example}` stands for:"
    yield ""
    yield "```sql"
    yield check.sql
    yield "```"
    yield ""


def _action(action: ActionEntry) -> Iterator[str]:
    yield f"### {action.name}"
    yield ""
    yield f"{action.description} Risk: {action.risk}. For `{action.resource}`."
    yield ""
    if action.arguments:
        yield from _arguments(action.arguments)
    yield from _block("yaml", [action.example])


def _arguments(arguments: Sequence[ArgumentEntry]) -> Iterator[str]:
    yield "| Argument | Type | Required | Meaning |"
    yield "|---|---|---|---|"
    for one in arguments:
        yield f"| `{one.name}` | {one.type} | {'yes' if one.required else ''} | {one.description} |"
    yield ""
