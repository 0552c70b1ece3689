"""The line of a run: out of what a scan was asked for comes a name that only its like have.

A run is held against, and carries on, the run before it of its line alone: one of other
organizations, projects or servers can neither close nor date what it did not look at. Policies are
no part of it: what they changed is told by rule. Nor is where records were taken from: a file that
`keypolicy fetch --org acme` wrote is of the line of `keypolicy scan --org acme`.
"""

import hashlib
from collections.abc import Collection
from typing import Final

import msgspec

from scanner.model.inventory import Reach, Scope

_DIGITS: Final = 8


def line_of(scope: Scope, reaches: Collection[Reach], servers: Collection[str]) -> str:
    """Return 8 hexadecimal digits that tell the runs of one scope from others."""
    asked = sorted({_asked(scope, reach) for reach in reaches}) or [
        _asked(scope, Reach(frozenset()))
    ]
    encoded = msgspec.json.encode([sorted(set(servers)), asked])
    return hashlib.sha256(encoded).hexdigest()[:_DIGITS]


def is_stranger(before: Collection[str], now: Collection[str]) -> bool:
    """Whether two runs that were asked for the same saw organizations of which none is in both.

    Both had no scope then, and are of different ones. A run that saw none, since it was denied, is
    no stranger.
    """
    return bool(before) and bool(now) and set(before).isdisjoint(now)


def _asked(scope: Scope, reach: Reach) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return organizations, projects and filters, the scan's own before those of its input."""
    own = reach.scope or Scope()
    return (
        tuple(sorted(set(scope.organizations or own.organizations))),
        tuple(sorted(set(scope.projects or own.projects))),
        tuple(sorted(reach.filters)),
    )
