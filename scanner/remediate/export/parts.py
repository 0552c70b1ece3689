"""What the languages share: states go in, identifiers, literals and what is to be told come out."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from scanner.base.text import clean, clean_json
from scanner.remediate.document import KeyTarget, State
from scanner.remediate.keys import is_whole

_LONGEST: Final = 48
"""Most characters of an identifier before the digits that make it the key's own."""
_DIGITS: Final = 12


def ordered(keys: Iterable[tuple[KeyTarget, State]]) -> list[tuple[KeyTarget, State]]:
    """Return the keys by organization, project, name and id: what a reader of a diff expects."""
    return sorted(
        keys, key=lambda one: (one[0].organization, one[0].project, one[0].name or "", one[0].id)
    )


def identifiers(targets: Sequence[KeyTarget]) -> list[str]:
    """Return an identifier for each key, valid in HCL and in TypeScript, no two alike.

    It is made of the project, the name and a digest of the key's id alone: no other key that
    comes or goes changes it, so that a tool never takes one key for another. Of a key that has no
    id yet, the digest is of its place and name.
    """
    digests = [hashlib.sha256(_own(one).encode()).hexdigest() for one in targets]
    short = Counter(digest[:_DIGITS] for digest in digests)
    found = []
    for one, digest in zip(targets, digests, strict=True):
        words = re.sub(r"[^a-z0-9]+", "_", f"{one.project} {one.name or ''}".lower()).strip("_")
        # An identifier may not begin with a digit; underscores alone say nothing.
        head = words[:_LONGEST].rstrip("_") or "key"
        head = head if head[0].isalpha() else f"key_{head}"
        found.append(f"{head}_{digest if short[digest[:_DIGITS]] > 1 else digest[:_DIGITS]}")
    return found


def _own(target: KeyTarget) -> str:
    return target.id or "\0".join((target.organization, target.project, target.name or ""))


def script(text: str) -> str:
    """Return a string literal of JSON and TypeScript that shows all that it holds."""
    return clean_json(json.dumps(text, ensure_ascii=False))


def hcl(text: str) -> str:
    r"""Return a quoted template of HCL that stands for exactly this text.

    Escapes are those of the language's specification (hclsyntax/spec.md, "Template Expressions").
    `${` and `%{` begin what is evaluated; they are kept apart by an escape of the first character
    rather than by doubling it, since `$$${` would mean what it does not seem to.
    """
    return _NOT_HCL.sub(_for_hcl, script(text))


_NOT_HCL: Final = re.compile(
    r"\\\\|\\u(?P<high>d[89ab][0-9a-f]{2})\\u(?P<low>[0-9a-f]{4})|\\[bf]|[$%](?=\{)"
)


def _for_hcl(match: re.Match[str]) -> str:
    found = match[0]
    if found == r"\\":
        return found
    if match["high"]:
        code = 0x10000 + ((int(match["high"], 16) - 0xD800) << 10) + int(match["low"], 16) - 0xDC00
        return f"\\U{code:08x}"
    code = ord(json.loads(f'"{found}"'))
    return f"\\u{code:04x}"


def comment(sign: str, text: str) -> str:
    """Return a comment that ends where its line does, whatever the text holds."""
    return f"{sign} {clean(text)}".rstrip()


def called(target: KeyTarget) -> str:
    """Return what a key is called in a comment or a message."""
    name = "without a name" if target.name is None else target.name
    known = f"key {target.id}" if target.id else "to be made"
    return f"{target.organization}/{target.project}: {name} ({known})"


def missing(target: KeyTarget, state: State) -> str | None:
    """Return why a key cannot be written, or None: what names it has to be known."""
    unknown = [
        what
        for what, value in (
            ("organization", target.organization),
            ("project", target.project),
            ("name", state.get("name")),
        )
        if not value
    ]
    if unknown:
        return f"the source did not tell its {', '.join(unknown)}"
    if not is_whole({"name": state["name"]}):
        return "its name holds what looks like a secret, and a tool would set what is left of it"
    return None
