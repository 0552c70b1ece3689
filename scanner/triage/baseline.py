"""Baselines: files of known findings, one a line, made to be reviewed in a pull request.

JSON Lines. The first line names the format; the others are sorted by rule, organization, project
and id, so that a file changes only where a finding came, went or changed.

What a line says has to be what it does: its fingerprint is made again of what it is made of, and
a seal is made of all its other words. Neither keeps out who means to deceive, as both are made
without a secret; they keep a line from being edited into another one that looks right.
"""

import hashlib
import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from scanner.base.errors import Location, PolicyError, Problem, TooLargeError, UsageError
from scanner.base.files import TwiceError, once, read_regular
from scanner.base.shape.decode import UnfitError, decoded
from scanner.base.text import timestamp
from scanner.model.finding import Finding, KnownFinding
from scanner.model.moment import in_utc
from scanner.model.outcome import Disposition, Outcome, Severity
from scanner.model.run import Run, Verdict
from scanner.triage.fingerprint import fingerprint

FORMAT: Final = "keypolicy-baseline"
VERSION: Final = 2
MAX_BYTES: Final = 512 * 1024 * 1024
"""Largest file that is read: about a million findings."""

_MEMBER: Final = re.compile(r'"\s*:')
_CONFLICT: Final = ("<<<<<<<", "=======", ">>>>>>>")
_WRITE: Final = "Remove the file and write it anew: `keypolicy baseline write -o FILE`."
_MISSING: Final = "Check the path, or write one: `keypolicy baseline write -o FILE`."
_MEND: Final = (
    "Take the line back to what it was, or delete it; `baseline write` adds what is there."
)


class _Header(msgspec.Struct, forbid_unknown_fields=True):
    """The first line."""

    format: str
    version: int


