"""How far the places of settings are trusted, and what follows for paths in them."""

from enum import IntEnum
from pathlib import Path
from typing import Any, Final

import msgspec

from scanner.base.errors import Location, UsageError, joined
from scanner.base.files import within

_MOVE: Final = (
    "A file reaches only what lies in its own folder or below: move it there, or name it on the"
    " command line."
)


class Trust(IntEnum):
    """How far a place of settings is trusted: who can write there.

    A checkout is what others wrote, as a pull request is. `HOME` is a file that the user keeps for
    all of them, `USER` what was said for this very run: flags and the environment.
    """

    CHECKOUT = 0
    HOME = 1
    USER = 2


class Given(msgspec.Struct, frozen=True):
    """A setting as someone gave it, not yet checked, and where.

    `root` is the folder that a path in it may not leave; None where it may lead anywhere. `place`
    is its line, where the file has such.
    """

    value: Any
    origin: str
    trust: Trust = Trust.CHECKOUT
    root: Path | None = None
    place: Location | None = None

    def __repr__(self) -> str:
        """Show only the origin: the value may be a token."""
        return f"Given(origin={self.origin!r})"


Layer = dict[str, Given]
"""The settings that one place has, by name."""


def check_reach(given: Given, value: Path | tuple[str, ...], directory: Path) -> None:
    """Raise UsageError where a path in a file of settings leads out of the folder of that file.

    Names of shipped policies lead nowhere.
    """
    if given.root is None:
        return
    outside = []
    for one in value if isinstance(value, tuple) else (value,):
        if isinstance(one, str) and _is_shipped(one):
            continue
        path = directory / one
        unpinned = path.name.rpartition("@")[0]
        try:
            for reading in (path, path.with_name(unpinned)) if unpinned else (path,):
                within(given.root, reading)
        except UsageError as error:
            outside.append(UsageError(f"{one} {error.message}", where=given.origin, remedy=_MOVE))
    if outside:
        raise joined(outside)


def _is_shipped(policy: str) -> bool:
    # Imported here: settings seldom name policies.
    from scanner.policy.files.locate import is_shipped  # noqa: PLC0415

    return is_shipped(policy)
