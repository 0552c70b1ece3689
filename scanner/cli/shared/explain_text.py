"""What `keypolicy explain` shows to people."""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from scanner.authoring.explain.rule import Explanation, PredicateUse
from scanner.authoring.explain.why import RowVerdict, Traced
from scanner.authoring.explain.words import unwrapped
from scanner.base.text import clean, clock, columns, fit, wrap

_INDENT: Final = "  "
_VALUE: Final = 36
"""Most columns that a value takes."""
_NARROWEST: Final = 16
_WIDEST_NAME: Final = 28
_ITEM: Final = re.compile(r"(?:[0-9]+\.|[-*]) +")


def rule_lines(rule: Explanation, width: int, *, brief: bool) -> Iterator[str]:
    """Give the lines that explain a rule; `brief` leaves out what is the same for every key."""
    yield from wrap(clean(f"{rule.id} ({rule.severity}): {rule.title}"), width)
    yield from wrap(clean(f"policy {rule.policy} {rule.version}, {rule.location}"), width)
    for part, place in rule.changed.items():
        yield from wrap(clean(f"{part} overridden at {place}"), width)
    yield ""
    yield from _demand(rule, width)
    yield from _sql(rule, width)
    yield from _parameters(rule, width)
    if not brief:
        yield from _columns(rule, width)
        yield from _texts(rule, width)


def verdict_lines(verdict: RowVerdict, width: int) -> Iterator[str]:
    """Give the lines that explain the outcome for one row."""
    place = "/".join(part for part in (verdict.organization, verdict.project) if part)
    name = verdict.name or "(no name)"
    outcome = verdict.outcome.replace("_", " ").upper()
    of = f", of {place}" if place else ""
    yield from wrap(clean(f"{outcome}: {name}, {verdict.id}{of}"), width)
    if verdict.message:
        yield from wrap(clean(verdict.message), width, _INDENT)
    yield f"{_INDENT}as of {clock(verdict.as_of)}"
    counts = verdict.where is None or verdict.where.value == "true"
    requirement = "Requirement" if counts else "Requirement, which does not count here"
    for title, traced in (("Where", verdict.where), (requirement, verdict.requirement)):
        if traced is not None:
            yield ""
            yield title
            yield from _tree(traced, width, 1)


def _tree(traced: Traced, width: int, depth: int) -> Iterator[str]:
    value = fit(clean(_value(traced)), _VALUE)
    mark = "" if traced.reached else " (not reached)"
    mark += f"  <- {traced.cause}" if traced.cause else ""
    role = f"{traced.role} " if traced.role else ""
    indent = _INDENT * depth + role
    room = width - columns(indent) - columns(value) - columns(mark) - 2
    yield f"{indent}{_label(traced, max(room, _NARROWEST))}: {value}{mark}"
    if traced.error and traced.cause:
        yield from wrap(clean(traced.error), width, _INDENT * (depth + 1))
    if traced.reached:
        for child in traced.children:
            yield from _tree(child, width, depth + 1)


def _label(traced: Traced, room: int) -> str:
    """Return the SQL, or what is left of it where its parts follow anyway."""
    if traced.kind == "CASE":
        return "CASE ... END"
    bare = traced.sql.strip('"')
    text = clean(bare if bare.isidentifier() else unwrapped(" ".join(traced.sql.split())))
    if traced.kind == "WINDOW" and columns(text) > room:
        text = f"{text.partition('(')[0]}(...) OVER (...)"
    return fit(text, room)


def _value(traced: Traced) -> str:
    if traced.error:
        return "ERROR"
    if traced.value is None:
        return "NULL"
    if traced.type == "BOOLEAN":
        return traced.value.upper()
    return f"'{traced.value}'" if traced.type == "VARCHAR" else traced.value


def _demand(rule: Explanation, width: int) -> Iterator[str]:
    yield "Demands"
    doc = rule.resource_doc.rstrip(".")
    if rule.where is None:
        yield from wrap(f"of every row of {rule.resource} ({doc}):", width, _INDENT)
    else:
        yield from wrap(f"of the rows of {rule.resource} ({doc}) where", width, _INDENT)
        yield from _listed(rule.where.words, width, _INDENT * 2)
        yield f"{_INDENT}this:"
    yield from _listed(rule.demand, width, _INDENT * 2)
    yield ""


