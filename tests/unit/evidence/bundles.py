"""A bundle to tamper with: in a folder, with what somebody does who mends every digest after it."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scanner.evidence.archive import pack
from scanner.evidence.bundle import HEAD, README, SUMS, chain, members
from scanner.evidence.check import check
from scanner.evidence.readme import readme
from scanner.gate import Thresholds
from scanner.history.folder import History
from scanner.history.keeper import HistoryRequest
from scanner.inventory.source import load_source
from scanner.model.inventory import Scope
from scanner.model.moment import read_moment
from scanner.model.outcome import Severity
from scanner.pipeline import ScanRequest, scan
from tests.unit.evidence.gates import settings_told

POLICY = """\
policy: mine
version: 1.0.0
title: Mine
rules:
  - id: key-tagged
    title: A key's name ends in its stage
    resource: sentry_key
    severity: medium
    require: name LIKE '%-prod'
"""
ALPHA, BETA = "a" * 32, "b" * 32
SEAL = b',"seal":"'


def record(identity: str, name: str) -> dict[str, Any]:
    return {
        "id": identity,
        "public": identity,
        "name": name,
        "projectId": 7,
        "isActive": True,
        "dateCreated": "2025-12-01T00:00:00Z",
    }


def scanned(folder: Path, history: Path, as_of: str, **names: str) -> tuple[str, ...]:
    """Keep a scan of keys with these names in a history; returns what it warned of."""
    keys = folder / "keys.json"
    keys.write_text(json.dumps([record(id_ * 32, name) for id_, name in names.items()]))
    policy = folder / "p.yaml"
    policy.write_text(POLICY)
    source = load_source("file")([keys], ("acme",), ("web",), "https://sentry.io")
    thresholds = Thresholds(fail_on=Severity.LOW)
    request = ScanRequest(
        source=source,
        scope=Scope(("acme",), ("web",)),
        policies=(str(policy),),
        params={},
        as_of=read_moment(as_of),
        thresholds=thresholds,
        gate=settings_told(thresholds),
        history=HistoryRequest(history),
    )
    with scan(request) as run:
        return run.warnings


def made(folder: Path, bravo: str = "beta") -> Path:
    """Return the folder of a bundle whose run is the third one of a history."""
    history = folder / "past"
    scanned(folder, history, "2026-03-01", a="alpha", b=bravo)
    scanned(folder, history, "2026-03-02", a="alpha-prod", b=bravo)
    scanned(folder, history, "2026-03-03", a="alpha-prod", b=bravo, c="gamma")
    return unpacked(folder, history)


def unpacked(folder: Path, history: Path) -> Path:
    found = History(history)
    with (folder / "bundle.zip").open("w+b") as out:
        pack(members(found, found.run(found.names()[-1])), out)
    shutil.unpack_archive(folder / "bundle.zip", folder / "bundle")
    return folder / "bundle"


def runs(root: Path) -> list[Path]:
    """Return the folders of the runs, the last of them that of the bundle."""
    return sorted(path for path in (root / "history").iterdir() if path.is_dir())


def last(root: Path) -> Path:
    return runs(root)[-1]


def files(root: Path) -> list[str]:
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if path.is_file())


def codes(path: Path) -> set[str]:
    return {error.code for error in check(path).damage}


@contextmanager
def manifest(run: Path) -> Iterator[dict[str, Any]]:
    """Give a manifest to change, and seal it again."""
    told = json.loads((run / "manifest.json").read_bytes())
    del told["seal"]
    yield told
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()[:-1]
    seal = hashlib.sha256(body).hexdigest().encode()
    (run / "manifest.json").write_bytes(body + SEAL + seal + b'"}\n')


@contextmanager
def report(root: Path) -> Iterator[dict[str, Any]]:
    """Give the report of the bundle's run to change."""
    path = last(root) / "report.json.gz"
    told = json.loads(gzip.decompress(path.read_bytes()))
    yield told
    path.write_bytes(gzip.compress(json.dumps(told).encode(), mtime=0))


def lines(path: Path, change: Callable[[list[Any]], None]) -> None:
    """Change the records of a packed file of JSON Lines."""
    records = [json.loads(line) for line in gzip.decompress(path.read_bytes()).splitlines()]
    change(records)
    text = "".join(json.dumps(one, separators=(",", ":")) + "\n" for one in records)
    path.write_bytes(gzip.compress(text.encode(), mtime=0))


def mend_sums(root: Path) -> None:
    """Make SHA256SUMS anew."""
    text = "".join(
        f"{hashlib.sha256((root / name).read_bytes()).hexdigest()}  {name}\n"
        for name in files(root)
        if name != SUMS
    )
    (root / SUMS).write_text(text, "utf-8")


def mend(root: Path) -> None:
    """Make every digest anew, in the manifests and along the chain, and the README."""
    digests: dict[str, str] = {}
    for run in runs(root):
        with manifest(run) as told:
            for name in told["parts"]:
                if (run / name).is_file():
                    raw = (run / name).read_bytes()
                    told["parts"][name] = {
                        "sha256": hashlib.sha256(raw).hexdigest(),
                        "bytes": len(raw),
                    }
            if told["previous"] and told["previous"]["run"]["folder"] in digests:
                told["previous"]["digest"] = digests[told["previous"]["run"]["folder"]]
        digests[run.name] = hashlib.sha256((run / "manifest.json").read_bytes()).hexdigest()
    history = History(root / "history")
    subject = history.run(json.loads((root / HEAD).read_bytes())["run"]["folder"])
    (root / README).write_text(readme(subject, chain(history, subject)), "utf-8")
    mend_sums(root)
