"""What people do to an organization while it is read: one change between any two requests."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from tests.simulator.world import Key, Project

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from tests.simulator.world import Organization, World

Facts = tuple[frozenset[tuple[object, ...]], frozenset[tuple[object, ...]]]


class Change(StrEnum):
    """One thing that happens. None is ever undone as it was: names and numbers are new."""

    STAR = "star"
    RENAME = "rename"
    DELETE = "delete"
    CREATE = "create"
    DISABLE = "disable"
    NEW_KEY = "new key"
    DELETE_KEY = "delete key"


@dataclass
class Changes:
    """Changes by the number of the request before which they happen, for `on_request`.

    Each comes with a number that says which project or key it happens to. `moments` are the
    facts of the world as it was at first and after each change.
    """

    world: World
    planned: Mapping[int, Sequence[tuple[Change, int]]]
    moments: list[Facts] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._made = 0
        self.moments.append(facts(self.world))

    def __call__(self, number: int, world: World) -> None:
        """Do what is planned before this request."""
        for change, which in self.planned.get(number, ()):
            self._made += 1
            apply(change, world.organization, which, self._made)
            self.moments.append(facts(world))


def facts(world: World) -> Facts:
    """Return what an inventory can say of the world: its projects, and its keys with theirs."""
    projects = frozenset((str(p.number), p.slug, p.name, p.starred) for p in world.projects)
    keys = frozenset((k.public, k.active, p.slug) for p in world.projects for k in p.keys)
    return projects, keys


def apply(change: Change, org: Organization, which: int, made: int) -> None:
    """Do one thing to one of the organization's projects, or to one of its keys."""
    if change is Change.CREATE or not org.projects:
        org.projects.append(_new_project(org, which, made))
        return
    project = org.projects[which % len(org.projects)]
    if change is Change.STAR:
        project.starred = not project.starred
    elif change is Change.RENAME:
        old, project.slug = project.slug, f"{'amz'[which % 3]}-renamed-{made}"
        org.renamed[old] = project.slug
    elif change is Change.DELETE:
        org.projects.remove(project)
    elif change is Change.NEW_KEY or not project.keys:
        project.keys.append(_new_key(made))
    elif change is Change.DISABLE:
        key = project.keys[which % len(project.keys)]
        key.active, key.name = not key.active, f"changed {made}"
    else:
        project.keys.pop(which % len(project.keys))


def _new_project(org: Organization, which: int, made: int) -> Project:
    like = copy.copy(org.projects[0]) if org.projects else None
    created = like.created if like else org.created
    slug = f"{'amz'[which % 3]}-new-{made}"
    return Project(100_000 + made, slug, slug, "python", created, [_new_key(made)])


def _new_key(made: int) -> Key:
    number = 1_000_000 + made
    return Key(number, f"{number:032x}", f"{number:032d}", "new", True, None, None)
