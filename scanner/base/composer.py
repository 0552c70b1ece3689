"""A text of YAML in; out comes plain data, within bounds, with the place of everything in it.

From events and not from the nodes of `yaml.compose`, though these have marks too: it reads the
whole text first, and then three things are lost. The keys that stood before a fault in the syntax
are gone with it, by which it is decided whether anything of the file may be shown (`has_any`).
The first mistake is no longer the one that is told: a fault on the last line hides a key that is
there twice on the second. And nothing bounds the depth of what it builds but libyaml, at a
thousand. Bounds, tags, keys and scalars would have to be checked on the nodes all the same.
"""

import re
from collections.abc import Iterable
from typing import Any, Final, NamedTuple

import yaml

try:
    from yaml import CSafeLoader as _Events
except ImportError:  # PyYAML built without libyaml: slower, but the same events
    from yaml import SafeLoader as _Events  # type: ignore[assignment]

NodePath = tuple[str | int, ...]
Event = Any
"""An event of PyYAML, whose published types know less than the events have."""

MAX_NODES: Final = 200_000
"""Most values in a document, those that aliases repeat counted each time."""
MAX_DEPTH: Final = 40

_STARRED: Final = "A value that starts with * needs quotes."


class Mark(NamedTuple):
    """A place in the text, counted from 1; `style` is the quote or block indicator there."""

    line: int
    column: int
    style: str = ""


class Content(NamedTuple):
    """A document: its plain data, and by path the marks of keys and values, and raw scalars."""

    data: object
    keys: dict[NodePath, Mark]
    values: dict[NodePath, Mark]
    scalars: dict[NodePath, str]


class SyntaxProblem(Exception):  # noqa: N818 - a problem to tell, made into a PolicyError
    """What makes a text unfit as a document: where, what, and how to mend it.

    `unquoted` is the message without words of the text, where it has some.
    """

    def __init__(
        self, mark: Mark, message: str, code: str, hint: str = "", *, unquoted: str = ""
    ) -> None:
        super().__init__(message)
        self.mark = mark
        self.message = message
        self.code = code
        self.hint = hint
        self.unquoted = unquoted


class _Anchor(NamedTuple):
    data: object
    size: int


