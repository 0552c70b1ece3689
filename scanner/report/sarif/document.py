"""SARIF 2.1.0 as GitHub code scanning takes it.

There is one SARIF run for each policy, since GitHub keeps alerts apart by
`automationDetails.id`: adding or dropping a policy leaves the alerts of the others alone. Two
reports of the same facts differ only in `invocations[]` (`startTimeUtc`, `endTimeUtc`) and in
the properties `runId` and, unless it was given, `asOf` of each run.
"""

import shutil
from contextlib import ExitStack
from tempfile import SpooledTemporaryFile
from typing import IO, BinaryIO, Final

import msgspec

from scanner.base.foreign import SARIF_SCHEMA, SARIF_VERSION
from scanner.model.finding import Finding
from scanner.model.outcome import Disposition
from scanner.model.rule import Policy
from scanner.model.run import Run
from scanner.report.interface import ReportOptions, Writing
from scanner.report.parts.json_array import JsonArray
from scanner.report.sarif.results import Results
from scanner.report.sarif.run import Cut, head

# GitHub rejects an upload above any of these as a whole, so the worst are kept and the report
# says what was cut: docs.github.com, "SARIF support for code scanning", "Validating your file".
MAX_RESULTS: Final = 25_000
MAX_RUNS: Final = 20

_SUPPRESSED: Final = frozenset(Disposition) - {Disposition.OPEN}

_IN_MEMORY: Final = 1 << 20  # bytes of results that are not put on disk


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:
    """Write the SARIF report; see scanner.report.interface.Format."""
    policies = list({policy.name: policy for policy in run.policies}.values())
    shown: list[Policy | None] = [*policies[:MAX_RUNS]] or [None]
    left_out = tuple(policy.name for policy in policies[MAX_RUNS:])
    with ExitStack() as stack:
        runs = [
            _PolicyRun(
                run,
                policy,
                left_out,
                options,
                stack.enter_context(SpooledTemporaryFile(_IN_MEMORY)),
            )
            for policy in shown
        ]
        yield from _spool({rule: one for one in runs for rule in one.rules})
        out.write(f'{{"$schema":"{SARIF_SCHEMA}","version":"{SARIF_VERSION}","runs":['.encode())
        for number, one in enumerate(runs):
            out.write(b",\n" if number else b"\n")
            one.write(out)
        out.write(b"\n]}\n")


def _spool(runs: dict[tuple[str, str], "_PolicyRun"]) -> Writing:
    """Give each finding to the run of its rule until none takes any more."""
    open_runs = {id(one) for one in runs.values() if one.takes_more}
    while open_runs and (found := (yield)):
        for finding in found:
            one = runs.get((finding.policy, finding.rule_id))
            if one is not None and not one.add(finding):
                open_runs.discard(id(one))


class _PolicyRun:
    """The SARIF run of one policy: its results are put aside, as those of several come mixed.

    Findings come worst first, so the first of each disposition are its worst. It takes `left` more
    of each: open ones before those that are suppressed, which must not take their place.
    """

    def __init__(
        self,
        run: Run,
        policy: Policy | None,
        left_out: tuple[str, ...],
        options: ReportOptions,
        aside: IO[bytes],
    ) -> None:
        results = [r for r in run.results if policy is not None and r.rule.policy == policy.name]
        self.rules = [result.rule.key for result in results]
        opened = sum(r.disposed(Disposition.OPEN) for r in results)
        suppressed = sum(r.disposed(one) for r in results for one in _SUPPRESSED)
        found = opened + suppressed if options.include_suppressed else opened
        kept = min(found, MAX_RESULTS)
        self._left = {True: min(opened, kept), False: max(kept - opened, 0)}
        # The members are known before the first result is: everything else is counted already.
        self._head = msgspec.json.encode(head(run, policy, results, Cut(found, kept, left_out)))
        waivers = {use.waiver.id: use.waiver for use in run.waivers}
        self._make = Results([result.rule for result in results], waivers)
        self._aside = aside
        self._array = JsonArray(aside)

    def add(self, finding: Finding) -> bool:
        """Put a finding aside if it is to be shown; return whether more are taken."""
        is_open = finding.disposition is Disposition.OPEN
        if self._left[is_open]:
            self._array.add([self._make.result(finding)])
            self._left[is_open] -= 1
        return self.takes_more

    @property
    def takes_more(self) -> bool:
        """Whether a finding may still be put aside."""
        return any(self._left.values())

    def write(self, out: BinaryIO) -> None:
        """Write the whole run."""
        self._array.end()
        self._aside.seek(0)
        out.write(self._head[:-1] + b',"results":')
        shutil.copyfileobj(self._aside, out)
        out.write(b"}")
