"""The runs as an Atom feed (RFC 4287): in come manifests, out comes the file.

Eight kinds of elements and no reader: the standard library writes them, which escapes every text.
A library for it (feedgen) would bring lxml.
"""

import uuid
from collections.abc import Callable, Sequence
from typing import Final
from xml.etree import ElementTree as ET

from scanner import __version__
from scanner.base.text import clean, plural, timestamp
from scanner.history.manifest import Manifest
from scanner.history.tell.words import coverage, scope_of
from scanner.model.outcome import WORST_FIRST
from scanner.report.parts.effect import STATES

MOST: Final = 50
"""Runs that the feed has, the latest."""

_NAMESPACE: Final = "http://www.w3.org/2005/Atom"
_OURS: Final = uuid.UUID("6a4e3c1c-5f0e-5b0f-9d5e-3f3a0f0d7c11")
"""A name space for the ids of feeds."""


def feed(manifests: Sequence[Manifest], address: Callable[[Manifest], str]) -> bytes:
    """Return the feed of runs, given oldest first; there is at least one.

    `address` gives that of a run's page, seen from the feed. The id of the feed is made of the
    first run's, ids of entries of the run's own, so that both stay what they are.
    """
    first, last = manifests[0], manifests[-1]
    root = ET.Element("feed", xmlns=_NAMESPACE)
    _text(root, "id", uuid.uuid5(_OURS, first.run.id).urn)
    _text(root, "title", f"keypolicy: compliance of {scope_of(last)}")
    _text(root, "updated", timestamp(last.run.as_of))
    ET.SubElement(root, "link", rel="self", type="application/atom+xml", href="feed.xml")
    ET.SubElement(root, "link", rel="alternate", type="text/html", href="index.html")
    _text(root, "generator", "keypolicy").set("version", __version__)
    _text(ET.SubElement(root, "author"), "name", "keypolicy")
    for manifest in manifests[: -MOST - 1 : -1]:
        _entry(root, manifest, address(manifest))
    ET.indent(root, space="")
    text: str = ET.tostring(root, "unicode")
    return f'<?xml version="1.0" encoding="utf-8"?>\n{text}\n'.encode()


def _entry(root: ET.Element, manifest: Manifest, address: str) -> None:
    figures = manifest.figures
    total = sum(figures.open.values())
    changes = figures.fates
    entry = ET.SubElement(root, "entry")
    _text(entry, "id", _urn(manifest.run.id))
    _text(entry, "title", f"{STATES[manifest.result]}: {plural(total, 'open finding')}")
    _text(entry, "updated", timestamp(manifest.run.as_of))
    ET.SubElement(entry, "link", rel="alternate", type="text/html", href=address)
    ET.SubElement(entry, "category", term=manifest.result.value)
    open_ = ", ".join(
        f"{figures.open[one]:,} {one}" for one in WORST_FIRST if figures.open.get(one)
    )
    told = [
        f"{scope_of(manifest)}, seen: {coverage(manifest)}",
        f"open: {open_ or 'none'}",
        *(
            f"{changes[name]:,} {name}"
            for name in ("new", "reopened", "fixed")
            if changes.get(name)
        ),
        *([f"{sum(figures.overdue.values()):,} overdue"] if any(figures.overdue.values()) else []),
    ]
    _text(entry, "summary", "; ".join(told))


def _urn(run_id: str) -> str:
    try:
        return uuid.UUID(run_id).urn
    except ValueError:
        return uuid.uuid5(_OURS, run_id).urn


def _text(parent: ET.Element, name: str, text: str) -> ET.Element:
    element = ET.SubElement(parent, name)
    element.text = clean(text)
    return element
