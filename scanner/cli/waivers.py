"""`keypolicy waivers`: list, check and add approved exceptions."""

import argparse
import os
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final

from msgspec.structs import replace

from scanner.base.errors import Location, PolicyError, Problem, UsageError
from scanner.base.files import read_regular, replacing
from scanner.base.text import aligned, clean, plural
from scanner.cli.shared import inputs
from scanner.cli.shared.gaps import warn_of_unseen
from scanner.cli.shared.outputs import check_free, print_json
from scanner.model.waiver import Waiver, WaiverState, WaiverUse

if TYPE_CHECKING:
    from scanner.base.yamlfile import YamlFile
    from scanner.config.settings import Settings

DEFAULT_FILE: Final = "waivers.yaml"
_HEAD: Final = ("WAIVER", "STATE", "DAYS LEFT", "EXPIRES", "OWNER", "ABOUT")
_USE: Final = ("RESOURCES", "FINDINGS")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    verbs = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = verbs.add_parser(
        "list", help="show state and days left; with an inventory, what each one covers"
    )
    listing.add_argument(
        "--format", choices=("table", "json"), default="table", help="table or json"
    )
    check = verbs.add_parser("check", help="find what is wrong in the file, all of it")
    adding = verbs.add_parser("add", help="append a waiver; what the file has stays as it is")
    _add_new_arguments(adding)
    for one in (listing, check, adding):
        one.add_argument("file", metavar="FILE", nargs="?", help="default: the `waivers` setting")
        one.add_argument("--waivers", metavar="FILE", help="the same as FILE")
        inputs.add_policy_arguments(one)
        inputs.add_owners_argument(one)
        inputs.add_source_arguments(one)
        inputs.add_display_arguments(one.add_argument_group("output"))


def _add_new_arguments(parser: argparse.ArgumentParser) -> None:
    new = parser.add_argument_group("the new waiver")
    new.add_argument("--id", required=True, help="its identifier")
    new.add_argument(
        "--rule", metavar="RULE", action="append", default=[], help="rule id; may be repeated"
    )
    new.add_argument("--of-policy", metavar="NAME", help="all rules of this policy, or only its")
    match = new.add_mutually_exclusive_group(required=True)
    match.add_argument(
        "--key", metavar="ID", action="append", default=[], help="resource id; may be repeated"
    )
    match.add_argument("--where", metavar="SQL", help="a condition over the row")
    new.add_argument("--reason", required=True, help="why the exception is acceptable")
    new.add_argument("--owner", required=True, help="who answers for it and ends it")
    new.add_argument("--approved-by", required=True, help="who allowed it")
    term = new.add_mutually_exclusive_group(required=True)
    term.add_argument("--expires", metavar="DAY", help="its last day, such as 2026-12-31")
    term.add_argument("--days", metavar="N", type=int, help="its term in days from today on (UTC)")
    new.add_argument("--ticket", help="where it was discussed")


def run(namespace: argparse.Namespace) -> int:
    """Do what was asked; returns 0, or raises PolicyError for a file with problems."""
    if namespace.file and namespace.waivers:
        raise UsageError(
            "the file is named twice", where="--waivers", remedy="Leave one of the two out."
        )
    settings = inputs.settings(namespace)
    path = Path(namespace.file or settings.waivers or DEFAULT_FILE)
    if namespace.action == "add":
        return _add(namespace, settings, path)
    uses = _uses(namespace, settings, path)
    if namespace.action == "list":
        if namespace.format == "json":
            _print_json(uses, measured=_has_inventory(namespace))
        else:
            _print_table(uses, measured=_has_inventory(namespace))
        return 0
    ended = sum(use.state is WaiverState.LAPSED for use in uses)
    told = f"{plural(len(uses), 'waiver')}, all well formed"
    sys.stdout.write(f"{clean(str(path))}: {told}{f'; {ended} lapsed' if ended else ''}\n")
    for use in uses:
        if use.is_unused:
            inputs.warn(f"{use.waiver.location}: waiver `{use.waiver.id}` covers nothing")
    return 0


def _uses(namespace: argparse.Namespace, settings: "Settings", path: Path) -> list[WaiverUse]:
    from scanner.pipeline import check_waivers, scan  # noqa: PLC0415 - heavy; mistakes come first

    moment = inputs.as_of(namespace)
    triage = replace(settings.triage, waivers=path, baseline=None)
    if _has_inventory(namespace):
        request = replace(inputs.scan_request(namespace, settings), triage=triage)
        with scan(request) as run:
            for warning in run.inventory.warnings:
                inputs.warn(warning)
            warn_of_unseen(run.inventory.incomplete)
            return list(run.waivers)
    waivers = check_waivers(triage, inputs.policies(settings), settings.params)
    return [_unmeasured(one, moment, triage.notice_days) for one in waivers]


