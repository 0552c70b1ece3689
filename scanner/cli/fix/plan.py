"""`keypolicy fix plan`: findings of a scan or a report go in, a plan of changes comes out."""

import argparse
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scanner import __version__
from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.base.hints import did_you_mean
from scanner.base.text import clean_json, plural
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import check_outputs, print_lines
from scanner.cli.shared.server import DEFAULT_URL
from scanner.gate import EXIT_INCOMPLETE
from scanner.model.outcome import Severity
from scanner.model.run import GateResult

if TYPE_CHECKING:
    from collections.abc import Iterable

    from scanner.config.settings import Settings
    from scanner.model.finding import Finding
    from scanner.model.rule import Policy
    from scanner.remediate.document import Plan
    from scanner.remediate.plan import Choice
    from scanner.remediate.proposals import Knowledge

FORMATS: Final = ("table", "json", "markdown")
_SUFFIXES: Final = {".json": "json", ".md": "markdown"}
_MOST: Final = 1000
_NOTHING, _CHANGES = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the step's arguments."""
    inputs.add_source_arguments(parser)
    inputs.add_policy_arguments(parser)
    known = parser.add_argument_group("findings")
    known.add_argument(
        "--report",
        metavar="FILE",
        type=Path,
        help="plan from a JSON report of `keypolicy scan` instead of scanning; what its evidence"
        " does not tell of a key is not known",
    )
    known.add_argument("--waivers", metavar="FILE", help="approved exceptions; they are left alone")
    known.add_argument("--baseline", metavar="FILE", help="known findings; they are left alone")
    inputs.add_owners_argument(known)
    inputs.add_partial_argument(known)
    _add_choice_arguments(parser)
    output = parser.add_argument_group("output")
    output.add_argument(
        "-o",
        "--output",
        metavar="FILE",
        action="append",
        default=[],
        type=Path,
        help="file of the plan, for `fix apply` (.json) or for people (.md); may be repeated",
    )
    output.add_argument(
        "--format",
        metavar="NAME",
        choices=FORMATS,
        default="table",
        help="write this to standard output: table, json or markdown (default: table)",
    )
    inputs.add_display_arguments(output)


def _add_choice_arguments(parser: argparse.ArgumentParser) -> None:
    choice = parser.add_argument_group("what to plan")
    choice.add_argument(
        "--rule",
        metavar="ID",
        action="append",
        default=[],
        help="only findings of this rule; may be repeated",
    )
    choice.add_argument(
        "--key",
        metavar="KEY",
        action="append",
        default=[],
        help="only this key: its id, the start of it, or its name; may be repeated",
    )
    choice.add_argument(
        "--severity",
        metavar="SEVERITY",
        choices=("low", "medium", "high", "critical"),
        default="low",
        help="only findings of this severity or a higher one (default: low)",
    )
    choice.add_argument(
        "--headroom",
        metavar="FACTOR",
        type=_factor,
        default=2.0,
        help="let a proposed rate limit allow so many times the busiest hour (default: 2)",
    )


def run(namespace: argparse.Namespace) -> int:
    """Plan; returns 0 where there is nothing to do, 1 where changes are planned, 3 with gaps."""
    for path in namespace.output:
        if path.suffix not in _SUFFIXES:
            raise UsageError(
                f"no form of a plan ends in {path.suffix or 'nothing'!r}",
                where=str(path),
                remedy=f"Use one of: {', '.join(_SUFFIXES)}.",
            )
    settings = inputs.settings(namespace)
    check_outputs(namespace.output, namespace, settings)
    reported = namespace.report is not None
    plan, is_whole = (_from_report if reported else _from_scan)(namespace, settings)
    for path in namespace.output:
        with replacing(path) as out:
            out.write(_written(plan, _SUFFIXES[path.suffix]))
    _print(plan, namespace, settings)
    if not is_whole:
        inputs.warn("not everything was seen: the plan is about what was")
        return EXIT_INCOMPLETE
    return _CHANGES if plan.actions else _NOTHING


def _from_scan(namespace: argparse.Namespace, settings: "Settings") -> "tuple[Plan, bool]":
    request = inputs.scan_request(namespace, settings)
    from scanner.cli.fix.named import absent  # noqa: PLC0415 - heavy; mistakes come first
    from scanner.pipeline import scan  # noqa: PLC0415
    from scanner.remediate.keys import columns_of_remedies  # noqa: PLC0415
    from scanner.remediate.proposals import Knowledge  # noqa: PLC0415

    request = msgspec.structs.replace(request, also=columns_of_remedies)
    with scan(request) as scanned:
        for warning in scanned.warnings:
            inputs.warn(warning)
        choice = _choice(namespace, scanned.policies)
        known = Knowledge.of(scanned, request.source, namespace.headroom)
        plan = _plan(
            scanned.findings,
            scanned.policies,
            choice,
            known,
            scanned.info.as_of,
            _server(scanned.inventory.servers, settings),
            tuple(sorted(scanned.inventory.organizations)),
        )
        is_whole = scanned.verdict.result is not GateResult.INCOMPLETE
        if lost := absent(namespace.key, scanned.policies, known.rows):
            if is_whole:
                raise lost
            inputs.warn(str(lost))  # it may be among what was not seen
        return plan, is_whole


