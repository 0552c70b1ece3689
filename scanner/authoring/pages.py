"""The rule reference as a Markdown page."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import groupby

from scanner.authoring.reference import CheckEntry, PolicyEntry, RuleEntry
from scanner.authoring.yamltext import flow


def rules_markdown(policies: Sequence[PolicyEntry], checks: Sequence[CheckEntry]) -> str:
    """Return the reference of these policies and of the built-in checks."""
    lines = [
        "# Rules and checks",
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
    return "\n".join(lines).rstrip("\n") + "\n"


def _policy(policy: PolicyEntry, described: AbstractSet[str]) -> Iterator[str]:
    yield f"## {policy.name}"
    yield ""
    yield f"{policy.title or policy.name}. Version {policy.version}."
    yield ""
    if policy.description:
        yield policy.description.strip()
        yield ""
    yield "| Rule | Severity | Demands |"
    yield "|---|---|---|"
    for rule in policy.rules:
        name = f"[{rule.id}](#{rule.id})" if rule.id in described else f"`{rule.id}`"
        yield f"| {name} | {rule.severity} | {_cell(rule.title)} |"
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
            f"`{one.name}` is {one.value}" for one in rule.parameters if one.origin != "default"
        ]
        yield f"- `{rule.id}`: {', '.join(parts) or 'as it is there'}."
    for one in policy.disabled:
        yield f"- `{one.id}` is left out: {' '.join(one.reason.split())}"
    yield ""


def _rule(rule: RuleEntry) -> Iterator[str]:
    yield f"### {rule.id}"
    yield ""
    yield f"**{rule.title}.** Severity {rule.severity}, about `{rule.resource}`."
    yield ""
    yield "```yaml"
    if rule.where is not None:
        yield from _yaml("where", rule.where)
    if rule.check is not None:
        yield f"check: {rule.check}"
    if rule.require is not None:
        yield from _yaml("require", rule.require)
    yield "```"
    yield ""
    for one in rule.parameters:
        yield f"- `{one.name}` ({one.type}, {one.value}): {one.description}"
    if rule.parameters:
        yield ""
    if rule.rationale:
        yield "**Why.** " + rule.rationale.strip()
        yield ""
    yield from _examples(rule)
    if rule.remediation:
        yield "**Remediation.**"
        yield ""
        yield rule.remediation.strip()
        yield ""
    if rule.controls:
        supported = (f"{name} {', '.join(items)}" for name, items in rule.controls.items())
        yield f"**Supports.** {'; '.join(supported)}."
        yield ""


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
        yield "```yaml"
        for example in group:
            yield f"- {flow(example.row)}  # {example.outcome.replace('_', ' ')}"
        yield "```"
        yield ""


def _check(check: CheckEntry) -> Iterator[str]:
    yield f"### {check.name}"
    yield ""
    yield check.description
    yield ""
    yield "| Argument | Type | Required | Meaning |"
    yield "|---|---|---|---|"
    for one in check.arguments:
        yield f"| `{one.name}` | {one.type} | {'yes' if one.required else ''} | {one.description} |"
    yield ""
    yield f"`{check.example}` stands for:"
    yield ""
    yield "```sql"
    yield check.sql
    yield "```"
    yield ""


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