def _unmeasured(waiver: Waiver, moment: datetime, notice: int) -> WaiverUse:
    state = waiver.state(moment, notice)
    return WaiverUse(waiver, state, waiver.days_left(moment), 0, 0, 0, is_seen_whole=False)


def _has_inventory(namespace: argparse.Namespace) -> bool:
    """Whether an inventory was named: a token in the environment alone is not a wish to fetch."""
    given = (namespace.demo, namespace.inventory, namespace.org, namespace.project)
    return any(map(bool, given))


def _print_table(uses: Sequence[WaiverUse], *, measured: bool) -> None:

    rows = [_HEAD + (_USE if measured else ())]
    for use in uses:
        waiver = use.waiver
        row = (
            waiver.id,
            use.state.value,
            str(use.days_left),
            str(waiver.expires),
            waiver.owner,
            ", ".join(waiver.rules) or f"all of {waiver.policy}",
        )
        rows.append(row + ((str(use.resources), str(use.findings)) if measured else ()))
    sys.stdout.writelines(f"{line}\n" for line in aligned(rows))


def _print_json(uses: Sequence[WaiverUse], *, measured: bool) -> None:
    found = []
    for use in uses:
        waiver = use.waiver
        one: dict[str, object] = {
            "id": waiver.id,
            "state": use.state.value,
            "days_left": use.days_left,
            "created": str(waiver.created),
            "expires": str(waiver.expires),
            "rules": list(waiver.rules),
            "policy": waiver.policy,
            "reason": waiver.reason,
            "owner": waiver.owner,
            "approved_by": waiver.approved_by,
            "ticket": waiver.ticket or None,
        }
        if measured:
            one |= {"resources": use.resources, "findings": use.findings}
        found.append(one)
    print_json(found)


def _add(namespace: argparse.Namespace, settings: "Settings", path: Path) -> int:
    from scanner.base.yamlfile import YamlFile  # noqa: PLC0415
    from scanner.pipeline import check_waivers  # noqa: PLC0415 - heavy; mistakes come first
    from scanner.triage.addition import add  # noqa: PLC0415

    today = inputs.as_of(namespace).astimezone(UTC).date()
    fields = _fields(namespace, today)
    comment = f"Added on {today} with `keypolicy waivers add`."
    check_free([path])
    text = add(_read(path), str(path), fields, comment)
    draft = YamlFile(str(path), text)
    try:
        check_waivers(settings.triage, inputs.policies(settings), settings.params, draft)
    except PolicyError as error:
        raise _of_options(error, namespace, draft, list(fields)) from None
    with replacing(path) as out:
        out.write(text)
    sys.stdout.write(
        f"{clean(str(path))}: waiver `{namespace.id}` added, until {fields['expires']}\n"
    )
    return 0


def _of_options(
    error: PolicyError, namespace: argparse.Namespace, draft: "YamlFile", keys: Sequence[str]
) -> PolicyError:
    """Return the error with the options that it is about: what they say stands in no file yet."""
    first = len(draft.lines) - len(keys)
    options = {
        "policy": "--of-policy",
        "match": "--key" if namespace.where is None else "--where",
        "approved_by": "--approved-by",
        "created": "--as-of",
        "expires": "--days" if namespace.expires is None else "--expires",
    }

    def told(problem: Problem) -> Problem:
        place = problem.location
        if place.file != draft.name or place.line <= first:
            return problem
        key = "rule" if problem.code == "no-rule" else keys[place.line - first - 1]
        return Problem(
            Location(options.get(key, f"--{key}")), problem.message, problem.code, problem.hint
        )

    return PolicyError([told(problem) for problem in error.problems])


def _read(path: Path) -> bytes:
    from scanner.base.yamlfile import MAX_BYTES  # noqa: PLC0415 - not for --help

    return read_regular(path, MAX_BYTES) if os.path.lexists(path) else b""


def _fields(namespace: argparse.Namespace, today: date) -> dict[str, str | list[str]]:
    fields: dict[str, str | list[str]] = {"id": namespace.id}
    if namespace.rule:
        fields["rule"] = namespace.rule[0] if len(namespace.rule) == 1 else namespace.rule
    if namespace.of_policy:
        fields["policy"] = namespace.of_policy
    fields["match"] = namespace.where if namespace.where is not None else namespace.key
    for name in ("reason", "owner", "approved_by"):
        fields[name] = getattr(namespace, name)
    fields["created"] = str(today)
    fields["expires"] = (
        _later(today, namespace.days) if namespace.expires is None else namespace.expires
    )
    if namespace.ticket:
        fields["ticket"] = namespace.ticket
    return fields


def _later(today: date, days: int) -> str:
    try:
        return str(today + timedelta(days=days))
    except OverflowError:
        raise UsageError(
            f"a term of {plural(days, 'day')} is too long",
            where="--days",
            remedy="Let it end earlier and renew it when it is reviewed (`waiver_term_days`).",
        ) from None
