"""A credential that cannot be printed by accident."""

from typing import Final

_SHOWN: Final = "[redacted]"


class Token:
    """Holds a token; printing, formatting and logging it show `[redacted]`.

    White space around the value is dropped: it comes along when a token is pasted or read from
    a file. Two tokens are equal if they are the same object, so that no comparison gives hints.
    """

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()

    def reveal(self) -> str:
        """Return the token itself, for the one place that sends it."""
        return self._value

    def begins(self, prefix: str) -> bool:
        """Whether the token has a prefix, such as tells what it belongs to."""
        return self._value.startswith(prefix)

    @property
    def sendable(self) -> bool:
        """Whether the token can stand in an HTTP header: visible ASCII, and not empty."""
        return bool(self._value) and all("!" <= char <= "~" for char in self._value)

    def __repr__(self) -> str:
        return _SHOWN

    def __reduce__(self) -> tuple[type["Token"], tuple[str]]:
        # Without this, pickling and copying would write the value out.
        raise TypeError("a token is neither copied nor pickled")
