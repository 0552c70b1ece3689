"""What to write instead of a text that is no SQL at all."""

import re
from typing import Final

from scanner.policy.language.predicates import code

_UNITS: Final = r"(s|sec|seconds?|m|min|minutes?|h|hours?|d|days?|w|weeks?|months?|years?)\b"
_WORDS: Final = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}

_AT: Final = (
    (r";", "Leave the semicolon out: a condition is no statement."),
    (r"(?i)contains\b", "Write contains(column, 'text')."),
    (r"(?i)(starts|begins)\b", "Write starts_with(column, 'text')."),
    (r"(?i)ends\b", "Write ends_with(column, 'text')."),
    (r"(?i)(regexp|rlike|regex|glob)\b", "Write regexp_matches(column, 'expression')."),
    (r"#>", "Write column ->> 'field' for a field of a JSON value."),
    (r"#", "A comment begins with --."),
    (r"(?i)(where|select|having)\b", "Write only the condition, without the word before it."),
    ("[\u2264\u2265\u2260\u2010-\u2015\u2212]", "Write <=, >=, <> and - with plain signs."),
    (r"(?i)xor\b", "Write <> between two conditions."),
    (r"(?i)any\b", "Join several with OR, or write name_matches_any(column, $globs)."),
    (r"(?i)matches\b", "Write regexp_matches(column, 'expression')."),
)
"""Hints by what stands where the parser stopped."""

_BEFORE: Final = (
    (r"[<>!]\s*$", "Write <=, >= and <> without a space between the two characters."),
    (r"(?i)\b(or|and)\s*$", "Name the column again: name = 'a' OR name = 'b'."),
    (r"(?i)\bis(\s+not)?\s*$", "IS is followed by NULL, TRUE or FALSE; write = or <> else."),
    (r"(?i)\bif\s*$", "Write CASE WHEN condition THEN value ELSE value END, or use `where`."),
)
"""Hints by what stands before that place."""

_IN_BRACES: Final = re.compile(r"\{\s*(\w+)\s*$")
_FOREIGN_PARAMETER: Final = re.compile(r"\$?\{+\s*\$?(\w+)|:(\w+)\b|[?%]")
_PARAMETER: Final = "A parameter is written ${0}, without anything else around it."
_OPEN_QUOTE: Final = (
    "A quote is not closed; one within a text is doubled: 'it''s'. Outside of a block (`|`), YAML"
    " takes # after a space for a comment."
)
_BOTH_SIDES: Final = "Write a condition on both sides of AND and OR."
_HALF_BETWEEN: Final = "BETWEEN has two bounds: age_days BETWEEN 30 AND 90."
_ENDS_EARLY: Final = "Something is missing at the end: a value after an operator, or a bracket."
_OTHERWISE: Final = (
    "Look at brackets, quotes and commas around here; a condition is written like"
    " age_days < 90 AND is_active."
)


def unreadable(text: str, place: int) -> str:
    """Return a hint for a predicate that the parser could not read past a character."""
    before, rest = text[:place], text[place:]
    if re.search(r"[0-9.]\s*$", before) and (unit := re.match(_UNITS, rest, re.IGNORECASE)):
        amount = re.findall(r"[0-9.]+\s*$", before)[0].strip()
        word = unit[0].lower()
        span = f"{amount} {word if word.startswith(('mo', 'y')) else _WORDS[word[0]]}"
        return (
            f"{amount}{unit[0]} is no SQL: age_days is compared with a number, a time with"
            f" now() - INTERVAL '{span}', and a parameter of type duration is written $name."
        )
    if brackets := _brackets(text):
        return brackets
    if not rest.strip():
        between = re.search(r"(?i)\bbetween\b[^()]*$", before)
        return _HALF_BETWEEN if between else _ENDS_EARLY
    start = place - 1 if before.endswith(("$", "{")) else place
    if rest.startswith("}") and (braced := _IN_BRACES.search(before)):
        return _PARAMETER.format(braced[1])
    if foreign := _FOREIGN_PARAMETER.match(text, start):
        return _PARAMETER.format(foreign[1] or foreign[2] or "name")
    return _around(text, before, rest)


def _around(text: str, before: str, rest: str) -> str:
    """Return the hint by what stands before the place and at it."""
    if rest.startswith(("'", '"')) and rest.count(rest[0]) % 2:
        return _OPEN_QUOTE
    if re.match(r"(?i)(and|or)\b", rest):
        return _BOTH_SIDES
    for pattern, hint in _BEFORE:
        if re.search(pattern, before):
            return hint
    if re.search(r"['\"]", code(text)):
        return _OPEN_QUOTE
    return next((hint for pattern, hint in _AT if re.match(pattern, rest)), _OTHERWISE)


def _brackets(text: str) -> str:
    """Say whether one bracket too many or too few is there, texts and comments aside."""
    written = code(text)
    missing = written.count("(") - written.count(")")
    if missing == 0 or "'" in written:
        return ""
    kind = "closing" if missing > 0 else "opening"
    return f"{abs(missing)} {kind} bracket{'s' if abs(missing) > 1 else ''} missing."
