"""How to rotate, and the names that tell how far it is: an old name in, a new one out."""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

import msgspec

from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

SCHEME: Final = "{name} (successor of {key})"
LONGEST_NAME: Final = 64
"""Characters of a key's name that Sentry takes (its API description, `maxLength`)."""

SHORT: Final = 8
"""Characters of the old key's id in the successor's name."""

_RETIRED: Final = re.compile(r" \(disabled (\d{4}-\d{2}-\d{2})\)\Z")
_DAY: Final = timedelta(days=1)


def _time(most: int, description: str) -> Slot:
    return Slot(
        type=ValueType.DURATION,
        minimum=timedelta(0),
        maximum=most * _DAY,
        description=description,
    )


class Rotate(msgspec.Struct, frozen=True):
    """How to rotate: the arguments of the action."""

    grace: Annotated[
        timedelta,
        _time(3650, "How long old and new stand side by side at least (default 14d)."),
    ] = 14 * _DAY
    quiet: Annotated[
        timedelta,
        Slot(
            type=ValueType.DURATION,
            minimum=_DAY,
            maximum=30 * _DAY,
            description="How long the old key must have received nothing before it is disabled or"
            " deleted, at most 30d (default 7d).",
        ),
    ] = 7 * _DAY
    second_grace: Annotated[
        timedelta,
        _time(3650, "How long it stays disabled before it is deleted (default 30d)."),
    ] = 30 * _DAY
    name: Annotated[
        str,
        Slot(
            type=ValueType.STRING,
            pattern=r"[^{}]*(\{name\}[^{}]*)?\{key\}[^{}]*(\{name\}[^{}]*)?",
            description="What the successor is called, by which it is known again: {name} stands"
            " for the old name, {key} for the first 8 characters of the old key's id (default"
            f" {SCHEME}).",
        ),
    ] = SCHEME

    def __post_init__(self) -> None:
        """Refuse a scheme by which the successor could not be known again."""
        fixed = self.name.replace("{key}", "", 1).replace("{name}", "", 1)
        if "{key}" not in self.name or "{" in fixed or "}" in fixed:
            raise ValueError(f"a name has {{key}} once and may have {{name}} once: {SCHEME}")
        if len(fixed) + SHORT >= LONGEST_NAME:
            raise ValueError(f"the name leaves no room: keys have {LONGEST_NAME} characters")
        if not fixed.strip() or self.name != self.name.strip():
            raise ValueError(f"a name needs words around {{key}}, no space at its ends: {SCHEME}")

    def follows(self, key_id: str) -> re.Pattern[str]:
        """Return the pattern of the names of successors of a key, whatever it is called now."""
        return self._pattern(re.escape(key_id[:SHORT]))

    def successor_of(self, name: str, key_id: str) -> str:
        """Return what the successor of a key is called: the same whenever it is asked for.

        A key that is a successor itself is followed under the first one's name.
        """
        match = self._pattern(f".{{1,{SHORT}}}").fullmatch(name)
        base = match["name"] if match and "name" in match.groupdict() else name
        rest = self.name.replace("{key}", key_id[:SHORT])
        room = LONGEST_NAME - len(rest.replace("{name}", ""))
        # A server may cut white space off the ends of a name, by which it has to be known again.
        base = _RETIRED.sub("", base).strip()[:room].strip() or "key"
        return rest.replace("{name}", base)

    def _pattern(self, key: str) -> re.Pattern[str]:
        parts = re.split(r"(\{name\}|\{key\})", self.name)
        words = {"{name}": "(?P<name>.*)", "{key}": key}
        return re.compile("".join(words.get(one, re.escape(one)) for one in parts), re.DOTALL)


def is_successor(name: str, key_id: str) -> bool:
    """Whether a name tells that its key follows the one of this id, whatever the scheme."""
    return len(key_id) >= SHORT and key_id[:SHORT] in name


def disabled_name(name: str, day: datetime) -> str:
    """Return the name of a key that is disabled on this day."""
    mark = f" (disabled {day.astimezone(UTC):%Y-%m-%d})"
    return _RETIRED.sub("", name).strip()[: LONGEST_NAME - len(mark)].rstrip() + mark


def disabled_on(name: str) -> date | None:
    """Return the day on which a name says that its key was disabled."""
    match = _RETIRED.search(name)
    try:
        return date.fromisoformat(match[1]) if match else None
    except ValueError:
        return None
