"""`keypolicy fix apply`: a saved plan goes in, keys are changed, what became of each comes out."""

import argparse
import getpass
import platform
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.base.errors import UsageError
from scanner.base.text import clean, plural
from scanner.catalogue import LIVE, TOKEN_SETTING
from scanner.catalogue.redact import redact_text
from scanner.cli.fix.plan import print_table
from scanner.cli.shared import inputs
from scanner.cli.shared.outputs import check_free
from scanner.cli.shared.server import (
    DEFAULT_URL,
    add_connection_arguments,
    add_time_argument,
    add_url_argument,
    live_settings,
)
from scanner.policy.language.values import BadValueError, parse_duration

if TYPE_CHECKING:
    from scanner.config.settings import Settings
    from scanner.inventory.source import LiveSettings
    from scanner.remediate.apply.applier import Applied
    from scanner.remediate.document import Plan

_AUDIT: Final = ".audit.jsonl"
_DONE, _NOT_ALL = 0, 1


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the step's arguments."""
    inputs.add_lock_argument(parser)
    parser.add_argument(
        "plan", metavar="PLAN", type=Path, help="what `keypolicy fix plan -o FILE.json` wrote"
    )
    _add_allowing_arguments(parser.add_argument_group("what is allowed"))
    server = parser.add_argument_group(f"{LIVE.title} server")
    add_url_argument(server)
    add_connection_arguments(server)
    add_time_argument(server, "stop after so long; the same command goes on later (default: 900)")
    output = parser.add_argument_group("output")
    output.add_argument(
        "--audit",
        metavar="FILE",
        type=Path,
        help="audit log to add to, and to resume from (default: beside the plan,"
        f" PLAN{_AUDIT}); one file may serve for many plans",
    )
    inputs.add_display_arguments(output)
    parser.set_defaults(project=[])


