"""Finds policy files: shipped ones by name, others by path, folders by what is in them."""

import os
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import read_regular, real, within
from scanner.base.hints import closest, did_you_mean
from scanner.base.resources import policies_dir
from scanner.base.yamlfile import MAX_BYTES, OWNERS, POLICY, is_kind

_SUFFIXES: Final = (".yaml", ".yml")
_SETTINGS: Final = "keypolicy.yaml"
_OWNERS: Final = ("owners.yaml", "owners.yml")
_TESTS: Final = (".test.yaml", ".test.yml")
_PINNED: Final = re.compile(r"(?P<name>.+)@(?P<version>[0-9]+(?:\.[0-9]+){0,2})")


class PolicyFile(msgspec.Struct, frozen=True):
    """A policy file: where it is, what messages call it, and the version asked for, if any."""

    path: Path
    shown: str
    pin: str | None = None

    def satisfied_by(self, version: str) -> bool:
        """Whether `version` is the one asked for; `1` stands for 1.0.0 and every later 1.x.y."""
        if self.pin is None:
            return True
        wanted = self.pin.split(".")
        return version.split(".")[: len(wanted)] == wanted


def shipped_policies() -> dict[str, Path]:
    """Return the policies that travel with the product, by name, in order."""
    return {path.stem: path for path in policies_in(policies_dir())}


def is_shipped(ref: str) -> bool:
    """Whether `ref` is the name of a shipped policy, with a version or without."""
    return _by_name(ref) is not None


def policies_in(folder: Path) -> list[Path]:
    """Return the policy files right in `folder`, sorted.

    Files with test cases are not policies, nor are the settings file of the product and its file
    of owners. What is there under the name of a policy and is no file is not passed over: reading
    it tells. Nor is a suffix in capitals: a scan without its rules would be green.
    """
    return sorted(
        path
        for path in folder.iterdir()
        if path.name.lower().endswith(_SUFFIXES)
        and not path.name.lower().endswith(_TESTS)
        and path.name != _SETTINGS
        and not path.is_dir()
        and not (path.name in _OWNERS and is_owners(path))
    )


def is_owners(path: Path) -> bool:
    """Whether the file is one of owners: by its key, or by its name and no key of a policy."""
    try:
        raw = read_regular(path, MAX_BYTES)
    except UsageError:
        return False
    return not is_kind(raw, POLICY) and (path.name in _OWNERS or is_kind(raw, OWNERS))


def without_owners(refs: Sequence[str]) -> tuple[list[Path], list[str]]:
    """Tell the files of owners among the words for policies, also those in folders.

    Returns them, and the words that are left for policies. Raises UsageError for one in a folder
    that leads out of it.
    """
    owners: dict[Path, Path] = {}
    left = []
    for ref in refs:
        path = Path(ref)
        is_folder = path.is_dir() and not is_shipped(ref)
        named = [path / name for name in _OWNERS] if is_folder else [path]
        found = [one for one in named if os.path.lexists(one) and is_owners(one)]
        for one in found if is_folder else ():
            within(path, one.name)
        owners |= {real(one): one for one in found}
        if not found or (is_folder and policies_in(path)):
            left.append(ref)
    return list(owners.values()), left


def unread(refs: Sequence[str], names: Iterable[str]) -> list[str]:
    """Tell of folders with policies in folders that are named, which are not read themselves.

    `names` are what the files are called that were read. Somebody who named the folder may have
    meant them.
    """
    folders = [Path(ref) for ref in refs if Path(ref).is_dir() and not is_shipped(ref)]
    known = {real(Path(name)) for name in names}
    inner = (one for folder in folders for one in sorted(folder.iterdir()) if one.is_dir())
    return [
        f"{one} has policies, too, which were not read; name it as well, if they are meant"
        for one in inner
        if not one.name.startswith(".")
        and os.access(one, os.R_OK | os.X_OK)
        and any(real(file) not in known and _is_policy(file) for file in policies_in(one))
    ]


def _is_policy(path: Path) -> bool:
    try:
        return is_kind(read_regular(path, MAX_BYTES), POLICY)
    except UsageError:
        return False


