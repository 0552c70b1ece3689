"""A run against the run made anew: in come the two, out come the differences, each with its reason.

Left out is what no digest of a run's tells: warnings, and how soon a waiver's end was warned of.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import zip_longest
from typing import Any, Final

from scanner.base.text import plural, timestamp
from scanner.evidence.remake import not_whole, report_of
from scanner.history.folder import FINDINGS, REPORT, TRACKED, StoredRun
from scanner.history.manifest import DamageError, Manifest
from scanner.model.waiver import WaiverState

_REMEDY: Final = "The bundle was changed after the scan, digests and all: ask for the original."
_NAMED: Final = 3
_MAKER: Final = re.compile(rb"DuckDB version v?[0-9A-Za-z.\-]+")
_DATES: Final = ("first_seen", "due")
_DATED: Final = ("changes", "days_to_fix", "overdue")


def compare(kept: StoredRun, made: StoredRun, *, is_dated: bool) -> list[DamageError]:
    """Return what is otherwise in a run than in the one that was made anew of what it kept.

    Without `is_dated`, since when findings are known is left out. What follows from the first
    difference is not told. Raises DamageError.
    """
    try:
        return _compared(kept, made, is_dated=is_dated)
    except (LookupError, TypeError, AttributeError, ValueError):
        # Something lacks in it, or is of another kind: it would take its schema to tell what.
        raise not_whole(kept) from None


def _compared(kept: StoredRun, made: StoredRun, *, is_dated: bool) -> list[DamageError]:
    reports = report_of(kept), report_of(made)
    for steps in (
        (_identity(kept.manifest, reports[0]), _members(reports)),
        (_inventory(kept, made, reports),),
        (_policies(kept.manifest, made.manifest, reports),),
        (_findings(reports, is_dated=is_dated), _counts(kept.manifest, made.manifest, reports)),
        (_verdict(kept.manifest, made.manifest, reports),),
        (
            _figures(kept.manifest, made.manifest, is_dated=is_dated),
            _dates(kept, made) if is_dated else iter(()),
            _table(kept, made) if is_dated else iter(()),
            _files(kept, made),
        ),
    ):
        found = [
            DamageError(what, code, where=str(kept.path / name), remedy=_REMEDY)
            for step in steps
            for name, code, what in step
        ]
        if found:
            return found
    return []


_Told = Iterator[tuple[str, str, str]]
_Reports = tuple[dict[str, Any], dict[str, Any]]


def _identity(manifest: Manifest, report: Mapping[str, Any]) -> _Told:
    times = manifest.run
    told = {
        "id": times.id,
        "as_of": timestamp(times.as_of),
        "started_at": timestamp(times.started_at),
        "finished_at": timestamp(times.finished_at),
    }
    if report.get("run") != told:
        yield REPORT, "other-run", "is the report of another run, or of another time"
    name, _, version = manifest.tool.partition(" ")
    if report.get("tool") != {"name": name, "version": version}:
        yield REPORT, "other-run", f"is not of {manifest.tool}, as the manifest says"


def _members(reports: _Reports) -> _Told:
    """Hold the report to what it is made of: whatever is compared below, and nothing besides."""
    kept, made = (report.keys() for report in reports)
    if kept != made:
        names = ", ".join(sorted(kept ^ made)[:_NAMED])
        yield REPORT, "members", f"has not the members that a report has: {names}"


def _inventory(kept: StoredRun, made: StoredRun, reports: _Reports) -> _Told:
    told = [kept.manifest.digest, reports[0]["inventory"]["digest"]]
    true = made.manifest.digest
    if told != [true, true]:
        yield (
            "",
            "inventory",
            (
                f"the inventory is not the one that was judged: its digest is {true};"
                f" the manifest says {told[0]}, the report {told[1]}"
            ),
        )
    elif kept.manifest.looked != made.manifest.looked:
        yield "manifest.json", "looked", "does not tell of the inventory what there is to see in it"
    elif reports[0]["inventory"] != reports[1]["inventory"]:
        yield REPORT, "inventory", "does not tell of the inventory what there is to see in it"


def _policies(kept: Manifest, made: Manifest, reports: _Reports) -> _Told:
    if _ran(kept) != _ran(made):
        yield "manifest.json", "policies", "names other policies than those in the run"
    elif reports[0]["policies"] != reports[1]["policies"]:
        yield REPORT, "policies", "names other policies than those in the run"


def _ran(manifest: Manifest) -> list[tuple[str, str, str, str, list[str]]]:
    """Tell the policies and the digests of their files; where these lay is of no account."""
    parts = manifest.parts
    return [
        (
            one.name,
            one.version,
            one.digest,
            one.terms,
            sorted(parts[name].sha256 if name in parts else "" for name in one.files),
        )
        for one in manifest.policies
    ]


def _findings(reports: _Reports, *, is_dated: bool) -> _Told:
    kept, made = (
        Counter(_as_text(one, is_dated=is_dated) for one in _listed(report["findings"]))
        for report in reports
    )
    lacking, invented = [*(made - kept)], [*(kept - made)]
    for texts, what in (
        (lacking, "does not have {} that the inventory and the policies come to"),
        (invented, "has {} that the inventory and the policies do not come to"),
    ):
        if texts:
            found = [json.loads(text) for text in texts]
            names = [
                f"{one['rule_id']} on {one['resource']['id'] or 'what was not seen'}"
                for one in found[:_NAMED]
            ]
            more = ", ..." if len(found) > _NAMED else ""
            number = plural(len(found), "finding")
            yield REPORT, "findings", f"{what.format(number)}: {', '.join(names)}{more}"
    if kept == made and reports[0]["rules"] != reports[1]["rules"]:
        yield REPORT, "findings", "counts other outcomes by rule than there are"


def _as_text(finding: Mapping[str, Any], *, is_dated: bool) -> str:
    told = {k: v for k, v in finding.items() if is_dated or k not in _DATES}
    return json.dumps(told, sort_keys=True)


def _counts(kept: Manifest, made: Manifest, reports: _Reports) -> _Told:
    if kept.rules != made.rules:
        names = sorted(
            {
                name
                for name in kept.rules.keys() | made.rules.keys()
                if kept.rules.get(name) != made.rules.get(name)
            }
        )
        yield "manifest.json", "rules", f"tells something else of {', '.join(names[:_NAMED])}"
    if _summary(reports[0]) != _summary(reports[1]):
        yield REPORT, "summary", "sums up something else than its findings"


def _summary(report: Mapping[str, Any]) -> dict[str, Any]:
    told = {k: v for k, v in report["summary"].items() if k != "warnings"}
    # When the end of a waiver is near is a setting, and nothing but a warning follows from it.
    told["waivers"] = [
        {**one, "state": WaiverState.ACTIVE if one["state"] == "expiring" else one["state"]}
        for one in _listed(told["waivers"])
    ]
    return told


def _listed(value: object) -> list[Any]:
    """Return a list; what goes through as an empty one, such as an empty object, is none."""
    if not isinstance(value, list):
        raise TypeError
    return value


def _verdict(kept: Manifest, made: Manifest, reports: _Reports) -> _Told:
    if (kept.result, kept.exit_code) != (made.result, made.exit_code):
        yield (
            "manifest.json",
            "verdict",
            (
                f"says {kept.result.value} ({kept.exit_code}) where the findings come to"
                f" {made.result.value} ({made.exit_code})"
            ),
        )
    if reports[0]["gate"] != reports[1]["gate"]:
        yield (
            REPORT,
            "verdict",
            "gives another verdict, or other reasons, than its findings and settings come to",
        )


def _figures(kept: Manifest, made: Manifest, *, is_dated: bool) -> _Told:
    names = [
        name
        for name in kept.figures.__struct_fields__
        if (is_dated or name not in _DATED)
        and getattr(kept.figures, name) != getattr(made.figures, name)
    ]
    if names:
        yield "manifest.json", "figures", f"has other figures than there are: {', '.join(names)}"
    others = [
        name
        for name in ("line", "params", "waivers", "baseline", "owners", "inventory", "sla")
        if getattr(kept, name) != getattr(made, name)
    ]
    if is_dated and kept.demands != made.demands:
        others.append("demands")
    if others:
        yield "manifest.json", "manifest", f"says something else of {', '.join(others)}"


def _dates(kept: StoredRun, made: StoredRun) -> _Told:
    if kept.unpacked(TRACKED) != made.unpacked(TRACKED):
        yield TRACKED, "dates", "does not follow from the run before and from what was found"


def _table(kept: StoredRun, made: StoredRun) -> _Told:
    then, now = kept.part(FINDINGS), made.part(FINDINGS)
    if then != now:
        makers = [_MAKER.findall(raw)[-1:] for raw in (then, now)]
        is_same = makers[0] == makers[1]
        why = "has not the findings of the report" if is_same else "is of another DuckDB"
        yield FINDINGS, "table" if is_same else "unconfirmed", why


def _files(kept: StoredRun, made: StoredRun) -> _Told:
    """Compare which files there are, and those that a scan only copies."""
    before, after = (
        {
            name: part
            for name, part in one.manifest.parts.items()
            if not any(name in policy.files for policy in one.manifest.policies)
        }
        for one in (kept, made)
    )
    for name in sorted(before.keys() - after.keys()):
        yield name, "parts", "has nothing to do with the run"
    for name in sorted(after.keys() - before.keys()):
        yield "manifest.json", "parts", f"does not list {name}"
    for name in sorted(before.keys() & after.keys() - {REPORT, FINDINGS, TRACKED}):
        is_same = before[name] == after[name]
        if not is_same and name.endswith(".gz"):  # the same may be packed otherwise elsewhere
            pairs = zip_longest(kept.pieces(name), made.pieces(name))
            is_same = all(then == now for then, now in pairs)
        if not is_same:
            yield name, "parts", "is not what the scan keeps of it"
