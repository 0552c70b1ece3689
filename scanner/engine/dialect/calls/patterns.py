"""Regular expressions that mean the same to RE2, PostgreSQL and Java: read, and written anew.

RE2's syntax is read as far as the others can say the same; everything else is refused. What is
written has no classes or flags that depend on a locale, on Unicode's version or on an option.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from scanner.engine.dialect.calls.pieces import InexpressibleError, Piece, of
from scanner.engine.dialect.calls.sets import (
    CLASSES,
    LAST,
    NAMED,
    Chars,
    merged,
    other,
    told_apart,
)

_MOST_REPEATS: Final = 255  # PostgreSQL's
_FEW: Final = 8  # repeats of a part that may be tried in several ways
_CONTROLS: Final = {"t": 9, "n": 10, "v": 11, "f": 12, "r": 13, "a": 7}
_FOLDED: Final = {"k": 0x212A, "s": 0x17F}
"""Characters beyond ASCII that are a letter of it in another case."""


class Written(msgspec.Struct, frozen=True):
    """An expression: characters as `<hex>`, the ends of the text as `<^>` and `<$>`.

    `is_steep` says that a backtracking engine may need a time that is exponential in the text.
    """

    text: str
    is_steep: bool

    def spelled(self, character: Callable[[int], str], begin: str, end: str) -> str:
        """Return it as an engine reads it."""
        made = []
        for number, part in enumerate(self.text.replace(">", "<").split("<")):
            if number % 2 == 0:
                made.append(part)
            else:
                made.append({"^": begin, "$": end}.get(part) or character(int(part, 16)))
        return "".join(made)


def portable(pattern: str, *, ignore_case: bool, whole: bool) -> Written:
    """Return an expression of RE2 as the others can say it. Raises InexpressibleError."""
    reader = _PatternReader(pattern, ignore_case=ignore_case)
    part = reader.alternatives()
    if reader.place < len(pattern):
        raise InexpressibleError("an unbalanced bracket")
    text = f"<^>(?:{part.text})<$>" if whole else f"(?:{part.text})"
    return Written(text, reader.is_steep)


class _PatternReader:
    """Reads one expression by descent; RE2 has accepted it before."""

    def __init__(self, pattern: str, *, ignore_case: bool) -> None:
        self._pattern = pattern
        self._ignore_case = ignore_case
        self._dot_all = False
        self.place = 0
        self.is_steep = False

    def alternatives(self) -> Piece:
        flags = self._ignore_case, self._dot_all
        branches = [self._sequence()]
        while self._taken("|"):
            branches.append(self._sequence())
        self._ignore_case, self._dot_all = flags
        if len(branches) == 1:
            return branches[0]
        ways = [way for one in branches if one.ways is not None for way in one.ways]
        known = all(one.ways is not None for one in branches)
        return Piece(
            "|".join(one.text for one in branches),
            tuple(ways) if known else None,
            tail=tuple(span for one in branches for span in (*one.head, *one.tail)),
            loose=sum(one.loose for one in branches) + (0 if told_apart(tuple(ways)) else 2),
        )

    def _sequence(self) -> Piece:
        parts: list[Piece] = []
        while self.place < len(self._pattern) and self._pattern[self.place] not in "|)":
            if (part := self._piece()) is not None:
                parts.append(part)
        ways: tuple[tuple[tuple[Chars, ...], ...], ...] | None = ((),)
        for part in parts:
            if ways is None or part.ways is None or len(ways) * len(part.ways) > _MOST_REPEATS:
                ways = None
            else:
                ways = tuple((*left, *right) for left in ways for right in part.ways)
        first, others = (parts[0], parts[1:]) if parts else (Piece("", None), [])
        rest = (span for one in others for span in (*one.head, *one.tail))
        return Piece(
            "".join(part.text for part in parts),
            ways,
            head=first.head,
            tail=(*first.tail, *rest),
            loose=sum(one.loose for one in parts),
        )

    def _piece(self) -> Piece | None:
        atom = self._atom()
        if atom is None:
            return None
        low, high = 1, 1
        times = 0
        while (found := self._repeats()) is not None:
            times += 1
            low, high = found
            self._taken("?")  # which match is found makes no difference to whether there is one
            if times > 1 or atom.is_anchor:
                raise InexpressibleError("a repetition of a repetition, or of an end")
        if not times:
            return atom
        single = atom.ways is not None and all(len(way) == 1 for way in atom.ways)
        if high > _FEW and not (single or told_apart(atom.ways) or atom.is_delimited):
            self.is_steep = True
        count = f"{{{low},}}" if high > _MOST_REPEATS else f"{{{low},{high}}}"
        inside = (*atom.head, *atom.tail)
        return Piece(f"(?:{atom.text}){count}", None, tail=inside, loose=atom.loose + 1)

    def _repeats(self) -> tuple[int, int] | None:
        many = _MOST_REPEATS + 1
        for sign, found in (("*", (0, many)), ("+", (1, many)), ("?", (0, 1))):
            if self._taken(sign):
                return found
        if not self._taken("{"):
            return None
        end = self._pattern.find("}", self.place)
        low, comma, high = self._pattern[self.place : end].partition(",")
        if end < 0 or not low.isdecimal() or (high and not high.isdecimal()):
            raise InexpressibleError("a brace that is no repetition")
        self.place = end + 1
        least = int(low)
        most = int(high) if high else (many if comma else least)
        if least > _MOST_REPEATS or (high and most > _MOST_REPEATS):
            raise InexpressibleError(f"more than {_MOST_REPEATS} repetitions")
        return least, most

    def _atom(self) -> Piece | None:
        sign = self._next()
        if sign == "(":
            return self._group()
        if sign == "[":
            return self._set()
        if sign == ".":
            return of(((0, LAST),) if self._dot_all else ((0, 9), (11, LAST)))
        if sign in "^$":
            return Piece(f"<{sign}>", None, is_anchor=True)
        if sign == "\\":
            return self._escape()
        return self._character(ord(sign))

    def _group(self) -> Piece | None:
        flags = self._ignore_case, self._dot_all
        if self._taken("?"):
            if self._taken("P<") or self._taken("<"):
                self.place = self._pattern.index(">", self.place) + 1
            else:
                on = True
                while (flag := self._next()) not in ":)":
                    self._flag(flag, on=on)
                    on = on and flag != "-"
                if flag == ")":  # for what follows in the group around it
                    return None
        inner = self.alternatives()
        self._ignore_case, self._dot_all = flags
        if not self._taken(")"):
            raise InexpressibleError("an unbalanced bracket")
        return msgspec.structs.replace(inner, text=f"(?:{inner.text})")

    def _flag(self, flag: str, *, on: bool) -> None:
        if flag == "i":
            self._ignore_case = on
        elif flag == "s":
            self._dot_all = on
        elif flag != "-":
            raise InexpressibleError(f"the flag {flag}")

    def _escape(self) -> Piece:
        sign = self._next()
        if sign in "Az":
            return Piece("<^>" if sign == "A" else "<$>", None, is_anchor=True)
        if sign.lower() in CLASSES:
            spans = self._folded(CLASSES[sign.lower()])
            return of(other(spans) if sign.isupper() else spans)
        return self._character(self._escaped(sign))

    def _escaped(self, sign: str) -> int:
        """Return the character that stands after a backslash."""
        if sign in _CONTROLS:
            return _CONTROLS[sign]
        if sign == "x":
            if self._taken("{"):
                end = self._pattern.index("}", self.place)
                text, self.place = self._pattern[self.place : end], end + 1
            else:
                text, self.place = self._pattern[self.place : self.place + 2], self.place + 2
            return int(text, 16)
        if sign.isascii() and not sign.isalnum():
            return ord(sign)
        raise InexpressibleError(f"\\{sign}")

    def _character(self, code: int) -> Piece:
        return of(self._folded(((code, code),)))

    def _set(self) -> Piece:
        negated = self._taken("^")
        spans: list[Chars] = []
        first = True
        while first or not self._ahead("]"):
            first = False
            if self._taken("[:"):
                end = self._pattern.index(":]", self.place)
                name, self.place = self._pattern[self.place : end], end + 2
                if name not in NAMED:
                    raise InexpressibleError(f"the class [:{name}:]")
                spans += NAMED[name]
                continue
            low = self._member(spans)
            if low is None:
                continue
            high = low
            if self._ahead("-") and not self._ahead("-]"):
                self.place += 1
                high = self._member([]) or 0
            spans.append((low, high))
        self.place += 1
        found = self._folded(tuple(spans))
        return of(other(found) if negated else found)

    def _member(self, spans: list[Chars]) -> int | None:
        """Return the next character of a set, or None for a class, which is added to `spans`."""
        sign = self._next()
        if sign != "\\":
            return ord(sign)
        sign = self._next()
        if sign.lower() in CLASSES:
            named = CLASSES[sign.lower()]
            spans += other(named) if sign.isupper() else named
            return None
        return self._escaped(sign)

    def _folded(self, spans: tuple[Chars, ...]) -> tuple[Chars, ...]:
        """Return the characters in both cases, where case is ignored."""
        if not self._ignore_case:
            return merged(spans)
        found = list(spans)
        for low, high in spans:
            if high > 127 and any(  # noqa: PLR2004 - the last of ASCII
                chr(code).lower() != chr(code) or chr(code).upper() != chr(code)
                for code in range(max(low, 128), min(high, low + 1_000) + 1)
            ):
                raise InexpressibleError("letters beyond a to z whose case is to be ignored")
            if high > 127 and high - low > 1_000:  # noqa: PLR2004 - too many to be looked at
                raise InexpressibleError("a wide range of letters whose case is to be ignored")
            for code in range(low, min(high, 127) + 1):
                letter = chr(code)
                swapped = ord(letter.swapcase())
                found += [(swapped, swapped)]
                if letter.lower() in _FOLDED:
                    found += [(_FOLDED[letter.lower()],) * 2]
        return merged(tuple(found))

    def _next(self) -> str:
        if self.place >= len(self._pattern):
            raise InexpressibleError("an end that comes too early")
        self.place += 1
        return self._pattern[self.place - 1]

    def _ahead(self, text: str) -> bool:
        if self.place >= len(self._pattern):
            raise InexpressibleError("an end that comes too early")
        return self._pattern.startswith(text, self.place)

    def _taken(self, text: str) -> bool:
        if not self._pattern.startswith(text, self.place):
            return False
        self.place += len(text)
        return True
