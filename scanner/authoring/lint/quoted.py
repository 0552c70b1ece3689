"""Warnings about names that are plain text where they stand.

Parameters in quotes, messages and longer arguments, and columns that a message writes as other
languages of templates do.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import UNSET

from scanner.base.composer import NodePath
from scanner.base.errors import Problem
from scanner.catalogue import TABLES
from scanner.policy.language.predicates import quoted_parameters
from scanner.policy.language.slots import PARAMETER, parameter_in
from scanner.policy.merge import MergedPolicy, MergedRule, WrittenAt

_ELSEWHERE: Final = re.compile(r"(?<!\{)\{\{\s*(\w+)\s*\}\}(?!\})|\$\{(\w+)\}|\$(\w+)")
"""What Jinja, JavaScript and a shell take for the value of a name."""


def quoted(policy: MergedPolicy) -> list[Problem]:
    """Return the warnings about rules and overrides in the policy's own file."""
    own = policy.sources[0]
    return [
        problem
        for rule in (*policy.rules, *policy.rejected)
        for place, found in _of(rule)
        if place.source is own
        for problem in found
    ]


def _of(rule: MergedRule) -> Iterator[tuple[WrittenAt, Iterator[Problem]]]:
    """Give the places of a rule's texts, each with what is found there."""
    document = rule.document
    texts = [(rule.place("where"), document.where), (rule.place("require"), document.require)]
    texts += [(one.place, one.text) for one in rule.conditions]
    for place, text in texts:
        if isinstance(text, str):
            yield place, _in_predicate(text, place, rule)
    if document.message:
        place = rule.place("message")
        yield place, _in_message(document.message, place, rule)
        yield place, _columns(document.message, place, rule)
    for key, written in (("check", document.check), ("fix", document.fix)):
        if written is not UNSET:
            place = rule.place(key)
            yield place, _in_argument(written, place, place.path, rule)


def _in_predicate(text: str, place: WrittenAt, rule: MergedRule) -> Iterator[Problem]:
    for name, offset, instead in quoted_parameters(text):
        if name in rule.parameters:
            hint = f"Parameters stand outside of quotes: {instead}."
            yield _problem(place, place.path, (text, offset), name, hint)


def _in_message(text: str, place: WrittenAt, rule: MergedRule) -> Iterator[Problem]:
    for found in PARAMETER.finditer(text):
        if found[1] in rule.parameters:
            hint = "A message takes columns only, such as {name}: write the value out."
            yield _problem(place, place.path, (text, found.start()), found[1], hint)


def _columns(text: str, place: WrittenAt, rule: MergedRule) -> Iterator[Problem]:
    table = TABLES.get(rule.document.resource)
    for found in _ELSEWHERE.finditer(text):
        name = next(filter(None, found.groups()))
        if table is not None and name in table.columns and name not in rule.parameters:
            location = place.source.at_text(place.path).within(text, found.start())
            message = f"`{found[0]}` is not how a message shows the column `{name}`"
            hint = f"Write {{{name}}}; braces that are doubled, and $, are plain text."
            yield Problem(location, message, "column-as-text", hint)


def _in_argument(
    written: object, place: WrittenAt, path: NodePath, rule: MergedRule
) -> Iterator[Problem]:
    if isinstance(written, Mapping):
        for key, value in written.items():
            yield from _in_argument(value, place, (*path, key), rule)
    elif isinstance(written, str) and parameter_in(written) is None:
        for found in PARAMETER.finditer(written):
            if found[1] in rule.parameters:
                hint = "A parameter is the whole of an argument, or none of it."
                yield _problem(place, path, (written, found.start()), found[1], hint)


def _problem(
    place: WrittenAt, path: NodePath, at: tuple[str, int], name: str, hint: str
) -> Problem:
    location = place.source.at_text(path).within(*at)
    message = f"`${name}` is plain text here, not the parameter"
    return Problem(location, message, "param-as-text", hint)