class _BaselineLine(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A finding as the file has it; the order of the fields is that of the line.

    The fingerprint is of `rule`, `organization`, `project_id` (or `project`) and `id`; `seal` is
    of all the fields before it.
    """

    rule: Annotated[str, Meta(min_length=1)]
    organization: str | None
    project: str | None
    project_id: str | None
    name: str | None
    severity: Severity
    outcome: Outcome
    type: str
    id: Annotated[str, Meta(min_length=1)]
    first_seen: Annotated[datetime, Meta(tz=True)]
    fingerprint: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}\Z")]
    seal: str


class BaselineChange(msgspec.Struct, frozen=True):
    """What a scan makes of a baseline: its findings, in order, and how many came and went.

    `fixed` are those that are there no more and were kept. `verdict` is the scan's, and `warnings`
    are those of its inventory.
    """

    known: list[KnownFinding]
    added: int
    removed: int
    fixed: int
    verdict: Verdict
    warnings: tuple[str, ...]


def read_baseline(path: Path) -> dict[str, KnownFinding]:
    """Return the known findings by fingerprint, in the order of the file.

    Raises PolicyError with every problem of the file, each with its line.
    """
    try:
        text = read_regular(path, MAX_BYTES).decode("utf-8-sig")
    except UsageError as error:
        code = "too-large" if isinstance(error, TooLargeError) else "unreadable-file"
        hint = _WRITE if os.path.lexists(path) else _MISSING
        raise _failed(path, error.message, code, hint) from None
    except UnicodeDecodeError:
        raise _failed(path, "the file is not UTF-8", "not-utf8", _WRITE) from None
    lines = [(n, line) for n, line in enumerate(text.split("\n"), start=1) if line.strip()]
    _check_header(path, lines[0][1] if lines else "")
    known: dict[str, KnownFinding] = {}
    problems = []
    for number, line in lines[1:]:
        try:
            read = _read_line(line)
            known[read.fingerprint] = _joined(known.get(read.fingerprint, read), read)
        except UnfitError as error:
            problems.append(_problem(path, number, line, str(error)))
    if problems:
        raise PolicyError(problems)
    return known


def update(
    before: Mapping[str, KnownFinding], run: Run, *, grow: bool, prune: bool
) -> BaselineChange:
    """Return what a baseline is to hold after a scan that was judged with it.

    `grow` takes up every finding on a row that no waiver covers, as it is now; a finding keeps
    the time when it was first seen. `prune` takes out those that are fixed.
    """
    gone = {one.fingerprint for one in run.fixed}
    known = {name: one for name, one in before.items() if not (prune and name in gone)}
    if grow:
        for finding in run.findings:
            earlier = known.pop(finding.fingerprint, None)
            if finding.disposition is Disposition.WAIVED or not finding.resource.id:
                # A waiver has an end, which a baseline would hide; a gap is nothing that is known.
                continue
            first_seen = earlier.first_seen if earlier else run.info.as_of
            known[finding.fingerprint] = _known(finding, first_seen)
    return BaselineChange(
        known=sorted(known.values(), key=_order),
        added=len(known.keys() - before.keys()),
        removed=len(before.keys() - known.keys()),
        fixed=len(gone & known.keys()),
        verdict=run.verdict,
        warnings=run.inventory.warnings,
    )


def render(known: Iterable[KnownFinding]) -> Iterator[bytes]:
    """Give the lines of the file for findings that are in order."""
    yield _line({"format": FORMAT, "version": VERSION})
    for one in known:
        fields = _fields(one)
        yield _line({**fields, "seal": _seal(fields)})


def _fields(one: KnownFinding) -> dict[str, str | None]:
    """Return what a line says, in its order; the seal follows."""
    return {
        "rule": one.rule,
        "organization": one.organization,
        "project": one.project,
        "project_id": one.project_id,
        "name": one.name,
        "severity": str(one.severity),
        "outcome": str(one.outcome),
        "type": one.type,
        "id": one.id,
        "first_seen": timestamp(one.first_seen.replace(microsecond=0)),
        "fingerprint": one.fingerprint,
    }


def _seal(fields: Mapping[str, str | None]) -> str:
    """Return 16 hexadecimal digits of what a line says."""
    return hashlib.sha256(json.dumps([VERSION, *fields.values()]).encode()).hexdigest()[:16]


def _known(finding: Finding, first_seen: datetime) -> KnownFinding:
    resource = finding.resource
    return KnownFinding(
        rule=finding.rule_id,
        severity=finding.severity,
        outcome=finding.outcome,
        type=resource.type,
        organization=resource.organization,
        project=resource.project,
        project_id=resource.project_id if resource.project_id != resource.project else None,
        id=resource.id,
        name=resource.name,
        fingerprint=finding.fingerprint,
        first_seen=first_seen,
    )


def _order(known: KnownFinding) -> tuple[str, str, str, str, str]:
    where = (known.organization or "", known.project or "", known.id)
    return (known.rule, *where, known.fingerprint)


def _line(value: Mapping[str, Any]) -> bytes:
    """Write a line; what a reviewer would not see as it is becomes an escape."""
    text = json.dumps(value, ensure_ascii=False)
    shown = re.sub(r"[^\x20-\x7e]", lambda found: _visible(found[0]), text)
    return shown.encode() + b"\n"


def _visible(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]


def _check_header(path: Path, line: str) -> None:
    try:
        header = decoded(line.encode(), _Header)
    except UnfitError:
        header = None
    if header is None or header.format != FORMAT:
        message = "the file is not a baseline: its first line does not say so"
        raise _failed(path, message, "not-a-baseline", _WRITE, 1)
    if header.version != VERSION:
        message = f"the baseline has format version {header.version}; this release reads {VERSION}"
        raise _failed(path, message, "baseline-version", _WRITE, 1)


def _read_line(line: str) -> KnownFinding:
    read = decoded(line.encode(), _BaselineLine)
    # No other member may be there: more than there are fields are looked at closely.
    if len(_MEMBER.findall(line)) > len(_BaselineLine.__struct_fields__):
        try:
            json.loads(line, object_pairs_hook=once)
        except TwiceError as error:  # a reviewer may read the other one
            raise UnfitError(f"the member `{error.name}` comes twice") from None
    if read.outcome not in {Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR}:
        raise UnfitError(f"Invalid outcome {read.outcome.value!r}")
    try:
        read.first_seen = in_utc(read.first_seen)
    except ValueError as error:
        raise UnfitError(f"Invalid first_seen: {error}") from None
    fields = msgspec.structs.asdict(read)
    seal = fields.pop("seal")
    known = KnownFinding(**fields)
    place = known.place
    if known.fingerprint != fingerprint(known.rule, place.organization, place.project, known.id):
        message = "the fingerprint is not that of this rule, organization, project and id"
        raise UnfitError(message)
    if seal != _seal(_fields(known)):
        message = (
            "the line was edited: it is not what `keypolicy baseline` wrote (its seal differs)"
        )
        raise UnfitError(message)
    return known


def _joined(first: KnownFinding, second: KnownFinding) -> KnownFinding:
    """Return what two lines of a finding say: two branches may each have taken it up.

    It is known since the earlier of their times, from which on there was time to fix it.
    """
    since = min(first.first_seen, second.first_seen)
    one, other = (msgspec.structs.replace(known, first_seen=since) for known in (first, second))
    if one != other:
        message = f"the finding {second.fingerprint} is there already, and said to be otherwise"
        raise UnfitError(message)
    return one


def _problem(path: Path, number: int, line: str, reason: str) -> Problem:
    if line.startswith(_CONFLICT):
        message = "a conflict of a merge is left"
        hint = f"Keep the lines of both sides. Or: {_WRITE}"
        return Problem(Location(str(path), number, 1), message, "merge-conflict", hint)
    return Problem(Location(str(path), number, 1), reason, "bad-baseline", _MEND)


def _failed(path: Path, message: str, code: str, hint: str = "", line: int = 0) -> PolicyError:
    location = Location(str(path), line, 1) if line else Location(str(path))
    return PolicyError([Problem(location, message, code, hint)])