class Composer:
    """Composes the one document in a text. Use an instance once.

    `repeated` tells keys that a mapping has already; of those the first counts.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._lines = text.splitlines()
        self._parser: Any = None
        self._content = Content(None, {}, {}, {})
        self._anchors: dict[str, _Anchor | None] = {}
        self._nodes = 0
        self.repeated: list[SyntaxProblem] = []

    def compose(self) -> Content:
        """Return the document; raises SyntaxProblem."""
        # The parser takes them for line breaks, and who reviews a change sees none: behind one, a
        # comment would hold keys.
        if any(one in self._text for one in "\x85\u2028\u2029"):
            raise _control_character(self._text)
        try:
            self._parser = _Events(self._text)
            return self._document()
        except yaml.MarkedYAMLError as error:
            raise self._explain(error) from None
        except yaml.reader.ReaderError:
            raise _control_character(self._text) from None

    def has_any(self, keys: Iterable[str]) -> bool:
        """Whether one of these keys was seen at the top level, up to a fault if there is one."""
        return any((key,) in self._content.keys for key in keys)

    def _document(self) -> Content:
        self._next()  # the stream's start
        start = self._next()
        if isinstance(start, yaml.StreamEndEvent):
            raise SyntaxProblem(Mark(1, 1), "the file is empty", "empty-file", _EMPTY)
        data = self._node(self._next(), ())
        self._next()  # the document's end
        event = self._next()
        if not isinstance(event, yaml.StreamEndEvent):
            raise SyntaxProblem(
                _mark(event),
                "a second document starts here",
                "multiple-documents",
                "Remove the line `---`, or move what follows it to a file of its own.",
            )
        return self._content._replace(data=data)

    def _next(self) -> Event:
        return self._parser.get_event()

    def _node(self, event: Event, path: NodePath) -> object:
        mark = _mark(event)
        self._content.values[path] = mark
        self._count(1, mark)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, mark)
        before = self._nodes
        anchor = event.anchor
        if anchor is not None:
            self._anchors[anchor] = None
        data = self._composed(event, path, mark)
        if anchor is not None:
            self._anchors[anchor] = _Anchor(data, self._nodes - before + 1)
        return data

    def _composed(self, event: Event, path: NodePath, mark: Mark) -> object:
        if isinstance(event, yaml.ScalarEvent):
            self._content.scalars[path] = event.value
            return _scalar(event, mark)
        if event.tag is not None:
            raise _tagged(event.tag, mark)
        if len(path) >= MAX_DEPTH:
            raise _too_deep(mark)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _sequence(self, path: NodePath) -> list[object]:
        items: list[object] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return items

    def _mapping(self, path: NodePath) -> dict[str, object]:
        items: dict[str, object] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            mark = _mark(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise SyntaxProblem(mark, "a key must be a plain word", "yaml-syntax", _QUOTE_IT)
            name = event.value
            if name == "<<" and event.implicit[0]:
                raise SyntaxProblem(mark, "merge keys are not supported", "yaml-merge", _NO_MERGE)
            key = (*path, name)
            if name in items:
                told = f"is already on line {self._content.keys[key].line}"
                problem = SyntaxProblem(mark, f"key `{name}` {told}", "duplicate-key", _ONE)
                self.repeated.append(problem)
                key = (*key, "\0", len(self.repeated))  # no path of the document
            self._content.keys[key] = mark
            items.setdefault(name, self._node(self._next(), key))
        return items

    def _alias(self, event: yaml.AliasEvent, mark: Mark) -> object:
        name = event.anchor
        if name not in self._anchors:
            message = f"no anchor `&{name}` stands before this alias"
            hint = _STARRED if not self._anchors else ""
            unquoted = "no anchor stands before this alias"
            raise SyntaxProblem(mark, message, "unknown-alias", hint, unquoted=unquoted)
        anchor = self._anchors[name]
        if anchor is None:
            message, unquoted = f"anchor `&{name}` contains itself", "an anchor contains itself"
            hint = "Repeat what it stands for."
            raise SyntaxProblem(mark, message, "unknown-alias", hint, unquoted=unquoted)
        self._count(anchor.size, mark)
        return anchor.data

    def _count(self, nodes: int, mark: Mark) -> None:
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            message = f"more than {MAX_NODES} values, aliases counted each time"
            hint = "Write fewer values, or split the file."
            raise SyntaxProblem(mark, message, "too-large", hint)

    def _explain(self, error: yaml.MarkedYAMLError) -> SyntaxProblem:
        at = error.problem_mark or error.context_mark
        mark = Mark(at.line + 1, at.column + 1) if at else Mark(1, 1)
        # The parser looks for the end of what is open past the last line, where nobody can look.
        if mark.line > len(self._lines) and error.context_mark:
            mark = Mark(error.context_mark.line + 1, error.context_mark.column + 1)
        problem = (error.problem or "not valid YAML").removeprefix("but ")
        # libyaml has a limit of its own, and looks far ahead of the events that it gives.
        if "nesting depth" in problem:
            return _too_deep(mark)
        context = f", {error.context}" if error.context else ""
        hint = self._advice(mark, error.context or "", error.context_mark)
        if hint == _WHOLE and (found := _UNQUOTED.search(self._lines[mark.line - 1])):
            mark = Mark(mark.line, found.start(1) + 1)
        return SyntaxProblem(mark, f"{problem}{context}", "yaml-syntax", hint)

    def _advice(self, mark: Mark, context: str, opened: Event) -> str:
        line = self._lines[mark.line - 1] if mark.line <= len(self._lines) else ""
        if "\t" in line[: mark.column]:
            return "YAML is indented with spaces, not tabs."
        if opened and ("flow" in context or "quoted" in context):
            what = "quote" if "quoted" in context else "bracket"
            return (
                f"The {what} of line {opened.line + 1}, column {opened.column + 1} is not closed."
            )
        if "alias" in context:
            return _STARRED
        if _UNQUOTED.search(line):
            return _WHOLE
        if line.count(": ") > 1:
            return "A value that contains a colon and a space needs quotes."
        return "Check the indentation, brackets and quotes here and on the line above."


def _too_deep(mark: Mark) -> SyntaxProblem:
    message = f"nested deeper than {MAX_DEPTH} levels"
    return SyntaxProblem(mark, message, "too-large", "No file of this product nests that deep.")


def _control_character(text: str) -> SyntaxProblem:
    """Find what the parser could not read; it tells an offset in bytes, of no use to people."""
    # YAML's printable characters. Compiled here, since this takes as long as reading a policy.
    found = re.search(
        "[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]", text
    )
    before = text[: found.start() if found else 0].split("\n")
    name = f"U+{ord(found[0]):04X}" if found else "somewhere"
    message = f"the control character {name} is not allowed in YAML"
    hint = "Remove it, or write it as an escape in double quotes."
    return SyntaxProblem(Mark(len(before), len(before[-1]) + 1), message, "yaml-syntax", hint)


_WHOLE: Final = "A value that starts with a sign of YAML needs quotes around the whole of it."
_ONE: Final = "Remove one of the two."
_QUOTE_IT: Final = "Quote it, or check the brackets."
_EMPTY: Final = "`keypolicy init` writes files to begin with."
_NO_MERGE: Final = "Repeat the keys, or use `extends` with `override`."

# What begins a value and makes YAML read it as something else than text.
_UNQUOTED: Final = re.compile(r"""(?:^|[:-])\s+([{\[@`%&*!'"])""")

_NULL: Final = frozenset(("", "~", "null", "Null", "NULL"))
_BOOLEANS: Final = {
    "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_INTEGER: Final = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NUMBER_START: Final = frozenset("+-.0123456789")
_STRING_TAG: Final = "tag:yaml.org,2002:str"


def _scalar(event: yaml.ScalarEvent, mark: Mark) -> object:
    text: str = event.value
    if event.tag not in (None, _STRING_TAG, "!"):
        raise _tagged(event.tag, mark)
    return _resolved(text) if event.tag is None and event.implicit[0] else text


def _resolved(text: str) -> object:
    """Make of a plain scalar what YAML 1.2's core schema makes of it."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] in _NUMBER_START:
        if _INTEGER.fullmatch(text):
            return int(text)
        if _FLOAT.fullmatch(text):
            return float(text)
    return text


def _tagged(tag: str, mark: Mark) -> SyntaxProblem:
    short = tag.replace("tag:yaml.org,2002:", "!!")
    message, unquoted = f"tags such as `{short}` are not supported", "tags are not supported"
    return SyntaxProblem(mark, message, "yaml-tag", "Remove the tag.", unquoted=unquoted)


def _mark(event: Event) -> Mark:
    start = event.start_mark
    return Mark(start.line + 1, start.column + 1, getattr(event, "style", None) or "")
