"""The manifest of a run: what was looked at, what came of it, and the digest of each of its parts.

In come its bytes, out comes a frozen value, and the other way round. Its last member, `seal`, is
the SHA-256 of all before it. It is made without a secret: it keeps a manifest from being edited
into another one that looks right, not from being made anew; the digest that the next run has of it
tells that too.
"""

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from typing import Annotated, Any, Final

import msgspec

from scanner.base.errors import KeypolicyError
from scanner.base.files import leads_below
from scanner.base.shape.decode import UnfitError, decoded
from scanner.base.text import of_version
from scanner.model.coverage import CoverageState, Gap
from scanner.model.history import ControlTallies, GroupTally, Number, RunName, by_control
from scanner.model.inventory import KeptInventory, Reach, Scope
from scanner.model.moment import check_moment, in_utc
from scanner.model.outcome import Outcome, Severity
from scanner.model.run import GateResult, TrendPoint

FORMAT: Final = "keypolicy-run"
VERSION: Final = 1
MAX_BYTES: Final = 64 << 20
"""Largest manifest that is read."""

RESTORE: Final = "Take it back from a copy of the history."

_SEAL: Final = b',"seal":"'


class DamageError(KeypolicyError):
    """A run, or a history, that is not as it was written; `code` says in a word what is wrong."""

    exit_code = 2

    def __init__(self, message: str, code: str, *, where: str, remedy: str = RESTORE) -> None:
        super().__init__(message, where=where, remedy=remedy)
        self.code = code


class RunPart(msgspec.Struct, frozen=True):
    """A file of a run: the SHA-256 of its bytes, and how many they are."""

    sha256: str
    bytes: int


class PreviousRun(msgspec.Struct, frozen=True):
    """The run before this one in its line; `digest` is the SHA-256 of its manifest."""

    run: RunName
    digest: str


class SeenTable(msgspec.Struct, frozen=True):
    """A table as the run saw it; `gaps` are what rules could not see, `needed` that any read it."""

    rows: int
    coverage: CoverageState
    needed: bool
    gaps: tuple[Gap, ...] = ()


class RanPolicy(msgspec.Struct, frozen=True):
    """A policy that was run; `files` are the parts that hold it, its own first."""

    name: str
    version: str
    digest: str
    terms: str
    files: tuple[str, ...]


class RanRule(msgspec.Struct, frozen=True):
    """A rule that was run. `demand` is Rule.demand; `counts` are as the JSON report has them."""

    policy: str
    title: str
    resource: str
    severity: Severity
    demand: str
    controls: dict[str, list[str]]
    counts: dict[str, Number]
    open: Number

    @property
    def rated(self) -> GroupTally:
        """What the rule came to, for a rate."""
        counts = self.counts
        return GroupTally(counts["pass"], counts["fail"], counts["unknown"] + counts["error"])


class Looked(msgspec.Struct, frozen=True):
    """What a run looked at: all that `triage.interface.Sight` knows, and the servers."""

    scope: Scope
    reaches: tuple[Reach, ...]
    servers: tuple[str, ...]
    organizations: dict[str, int]
    tables: dict[str, SeenTable]


class Figures(msgspec.Struct, frozen=True):
    """What a trend needs of a run.

    `changes` count findings by model.history.Fate and severity, `days_to_fix` those that the run
    found fixed, by severity and whole days. `overdue` count open findings past their `due`, and
    `unseen` those that were open when somebody last looked, of rules that were run;
    `unseen_overdue` are those of them past their `due`.
    """

    found: dict[Severity, Number]
    open: dict[Severity, Number]
    waived: Number
    baselined: Number
    lapsed_waivers: Number
    overdue: dict[Severity, Number]
    changes: dict[str, dict[Severity, Number]]
    days_to_fix: dict[Severity, dict[int, Annotated[int, msgspec.Meta(ge=1)]]]
    organizations: dict[str, GroupTally]
    teams: dict[str, GroupTally]
    unseen: dict[Severity, Number] = {}
    unseen_overdue: dict[Severity, Number] = {}

    @property
    def fates(self) -> dict[str, int]:
        """How many findings of any severity changed, by model.history.Fate."""
        return {name: sum(counted.values()) for name, counted in self.changes.items()}