def select(refs: Sequence[str]) -> list[PolicyFile]:
    """Find what `--policy` names: shipped policies, files and folders, each file once.

    A shipped name wins over a file of that name; `./NAME` means the file. Raises UsageError.
    """
    files: dict[Path, PolicyFile] = {}
    for ref in refs:
        for file in _selected(ref):
            files.setdefault(real(file.path), file)
    return list(files.values())


def select_each(ref: str) -> list[tuple[PolicyFile, str]]:
    """Find what a word names, each policy with the word that means it alone. Raises UsageError."""
    files = select([ref])
    is_folder = files[0].path.parent == Path(ref)
    return [(file, file.shown if is_folder else ref) for file in files]


def find_extended(ref: str, shown: str, path: Path) -> PolicyFile | None:
    """Find what the policy at `path`, called `shown`, names in `extends`; None if nothing.

    Raises UsageError for what lies outside of the folder of that policy.
    """
    file = _by_name(ref)
    if file is not None:
        return file
    for name, pin in _readings(ref):
        target = within(path.parent, name)
        if os.path.lexists(target) and not target.is_dir():
            return PolicyFile(target, _joined(shown, name, target), pin)
    return None


def _looks_like_file(name: str) -> bool:
    return name.endswith(_SUFFIXES) or "/" in name


def file_meant(ref: str, base: Path) -> str:
    """Suggest a file beside the one that is not there, as it is named from the folder `base`."""
    if not _looks_like_file(name := _readings(ref)[-1][0]):
        return ""
    path = base / name
    try:
        names = [one.name for one in policies_in(path.parent)]
    except OSError:  # the folder is none, or not to be read
        return ""
    near = closest(path.name, names)
    return f"Did you mean `{PurePath(ref).parent / near}`?" if near else ""


def _selected(ref: str) -> list[PolicyFile]:
    file = _by_name(ref)
    if file is not None:
        return [file]
    for name, pin in _readings(ref):
        path = Path(name)
        if path.is_dir() and pin is None:
            return _folder(path)
        if os.path.lexists(path):
            return [PolicyFile(path, name, pin)]
    raise _not_found(ref)


def _folder(path: Path) -> list[PolicyFile]:
    try:
        found = policies_in(path)
    except OSError as error:
        reason = error.strerror or str(error)
        raise UsageError(
            f"the folder cannot be read: {reason}",
            where=str(path),
            remedy="Name a folder that you may read.",
        ) from None
    if not found:
        remedy = "Policies end in .yaml or .yml."
        if below := next(filter(_has_policies, sorted(path.iterdir())), None):
            remedy += f" {below} has some: name it."
        raise UsageError("the folder has no policy", where=str(path), remedy=remedy)
    return [PolicyFile(within(path, file.name), str(file)) for file in found]


def _has_policies(path: Path) -> bool:
    with suppress(OSError):
        return path.is_dir() and not path.name.startswith(".") and bool(policies_in(path))
    return False


def _by_name(ref: str) -> PolicyFile | None:
    for name, pin in _readings(ref):
        # A name has no dot or slash: paths need no look into the folder of shipped policies.
        if re.fullmatch(r"[a-z0-9-]+", name):
            path = policies_dir() / f"{name}.yaml"
            if path.is_file():
                return PolicyFile(path, f"policies/{path.name}", pin)
    return None


def _readings(ref: str) -> list[tuple[str, str | None]]:
    pinned = _PINNED.fullmatch(ref)
    as_written: tuple[str, str | None] = (ref, None)
    return [as_written, (pinned["name"], pinned["version"])] if pinned else [as_written]


def _joined(shown: str, ref: str, target: Path) -> str:
    """Call a file as the one that extends it is called, without `..` unless links forbid it."""
    joined = os.path.join(os.path.dirname(shown), ref)  # noqa: PTH118, PTH120 - text, not a file
    plain = os.path.normpath(joined)
    return plain if real(Path(plain)) == real(target) else str(PurePath(joined))


def _not_found(ref: str) -> UsageError:
    shipped = shipped_policies()
    name = _readings(ref)[-1][0]
    message = f"no such {'file' if _looks_like_file(name) else 'policy or file'}: {ref}"
    hint = did_you_mean(Path(name).stem, shipped, kind="policies")
    hint = file_meant(ref, Path()) or hint
    listing = f"Shipped policies: {', '.join(shipped)}."
    remedy = listing if hint.startswith("Known") else f"{hint} {listing}"
    return UsageError(message, where="--policy", remedy=remedy)
