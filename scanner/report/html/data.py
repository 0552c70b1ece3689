"""Findings as the page's script reads them: compact JSON, a block for every thousand.

A block is two script elements, both objects of equally long arrays. Rows hold what the table
filters, sorts and shows; details hold what is read only when a finding is opened. Places
(organization and project) and link patterns are numbered in order of appearance, over all
blocks, so that writing needs no second look at the findings.
"""

import re
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from scanner.base.text import timestamp
from scanner.model.finding import Finding
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule
from scanner.model.run import Run
from scanner.report.parts.frameworks import name_of_framework
from scanner.report.parts.subject import heading, is_web

BLOCK: Final = 1_000
"""Findings of a block; only the last one has less."""

_OUTCOMES: Final = {Outcome.FAIL: 0, Outcome.UNKNOWN: 1, Outcome.ERROR: 2}
_DISPOSITIONS: Final = {Disposition.OPEN: 0, Disposition.WAIVED: 1, Disposition.BASELINED: 2}
_ID: Final = "\0"  # stands for the resource's id in a link pattern; no URL contains it

# What could end a script element, and what an editor or terminal might obey in the page's source.
_RAW: Final = re.compile("[\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")


def rules_block(run: Run) -> str:
    """Return what the script needs to know of the rules, as JSON for a script element."""
    return _inert(msgspec.json.encode([_rule(result.rule) for result in run.results]))


def _rule(rule: Rule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "policy": rule.policy,
        "title": heading(rule),
        "severity": rule.severity,
        "resource": rule.resource,
        "rationale": rule.rationale.strip(),
        "remediation": rule.remediation.strip(),
        "controls": [
            (name, name_of_framework(name), list(dict.fromkeys(ids)))
            for name, ids in rule.controls.items()
        ],
    }


class Blocks:
    """Makes one block after the other; knows the numbers of rules, places and link patterns."""

    def __init__(self, run: Run) -> None:
        self._rules = {result.rule.key: number for number, result in enumerate(run.results)}
        self._places: dict[tuple[str | None, str | None], int] = {}
        self._links: dict[str | None, int] = {}
        self._contacts = {one.owner: one.contact for one in run.owners}
        self._owners: dict[str | None, int] = {}

    def elements(self, block: Sequence[Finding]) -> Iterator[str]:
        """Yield the two script elements of the next block."""
        for kind, data in (("rows", self._rows(block)), ("details", self._details(block))):
            text = _inert(msgspec.json.encode(data))
            yield f'<script type="application/json" class="{kind}-data">{text}</script>\n'

    def _rows(self, block: Sequence[Finding]) -> dict[str, Any]:
        """Return the columns of the table, and the places that are new in this block."""
        known = len(self._places)
        places, rules = self._places, self._rules
        place = []
        for finding in block:
            key = (finding.resource.organization, finding.resource.project)
            place.append(places.setdefault(key, len(places)))
        return {
            "places": list(islice(places, known, None)),
            "rule": [rules[f.policy, f.rule_id] for f in block],
            "outcome": [_OUTCOMES[f.outcome] for f in block],
            "disposition": [_DISPOSITIONS[f.disposition] for f in block],
            "place": place,
            "id": [f.resource.id for f in block],
            "name": [f.resource.name for f in block],
            "message": [f.message for f in block],
            # Few findings have one, so they are told by position.
            "waiver": {str(at): f.waiver for at, f in enumerate(block) if f.waiver},
            **(self._of_owners(block) if self._contacts else {}),
        }

    def _of_owners(self, block: Sequence[Finding]) -> dict[str, Any]:
        """Return whose each finding is, and the owners that are new in this block."""
        owners = self._owners
        known = len(owners)
        owner = [owners.setdefault(finding.owner, len(owners)) for finding in block]
        new = islice(owners, known, None)
        return {"owners": [(name, self._contacts.get(name, "")) for name in new], "owner": owner}

    def _details(self, block: Sequence[Finding]) -> dict[str, Any]:
        """Return evidence, links and fingerprints, and the link patterns new in this block."""
        known = len(self._links)
        links = self._links
        link = [
            links.setdefault(_pattern(f.resource.url, f.resource.id), len(links)) for f in block
        ]
        return {
            "links": list(islice(links, known, None)),
            "link": link,
            "evidence": [f.evidence for f in block],
            "fingerprint": [f.fingerprint for f in block],
            "first_seen": {
                str(at): timestamp(f.first_seen) for at, f in enumerate(block) if f.first_seen
            },
        }


def _pattern(url: str | None, resource_id: str) -> str | None:
    """Return the URL with the id left out, or None where it is not one to follow."""
    if url is None or not is_web(url):
        return None
    return url.replace(resource_id, _ID) if resource_id else url


def _inert(data: bytes) -> str:
    """Return JSON that means the same and can stand in a script element of any page."""
    data = data.replace(b"<", b"\\u003c").replace(b">", b"\\u003e").replace(b"&", b"\\u0026")
    text = data.decode()
    return text if text.isascii() else _RAW.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"
