"""Findings on their way to the next run of their line: out of values come lines, and back.

What a line holds of a finding is little without its fingerprint, which cannot be packed and follows
from the rest: it is written only where it does not, as is what is otherwise than it mostly is.
Lines are in the order of ids: what several rules say of one resource packs well side by side.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

import msgspec

from scanner.base.shape.decode import FAILURES, unfit
from scanner.model.history import TrackedFinding
from scanner.model.moment import check_moment
from scanner.policy.language.values import MAX_DURATION
from scanner.triage.fingerprint import fingerprint

_FIELDS: Final = [
    one for one in msgspec.structs.fields(TrackedFinding) if one.name != "fingerprint"
]
_Line: Final[Any] = msgspec.defstruct(
    "_Line",
    [
        *((f.name, f.type) if f.required else (f.name, f.type, f.default) for f in _FIELDS),
        ("fingerprint", str | None, None),
    ],
    omit_defaults=True,
    gc=False,
)
_SHARED: Final = (
    "rule",
    "type",
    "organization",
    "project",
    "project_id",
    "name",
    "owner",
    "waiver",
)
"""What many findings have in common: it is in memory once."""

_PAST: Final = ("first_seen", "opened", "last_seen", "fixed_at")


def write_lines(findings: Iterable[TrackedFinding]) -> Iterator[bytes]:
    """Give the lines of findings, each with its end; the same for the same ones in any order."""
    encode = msgspec.json.Encoder().encode
    values = attrgetter(*(one.name for one in _FIELDS))
    for one in sorted(findings, key=attrgetter("type", "id", "rule", "fingerprint")):
        place = one.place
        name = fingerprint(one.rule, place.organization, place.project, one.id)
        yield (
            encode(_Line(*values(one), None if name == one.fingerprint else one.fingerprint))
            + b"\n"
        )


class LineReader:
    """Reads the lines that a run as of `moment` wrote, some at a time."""

    def __init__(self, moment: datetime) -> None:
        self._moment = moment
        self._decode = msgspec.json.Decoder(_Line).decode_lines
        self._texts: dict[str | None, str | None] = {}

    def read(self, raw: bytes) -> Iterator[TrackedFinding]:
        """Give the findings of whole lines.

        Raises UnfitError for what is none, ValueError for times that no run tells: what is reckoned
        from them would be no time any more.
        """
        share = self._texts.setdefault
        for line in self._lines(raw):
            values = msgspec.structs.asdict(line)
            for name in _PAST:
                check_moment(name, values[name], self._moment)
            check_moment("due", values["due"], self._moment + MAX_DURATION)
            for name in _SHARED:
                values[name] = share(values[name], values[name])
            if values["fingerprint"] is None:
                values["fingerprint"] = fingerprint(
                    values["rule"],
                    values["organization"],
                    values["project_id"] or values["project"],
                    values["id"],
                )
            yield TrackedFinding(**values)

    def _lines(self, raw: bytes) -> list[_Line]:
        try:
            return self._decode(raw)
        except FAILURES as error:
            raise unfit(error) from None