def _from_report(namespace: argparse.Namespace, settings: "Settings") -> "tuple[Plan, bool]":
    for option in ("inventory", "demo", "waivers", "baseline", "owners", "org", "as_of", "status"):
        if getattr(namespace, option):
            raise UsageError(
                f"--report and --{option.replace('_', '-')} exclude each other",
                where="fix plan",
                remedy="Leave one out: a report tells what was scanned, when, and what is waived.",
            )
    from scanner.cli.fix.named import check_reported  # noqa: PLC0415 - heavy; mistakes come first
    from scanner.policy.load import load_policies  # noqa: PLC0415
    from scanner.remediate.proposals import Knowledge  # noqa: PLC0415
    from scanner.remediate.reported import read_report  # noqa: PLC0415

    reported = read_report(namespace.report)
    policies = load_policies(inputs.policies(settings), settings.params, settings.policies_place)
    reported.check_policies(policies)
    check_reported(namespace.key, namespace.project, reported.findings)
    plan = _plan(
        reported.findings,
        policies,
        _choice(namespace, policies, tuple(namespace.project)),
        Knowledge(reported.rows, None, namespace.headroom),
        reported.as_of,
        _server(reported.servers, settings),
        reported.organizations,
    )
    return plan, reported.is_whole or bool(namespace.allow_partial)


def _plan(  # noqa: PLR0913, PLR0917 - what a plan tells, from either side
    findings: "Iterable[Finding]",
    policies: "tuple[Policy, ...]",
    choice: "Choice",
    known: "Knowledge",
    as_of: datetime,
    server: str,
    organizations: tuple[str, ...],
) -> "Plan":
    from scanner.remediate.document import Plan, PlanPolicy, PlanTool  # noqa: PLC0415
    from scanner.remediate.plan import make_plan  # noqa: PLC0415

    rules = {(policy.name, rule.id): rule for policy in policies for rule in policy.rules}
    actions, left = make_plan(findings, rules, choice, known)
    return Plan(
        tool=PlanTool("keypolicy", __version__),
        created_at=datetime.now(UTC),
        as_of=as_of,
        server=server,
        organizations=organizations,
        policies=tuple(PlanPolicy(one.name, one.version, one.digest) for one in policies),
        actions=actions,
        left=left,
    )


def _choice(
    namespace: argparse.Namespace, policies: "tuple[Policy, ...]", projects: tuple[str, ...] = ()
) -> "Choice":
    """Return what is to be planned. Raises UsageError for a rule that no policy has."""
    from scanner.remediate.plan import Choice  # noqa: PLC0415

    known = [rule.id for policy in policies for rule in policy.rules]
    for name in namespace.rule:
        if name not in known:
            raise UsageError(
                f"the selected policies have no rule {name!r}",
                where="--rule",
                remedy=did_you_mean(name, known, kind="rules"),
            )
    if not all(key.strip() for key in namespace.key):
        raise UsageError("an empty name", where="--key", remedy="Give an id or a name.")
    return Choice(
        rules=frozenset(namespace.rule),
        keys=tuple(namespace.key),
        projects=frozenset(projects),
        severity=Severity(namespace.severity),
    )


def _server(servers: tuple[str, ...], settings: "Settings") -> str:
    """Return the one server that the plan is about. Raises UsageError for several."""
    if len(servers) > 1:
        raise UsageError(
            f"the keys are of several servers: {', '.join(servers)}",
            where="fix plan",
            remedy="Make a plan for each: give the files of one server at a time.",
        )
    return servers[0] if servers else settings.url or DEFAULT_URL


def _written(plan: "Plan", form: str) -> bytes:
    from scanner.remediate.document import MAX_BYTES, write_plan  # noqa: PLC0415
    from scanner.remediate.markdown import markdown  # noqa: PLC0415

    made = write_plan(plan) if form == "json" else markdown(plan).encode()
    if (size := len(made)) > MAX_BYTES:
        raise UsageError(
            f"the plan has {plural(size, 'byte')}, and no more than {MAX_BYTES:,} are ever read",
            where="fix plan",
            remedy="Make several: narrow each with --project, --rule, --key or --severity.",
        )
    return made


def _print(plan: "Plan", namespace: argparse.Namespace, settings: "Settings") -> None:
    if namespace.format == "json":
        sys.stdout.write(clean_json(_written(plan, "json").decode()))
    elif namespace.format == "markdown":
        print_lines(_written(plan, "markdown").decode())
    else:
        print_table(plan, settings, quiet=namespace.quiet)


def print_table(plan: "Plan", settings: "Settings", *, quiet: bool) -> None:
    """Write a plan to standard output for people; where it is to be `quiet`, its head alone."""
    from scanner.remediate.table import headline, table_lines  # noqa: PLC0415 - not for --help

    if quiet:
        sys.stdout.write(f"PLAN: {headline(plan)}\n")
        return
    color = inputs.use_color(settings)
    for line in table_lines(plan, inputs.width(settings), color=color):
        sys.stdout.write(f"{line}\n")


def _factor(text: str) -> float:
    try:
        factor = float(text)
    except ValueError:
        factor = 0.0
    if not 1 <= factor <= _MOST:  # less would cut off what is in use
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 1 to {_MOST}")
    return factor
