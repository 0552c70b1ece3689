"""A file of a bundle: its digest and size, known before its content is read."""

import hashlib
from collections.abc import Callable
from typing import Self

import msgspec


class BundleMember(msgspec.Struct, frozen=True):
    """A file of a bundle. `read` returns its content, and raises where it is another by now."""

    sha256: str
    size: int
    read: Callable[[], bytes]

    @classmethod
    def of(cls, content: bytes) -> Self:
        """Return a member that is in memory."""
        return cls(hashlib.sha256(content).hexdigest(), len(content), lambda: content)
