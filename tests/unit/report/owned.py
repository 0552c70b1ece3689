"""The golden run after triage, with a file of owners."""

from collections import Counter

import msgspec

from scanner.model.owner import OwnerShare
from scanner.model.run import Narrowing, Run
from tests.unit.report.factory import HOSTILE, Findings
from tests.unit.report.triaged import triaged_run

OWNERS = {"web": "owls", "mobile": HOSTILE["markup"]}
"""Owners by project; the other projects are nobody's."""


def owned_run(*shown: str) -> Run:
    """Return the run with owners; with names, only those owners' findings are shown."""
    run = triaged_run()
    findings = [
        msgspec.structs.replace(one, owner=OWNERS.get(one.resource.project or ""))
        if one.resource.id
        else one
        for one in run.findings
    ]
    shares = []
    for owner in (*OWNERS.values(), None):
        tally = Counter(
            (one.rule_id, one.disposition)
            for one in findings
            if one.resource.id and one.owner == owner
        )
        shares.append(OwnerShare(owner, "#owls" if owner == "owls" else "", tally))
    run = msgspec.structs.replace(run, findings=Findings(findings), owners=tuple(shares))
    if not shown:
        return run
    left = [one for one in findings if one.owner in shown or not one.resource.id]
    narrowing = Narrowing(shown, len(left), len(findings), unseen=1)
    return msgspec.structs.replace(
        run,
        findings=Findings(left),
        narrowing=narrowing,
        warnings=(narrowing.told, *run.warnings),
    )
