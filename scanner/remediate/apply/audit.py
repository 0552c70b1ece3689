"""The audit log: what is about to be done to which key goes in, and what became of it.

One file of JSON Lines is both the record for auditors and the journal of the work. Each line is on
the disk before the request that it announces is sent, so that a run that was killed knows what it
may have done. Each line holds the digest of the one before: what is altered or taken out shows.
"""

import errno
import os
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Annotated, BinaryIO, Final, Self

import msgspec
from msgspec import Meta

from scanner.base.errors import UsageError
from scanner.base.files import bounded_lines, open_alone, open_regular
from scanner.base.shape.decode import UnfitError, decoded
from scanner.remediate.document import Cause, KeyTarget, State, canonical, digest_of

FORMAT: Final = "1"
_FIRST: Final = "0" * 64
_WHAT: Final = "the audit log"
_BEGINNING: Final = b'{"action":"'
"""What every line begins with; a power failure may leave zeros behind what was written of it."""

_LONGEST: Final = 1 << 24
"""Most bytes of a line; the state of a key has a few hundred."""


class ActionFate(StrEnum):
    """What became of an action."""

    SENDING = "sending"  # announced, before the request leaves
    APPLIED = "applied"  # done, and read back
    ALREADY = "already-so"  # nothing had to be sent
    DRIFTED = "drifted"  # the key is otherwise than planned: nothing was sent
    VANISHED = "vanished"  # there is no such key: nothing was sent
    UNREAD = "unread"  # the key could not be read: nothing was sent
    REFUSED = "refused"  # the server refused it: nothing was done
    NOT_DONE = "not-done"  # it broke off; looked up, and not done
    IGNORED = "ignored"  # the server said yes and did not do all of it
    SPREAD = "spread"  # done, and something else became other too
    UNSURE = "unsure"  # sent, and what became of it could not be looked up


SETTLED: Final = frozenset({ActionFate.APPLIED, ActionFate.ALREADY})
"""What an action may end with for its plan to go on."""

OPEN: Final = frozenset({ActionFate.SENDING, ActionFate.UNSURE})
"""What is still to be looked up."""


class Actor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who did it: the user and machine that ran it, and the server's id of the token's user."""

    user: str
    host: str
    account: str | None = None


class AuditEntry(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """One line. `before` and `after` are the key's whole state as it was read, None for no key.

    `changes` are the fields that the request sets, None for a deletion. `request_id` went along
    with the request. `previous` is the digest of the line before.
    """

    format: str
    at: Annotated[datetime, Meta(tz=True)]
    who: Actor
    plan: str
    server: str
    action_id: str
    action: str
    target: KeyTarget
    result: ActionFate
    reason: str = ""
    request_id: str = ""
    before: State | None = None
    changes: State | None = None
    after: State | None = None
    findings: tuple[Cause, ...] = ()
    previous: str = _FIRST
    digest: str = ""

    def sealed(self, previous: str) -> "AuditEntry":
        """Return the entry as the one that follows the line with the digest `previous`."""
        bare = msgspec.structs.replace(self, previous=previous, digest="")
        return msgspec.structs.replace(bare, digest=digest_of(bare))


class AuditLog:
    """A log to add to. Use as a context manager; verified as a whole when it is opened.

    Raises UsageError where the file is none, was altered, or is in use by another process.
    """

    def __init__(self, path: Path) -> None:
        file = open_alone(path, _WHAT)
        if file is None:
            raise UsageError(
                "is in use: something is being applied with this audit log right now",
                where=str(path),
                remedy="Wait for it, and run the same command again.",
            )
        self._file = file
        self._path = path
        self.entries: list[AuditEntry] = []
        self._by_action: dict[tuple[str, str], list[AuditEntry]] = {}
        try:
            found, end = _verified(file, str(path))
            # What was cut off while it was written announced nothing: no request followed it.
            file.truncate(end)
            file.seek(end)
            _sync_folder(path)
        except BaseException:
            file.close()
            raise
        for entry in found:
            self._add(entry)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._file.close()

    def of(self, plan: str, action_id: str) -> list[AuditEntry]:
        """Return what was written of an action of a plan, oldest first."""
        return list(self._by_action.get((plan, action_id), ()))

    def _add(self, entry: AuditEntry) -> None:
        self.entries.append(entry)
        self._by_action.setdefault((entry.plan, entry.action_id), []).append(entry)

    def append(self, entry: AuditEntry) -> None:
        """Add a line; it is on the disk when this returns. Raises UsageError."""
        sealed = entry.sealed(self.entries[-1].digest if self.entries else _FIRST)
        line = canonical(sealed) + b"\n"
        try:
            if self._file.write(line) != len(line):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # noqa: TRY301 - as below
            os.fsync(self._file.fileno())
        except OSError as error:
            raise UsageError(
                f"{_WHAT} cannot be written: {error.strerror}",
                where=str(self._path),
                remedy="Make room. The same command goes on where this one stopped: what it may"
                " have sent is looked up.",
            ) from error
        self._add(sealed)


def read_audit(path: Path) -> list[AuditEntry]:
    """Read a log, all of it or not at all. Raises UsageError."""
    with open_regular(path) as file:
        return _verified(file, str(path))[0]


def _verified(file: BinaryIO, where: str) -> tuple[list[AuditEntry], int]:
    """Return the entries and where they end: a last line without its end does not count.

    It is cut off, so that it has to be the beginning of one: any other file stays as it is.
    """
    entries: list[AuditEntry] = []
    end, previous = 0, _FIRST
    for number, line in enumerate(bounded_lines(file, _LONGEST), start=1):
        if not line.endswith(b"\n"):
            begins = _BEGINNING.startswith(line[: len(_BEGINNING)].rstrip(b"\0"))
            if len(line) == _LONGEST or not begins:
                raise _altered(f"{where}:{number}", "is no line of an audit log")
            break
        try:
            entry = decoded(line, AuditEntry)
        except UnfitError as error:
            raise _altered(f"{where}:{number}", f"is no line of an audit log ({error})") from error
        # As it was written or not at all: of two members of one name, which would count?
        whole = canonical(entry) + b"\n" == line and entry.format == FORMAT
        if not whole or entry.sealed(previous) != entry:
            raise _altered(
                f"{where}:{number}",
                "does not follow from the line before: the audit log was altered",
            )
        entries.append(entry)
        previous = entry.digest
        end += len(line)
    return entries, end


def _altered(where: str, message: str) -> UsageError:
    return UsageError(
        message,
        where=where,
        remedy="If it is an audit log, find out who altered it; --audit names another file.",
    )


def _sync_folder(path: Path) -> None:
    """Let the file's name, too, outlive the machine's power."""
    if os.name == "posix":
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
