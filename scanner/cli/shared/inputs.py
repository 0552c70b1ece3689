"""What the verbs share: where the inventory comes from, the clock, and how output looks."""

import argparse
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

from scanner.base.errors import UsageError
from scanner.base.text import clean
from scanner.catalogue import LIVE, TOKEN_SETTING
from scanner.catalogue.redact import redact_text
from scanner.cli.shared import elsewhere
from scanner.cli.shared.server import (
    DEFAULT_URL,
    add_server_arguments,
    live_source,
    options_for_nothing,
)
from scanner.cli.shared.slugs import SlugsFrom, named
from scanner.config.gate import effective
from scanner.config.gather import process_settings
from scanner.config.settings import Flags, Settings
from scanner.inventory.source import Source, load_source
from scanner.model.inventory import Scope
from scanner.model.moment import read_moment

if TYPE_CHECKING:
    from scanner.pipeline import ScanRequest

DEFAULT_POLICY: Final = LIVE.policy


def add_lock_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the option that locks the settings."""
    parser.add_argument(
        "--locked-config",
        metavar="FILE",
        help="take settings from this file and the flags alone (also: KEYPOLICY_CONFIG_ONLY)",
    )


def add_source_arguments(parser: argparse.ArgumentParser, *, files: bool = True) -> None:
    """Declare the options that choose an inventory; `files` adds those that read saved ones."""
    add_lock_argument(parser)
    group = parser.add_argument_group(
        "inventory",
        f"Without --demo or --inventory the keys are fetched from {LIVE.title}, with the token\n"
        f"in {TOKEN_SETTING} (also read from .env and {LIVE.rc}).",
    )
    group.add_argument(
        "--org",
        metavar="SLUG",
        action="append",
        default=[],
        help="organization to scan; may be repeated (default: all that the token sees)",
    )
    group.add_argument(
        "--organizations-from",
        metavar="FILE",
        action=SlugsFrom,
        default=[],
        help="organizations to scan, a slug a line; what stands after # is a remark",
    )
    group.add_argument(
        "--project",
        metavar="SLUG",
        action="append",
        default=[],
        help="project to scan; may be repeated (default: all)",
    )
    if files:
        group.add_argument(
            "--inventory",
            metavar="FILE",
            action="append",
            default=[],
            type=elsewhere.place,
            help="read keys from a file, a folder or a pattern such as '*.jsonl.gz': answers of the"
            " API, or what `keypolicy fetch` wrote",
        )
    group.add_argument("--demo", action="store_true", help="use the bundled, fictional inventory")
    group.add_argument(
        "--as-of",
        metavar="TIME",
        help="the time to judge at: a date or an ISO 8601 time in UTC (default: now)",
    )
    add_server_arguments(parser.add_argument_group(f"{LIVE.title} server"))


def add_policy_arguments(parser: argparse.ArgumentParser, default: str = DEFAULT_POLICY) -> None:
    """Declare the options that choose policies; `default` names those that hold without any."""
    rules = parser.add_argument_group("policies")
    rules.add_argument(
        "--policy",
        metavar="NAME|FILE|DIR",
        action="append",
        default=[],
        help=f"policy to hold the keys against; may be repeated (default: {default})",
    )
    rules.add_argument(
        "--param",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="value of a policy's parameter, such as max_age=180d; may be repeated",
    )


def add_owners_argument(group: argparse._ActionsContainer) -> None:
    """Declare the option that tells who owns what."""
    group.add_argument(
        "--owners", metavar="FILE", help="who owns what: fills the column `owner` of every table"
    )


def add_history_argument(group: argparse._ActionsContainer, what: str) -> None:
    """Declare the option that names a history."""
    group.add_argument("--history", metavar="DIR", help=f"{what}: see `keypolicy history`")


def add_partial_argument(group: argparse._ArgumentGroup) -> None:
    """Declare the option that accepts gaps."""
    group.add_argument(
        "--allow-partial",
        action="store_true",
        default=None,
        help="let an inventory that was not seen whole be judged by what was seen",
    )


def add_display_arguments(group: argparse._ArgumentGroup) -> None:
    """Declare the options about what a person sees."""
    group.add_argument("-q", "--quiet", action="store_true", help="print only the verdict")
    group.add_argument("--no-color", action="store_true", help="no colours (also: NO_COLOR)")


def settings(namespace: argparse.Namespace) -> Settings:
    """Gather the settings from the arguments, the environment and configuration files."""
    found = process_settings(
        Flags(
            organizations=tuple(getattr(namespace, "org", ())),
            projects=tuple(getattr(namespace, "project", ())),
            url=getattr(namespace, "url", None),
            policies=tuple(getattr(namespace, "policy", ())),
            params=tuple(getattr(namespace, "param", ())),
            fail_on=getattr(namespace, "fail_on", None),
            on_unknown=getattr(namespace, "on_unknown", None),
            allow_partial=getattr(namespace, "allow_partial", None),
            max_findings=tuple(getattr(namespace, "max_findings", ())),
            waivers=getattr(namespace, "waivers", None),
            baseline=getattr(namespace, "baseline", None),
            owners=getattr(namespace, "owners", None),
            strict_waivers=getattr(namespace, "strict_waivers", None),
            history=getattr(namespace, "history", None),
            history_inventory=getattr(namespace, "history_inventory", None),
            fail_on_overdue=getattr(namespace, "fail_on_overdue", None),
            fail_if_due_within=getattr(namespace, "fail_if_due_within", None),
            no_color=getattr(namespace, "no_color", False),
            locked_config=namespace.locked_config,
        )
    )
    for warning in found.warnings:
        warn(warning)
    if found.memory is not None:
        # Heavy to import, and needed by everything that comes after.
        from scanner.engine.memory import limit_memory  # noqa: PLC0415

        limit_memory(found.memory)
    return found


def as_of(namespace: argparse.Namespace) -> datetime:
    """Return the time to judge at. Raises UsageError."""
    if namespace.as_of is None:
        return datetime.now(UTC)
    try:
        return read_moment(namespace.as_of)
    except ValueError:
        raise UsageError(
            f"{namespace.as_of!r} is no time between 1970 and 9000",
            where="--as-of",
            remedy="Write a date (2026-01-31) or a time (2026-01-31T12:00:00Z).",
        ) from None


def scope(namespace: argparse.Namespace, found: Settings) -> Scope:
    """Return what to look at.

    Organizations and projects from the environment or a file are about the live server; an
    inventory file and the demo are narrowed by the command line alone, as it also tells what an
    export lacks. Those that are not applied are warned of.
    """
    asked = Scope(found.organizations, found.projects)
    if _is_offline(namespace):
        asked = Scope(*named(namespace))
        given = (("organizations", asked.organizations), ("projects", asked.projects))
        left = [found.origin(name) for name, own in given if name in found.origins and not own]
        if left:
            warn(
                f"not applied: {' and '.join(left)}; such settings are about the live server. Files"
                " and the demo are narrowed by --org and --project alone"
            )
    return asked


def source(namespace: argparse.Namespace, found: Settings, journal: Path | None = None) -> Source:
    """Return the source that was asked for. Raises UsageError where there is none, or two.

    With a journal, a fetch goes on where an earlier one was cut off.
    """
    files = getattr(namespace, "inventory", [])
    if files and namespace.demo:
        raise UsageError("--demo and --inventory exclude each other", remedy="Leave one out.")
    if namespace.status and _is_offline(namespace):
        raise UsageError(
            f"only the {LIVE.title} server can filter by status",
            where="--status",
            remedy="Use `where: is_active` in a rule, or leave --status out.",
        )
    if _is_offline(namespace):
        is_here = getattr(namespace, "engine", elsewhere.HERE) == elsewhere.HERE
        for option in options_for_nothing(namespace, has_links=bool(files) and is_here):
            warn(f"{option} is used by nothing: no {LIVE.title} server is asked")
    if namespace.demo:
        return load_source("demo")(as_of(namespace))
    elsewhere.refuse_addresses(namespace)
    if files:
        paths = [one for one in files if isinstance(one, Path)]
        return load_source("file")(paths, *named(namespace), found.url or DEFAULT_URL)
    return live_source(namespace, found, journal)


def policies(found: Settings) -> tuple[str, ...]:
    """Return the policies to hold the keys against.

    Raises UsageError where a setting names one that is not there: it is told where it does.
    """
    origin = found.origin("policies")
    if found.policies and origin != "--policy":
        from scanner.policy.files.locate import select  # noqa: PLC0415 - only with such a setting

        try:
            select(found.policies)
        except UsageError as error:
            raise UsageError(
                error.message, where=_within(origin, error.where), remedy=error.remedy
            ) from None
    return found.policies or (DEFAULT_POLICY,)


def _within(origin: str, where: str) -> str:
    """Say where a setting is, and which part of it is meant, if that is told."""
    return origin if where in {"", "--policy"} else f"{origin}: {where}"


def scan_request(namespace: argparse.Namespace, found: Settings) -> "ScanRequest":
    """Return all that a scan depends on, for what tells no digest of the inventory."""
    chosen = source(namespace, found)
    moment = as_of(namespace)
    from scanner.pipeline import ScanRequest  # noqa: PLC0415 - heavy; mistakes come first

    asked = scope(namespace, found)
    return ScanRequest(
        source=chosen,
        scope=asked,
        policies=policies(found),
        policies_place=found.policies_place,
        params=found.params,
        as_of=moment,
        thresholds=found.thresholds,
        triage=found.triage,
        gate=effective(found, asked),
        digested=False,
    )


def use_color(found: Settings) -> bool:
    """Whether to colour standard output: a terminal that nobody asked to stay plain."""
    asked = found.terminal.color
    return sys.stdout.isatty() if asked is None else asked


def width(found: Settings) -> int:
    """Return the columns to fill: the terminal's; 80 where output goes elsewhere."""
    told = shutil.get_terminal_size().columns if sys.stdout.isatty() else 80
    return found.terminal.columns or told


def warn(message: str) -> None:
    """Tell the user something on standard error."""
    sys.stderr.write(f"keypolicy: warning: {clean(redact_text(message))}\n")


def _is_offline(namespace: argparse.Namespace) -> bool:
    return bool(namespace.demo or getattr(namespace, "inventory", []))
