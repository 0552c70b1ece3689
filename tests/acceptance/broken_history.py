"""Ways to break the latest of two runs, each with what `history verify` calls it."""

import gzip
import hashlib
import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scanner.history.folder import REPORT, TRACKED
from scanner.model.history import MANIFEST, MARKER

Break = Callable[[Path], None]


def resealed(run: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit a manifest, and seal it as if it had been written so."""
    manifest = json.loads((run / MANIFEST).read_bytes())
    del manifest["seal"]
    change(manifest)
    body = json.dumps(manifest, separators=(",", ":")).encode()[:-1]
    seal = hashlib.sha256(body).hexdigest().encode()
    (run / MANIFEST).write_bytes(body + b',"seal":"' + seal + b'"}\n')


def repacked(run: Path, name: str, raw: bytes) -> None:
    """Put other bytes into a part, and let the manifest know of them."""

    def change(manifest: dict[str, Any]) -> None:
        manifest["parts"][name] = {"sha256": hashlib.sha256(raw).hexdigest(), "bytes": len(raw)}

    (run / name).write_bytes(raw)
    resealed(run, change)


def _lines(change: Callable[[dict[str, Any]], object]) -> Break:
    """Change every line of what the next run takes over."""

    def broken(run: Path) -> None:
        lines = gzip.decompress((run / TRACKED).read_bytes()).splitlines()
        found = [json.loads(line) for line in lines]
        for one in found:
            change(one)
        text = "".join(json.dumps(one) + "\n" for one in found)
        repacked(run, TRACKED, gzip.compress(text.encode()))

    return broken


def _manifest(change: Callable[[dict[str, Any]], object]) -> Break:
    return lambda run: resealed(run, change)


def _raw(text: bytes, name: str = MANIFEST) -> Break:
    def broken(run: Path) -> None:
        (run / name).write_bytes(text)

    return broken


def _cut(name: str) -> Break:
    def broken(run: Path) -> None:
        (run / name).write_bytes((run / name).read_bytes()[:-9])

    return broken


def _instead(name: str, put: Callable[[Path], object]) -> Break:
    """Put something else in the place of a part."""

    def broken(run: Path) -> None:
        (run / name).unlink()
        put(run / name)

    return broken


def _moved_out(run: Path) -> None:
    place = run.parent.parent / "elsewhere"
    (run / TRACKED).rename(place)
    (run / TRACKED).symlink_to(place)


def _is_file(run: Path) -> None:
    shutil.rmtree(run)
    run.write_text("")


def _is_empty(run: Path) -> None:
    shutil.rmtree(run)
    run.mkdir()


def _dangles(run: Path) -> None:
    shutil.rmtree(run)
    run.symlink_to("nowhere")


NEEDED: dict[str, tuple[Break, str]] = {
    "manifest cut": (_cut(MANIFEST), "cut"),
    "manifest empty": (_raw(b""), "cut"),
    "manifest null": (_raw(b"null"), "cut"),
    "manifest no text": (_raw(b"\xff\xfe{}"), "cut"),
    "manifest nested": (_raw(b'{"format":' + b"[" * 100_000), "cut"),
    "manifest a folder": (_instead(MANIFEST, Path.mkdir), "no-manifest"),
    "manifest a pipe": (_instead(MANIFEST, os.mkfifo), "no-manifest"),
    "manifest gone": (lambda run: (run / MANIFEST).unlink(), "no-manifest"),
    "a file for a run": (_is_file, "no-manifest"),
    "an empty run": (_is_empty, "no-manifest"),
    "a link to nowhere": (_dangles, "no-manifest"),
    "newer": (_manifest(lambda m: m.update(version=2)), "newer-format"),
    "version a word": (_manifest(lambda m: m.update(version="1")), "newer-format"),
    "version true": (_manifest(lambda m: m.update(version=True)), "edited"),
    "field of another type": (_manifest(lambda m: m.update(exit_code="1")), "edited"),
    "time without a zone": (_manifest(lambda m: m["run"].update(as_of="2026-03-02")), "edited"),
    "start without a zone": (
        _manifest(lambda m: m["run"].update(started_at="2026-03-02T00:00:00")),
        "edited",
    ),
    "time out of the calendar": (
        _manifest(lambda m: m["run"].update(as_of="0001-01-01T00:00:00+14:00")),
        "edited",
    ),
    "counts gone": (_manifest(lambda m: m["rules"]["key-tagged"].update(counts={})), "edited"),
    "counts below nothing": (
        _manifest(lambda m: m["figures"].update(open={"high": -9})),
        "edited",
    ),
    "nothing took days": (
        _manifest(lambda m: m["figures"].update(days_to_fix={"high": {"3": 0}})),
        "edited",
    ),
    "part outside": (
        _manifest(lambda m: m["parts"].update({"../x": {"sha256": "0" * 64, "bytes": 1}})),
        "edited",
    ),
    "id with a path": (_manifest(lambda m: m["run"].update(id="../../../../x")), "misplaced"),
    "another line": (_manifest(lambda m: m.update(line="00000000")), "misplaced"),
    "what is carried on cut": (_cut(TRACKED), "changed"),
    "what is carried on gone": (lambda run: (run / TRACKED).unlink(), "missing"),
    "what is carried on a folder": (_instead(TRACKED, Path.mkdir), "missing"),
    "what is carried on elsewhere": (_moved_out, "missing"),
}
"""What the next scan would need: it goes back to the run before."""

REMADE: dict[str, tuple[Break, str]] = {
    "no gzip": (lambda run: repacked(run, TRACKED, b"no gzip"), "cut"),
    "gzip cut": (lambda run: repacked(run, TRACKED, (run / TRACKED).read_bytes()[:-9]), "cut"),
    "no lines": (lambda run: repacked(run, TRACKED, gzip.compress(b"\0\1 no\n")), "edited"),
    "unknown fate": (_lines(lambda one: one.update(fate="zombie")), "edited"),
    "date without a zone": (_lines(lambda one: one.update(opened="2026-03-01")), "edited"),
    "date out of the calendar": (
        _lines(lambda one: one.update(opened="9999-12-31T23:59:59Z")),
        "edited",
    ),
    "dates that are to come": (
        _lines(lambda one: one.update(first_seen="2030-01-01T00:00:00Z")),
        "edited",
    ),
    "part not listed": (
        _manifest(lambda m: m["parts"].pop(TRACKED)),
        "added",
    ),
}
"""What somebody made anew, seal and all; the next scan goes back to the run before, too."""

UNNEEDED: dict[str, tuple[Break, str]] = {
    "report cut": (_cut(REPORT), "changed"),
    "report gone": (lambda run: (run / REPORT).unlink(), "missing"),
    "inventory edited": (_raw(b"{}", "inventory-0.jsonl.gz"), "changed"),
    "policy edited": (_raw(b"policy: other\n", "policies/p.yaml"), "changed"),
    "note added": (_raw(b"mine", "note.txt"), "added"),
}
"""What only people read: the next scan carries the run on."""


def _folder(name: str, text: str) -> Break:
    """Make a folder with one file in it."""

    def made(place: Path) -> None:
        place.mkdir()
        (place / name).write_text(text)

    return made


def _marked_by_a_pipe(place: Path) -> None:
    place.mkdir()
    os.mkfifo(place / MARKER)


FOLDERS: dict[str, Callable[[Path], object]] = {
    "a file": lambda place: place.write_text("mine"),
    "a link to nowhere": lambda place: place.symlink_to("nowhere/deep"),
    "a link to itself": lambda place: place.symlink_to(place.name),
    "a pipe": os.mkfifo,
    "below a file": lambda place: place.parent.joinpath("file").write_text("mine"),
    "of something else": _folder("thesis.txt", "mine"),
    "marked with nothing": _folder(MARKER, "null"),
    "marked as another": _folder(MARKER, '{"format":"other","version":1}'),
    "newer": _folder(MARKER, '{"format":"keypolicy-history","version":2}'),
    "marked by a pipe": _marked_by_a_pipe,
}
"""What may lie where a history was named."""