def _listed(lines: Iterable[str], width: int, indent: str) -> Iterator[str]:
    for line in lines:
        text = line.lstrip()
        own = indent + " " * (len(line) - len(text))
        hanging = own + (_INDENT if text.startswith("- ") else "")
        yield from wrap(clean(text), width, own, hanging=hanging)


def _sql(rule: Explanation, width: int) -> Iterator[str]:
    yield "SQL"
    if rule.where is not None:
        yield from _predicate("where", rule.where, width)
    if rule.check is not None:
        yield from _entry("check", rule.check, width)
    yield from _predicate("require", rule.requirement, width)
    yield ""


def _predicate(title: str, use: PredicateUse, width: int) -> Iterator[str]:
    yield from _entry(title, use.written, width)
    if unwrapped(use.sql) != use.written.strip():
        yield from _entry("  runs as", use.sql, width)
    for name, value in use.values.items():
        yield from _entry("", f"${name} = {value}", width)


def _entry(title: str, text: str, width: int) -> Iterator[str]:
    # Bound, and not cut: SQL is there to be copied.
    indent = f"{_INDENT}{title:<11}"
    hanging = " " * len(indent)
    for number, line in enumerate(text.strip("\n").split("\n")):
        extra = " " * (len(line) - len(line.lstrip()))
        lead = hanging if number else indent
        yield from _unbroken(clean(line.strip()), width, lead + extra, hanging + extra + _INDENT)


def _unbroken(text: str, width: int, indent: str, hanging: str) -> Iterator[str]:
    """Break a line between words; a word that is wider than a line stays whole."""
    line, bare = indent, True
    for word in text.split(" "):
        if not bare and columns(line) + 1 + columns(word) > width:
            yield line
            line, bare = hanging, True
        line, bare = line + (word if bare else f" {word}"), False
    yield line


def _parameters(rule: Explanation, width: int) -> Iterator[str]:
    if not rule.parameters:
        return
    yield "Parameters"
    for one in rule.parameters:
        text = f"{one.name} = {one.value} ({one.type})"
        # A place on the command line names its own option.
        origin = one.location if one.location.startswith("--") else f"{one.origin}, {one.location}"
        yield from wrap(clean(f"{text}: {origin}"), width, _INDENT, hanging=_INDENT * 2)
        if one.description:
            yield from wrap(clean(one.description), width, _INDENT * 2)
    yield ""


def _columns(rule: Explanation, width: int) -> Iterator[str]:
    if not rule.columns:
        yield f"Reads no column of {rule.resource}"
        yield ""
        return
    yield f"Reads, so the fetch asks for {rule.resource}"
    widest = min(max(len(column.name) for column in rule.columns), _WIDEST_NAME)
    for column in rule.columns:
        extra = " (loaded only for rules that read it)" if column.heavy else ""
        extra = " (takes requests of its own)" if column.costly else extra
        indent = f"{_INDENT}{column.name:<{widest}}  "
        yield from wrap(column.doc + extra, width, indent, hanging=" " * len(indent))
    yield ""


def _texts(rule: Explanation, width: int) -> Iterator[str]:
    if rule.controls:
        yield "Supports"
        for name, items in rule.controls.items():
            yield from wrap(clean(f"{name}: {', '.join(items)}"), width, _INDENT, hanging="    ")
        yield ""
    if rule.rationale:
        yield "Why"
        yield from _markdown(rule.rationale, width)
        yield ""
    if rule.remediation:
        yield "Remediation"
        yield from _markdown(rule.remediation, width)
        yield ""
    yield "Fix"
    if rule.fix is None:
        yield from wrap("`keypolicy fix plan` does nothing about it: no `fix`.", width, _INDENT)
    else:
        yield from _entry("fix", rule.fix.written, width)
        yield from wrap(f"`keypolicy fix plan` plans this ({rule.fix.risk}):", width, _INDENT)
        yield from _listed(rule.fix.words, width, _INDENT * 2)
    yield ""


def _markdown(text: str, width: int) -> Iterator[str]:
    """Keep the lines of the author, but break those that are too wide."""
    for line in text.strip().split("\n"):
        body = line.lstrip()
        indent = _INDENT + " " * (len(line) - len(body))
        item = _ITEM.match(body)
        hanging = indent + " " * (len(item[0]) if item else 0)
        yield from wrap(clean(body), width, indent, hanging=hanging) or [""]
