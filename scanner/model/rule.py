"""Policies and rules after loading: every parameter resolved, every predicate still SQL text."""

from datetime import timedelta

import msgspec

from scanner.model.errors import Location
from scanner.model.severity import Severity

ParamValue = bool | int | float | str | timedelta | list[str] | list[int] | list[float] | None
"""A resolved parameter: durations are timedeltas, rates are events per second."""


class Predicate(msgspec.Struct, frozen=True):
    """A SQL predicate over one table, with the values of the `$names` in it.

    `text` is the author's or a check's; it is never run as it stands (see engine.guard).
    """

    text: str
    params: dict[str, ParamValue]
    location: Location


class Rule(msgspec.Struct, frozen=True):
    """One requirement on one resource type.

    `where` says which resources it is about (None: all). `check` is the name of the built-in
    check behind `requirement`, None for the author's own SQL. `controls` maps a framework to
    the requirements that the rule supports.
    """

    id: str
    policy: str
    title: str
    severity: Severity
    resource: str
    requirement: Predicate
    location: Location
    where: Predicate | None = None
    check: str | None = None
    message: str = ""
    rationale: str = ""
    remediation: str = ""
    controls: dict[str, list[str]] = {}


class Policy(msgspec.Struct, frozen=True):
    """A named, versioned set of rules. `digest` is the SHA-256 of the files it was made from."""

    name: str
    version: str
    title: str
    digest: str
    rules: tuple[Rule, ...]
    location: Location
