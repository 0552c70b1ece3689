r"""Metrics for Prometheus, as node_exporter's textfile collector reads them.

Text exposition format 0.0.4 (prometheus.io, "Exposition formats"): HELP and TYPE before the
samples, `\`, `"` and line feeds escaped in label values, no timestamps (the collector rejects
them). Counts of zero are written too: a series that vanishes cannot resolve an alert. Only
`keypolicy_last_run_timestamp_seconds` and, unless it was given, `keypolicy_as_of_timestamp_seconds`
differ between two runs over the same facts.
"""

from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

from scanner import __version__
from scanner.base.text import clean
from scanner.model.coverage import CoverageState
from scanner.model.outcome import Disposition, Outcome
from scanner.model.run import Run
from scanner.report.interface import ReportOptions
from scanner.report.parts.effect import parts


class _Metric(NamedTuple):
    """A gauge: its name without the prefix, its help, and its samples as (labels, value)."""

    name: str
    help: str
    samples: Iterable[tuple[dict[str, str], float]]


def write(run: Run, out: BinaryIO, options: ReportOptions) -> None:  # noqa: ARG001 - no option
    """Write the metrics; see scanner.report.interface.Format."""
    for metric in _metrics(run):
        name = f"keypolicy_{metric.name}"
        out.write(f"# HELP {name} {metric.help}\n# TYPE {name} gauge\n".encode())
        out.writelines(
            f"{name}{_labels(labels)} {_number(value)}\n".encode()
            for labels, value in metric.samples
        )


def _metrics(run: Run) -> Iterator[_Metric]:
    info, tables = run.info, run.inventory.tables
    yield _Metric("build_info", "The scanner's version.", [({"version": __version__}, 1)])
    yield _Metric("findings", "Findings by rule, outcome and disposition.", _findings(run))
    if run.organizations:
        yield _Metric(
            "organization_open_findings",
            "Open findings by organization and severity, where there are several.",
            (
                ({"organization": one.share.slug or "", "severity": severity}, number)
                for one in parts(run)
                for severity, number in one.open_by_severity.items()
            ),
        )
    if run.owners:
        yield _Metric("owner_findings", "Findings by owner and disposition.", _owners(run))
    yield _Metric("checks", "Resources by rule and outcome, passes included.", _checks(run))
    yield _Metric(
        "resources",
        "Rows of the inventory by table.",
        [({"table": name}, table.rows) for name, table in tables.items()],
    )
    yield _Metric(
        "coverage",
        "1 for the state that describes how much of the table was seen, else 0.",
        [
            ({"table": name, "state": state}, state is table.coverage.state)
            for name, table in tables.items()
            for state in CoverageState
        ],
    )
    yield from _gate(run)
    yield _Metric(
        "as_of_timestamp_seconds",
        "The moment that ages were judged at.",
        [({}, info.as_of.timestamp())],
    )
    yield _Metric(
        "last_run_timestamp_seconds",
        "When the last scan ended.",
        [({}, info.finished_at.timestamp())],
    )


def _gate(run: Run) -> Iterator[_Metric]:
    yield _Metric(
        "gate_exit_code",
        "Exit code of the gate: 0 passed, 1 failed, 2 refused, 3 inventory incomplete.",
        [({}, run.verdict.exit_code)],
    )
    yield _Metric(
        "gate_reason",
        "1 for each reason of the verdict.",
        [({"reason": reason}, 1) for reason in dict.fromkeys(map(clean, run.verdict.reasons))],
    )
    yield _Metric(
        "gate_setting",
        "1 for each setting in effect, where it comes from, and whether it tolerates more.",
        [
            (
                {
                    "name": one.name,
                    "value": one.value,
                    "origin": one.origin,
                    "looser": str(one.is_looser).lower(),
                },
                1,
            )
            for one in run.gate
        ],
    )


def _findings(run: Run) -> Iterator[tuple[dict[str, str], float]]:
    for result in run.results:
        for outcome in (Outcome.FAIL, Outcome.UNKNOWN, Outcome.ERROR):
            for disposition in Disposition:
                labels = {
                    "policy": result.rule.policy,
                    "rule": result.rule.id,
                    "severity": result.rule.severity,
                    "outcome": outcome,
                    "disposition": disposition,
                }
                yield labels, result.tally.get((outcome, disposition), 0)


def _owners(run: Run) -> Iterator[tuple[dict[str, str], float]]:
    for one in run.owners:
        for disposition in Disposition:
            # An empty label is what the format calls none.
            labels = {"owner": one.owner or "", "disposition": disposition}
            yield labels, one.by_disposition[disposition]


def _checks(run: Run) -> Iterator[tuple[dict[str, str], float]]:
    for result in run.results:
        for outcome in Outcome:
            labels = {"policy": result.rule.policy, "rule": result.rule.id, "outcome": outcome}
            yield labels, result.count(outcome)


def _labels(labels: dict[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    # clean() leaves no line feed; the format's own escape for it is there for what clean() may not.
    return clean(value).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    """Return a value with its microseconds, if it has any; never in scientific notation."""
    return f"{value:.6f}".rstrip("0").rstrip(".")
