"""`keypolicy evidence verify`: tell whether evidence holds, and what of it does not."""

import argparse
import shutil
import sys
from pathlib import Path
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import open_regular
from scanner.base.scratch import scratch
from scanner.base.text import plural, timestamp
from scanner.cli.history.output import damage_line, damage_plain, written
from scanner.cli.shared.outputs import print_json
from scanner.evidence.check import EvidenceCheck, check
from scanner.evidence.signature import SUFFIX, SignatureCheck, check_signature
from scanner.history.manifest import DamageError
from scanner.history.tell.words import day
from scanner.report.sheet.sheet import Sheet

_DAMAGED, _UNCONFIRMED = 2, 3

_NOT_SIGNED: Final = (
    "no signature was checked: who made the bundle is not told, nor whether it was made anew"
)


def run(namespace: argparse.Namespace) -> int:
    """Return 0 where all holds, 2 where something does not, 3 where not all could be confirmed."""
    path: Path = namespace.path
    wanted = _wanted(namespace)
    signed = ""
    with scratch() as folder:
        checked = path
        if wanted is not None:
            # What is checked has to be what was signed, whoever can write to the file meanwhile.
            checked = folder / "bundle.zip"
            with open_regular(path) as source, checked.open("wb") as out:
                shutil.copyfileobj(source, out, 1 << 20)
        try:
            signed = check_signature(checked, wanted) if wanted else ""
            found = check(checked)
        except DamageError as error:
            found = EvidenceCheck(damage=(error,))
        for one in found.damage:
            one.where = one.where.replace(str(checked), str(path), 1)
            one.message = one.message.replace(str(checked), str(path))
    if not signed and not path.is_dir() and not found.damage:
        beside = path.with_name(path.name + SUFFIX)
        hint = f" ({beside} is there: --signature)" if beside.exists() else ""
        found = msgspec.structs.replace(found, remarks=(*found.remarks, _NOT_SIGNED + hint))
    code = _DAMAGED if found.damage else _UNCONFIRMED if found.unconfirmed else 0
    if namespace.format == "json":
        _print_json(found, signed, code)
    else:
        _print(path, found, signed, namespace.format)
    return code


def _wanted(namespace: argparse.Namespace) -> SignatureCheck | None:
    given = (namespace.signature, namespace.allowed_signers, namespace.identity)
    if not any(given):
        return None
    if not all(given):
        raise UsageError(
            "needs --signature, --allowed-signers and --identity",
            where="evidence verify",
            remedy="Without the keys that may sign, anybody's signature would do.",
        )
    if namespace.path.is_dir():
        raise UsageError(
            "a signature is of the bundle, not of the folder that it was unpacked to",
            where=str(namespace.path),
            remedy="Name the zip file.",
        )
    return SignatureCheck(*given)


def _print_json(found: EvidenceCheck, signed: str, code: int) -> None:
    told = {
        "result": {0: "holds", _DAMAGED: "damaged", _UNCONFIRMED: "unconfirmed"}[code],
        "run": found.run,
        "files": found.files,
        "runs": found.runs,
        "since": timestamp(found.since) if found.since else None,
        "judged_anew": found.judged,
        "signature": signed or None,
        "damage": [damage_plain(one) for one in found.damage],
        "unconfirmed": found.unconfirmed,
        "remarks": found.remarks,
    }
    print_json(told)


def _print(path: Path, found: EvidenceCheck, signed: str, form: str) -> None:
    page = Sheet()
    if found.damage:
        state = f"does not hold, {plural(len(found.damage), 'problem')}"
    else:
        state = "not all could be confirmed" if found.unconfirmed else "holds"
    page.heading(f"{path}: {state}")
    if found.run is not None:
        page.line(f"run {found.run.id[:12]} of {day(found.run.as_of)} UTC")
    if signed:
        page.line(f"signature: {signed}")
    if found.files:
        page.line(f"digests: {plural(found.files, 'file')} as they were written")
    if found.since is not None:
        page.line(f"chain: {plural(found.runs, 'run')} from {day(found.since)} UTC on")
    if found.judged and not found.damage and not found.unconfirmed:
        number = plural(len(found.judged), "run")
        page.line(f"judged anew: {number}, and everything came out the same")
    for one in found.damage:
        page.line(damage_line(one))
    for why in found.unconfirmed:
        page.line(f"not confirmed: {why}")
    for remark in found.remarks:
        page.line(remark)
    sys.stdout.write(written(page, form).decode())
