"""Adding a waiver to a file that people write: every byte that was there stays."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Final

from scanner.base.errors import PolicyError, UsageError
from scanner.base.yamlfile import YamlFile

Fields = Mapping[str, str | list[str]]
"""The keys of a waiver with their values, in the order in which they are written."""

_HEAD: Final = """\
# Approved exceptions from policies; see docs/triage.md. Each holds through the whole of the day
# in `expires` (UTC) and is open again after it: renew it there, or remove it.
waivers:
"""

# Texts that no reader of YAML takes for anything else; all others are put in quotes.
_PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9 ._/@()+,;-]*[A-Za-z0-9._/@()+-]|[0-9]{4}-[0-9-]+")
_WORDS: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def add(before: bytes, name: str, fields: Fields, comment: str) -> bytes:
    """Return the file with one more waiver at its end, under a line of comment.

    `name` is what messages call the file. Raises PolicyError where it is no YAML, and UsageError
    where its form does not let a waiver be added at the end.
    """
    held = _waivers(before, name)
    text = before.decode("utf-8-sig")
    newline = "\r\n" if "\r\n" in text else "\n"
    if held is None:
        text = text.rstrip() + newline * 2 + _HEAD if text.strip() else _HEAD
        text = text.replace("\r\n", "\n").replace("\n", newline)
    elif not held:
        text = re.sub(r"(?m)^waivers:[ \t]*\[[ \t]*\]", "waivers:", text)
    indent = _indent(before, name) if held else "  "
    lines = list(_entry(fields, comment, indent))
    parts = [text.rstrip(), *([""] if held else []), *lines]
    after = (newline.join(parts) + newline).encode()
    bom = before[:3] if before.startswith(b"\xef\xbb\xbf") else b""
    _verify(bom + after, name, [*(held or []), dict(fields)])
    return bom + after


def _waivers(raw: bytes, name: str) -> list[object] | None:
    """Return the waivers that the file has, None where it has not even the key."""
    try:
        data = YamlFile(name, raw).data
    except PolicyError as error:
        if [problem.code for problem in error.problems] == ["empty-file"]:
            return None
        raise
    if not isinstance(data, dict) or not isinstance(data.get("waivers") or [], list):
        raise _unfit(name)
    return list(data.get("waivers") or []) if "waivers" in data else None


def _indent(raw: bytes, name: str) -> str:
    """Return what stands before the dash of the last waiver."""
    source = YamlFile(name, raw)
    last = len(source.fields["waivers"]) - 1
    line = source.lines[source.at(("waivers", last)).line - 1]
    return line[: len(line) - len(line.lstrip())]


def _entry(fields: Fields, comment: str, indent: str) -> Iterator[str]:
    yield f"{indent}# {' '.join(comment.split())}"
    lead = "- "
    for key, value in fields.items():
        yield f"{indent}{lead}{key}: {_value(value)}"
        lead = "  "


def _value(value: str | list[str]) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_quoted(item) for item in value)}]"
    return value if _is_plain(value) else _quoted(value)


def _quoted(text: str) -> str:
    is_word = re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", text) and _is_plain(text)
    # JSON's texts are YAML's, but for what is not printable.
    return text if is_word else json.dumps(text, ensure_ascii=not text.isprintable())


def _is_plain(text: str) -> bool:
    return _PLAIN.fullmatch(text) is not None and text.lower() not in _WORDS


def _verify(after: bytes, name: str, wanted: list[object]) -> None:
    """Read the result: whatever form the file had, it has to say what was meant."""
    try:
        held = YamlFile(name, after).fields.get("waivers")
    except PolicyError:
        raise _unfit(name) from None
    if held != wanted:
        raise _unfit(name)


def _unfit(name: str) -> UsageError:
    return UsageError(
        "a waiver cannot be added at the end of this file",
        where=name,
        remedy="Write `waivers:` as its last key, with one `- id: ...` a waiver below it.",
    )
