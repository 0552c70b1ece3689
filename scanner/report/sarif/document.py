"""SARIF 2.1.0 as GitHub code scanning takes it.

There is one SARIF run for each policy, since GitHub keeps alerts apart by
`automationDetails.id`: adding or dropping a policy leaves the alerts of the others alone. Two
reports of the same facts differ only in `invocations[]` (`startTimeUtc`, `endTimeUtc`) and in
the properties `runId` and, unless it was given, `asOf` of each run.
"""

from itertools import islice
from typing import BinaryIO, Final

import msgspec

from scanner.base.sarif import SCHEMA, VERSION
from scanner.model.outcome import Disposition
from scanner.model.rule import Policy
from scanner.model.run import RuleResult, Run
from scanner.report.interface import ReportOptions
from scanner.report.sarif.results import Results
from scanner.report.sarif.run import Cut, head

# GitHub rejects an upload above any of these as a whole, so the worst are kept and the report
# says what was cut: docs.github.com, "SARIF support for code scanning", "Validating your file".
MAX_RESULTS: Final = 25_000
MAX_RUNS: Final = 20

_FLUSH: Final = 1 << 18  # bytes gathered before they are written


def write(run: Run, out: BinaryIO, options: ReportOptions) -> None:
    """Write the SARIF report; see scanner.report.interface.Format."""
    policies = list({policy.name: policy for policy in run.policies}.values())
    shown: list[Policy | None] = [*policies[:MAX_RUNS]] or [None]
    left_out = tuple(policy.name for policy in policies[MAX_RUNS:])
    out.write(f'{{"$schema":"{SCHEMA}","version":"{VERSION}","runs":['.encode())
    for number, policy in enumerate(shown):
        out.write(b",\n" if number else b"\n")
        _write_run(run, policy, left_out, out, options)
    out.write(b"\n]}\n")


def _write_run(
    run: Run,
    policy: Policy | None,
    left_out: tuple[str, ...],
    out: BinaryIO,
    options: ReportOptions,
) -> None:
    dispositions = set(Disposition) if options.include_suppressed else {Disposition.OPEN}
    results = [r for r in run.results if policy is not None and r.rule.policy == policy.name]
    found = sum(r.disposed(disposition) for r in results for disposition in dispositions)
    kept = min(found, MAX_RESULTS)
    # The members are known before the first result is: everything else is counted already.
    members = msgspec.json.encode(head(run, policy, results, Cut(found, kept, left_out)))
    out.write(members[:-1] + b',"results":[')
    _write_results(run, results, dispositions, kept, out)
    out.write(b"]}")


def _write_results(
    run: Run,
    results: list[RuleResult],
    dispositions: set[Disposition],
    kept: int,
    out: BinaryIO,
) -> None:
    """Write the first `kept` results: findings come worst first, so these are the worst."""
    if not kept:
        return
    waivers = {use.waiver.id: use.waiver for use in run.waivers}
    make = Results([result.rule for result in results], waivers)
    encoder = msgspec.json.Encoder()
    buffer = bytearray()
    wanted = (
        finding
        for finding in run.findings
        if finding.disposition in dispositions and make.has(finding)
    )
    for number, finding in enumerate(islice(wanted, kept)):
        buffer += b",\n" if number else b"\n"
        encoder.encode_into(make.result(finding), buffer, -1)
        if len(buffer) > _FLUSH:
            out.write(buffer)
            buffer.clear()
    out.write(buffer + b"\n")
