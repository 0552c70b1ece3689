"""Rotations under way: keys go in, each that is followed by another comes out with what is next."""

from collections.abc import Iterable
from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec

from scanner.model.rule import Rule
from scanner.policy.actions import get_action
from scanner.remediate.keys import KnownKey
from scanner.remediate.rotation.names import Rotate
from scanner.remediate.rotation.steps import RotationStep, Waiting, next_step, successors

ACTION: Final = "rotate"
"""The name of the action in policies."""


class Turn(msgspec.Struct, frozen=True):
    """A key and its successors, and what comes next or what that waits for."""

    old: KnownKey
    new: tuple[KnownKey, ...]
    following: RotationStep | Waiting


def rotating(rules: Iterable[Rule]) -> list[Rotate]:
    """Return in which ways these rules rotate, each once."""
    found = []
    for rule in rules:
        if rule.fix is not None and rule.fix.action == ACTION:
            how = get_action(ACTION).arguments(**rule.fix.arguments)
            if how not in found:
                found.append(how)
    return found


def by_project(keys: Iterable[KnownKey]) -> list[list[KnownKey]]:
    """Return the keys of each project, in order; those whose place is not known are left out."""
    placed = sorted((key for key in keys if all(_place(key))), key=lambda k: (*_place(k), k.name))
    return [list(group) for _, group in groupby(placed, key=_place)]


def with_neighbours(keys: Iterable[KnownKey]) -> dict[str, tuple[KnownKey, list[KnownKey]]]:
    """Return by id each key whose place is known, and all keys of its project."""
    projects = by_project(keys)
    return {key.target.id: (key, project) for project in projects for key in project}


def under_way(keys: Iterable[KnownKey], how: Rotate, as_of: datetime) -> list[Turn]:
    """Return the rotations that are under way, by organization, project and name."""
    return [
        Turn(old, tuple(new), next_step(old, project, how, as_of))
        for project in by_project(keys)
        for old in project
        if (new := successors(old, project, how))
    ]


def _place(key: KnownKey) -> tuple[str, str]:
    return key.target.organization, key.target.project
