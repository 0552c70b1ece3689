"""Decodes JSON that somebody may have edited, cut off or made up, and says in words what is wrong.

The decoder has several kinds of errors, of which two are not its own: for bytes that are no UTF-8
and for what is nested too deep. All of them are one here.
"""

import json
import re
from typing import Any, Final, NoReturn, TypeVar

import msgspec

from scanner.base.files import TwiceError, once

T = TypeVar("T")

_NAMES: Final = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "a time",
}
"""What types are called; the decoder's names are those of a programming language."""

FAILURES: Final = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What the decoder raises, for those that decode a stream."""

_QUOTED: Final = re.compile(r"`([^`]*)`")
_AT: Final = re.compile(r" - at (?:`(?:key|\$)`|(?:`key` in )?`\$\.?(?P<path>[^`]*)`)\Z")
_BYTE: Final = re.compile(r"(?P<past>trailing characters)? \(byte (?P<at>\d+)\)\Z")
"""Where it is no JSON: of what follows the end, it is the byte behind the first one."""

_WORDS: Final = (
    (re.compile(r"Object missing required field `(.*)`\Z", re.DOTALL), r"`\1` is missing"),
    (re.compile(r"Object contains unknown field `(.*)`\Z", re.DOTALL), r"nothing is called `\1`"),
    (re.compile(r"Invalid enum value (.*)\Z", re.DOTALL), r"\1 is not a value that it can have"),
    (re.compile(r"Invalid RFC3339 .*"), "expected a time such as 2026-01-31T00:00:00Z"),
    (re.compile(r"(?:Integer value|Number) out of range\Z"), "a number is too large"),
)


class UnfitError(ValueError):
    """What is wrong with a document; `path` leads to it, and is empty where it is the whole."""

    def __init__(self, reason: str, path: str = "") -> None:
        super().__init__(f"{reason}, at {path}" if path else reason)
        self.reason = reason
        self.path = path


def decoded(raw: bytes, form: type[T]) -> T:
    """Return what the JSON tells, in its form. Raises UnfitError."""
    try:
        return msgspec.json.decode(raw, type=form)
    except FAILURES as error:
        raise unfit(error, raw) from None


def members(raw: bytes) -> Any:  # noqa: ANN401 - any JSON value
    """Return any JSON, none of whose objects has a member twice. Raises UnfitError.

    What cannot be written as JSON again is refused: it would have no digest.
    """
    try:
        found = json.loads(raw, object_pairs_hook=once, parse_constant=_no_number)
        msgspec.json.encode(found)
    except UnicodeEncodeError:
        raise UnfitError("half a surrogate pair in it is no character") from None
    except TwiceError as error:
        raise UnfitError(f"the member `{error.name}` comes twice") from None
    except json.JSONDecodeError as error:
        before = error.doc[: error.pos]
        raise _no_json_from(before, is_line="\n" not in error.doc.rstrip()) from None
    except FAILURES as error:
        raise unfit(error) from None
    except UnfitError:
        raise
    except (ValueError, OverflowError):
        raise UnfitError("a number in it has too many digits") from None
    return found


def _no_number(name: str) -> NoReturn:
    raise UnfitError(f"{name} is no number of JSON")


def converted(value: object, form: type[T]) -> T:
    """Return in its form what was decoded before. Raises UnfitError."""
    try:
        return msgspec.convert(value, form)
    except FAILURES as error:
        raise unfit(error) from None


def unfit(error: Exception, raw: bytes = b"") -> UnfitError:
    """Return what the decoder says, in words; `raw` is what it decoded, for the place in it."""
    if isinstance(error, RecursionError):
        return UnfitError("it is nested too deep")
    if isinstance(error, UnicodeDecodeError):
        return UnfitError("a text in it is not UTF-8")
    if not isinstance(error, msgspec.ValidationError):
        return _no_json(str(error), raw)
    told, path = str(error), ""
    if (found := _AT.search(told)) is not None:
        told, path = told[: found.start()], found["path"] or ""
    for pattern, words in _WORDS:
        if pattern.match(told):
            return UnfitError(pattern.sub(words, told), path)
    if told.startswith("Expected "):
        told = _QUOTED.sub(_named, told).replace(", got ", ", found ", 1)
        told = "e" + told[1:].replace(" matching regex ", " that matches ", 1)
    return UnfitError(told, path)


def _named(found: re.Match[str]) -> str:
    return " or ".join(_NAMES.get(name, name) for name in found[1].split(" | "))


def _no_json(told: str, raw: bytes) -> UnfitError:
    """Tell a syntax error by its place alone: it is enough to look there."""
    if (found := _BYTE.search(told)) is None:
        return UnfitError("it is not JSON: it ends too early, or a text in it is none")
    at = int(found["at"]) - (found["past"] is not None)
    before = raw[:at].decode("utf-8", "replace")
    return _no_json_from(before, is_line=b"\n" not in raw.rstrip())


def _no_json_from(before: str, *, is_line: bool) -> UnfitError:
    """Tell where it stops to be JSON: in the line that it is, or in one of its lines."""
    left = before.rpartition("\n")[2]
    place = f"column {len(left) + 1}"
    if not is_line:
        place = f"line {before.count(chr(10)) + 1}, {place}"
    return UnfitError(f"it is not JSON from {place} on")
