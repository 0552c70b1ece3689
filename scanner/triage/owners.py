"""Reading a file of owners: every problem in it at once, each with its place."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.errors import Location, PolicyError, Problem, UsageError
from scanner.base.hints import did_you_mean
from scanner.base.text import plural
from scanner.base.yamlfile import OWNERS, YamlFile, read_source
from scanner.catalogue.redact import refuse_tokens
from scanner.model.owner import FACTS, NAME_A_FILE, NO_FILE, OwnerEntry, Owners, OwnerShare
from scanner.triage.decide import Share
from scanner.triage.owner_document import (
    MAX_GLOBS,
    MAX_WILD,
    TEXT,
    OwnerCaseDocument,
    OwnerDocument,
    OwnersDocument,
)

if TYPE_CHECKING:
    from scanner.model.outcome import Disposition

_RUN: Final = re.compile(r"[*?]{2,}")

_FOREIGN: Final = (re.compile(r"[^A-Za-z0-9_.*?-]|[.][*]"), re.compile(r"^\^|\$$|^[^*?]*%[^*?]*$"))
"""What no slug has, and what a name hardly has: signs of regular expressions and of LIKE."""


class OwnerCase(msgspec.Struct, frozen=True):
    """A test of the file: a resource by some of FACTS, and the owner that it should have."""

    facts: Mapping[str, str | tuple[str, ...]]
    owner: str | None
    location: Location


class OwnersFile(msgspec.Struct, frozen=True):
    """A file of owners with its cases; `source` tells the lines."""

    owners: Owners
    cases: tuple[OwnerCase, ...]
    source: YamlFile


def read_owners(path: Path) -> OwnersFile:
    """Read the owners at `path`; raises PolicyError with all problems of the file."""
    return check_owners(read_source(path, str(path), OWNERS))


def check_owners(source: YamlFile) -> OwnersFile:
    """Do as read_owners with a file that has been read."""
    refuse_tokens(source)
    document = _decoded(source)
    entries = tuple(
        _entry(source, ("owners", index), one) for index, one in enumerate(document.owners)
    )
    owners = Owners(source.name, entries)
    cases = tuple(
        _case(source, ("cases", index), one)
        for index, one in enumerate(() if document.cases is UNSET else document.cases)
    )
    problems = _wild(source, entries)
    problems += [
        Problem(
            source.at(("cases", index, "owner")),
            f"no entry gives anything to `{case.owner}`",
            "unknown-owner",
            did_you_mean(case.owner, owners.contacts, kind="owners"),
        )
        for index, case in enumerate(cases)
        if case.owner is not None and case.owner not in owners.contacts
    ]
    if problems:
        raise PolicyError(problems)
    return OwnersFile(owners, cases, source)


def _wild(source: YamlFile, entries: Sequence[OwnerEntry]) -> list[Problem]:
    globs = [glob for entry in entries for part in entry.conditions.values() for glob in part]
    number = sum("*" in glob or "?" in glob for glob in globs)
    if number <= MAX_WILD:
        return []
    message = f"the entries have {plural(number, 'glob')} with a wildcard, the most is {MAX_WILD}"
    return [source.problem(("owners",), message, "too-long", hint="Write some of them as one.")]


def check_names(names: Sequence[str], owners: Owners | None) -> None:
    """Raise UsageError for a name, given with --owner, that the file of owners does not have."""
    for name in names:
        if owners is None:
            raise UsageError(NO_FILE, where=f"--owner {name}", remedy=NAME_A_FILE)
        if name not in owners.contacts:
            raise UsageError(
                f"{owners.file} has no owner `{name}`",
                where="--owner",
                remedy=did_you_mean(name, owners.contacts, kind="owners"),
            )


def shares(owners: Owners, found: Mapping[Share, int]) -> tuple[OwnerShare, ...]:
    """Return each owner's part of the findings, in the order of the file, and then nobody's."""
    tallies: dict[str | None, Counter[tuple[str, Disposition]]] = {
        owner: Counter() for owner in (*owners.contacts, None)
    }
    for (owner, _, rule, disposition), number in found.items():
        tallies[owner][rule, disposition] += number
    contacts = owners.contacts
    return tuple(
        OwnerShare(owner, contacts.get(owner or "", ""), tally) for owner, tally in tallies.items()
    )


def without_effect(read: OwnersFile) -> Iterator[Problem]:
    """Tell the entries that can never win: what they match a later one does, or nothing is."""
    entries = [(one, _normal(one)) for one in read.owners.entries]
    for index, (entry, mine) in enumerate(entries):
        for fact, globs in entry.conditions.items():
            for glob in filter(_FOREIGN[fact == "name"].search, globs):
                yield Problem(
                    entry.location,
                    f"`{glob}` looks like a pattern of another language, and all of it but * and ?"
                    " stands for itself",
                    "like-pattern",
                    "Write * for any text, ? for any character, and several as a list:"
                    " [pay-*, shop-?].",
                )
        later = (other for other, its in entries[index + 1 :] if _covers(its, mine))
        if winner := next(later, None):
            where = f"line {winner.location.line}"
            yield Problem(
                entry.location,
                f"this entry never wins: the one in {where} matches whatever it matches",
                "shadowed-entry",
                f"The last entry that matches wins: move it below {where}, or remove it.",
            )


def _decoded(source: YamlFile) -> OwnersDocument:
    try:
        document = msgspec.convert(source.data, OwnersDocument)
    except msgspec.ValidationError as error:
        reason = str(error)
    else:
        if all(map(_is_bounded, (*document.owners, *(document.cases or ())))):
            return document
        reason = "a value has the wrong form"
    # Imported here: it brings jsonschema, which takes longer than a whole scan of a small file.
    from scanner.base.shape.schema import explain  # noqa: PLC0415

    # Where the decoder and the schema disagree, which tests are there to rule out.
    otherwise = [source.problem((), reason, "bad-owners")]
    raise PolicyError(explain(source, "owners") or otherwise)


def _is_bounded(document: OwnerDocument | OwnerCaseDocument) -> bool:
    """Check what the types leave to the schema."""
    given = [getattr(document, fact) for fact in FACTS]
    if document.owner is not None:
        given.append(document.owner)
    return all(
        0 < len(texts) <= MAX_GLOBS and all(re.search(TEXT, text) for text in texts)
        for texts in map(_texts, given)
        if texts is not None
    )


def _texts(value: str | list[str] | UnsetType) -> tuple[str, ...] | None:
    if value is UNSET:
        return None
    return (value,) if isinstance(value, str) else tuple(value)


def _entry(source: YamlFile, path: tuple[str | int, ...], document: OwnerDocument) -> OwnerEntry:
    found = {fact: _texts(getattr(document, fact)) for fact in FACTS}
    return OwnerEntry(
        owner=document.owner,
        contact=document.contact or "",
        conditions={fact: globs for fact, globs in found.items() if globs is not None},
        location=source.at_key(path),
    )


def _case(source: YamlFile, path: tuple[str | int, ...], document: OwnerCaseDocument) -> OwnerCase:
    facts: dict[str, str | tuple[str, ...]] = {}
    for fact in FACTS:
        texts = _texts(getattr(document, fact))
        if texts is not None:
            facts[fact] = texts if fact == "team" else texts[0]
    return OwnerCase(facts, document.owner, source.at_key(path))


_Globs = Mapping[str, tuple[str, ...]]


def _normal(entry: OwnerEntry) -> _Globs:
    """Write runs of wildcards in one way; a lone `*` still asks that the fact is known."""
    return {
        fact: tuple(_RUN.sub(lambda run: _wildcards(run[0]), glob) for glob in globs)
        for fact, globs in entry.conditions.items()
    }


def _wildcards(run: str) -> str:
    return "?" * run.count("?") + ("*" if "*" in run else "")


def _covers(later: _Globs, earlier: _Globs) -> bool:
    """Whether each condition of the later entry follows from one of the earlier entry."""
    return all(
        fact in earlier
        and all(any(_includes(wide, narrow) for wide in globs) for narrow in earlier[fact])
        for fact, globs in later.items()
    )


def _includes(wide: str, narrow: str) -> bool:
    """Whether one glob matches whatever the other does; both with their wildcards in order.

    The narrow one is read as a text in which `*` is matched by `*` alone. That misses some where
    the wide one has `?`, and never takes one for wider than it is.
    """
    reached = {0}  # how far of `narrow` the part of `wide` so far can reach
    for sign in wide:
        if sign == "*":
            reached = set(range(min(reached, default=len(narrow) + 1), len(narrow) + 1))
        else:
            reached = {
                at + 1
                for at in reached
                if at < len(narrow) and (narrow[at] == sign or (sign == "?" and narrow[at] != "*"))
            }
    return len(narrow) in reached
