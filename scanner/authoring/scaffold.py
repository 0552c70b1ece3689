"""The first files of a repository with policies."""

import os
from collections.abc import Iterable
from contextlib import ExitStack, suppress
from datetime import date
from pathlib import Path
from typing import Final

from scanner.base.errors import UsageError
from scanner.base.files import real, replacing
from scanner.base.resources import scaffold_dir, schema_path
from scanner.catalogue import TOKEN_SETTING

_TEMPLATES: Final = {
    "keypolicy.yaml": "keypolicy.yaml",
    "policies/our-keys.yaml": "our-keys.yaml",
    "policies/our-keys.test.yaml": "our-keys.test.yaml",
    ".github/workflows/keypolicy.yml": "workflow.yml",
}
_SCHEMAS: Final = ("policy", "policy-tests", "config")


def files(adopted: date) -> dict[str, str]:
    """Return the files by their place in the repository; `adopted` is when the policy starts."""
    made = {
        place: (scaffold_dir() / name).read_text(encoding="utf-8")
        for place, name in _TEMPLATES.items()
    }
    made = {place: text.replace("{{adopted}}", adopted.isoformat()) for place, text in made.items()}
    for name in _SCHEMAS:
        made[f".keypolicy/{name}.schema.json"] = schema_path(name).read_text(encoding="utf-8")
    return made


def write(folder: Path, texts: dict[str, str], *, force: bool) -> None:
    """Write the files into `folder`, all or none.

    Raises UsageError where one is there already, unless `force` says to replace it, and where
    the folder cannot be written to.
    """
    taken = [place for place in texts if os.path.lexists(folder / place)]
    if taken and not force:
        raise UsageError(
            f"already there: {', '.join(taken)}",
            where=str(folder),
            remedy="Nothing was written. --force replaces them.",
        )
    made: list[Path] = []
    try:
        # No file is put in its place before all are written.
        with ExitStack() as stack:
            for place, text in texts.items():
                path = folder / place
                _make(path.parent, made)
                _not_through_links(folder, path)
                out = stack.enter_context(replacing(path))
                out.write(text.encode())
                out.flush()
    except BaseException as error:
        for one in reversed(made):
            with suppress(OSError):  # something is in it
                one.rmdir()
        if isinstance(error, OSError):
            where = str(error.filename or folder)
            remedy = "Name a folder that can be written to: keypolicy init DIR."
            raise UsageError(error.strerror or str(error), where=where, remedy=remedy) from None
        raise


def _make(folder: Path, made: list[Path]) -> None:
    """Make the folder and those around it, and note which ones are new."""
    missing = [one for one in (folder, *folder.parents) if not os.path.lexists(one)]
    for one in reversed(missing):
        one.mkdir()
        made.append(one)
    folder.mkdir(exist_ok=True)


def _not_through_links(folder: Path, path: Path) -> None:
    """Refuse to write where a link leads out of the folder."""
    if not real(path).is_relative_to(real(folder)):
        raise UsageError("leads out of the folder", where=str(path), remedy="Remove the link.")


def next_steps(folder: Path) -> Iterable[str]:
    """Say what to do with the files, a line each."""
    if real(folder) != Path.cwd():
        yield f"cd {folder}"
    yield "keypolicy scan --demo           # try it on a fictional organization"
    yield "keypolicy lint policies         # after every change"
    yield "keypolicy test policies"
    yield f"export {TOKEN_SETTING}=...    # then scan your own keys:"
    yield "keypolicy scan"
