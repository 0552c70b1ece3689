"""The one hierarchy of errors; each class knows the exit code that the command ends with."""

import errno
from typing import ClassVar, Final

import msgspec

_INTERRUPTED: Final = "Query interrupted"

_NO_SPACE: Final = "Make room on the disk, or let TMPDIR name a folder with more."
_NO_RIGHT: Final = "Check the permissions of the file and its folder."
_IN_THE_WAY: Final = "Something is in the way there: move it, or choose another place."
_REMEDIES: Final = {
    errno.ENOSPC: _NO_SPACE,
    errno.EDQUOT: _NO_SPACE,
    errno.EFBIG: _NO_SPACE,
    errno.EACCES: _NO_RIGHT,
    errno.EPERM: _NO_RIGHT,
    errno.EROFS: _NO_RIGHT,
    errno.ENAMETOOLONG: "Use a shorter name.",
    errno.ELOOP: "Mend the link: it leads back to itself.",
    errno.EEXIST: _IN_THE_WAY,
    errno.ENOTDIR: _IN_THE_WAY,
    errno.EMFILE: "Allow more open files: ulimit -n 1024.",
}


class Location(msgspec.Struct, frozen=True, order=True):
    """A place in a file; `line` and `column` count from 1, 0 means unknown."""

    file: str
    line: int = 0
    column: int = 0

    def within(self, text: str, offset: int) -> "Location":
        """Return the place of character `offset` of a text that starts here.

        Exact for texts on one line and for YAML's literal blocks, whose lines all start in the
        same column; in a folded text it may be further left.
        """
        before = text[: max(offset, 0)].split("\n")
        return Location(self.file, self.line + len(before) - 1, self.column + len(before[-1]))

    def __str__(self) -> str:
        parts = [self.file]
        if self.line:
            parts.append(str(self.line))
            if self.column:
                parts.append(str(self.column))
        return ":".join(parts)


class Problem(msgspec.Struct, frozen=True):
    """One thing wrong in a file that a person wrote: where, what, and how to mend it."""

    location: Location
    message: str
    code: str
    hint: str = ""

    def __str__(self) -> str:
        text = f"{self.location}: {self.message} [{self.code}]"
        return f"{text}\n  {self.hint}" if self.hint else text


class KeypolicyError(Exception):
    """What stops the command; `where` is a file, option or URL and `remedy` says how to mend it."""

    exit_code: ClassVar[int] = 4

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}\n  {self.remedy}" if self.remedy else text


class UsageError(KeypolicyError):
    """A wrong option, setting or configuration file."""

    exit_code = 2


def joined(errors: list[UsageError]) -> UsageError:
    """Return one error that tells all of these, of which there is one at least."""
    if len(errors) == 1:
        return errors[0]
    return UsageError("\n".join(map(str, errors)), remedy="")  # each has told its own


class TooLargeError(UsageError):
    """A file that is larger than any of its kind."""


class InventoryFileError(KeypolicyError):
    """An inventory file that cannot be read as one."""

    exit_code = 2


class PolicyError(KeypolicyError):
    """One or more problems in policies; all of them are told at once."""

    exit_code = 2

    def __init__(self, problems: list[Problem]) -> None:
        # Rules that were made of one may have the same mistake at the same place.
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(map(str, self.problems)))


class FetchError(KeypolicyError):
    """The source could not be seen at all: denied, not found, or out of reach."""

    exit_code = 3


class DeliveryError(KeypolicyError):
    """A message that could not be delivered; `where` is a host. A scan tells it and goes on."""

    exit_code = 2


def remedy_for(error: OSError) -> str:
    """Say how to mend what the system refused."""
    return _REMEDIES.get(error.errno or 0, "Mend what the system complains of, and run it again.")


def causes(error: BaseException | None) -> list[BaseException]:
    """Return the error and what brought it about, one after another."""
    found: list[BaseException] = []
    while error is not None and error not in found:
        found.append(error)
        error = error.__cause__ or error.__context__
    return found


def heed_interrupt(error: BaseException) -> None:
    """Raise KeyboardInterrupt where the error is one.

    DuckDB raises RuntimeError for it where it hears Ctrl-C within a statement.
    """
    if isinstance(error, RuntimeError) and str(error) == _INTERRUPTED:
        raise KeyboardInterrupt from error