class RunTimes(msgspec.Struct, frozen=True):
    """Identity and clock of the run."""

    id: str
    as_of: datetime
    started_at: datetime
    finished_at: datetime


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """All that a run says of itself.

    `line` names the runs that look at the same, see history.line. `demands` map every rule that
    the line ever ran to its latest demand. `waivers`, `baseline` and `owners` are parts, None where
    there was no such file; `inventory` is None where none was to be kept.
    """

    format: str
    version: int
    tool: str
    run: RunTimes
    line: str
    previous: PreviousRun | None
    looked: Looked
    digest: str
    policies: list[RanPolicy]
    params: dict[str, str]
    rules: dict[str, RanRule]
    demands: dict[str, str]
    result: GateResult
    exit_code: int
    figures: Figures
    sla: dict[Severity, int]
    waivers: str | None
    baseline: str | None
    owners: str | None
    inventory: KeptInventory | None
    parts: dict[str, RunPart]

    @property
    def name(self) -> RunName:
        """Which run it is."""
        return RunName(self.run.id, folder_name(self), self.run.as_of)

    @property
    def controls(self) -> ControlTallies:
        """What passed, by control."""
        return by_control((one.controls, one.rated) for one in self.rules.values())

    @property
    def point(self) -> TrendPoint:
        """The run as a point of a trend, as reports draw it."""
        looked = self.looked
        return TrendPoint(
            as_of=self.run.as_of,
            result=self.result,
            found=self.figures.found,
            open=self.figures.open,
            policies={one.name: (one.version, one.terms) for one in self.policies},
            organizations=frozenset(looked.organizations),
            incomplete=frozenset(
                name
                for name, table in looked.tables.items()
                if table.needed and table.coverage is not CoverageState.COMPLETE
            ),
            controls=self.controls,
            unseen=dict(self.figures.unseen),
        )


def folder_name(manifest: Manifest) -> str:
    """Return the name of the run's folder: time, line and id, so that names sort by time."""
    return f"{stamp(manifest.run.as_of)}-{manifest.line}-{manifest.run.id[:12]}"


def stamp(moment: datetime) -> str:
    """Return a time as folders are called: `20260701T093000Z`."""
    return f"{in_utc(moment):%Y%m%dT%H%M%SZ}"


def encode(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest, sealed."""
    body = msgspec.json.encode(manifest).removesuffix(b"}")
    return body + _SEAL + hashlib.sha256(body).hexdigest().encode() + b'"}\n'


def decode(raw: bytes, where: str) -> Manifest:
    """Read a manifest; raises DamageError for what is none, is of a newer format or was edited."""
    try:
        head: Any = json.loads(raw)
    except (ValueError, RecursionError):
        head = None
    if not isinstance(head, dict) or head.get("format") != FORMAT:
        raise DamageError("is not the manifest of a run, or was cut off", "cut", where=where)
    if (version := head.get("version")) != VERSION:
        raise DamageError(
            f"is {of_version('format', version)}; this release reads {VERSION}",
            "newer-format",
            where=where,
            remedy="Use the release that wrote it, or a later one.",
        )
    body, mark, seal = raw.rpartition(_SEAL)
    if not mark or hashlib.sha256(body).hexdigest().encode() + b'"}\n' != seal:
        raise _edited(where, "its seal is not that of what it says")
    try:
        manifest = decoded(raw, Manifest)
    except UnfitError as error:
        raise _edited(where, str(error)) from None
    if (wrong := _wrong(manifest)) is not None:
        raise _edited(where, wrong)
    return manifest


def _wrong(manifest: Manifest) -> str | None:
    """Return what of it no run can say, whatever its seal: those who read it rely on that."""
    times = manifest.run
    moments = {
        "as_of": times.as_of,
        "started_at": times.started_at,
        "finished_at": times.finished_at,
    }
    if manifest.previous is not None:
        moments["the time of the run before"] = manifest.previous.run.as_of
    try:
        for name, moment in moments.items():
            check_moment(name, moment)
    except ValueError as error:
        return str(error)
    for name, rule in manifest.rules.items():
        if not {str(outcome) for outcome in Outcome} <= rule.counts.keys():
            return f"the counts of {name!r} are not whole"
    for name in manifest.parts:
        if not leads_below(name):
            return f"the part {name!r} would lie outside of the run"
    for name in _named(manifest):
        if name not in manifest.parts:
            return f"it names {name!r}, which is no part of the run"
    return None


def _named(manifest: Manifest) -> Iterator[str]:
    """Give the parts that a run says something is in."""
    for policy in manifest.policies:
        yield from policy.files
    inputs = manifest.inventory.inputs if manifest.inventory else ()
    files = (manifest.waivers, manifest.baseline, manifest.owners, *(one.name for one in inputs))
    yield from (name for name in files if name is not None)


def manifest_schema() -> str:
    """Return the JSON Schema of a manifest, as it ships in scanner/schemas."""
    schema: dict[str, Any] = msgspec.json.schema(Manifest)
    for definition in schema["$defs"].values():
        definition.pop("title", None)
    manifest = schema["$defs"]["Manifest"]
    manifest["properties"]["seal"] = {"type": "string", "pattern": "^[0-9a-f]{64}$"}
    manifest["required"] = [*manifest["properties"]]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return json.dumps({**head, "title": "keypolicy history run", **schema}, indent=2) + "\n"


def _edited(where: str, why: str) -> DamageError:
    return DamageError(f"was edited: {why}", "edited", where=where)
