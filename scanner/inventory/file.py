"""Inventory files: answers of the API as someone saved them, and what `keypolicy fetch` wrote."""

import glob
import os
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from scanner.base.errors import InventoryFileError, UsageError
from scanner.base.files import real
from scanner.base.packed import PACKED_SUFFIXES
from scanner.base.text import plural
from scanner.catalogue import LIVE, TABLES
from scanner.catalogue.redact import redact_text
from scanner.inventory.sniff import Sniffed, sniff
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Inventory, Needs, RawInput, Scope

_PACKED: Final = "|".join(suffix.removeprefix(".") for suffix in PACKED_SUFFIXES)
_NAME: Final = re.compile(
    rf".*\.(parquet|(json|jsonl|ndjson)(\.({_PACKED}|gzip|zstd|bz2|xz|zip|lz4|br))?)", re.IGNORECASE
)
"""How the inventories of a folder are named. What is packed otherwise is refused, not passed by."""
_DEEPER: Final = "`FOLDER/**` stands for a folder with those in it"
_MANY: Final = re.compile(r"[*?]")
"""What a name has in a pattern alone; brackets are in names, too."""
_NAMED: Final = 3
"""How many files a coverage reason names one by one."""


class FileSource:
    """Reads inventories from files and from folders of them.

    `organizations` and `projects` (slugs) and `server` (base URL) complete what API exports
    lack: an answer of the API tells a key's project by number and its organization not at all.
    What a record tells itself is not overruled.
    With a list of projects beside it, keys get their project from there.
    """

    def __init__(
        self,
        paths: Sequence[Path],
        organizations: tuple[str, ...],
        projects: tuple[str, ...],
        server: str | None,
    ) -> None:
        self._paths = paths
        self._organizations = organizations
        self._projects = projects
        self._server = server

    def collect(self, scope: Scope, needs: Needs, workspace: Path) -> Inventory:
        """Return where the records lie; the engine reads them and applies the scope.

        Raises InventoryFileError for a file that is none, UsageError where the organization or
        project of an API export is ambiguous.
        """
        del scope, needs, workspace  # files are taken whole, and where they lie
        files = {path: sniff(path) for path in files_of(self._paths)}
        beside = _folders_beside(self._paths)
        kinds = {file.kind for file in files.values()}
        inputs = tuple(self._input(path, file, kinds) for path, file in files.items())
        return Inventory(
            inputs=inputs,
            sources=tuple(raw.label for raw in inputs),
            coverage=_coverage(inputs),
            warnings=(
                *(
                    f"{_label(path)} is an empty list; it was taken for a list of"
                    f" {TABLES[LIVE.keys].title}s"
                    for path, file in files.items()
                    if file.empty
                ),
                *(f"{_label(path)} has inventories, too; {_DEEPER}" for path in beside),
            ),
        )

    def _input(self, path: Path, file: Sniffed, kinds: Collection[str | None]) -> RawInput:
        if file.layout.is_inventory:
            return RawInput(path, file.layout, label=_label(path), packing=file.packing)
        kind = file.kind or LIVE.keys
        table = TABLES[kind]
        organization = project = None
        is_told = table.organization_field and len(self._organizations) > 1
        if table.place != "organization" and not is_told:
            organization = _only(self._organizations, "--org", path)
        if table.joined and table.joined not in kinds:
            project = _only(self._projects, "--project", path)
        return RawInput(
            path,
            file.layout,
            _label(path),
            kind,
            organization,
            project,
            self._server,
            packing=file.packing,
        )


def files_of(paths: Sequence[Path]) -> list[Path]:
    """Return the files that are meant, each once, those of a folder or pattern by name."""
    found: dict[Path, Path] = {}
    for path in (one for given in paths for one in _matching(given)):
        for file in _folder(path) if path.is_dir() else (path,):
            _check_name(file)
            found.setdefault(real(file), file)
    return list(found.values())


