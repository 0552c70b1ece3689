"""Writing YAML by hand: short values as people write them, and nothing that reads as another."""

import json
import re
import textwrap
from collections.abc import Mapping
from typing import Final

WIDTH: Final = 96

_PLAIN: Final = re.compile(r"[A-Za-z$][A-Za-z0-9_$.@/()*-]*(?: [A-Za-z0-9_$.@/()*-]+)*")
_PLAIN_IN_BLOCK: Final = re.compile(
    r"[A-Za-z$][\w$.,@/()*'%;<>=+!?-]*(?: [\w$.,@/()*'%;<>=+!?-]+)*", re.ASCII
)
_TIME: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+(?:Z|[+-][0-9:]+)")
_OTHER_THAN_TEXT: Final = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})
_UNPRINTABLE: Final = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def scalar(value: object) -> str:
    """Write a value on one line."""
    if isinstance(value, str):
        plain = _PLAIN.fullmatch(value) and value.lower() not in _OTHER_THAN_TEXT
        # A policy's scalars follow YAML 1.2, where a time is a text.
        return value if plain or _TIME.fullmatch(value) else quoted(value)
    return json.dumps(value)


def quoted(text: str) -> str:
    """Write a text in double quotes."""
    made = json.dumps(text, ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found[0]):04x}", made)


def flow(value: object) -> str:
    """Write a value, lists and mappings included, on one line."""
    if isinstance(value, Mapping):
        inner = ", ".join(f"{scalar(key)}: {flow(item)}" for key, item in value.items())
        return f"{{{inner}}}"
    if isinstance(value, list):
        return f"[{', '.join(flow(item) for item in value)}]"
    return scalar(value)


def entry(key: str, text: str, indent: str, *, comment: str = "") -> list[str]:
    """Write `key: text` in the form that reads best: plain, folded, or as a literal block."""
    tail = f"  # {comment}" if comment else ""
    inner = f"{indent}  "
    if "\n" in text and _fits_block(text):
        body, kept = text.rstrip("\n"), len(text) - len(text.rstrip("\n"))
        sign = "|" + ("-", "", "+")[min(kept, 2)]
        lines = [f"{inner}{line}" if line else "" for line in body.split("\n")]
        return [f"{indent}{key}: {sign}{tail}", *lines, *[""] * max(kept - 1, 0)]
    plain = _PLAIN_IN_BLOCK.fullmatch(text) and text.lower() not in _OTHER_THAN_TEXT
    simple = f"{indent}{key}: {text if plain else quoted(text)}"
    if len(simple) <= WIDTH or not _folds(text):
        return [simple + tail]
    folded = textwrap.wrap(text, WIDTH - len(inner), break_long_words=False, break_on_hyphens=False)
    return [f"{indent}{key}: >-{tail}", *(inner + line for line in folded)]


def _fits_block(text: str) -> bool:
    lines = text.split("\n")
    return (
        lines[0] == lines[0].lstrip()
        and bool(lines[0])
        and not re.search("[\x00-\x09\x0b-\x1f\x85]", text)
        and not _UNPRINTABLE.search(text)
        and all(line == line.rstrip() for line in lines)
    )


def _folds(text: str) -> bool:
    """Whether a folded block gives the same text back: single spaces between words only."""
    return " ".join(text.split()) == text and not _UNPRINTABLE.search(text)