def _add_allowing_arguments(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--yes", action="store_true", help="do not ask; needed without a terminal")
    group.add_argument(
        "--max-age",
        metavar="DURATION",
        type=_duration,
        help="refuse a plan that is older than this, such as 2h or 7d (default: 24h)",
    )
    group.add_argument(
        "--max-changes",
        metavar="N",
        type=_number,
        help="refuse a plan with more changes (default: 20)",
    )
    group.add_argument(
        "--allow-irreversible",
        action="store_true",
        help="apply what nothing undoes, such as deletions",
    )
    group.add_argument(
        "--keep-going",
        action="store_true",
        help="go on with the next key where one is not as planned (default: stop there)",
    )
    group.add_argument(
        "--org",
        metavar="SLUG",
        action="append",
        default=[],
        help="refuse a plan that changes keys of another organization; may be repeated",
    )


def run(namespace: argparse.Namespace) -> int:
    """Apply; returns 0 where all is as planned, 1 where something is not."""
    from scanner.remediate.document import read_plan  # noqa: PLC0415 - not for --help

    plan = read_plan(namespace.plan)
    settings = inputs.settings(namespace)
    _check(plan, namespace, settings)
    if not plan.actions:
        _say("Nothing to change.")
        return _DONE
    if settings.token is None:
        raise UsageError(
            "no token to change keys with",
            where=TOKEN_SETTING,
            remedy=f"Set {TOKEN_SETTING} to a {LIVE.title} token that may change keys.",
        )
    live = live_settings(namespace, settings, settings.token)
    if not _is_agreed(plan, namespace, settings):
        _say("Nothing was changed.")
        return _NOT_ALL
    audit = namespace.audit or namespace.plan.with_name(namespace.plan.stem + _AUDIT)
    return _apply(plan, live, audit, namespace)


def _check(plan: "Plan", namespace: argparse.Namespace, settings: "Settings") -> None:
    """Raise UsageError for a plan that is not to be applied, before anybody is asked."""
    from scanner.http.origin import base_url  # noqa: PLC0415 - not for --help
    from scanner.remediate.apply import admission  # noqa: PLC0415

    terms = admission.Terms(
        server=base_url(settings.url or DEFAULT_URL, insecure_http=namespace.insecure_http),
        organizations=settings.organizations,
        max_age=admission.MAX_AGE if namespace.max_age is None else namespace.max_age,
        max_changes=admission.MAX_CHANGES
        if namespace.max_changes is None
        else namespace.max_changes,
        allow_irreversible=namespace.allow_irreversible,
    )
    admission.check_plan(plan, terms, datetime.now(UTC), str(namespace.plan))


def _is_agreed(plan: "Plan", namespace: argparse.Namespace, settings: "Settings") -> bool:
    """Show the plan, and ask on a terminal. Raises UsageError where nobody can be asked."""
    from scanner.remediate.table import headline  # noqa: PLC0415 - not for --help

    if not namespace.quiet:
        print_table(plan, settings, quiet=False)
        sys.stdout.write("\n")
    if namespace.yes:
        return True
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError(
            "nobody can be asked here whether to apply the plan",
            where=str(namespace.plan),
            remedy="Review it, and give --yes.",
        )
    sys.stdout.write(clean(f"Apply {headline(plan)} to {plan.server}? Only `yes` does: "))
    sys.stdout.flush()
    return sys.stdin.readline().strip() == "yes"


def _apply(plan: "Plan", live: "LiveSettings", audit: Path, namespace: argparse.Namespace) -> int:
    from scanner.remediate.apply.admission import check_server  # noqa: PLC0415 - not for --help
    from scanner.remediate.apply.applier import Applier  # noqa: PLC0415
    from scanner.remediate.apply.audit import Actor, AuditLog  # noqa: PLC0415
    from scanner.remediate.remote import open_remote  # noqa: PLC0415

    check_free([audit], [namespace.plan])

    def rest(pause: float | None) -> None:
        if pause is not None and pause >= 1 and not namespace.quiet:
            sys.stderr.write(f"waiting {pause:.0f} s: the server's rate limit\n")

    with open_remote(live, rest) as remote:
        check_server(plan, remote)
        who = Actor(_user(), clean(platform.node()), remote.account())
        with AuditLog(audit) as log:
            applier = Applier(plan, remote, log, who)
            results = []
            for action in plan.actions:
                results.append(applier.apply(action))
                _tell(_words(results[-1], quiet=namespace.quiet), audit)
                if results[-1].is_surprise and not namespace.keep_going:
                    break
    _tell(_summary(plan, results, audit), audit)
    whole = len(results) == len(plan.actions) and not any(one.is_surprise for one in results)
    return _DONE if whole else _NOT_ALL


def _tell(lines: Iterator[str], audit: Path) -> None:
    """Write lines at once. Raises UsageError where that fails: by now something may be changed."""
    try:
        for line in lines:
            _say(line)
        sys.stdout.flush()
    except OSError as error:
        raise UsageError(
            f"standard output cannot be written: {error.strerror}",
            where="fix apply",
            remedy=f"Make room. What was changed until now is in {audit}; the same command goes on"
            " where this one stopped.",
        ) from error


def _words(applied: "Applied", *, quiet: bool) -> Iterator[str]:
    if quiet and not applied.is_surprise:
        return
    from scanner.remediate.table import place  # noqa: PLC0415 - loaded by now

    reason = f" ({applied.reason})" if applied.reason else ""
    yield f"{applied.fate.value}: {applied.action.action} {place(applied.action.target)}{reason}"
    if applied.dsn:
        yield f"  its DSN: {applied.dsn}"


def _summary(plan: "Plan", results: "list[Applied]", audit: Path) -> Iterator[str]:
    done = sum(not one.is_surprise for one in results)
    before = sum(not one.is_new for one in results)
    earlier = f", {before} of them in an earlier run" if before else ""
    yield f"Applied {done} of {plural(len(plan.actions), 'change')}{earlier}."
    if wrong := len(results) - done:
        yield f"{plural(wrong, 'change')} did not come out as planned; see above."
    if waiting := len(plan.actions) - len(results):
        yield f"{plural(waiting, 'change')} not begun; --keep-going would go on."
    if done < len(plan.actions):
        yield "The same command goes on where this one stopped, and does nothing twice."
    yield f"Audit log: {audit}"


def _user() -> str:
    try:
        return clean(getpass.getuser())
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def _say(line: str) -> None:
    sys.stdout.write(f"{clean(redact_text(line))}\n")


def _duration(text: str) -> timedelta:
    try:
        return parse_duration(text)
    except BadValueError as error:
        raise argparse.ArgumentTypeError(f"{error.message}; {error.hint}") from error


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0")
    return int(text)