def _check_name(path: Path) -> None:
    """Refuse a name that no report could tell, nor the database open."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise InventoryFileError(
            "its name is not text in UTF-8", where=str(path), remedy="Rename the file."
        ) from None


def _matching(path: Path) -> Sequence[Path]:
    """Return what a pattern such as `exports/**/*.jsonl` matches; a path that is there is none.

    With `**` at its end it is the inventories of all folders below.
    """
    if os.path.lexists(path) or not glob.has_magic(str(path)):
        return (path,)
    matching = sorted({Path(one) for one in _globbed(path.parts)})
    if path.name == "**":
        matching = [file for one in matching if one.is_dir() for file in _inventories(one)]
    if not matching:
        raise InventoryFileError(
            "no file matches this pattern",
            where=str(path),
            remedy="* and ? stand for what a name has, ** for folders, [ab] for a character.",
        )
    return matching


def _globbed(parts: Sequence[str]) -> list[str]:
    """Return what the parts of a pattern match; where `**` is the last one, folders alone.

    Python's own `**` follows links for ever: two that lead upwards are as many ways as stars.
    """
    found = [""]
    for part in parts:
        if part == "**":
            found = list(_below(found))
        else:
            found = [one for folder in found for one in _inside(folder, part)]
    return found


def _below(roots: Iterable[str]) -> Iterator[str]:
    """Give folders and those in them but the hidden ones, each once, however many links lead there.

    Of several ways the shortest is taken.
    """
    level, seen = sorted(roots), set[Path]()
    while level:
        inner: list[str] = []
        for folder in level:
            place = real(Path(folder or "."))
            if place in seen or not place.is_dir():
                continue
            seen.add(place)
            yield folder
            inner += _inside(folder, f"*{os.sep}")
        level = sorted(one.rstrip(os.sep) for one in inner)


def _inside(folder: str, part: str) -> list[str]:
    """Return what a folder has of a name or pattern; one in brackets that is there is a name.

    Raises InventoryFileError for one that may not be read: Python's own patterns pass it by.
    """
    place = Path(folder or ".")
    rights = os.R_OK | os.X_OK if glob.has_magic(part) else os.X_OK
    if place.is_dir() and not os.access(place, rights):
        raise InventoryFileError(
            "the folder may not be read, and may hold what the pattern means",
            where=str(place),
            remedy="Check its permissions.",
        )
    named = os.path.join(folder, part)  # noqa: PTH118 - the folder may be empty
    if not _MANY.search(part) and os.path.lexists(named):
        return [named]
    return glob.glob(os.path.join(glob.escape(folder), part))  # noqa: PTH118, PTH207 - may be empty


def _folder(path: Path) -> list[Path]:
    found = _inventories(path)
    if not found:
        raise InventoryFileError(
            "the folder holds no inventory",
            where=str(path),
            remedy="Inventories are files named *.json, *.jsonl, with or without .gz or .zst, or"
            f" *.parquet; {_DEEPER}.",
        )
    return found


def _inventories(path: Path) -> list[Path]:
    """Return the files of a folder that are inventories by their name, in its order."""
    try:
        files = sorted(file for file in path.iterdir() if _NAME.fullmatch(file.name))
    except OSError as error:
        raise InventoryFileError(
            f"cannot be read: {error.strerror}", where=str(path), remedy="Check its permissions."
        ) from error
    return [file for file in files if not file.name.startswith(".") and not file.is_dir()]


def _folders_beside(paths: Sequence[Path]) -> list[Path]:
    """Return the folders with inventories in folders that are read, which are not read themselves.

    Somebody who named the folder may have meant them.
    """
    given = {real(path) for path in paths}
    inner = (one for path in paths if path.is_dir() for one in sorted(path.iterdir()))
    visible = (one for one in inner if one.is_dir() and not one.name.startswith("."))
    return [
        one
        for one in visible
        if real(one) not in given and os.access(one, os.R_OK | os.X_OK) and _inventories(one)
    ]


def _label(path: Path) -> str:
    """Return how messages and reports call a file: its name may be a token's by mistake."""
    return redact_text(str(path))


def _only(slugs: tuple[str, ...], option: str, path: Path) -> str | None:
    if len(slugs) > 1:
        raise UsageError(
            f"which of {', '.join(slugs)} are the records of {path} from? The file does not tell.",
            where=option,
            remedy=f"Give one {option} with an API export, or scan the files one by one.",
        )
    return slugs[0] if slugs else None


def _coverage(inputs: Sequence[RawInput]) -> dict[str, TableCoverage]:
    """Take each export for whole: nothing in a saved answer tells whether there was more."""
    labels: dict[str, list[str]] = {}
    for raw in inputs:
        if raw.kind:
            labels.setdefault(raw.kind, []).append(raw.label)
    return {
        kind: TableCoverage(
            CoverageState.COMPLETE,
            "as given in "
            + (", ".join(names) if len(names) <= _NAMED else plural(len(names), "file")),
        )
        for kind, names in labels.items()
    }
