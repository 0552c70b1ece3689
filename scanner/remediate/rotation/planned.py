"""Rotations in a plan: findings to rotate keys and all keys go in, the actions of now come out."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final

import msgspec

from scanner.model.finding import Resource
from scanner.model.outcome import Risk
from scanner.model.rule import Rule
from scanner.policy.actions import get_action
from scanner.remediate.document import (
    Cause,
    KeyTarget,
    KeyTraffic,
    Left,
    PlannedAction,
    Precondition,
    Rotation,
    action_id,
)
from scanner.remediate.keys import KnownKey
from scanner.remediate.proposals import Knowledge, Remediable, target_of
from scanner.remediate.rotation.steps import RotationStep, Waiting, next_step
from scanner.remediate.rotation.survey import ACTION, rotating, under_way, with_neighbours
from scanner.triage.fingerprint import fingerprint

_CONTRARY: Final = "rotating keeps a key until it is quiet, and a rule asks otherwise: none is done"
_ALONE: Final = "a rotation needs all keys of the project in view: plan from a scan, not a report"
_GONE: Final = Waiting("unknown-state", "the source did not tell its organization and project")

_NAMED: Final = Waiting("conflict", "a rotation that is under way is known by the key's name")

_Id = tuple[str, str]
"""The table and the id of a key."""


class Scene(msgspec.Struct, frozen=True):
    """What rotations are planned on.

    `rules` are all that are in force, and `takes` says whether the plan is about a rule and a key.
    """

    rules: tuple[Rule, ...]
    takes: Callable[[Rule, Resource], bool]
    known: Knowledge


def parted(
    cases: Iterable[Remediable], left: list[Left]
) -> tuple[list[Remediable], list[Remediable]]:
    """Return the cases of rotations and the others, without those that ask contrary things.

    To rotate a key is contrary to disabling or deleting it now, and to rotating it otherwise.
    """
    turning: list[Remediable] = []
    others: list[Remediable] = []
    for alike in _by_key(cases).values():
        mine = [case for case in alike if case.action.name == ACTION]
        against = [case for case in alike if case not in mine and _cuts_off(case)]
        if mine and (against or any(c.arguments != mine[0].arguments for c in mine)):
            both = (*mine, *against)
            left += [
                Left.of(c.finding, target_of(c.finding, {}), "conflict", _CONTRARY) for c in both
            ]
        else:
            turning += mine
            against = []
        others += [case for case in alike if case not in mine and case not in against]
    return turning, others


def planned(turning: Iterable[Remediable], scene: Scene, left: list[Left]) -> list[PlannedAction]:
    """Return the steps that are due: of keys with a finding, and of those already disabled.

    No rule about active keys finds a key that was disabled; its rotation is then known by the
    names, and the rule that rotates answers for it.
    """
    found = _by_key(turning)
    known = scene.known
    if known.keys is None or known.as_of is None:
        cases = [case for alike in found.values() for case in alike]
        left += [Left.of(c.finding, target_of(c.finding, {}), "unseen", _ALONE) for c in cases]
        return []
    tables = {table for table, _ in found} | {r.resource for r in scene.rules if rotating([r])}
    keys = {table: known.keys(table) for table in sorted(tables)}
    near = {table: with_neighbours(of) for table, of in keys.items()}
    actions = []
    for (table, key_id), alike in found.items():
        causes = [Cause.of(case.finding) for case in alike]
        if key_id not in near[table]:
            left += _waits(target_of(alike[0].finding, {}), _GONE, causes)
            continue
        old, project = near[table][key_id]
        following = next_step(old, project, alike[0].arguments, known.as_of)
        if isinstance(following, Waiting):
            left += _waits(target_of(alike[0].finding, {}), following, causes)
        else:
            messages = tuple(dict.fromkeys(case.finding.message for case in alike))
            actions.append(_action(old, following, causes, messages))
    return actions + _of_disabled(scene, keys, known.as_of, frozenset(found), left)


def unnamed(
    actions: Iterable[PlannedAction], scene: Scene, left: list[Left]
) -> list[PlannedAction]:
    """Return the actions without those that rename a key by which a rotation is known."""
    known = scene.known
    if known.keys is None or known.as_of is None:
        return list(actions)
    held = {
        key.target.id
        for rule in scene.rules
        for how in rotating([rule])
        for turn in under_way(known.keys(rule.resource), how, known.as_of)
        for key in (turn.old, *turn.new)
    }
    kept = []
    for one in actions:
        if one.target.id in held and "name" in (one.after or {}):
            left += _waits(one.target, _NAMED, one.findings)
        else:
            kept.append(one)
    return kept


def _of_disabled(
    scene: Scene,
    keys: Mapping[str, Sequence[KnownKey]],
    as_of: datetime,
    done: frozenset[_Id],
    left: list[Left],
) -> list[PlannedAction]:
    """Return the steps of keys that are disabled and followed, each for the first rule with it."""
    actions = []
    for rule in scene.rules:
        for how in rotating([rule]):
            for turn in under_way(keys[rule.resource], how, as_of):
                target = turn.old.target
                key = rule.resource, target.id
                if key in done or turn.old.state.get("isActive") is not False:
                    continue
                if not scene.takes(rule, _resource(target)):
                    continue
                done |= {key}
                place = target.organization, target.project_id or target.project
                named = fingerprint(rule.id, *place, target.id)
                causes = [Cause(rule.id, rule.policy, rule.severity, named)]
                if isinstance(turn.following, Waiting):
                    left += _waits(target, turn.following, causes)
                else:
                    actions.append(_action(turn.old, turn.following, causes, ()))
    return actions


def _action(
    old: KnownKey, step: RotationStep, causes: Sequence[Cause], messages: tuple[str, ...]
) -> PlannedAction:
    target, state, after = old.target, old.state, step.after
    if step.step == "create":
        name = (after or {})["name"]
        target = msgspec.structs.replace(target, id="", name=name, url=None)
        before, precondition = {}, Precondition.of({"name": name})
    else:
        before = state if after is None else {field: state[field] for field in after}
        precondition = Precondition.of(state)
    risk = get_action(step.step).risk
    usage = old.usage if risk is not Risk.SAFE else None
    return PlannedAction(
        id=action_id(step.step, target, after),
        action=step.step,
        risk=risk,
        target=target,
        before=before,
        after=after,
        precondition=precondition,
        reason="; ".join((*messages, step.reason)),
        findings=tuple(sorted(causes, key=lambda cause: (cause.policy, cause.rule_id))),
        notes=step.notes,
        traffic=KeyTraffic(usage.accepted, usage.days) if usage else None,
        rotation=Rotation(old.target.id, step.step),
    )


def _waits(target: KeyTarget, waiting: Waiting, causes: Iterable[Cause]) -> list[Left]:
    return [Left.of(cause, target, waiting.code, waiting.reason) for cause in causes]


def _by_key(cases: Iterable[Remediable]) -> dict[_Id, list[Remediable]]:
    found: dict[_Id, list[Remediable]] = {}
    for case in cases:
        found.setdefault((case.finding.resource.type, case.finding.resource.id), []).append(case)
    return found


def _cuts_off(case: Remediable) -> bool:
    return case.action.cuts and case.action.risk is not Risk.SAFE


def _resource(target: KeyTarget) -> Resource:
    return Resource(
        target.type, target.id, target.name, target.organization, target.project, target.url
    )
