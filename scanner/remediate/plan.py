"""Planning: findings and the state of their keys go in, actions and what is left come out.

A plan is made of what is known and of nothing else: a key whose state was not told, or of which
contrary things are asked, is left as it is, with the reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Final

import msgspec

from scanner.model.finding import Finding, Resource
from scanner.model.outcome import Disposition, Outcome, Risk, Severity
from scanner.model.rule import Rule
from scanner.policy.actions import get_action
from scanner.remediate.apart import apart, left_of
from scanner.remediate.document import (
    Cause,
    Left,
    PlannedAction,
    Precondition,
    State,
    action_id,
)
from scanner.remediate.keys import HIDDEN, is_whole
from scanner.remediate.proposals import (
    Knowledge,
    Remediable,
    Wanted,
    contrary,
    joined,
    proposals,
    target_of,
)
from scanner.remediate.rotation.planned import Scene, parted, planned, unnamed

_LOST: Final = "what is sent with the key from then on is lost"
UNSEEN_TRAFFIC: Final = f"what the key receives was not looked at; {_LOST}"
_ERRORS_ONLY: Final = "statistics count errors alone: that there are none does not prove it unused"


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """Which findings a plan is about: all, unless rules, keys, projects or a severity are named.

    A key is named by its id, the start of it, or its name; `severity` is the lowest.
    """

    rules: frozenset[str] = frozenset()
    keys: tuple[str, ...] = ()
    projects: frozenset[str] = frozenset()
    severity: Severity = Severity.LOW

    def takes(self, finding: Finding) -> bool:
        """Whether the plan is about the finding."""
        return self.includes(finding.rule_id, finding.severity, finding.resource)

    def includes(self, rule: str, severity: Severity, resource: Resource) -> bool:
        """Whether the plan is about a rule of a severity on a key."""
        return (
            (not self.rules or rule in self.rules)
            and (not self.keys or any(is_key(resource.id, resource.name, k) for k in self.keys))
            and (not self.projects or resource.project in self.projects)
            and severity.rank >= self.severity.rank
        )


def make_plan(
    findings: Iterable[Finding],
    rules: Mapping[tuple[str, str], Rule],
    choice: Choice,
    known: Knowledge,
) -> tuple[tuple[PlannedAction, ...], tuple[Left, ...]]:
    """Return the actions that mend the chosen findings, and what is left; both sorted.

    `rules` are by policy and id; a finding of another rule has no remedy.
    """
    left: list[Left] = []
    cases: list[Remediable] = []
    for finding in filter(choice.takes, findings):
        rule = rules.get((finding.policy, finding.rule_id))
        why = _passed_over(finding, rule)
        if why is not None or rule is None or rule.fix is None:
            left.append(Left.of(finding, target_of(finding, {}), *(why or _NO_REMEDY)))
            continue
        action = get_action(rule.fix.action)
        cases.append(Remediable(finding, action, action.arguments(**rule.fix.arguments)))
    turning, cases = parted(cases, left)
    wanted = proposals(cases, known, left)
    actions: list[PlannedAction] = []
    for _, group in groupby(sorted(wanted, key=_key), key=_key):
        actions += _settled(list(group), left)
    scene = Scene(
        tuple(rules.values()), lambda one, key: choice.includes(one.id, one.severity, key), known
    )
    actions = [*unnamed(actions, scene, left), *planned(turning, scene, left)]
    actions = apart(_whole(actions, left), known, left)
    return tuple(sorted(actions, key=_order)), tuple(sorted(left, key=_left_order))


_NO_REMEDY: Final = ("no-remedy", "the rule has no `fix`")


def _passed_over(finding: Finding, rule: Rule | None) -> tuple[str, str] | None:
    """Say why nothing is done about a finding, as far as it tells that itself."""
    if finding.disposition is Disposition.WAIVED:
        return "waived", f"waived by {finding.waiver}"
    if finding.disposition is Disposition.BASELINED:
        return "baselined", "known, and tolerated by the baseline"
    if not finding.resource.id:
        return "unseen", finding.message
    if finding.outcome is Outcome.ERROR:
        return "error", finding.message
    if finding.outcome is not Outcome.FAIL:
        return "unknown", finding.message
    return _NO_REMEDY if rule is None or rule.fix is None else None


def _whole(actions: Iterable[PlannedAction], left: list[Left]) -> list[PlannedAction]:
    """Return the actions without those whose new values are made of a text that was redacted."""
    kept = []
    for one in actions:
        lost = [field for field, value in (one.after or {}).items() if not is_whole({field: value})]
        if lost:
            left += left_of(one, "unknown-state", f"its {', '.join(lost)} {HIDDEN}")
        else:
            kept.append(one)
    return kept


def _settled(group: list[Wanted], left: list[Left]) -> list[PlannedAction]:
    """Return the actions on one key; of those that are contrary, none."""
    against = contrary(group)
    for number, reason in against.items():
        left.append(Left.of(group[number].finding, group[number].target, "conflict", reason))
    agreed = [one for number, one in enumerate(group) if number not in against]
    actions: list[PlannedAction] = []
    for _, same in groupby(sorted(agreed, key=_name), key=_name):
        alike = list(same)
        after = joined(alike)
        if after == {}:
            reason = f"{alike[0].action.name} changes nothing: the key is so already"
            left += [Left.of(one.finding, one.target, "already-so", reason) for one in alike]
        else:
            actions.append(_action(alike, after))
    return actions


def _action(alike: Sequence[Wanted], after: State | None) -> PlannedAction:
    """Make the one action that several findings of a key ask for."""
    one = alike[0]
    state = one.state
    risk = one.action.risk
    if risk is Risk.SAFE and one.action.cuts and not one.proposal.is_checked:
        # Nobody looked at what the limit would keep out.
        risk = Risk.DISRUPTIVE
    if one.action.creates:
        # Held where the project has no key of this name: there is no other state before it.
        precondition = Precondition.of({"name": one.target.name})
    else:
        precondition = Precondition.of(state)
    causes = [Cause.of(w.finding) for w in alike]
    return PlannedAction(
        id=action_id(one.action.name, one.target, after),
        action=one.action.name,
        risk=risk,
        target=one.target,
        before=state
        if after is None
        else {field: state[field] for field in after if field in state},
        after=after,
        precondition=precondition,
        reason="; ".join(dict.fromkeys(w.finding.message for w in alike)),
        findings=tuple(sorted(causes, key=lambda cause: (cause.policy, cause.rule_id))),
        notes=(*one.proposal.notes, *_warnings(one)),
        traffic=one.traffic if one.action.cuts else None,
    )


def _warnings(one: Wanted) -> list[str]:
    """Say what is lost with the key."""
    if not one.action.cuts or one.action.risk is Risk.SAFE:
        return []
    if one.traffic is None:
        return [UNSEEN_TRAFFIC]
    return [_LOST if one.traffic.accepted else _ERRORS_ONLY]


def _name(one: Wanted) -> str:
    return one.action.name


def is_key(key: str, name: str | None, meant: str) -> bool:
    """Whether a key of this id and name is meant: by the start of the one, or by the other."""
    return bool(meant) and (key.startswith(meant) or name == meant)


def _key(one: Wanted) -> tuple[str, ...]:
    return (*one.target.place, *([one.target.name or ""] if not one.target.id else []))


def _order(one: PlannedAction) -> tuple[str, ...]:
    return (*one.target.place, one.action, one.id)


def _left_order(one: Left) -> tuple[str, ...]:
    return (*one.target.place, one.policy, one.rule_id, one.reason)
