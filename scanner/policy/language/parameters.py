"""Parameters: their declarations, and the value each has and where it came from."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.composer import NodePath
from scanner.base.errors import Location, Problem
from scanner.base.given import given_at, placed
from scanner.base.hints import closest
from scanner.base.yamlfile import YamlFile
from scanner.model.rule import ParamValue
from scanner.policy.files.document import GivenValue, ParameterDocument
from scanner.policy.language.patterns import BadPatternError, size
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import (
    BadValueError,
    ValueType,
    format_value,
    read_text,
    read_value,
)


class Origin(StrEnum):
    """Where a parameter's value came from; a later one wins over an earlier one."""

    DEFAULT = "default"
    POLICY = "policy"
    OVERRIDE = "override"
    SETTING = "setting"
    COMMAND_LINE = "command line"


class Parameter(msgspec.Struct, frozen=True):
    """A declared parameter with its value, UNSET while nobody has given one.

    `location` is where the value was given, or where the parameter is declared.
    """

    name: str
    slot: Slot
    value: ParamValue | UnsetType
    origin: Origin
    location: Location

    def given(self, raw: object, origin: Origin, location: Location) -> "Parameter":
        """Return the parameter with another value; raises BadValueError."""
        value = self.slot.admit(read_value(self.slot.type, raw))
        return Parameter(self.name, self.slot, value, origin, location)

    @property
    def shown(self) -> str:
        """The value as people write it in a policy."""
        return "(none)" if self.value is UNSET else format_value(self.slot.type, self.value)

    @property
    def is_overridden(self) -> bool:
        """Whether the value is that of an override."""
        return self.origin is Origin.OVERRIDE

    def settled(self, given: Mapping[str, str]) -> "Parameter":
        """Return the parameter with its value on the command line or in settings, if it has one.

        Raises BadValueError.
        """
        if (text := given.get(self.name)) is None:
            return self
        value = self.slot.admit(read_text(self.slot.type, text))
        origin = Origin.SETTING if self.name in placed(given) else Origin.COMMAND_LINE
        return Parameter(self.name, self.slot, value, origin, given_at(given, self.name))


def declare(
    source: YamlFile,
    name: str,
    given: ParameterDocument | GivenValue,
    extended: Mapping[str, Parameter],
) -> tuple[Parameter | None, list[Problem]]:
    """Read one entry of a policy's `params`.

    `extended` are the parameters of the extended policies; a bare value and what the entry leaves
    out rely on the one of that name.
    """
    path: NodePath = ("params", name)
    inherited = extended.get(name)
    if not isinstance(given, ParameterDocument):
        return _value_only(source, path, given, extended)
    kind = inherited.slot.type if inherited and given.type is UNSET else given.type
    if kind is UNSET:
        message = f"parameter `{name}` has no type"
        hint = f"Add one of: {', '.join(ValueType)}."
        return None, [source.problem(path, message, "missing-key", hint=hint, key=True)]
    if inherited and kind is not inherited.slot.type:
        message = f"parameter `{name}` has type {inherited.slot.type} in the extended policy"
        at = (*path, "type")
        return None, [source.problem(at, message, "param-type", hint="Use another name.")]
    return _Declaration(source, path, given, kind, inherited).read()


def _value_only(
    source: YamlFile, path: NodePath, given: GivenValue, extended: Mapping[str, Parameter]
) -> tuple[Parameter | None, list[Problem]]:
    name = str(path[-1])
    inherited = extended.get(name)
    if inherited is None:
        message = f"no extended policy declares a parameter `{name}`"
        meant = closest(name, extended)
        hint = f"Did you mean `{meant}`? If not, declare it" if meant else "Declare it"
        hint += f": {name}: {{type: ..., default: ...}}."
        return None, [source.problem(path, message, "unknown-param", hint=hint, key=True)]
    try:
        return inherited.given(given, Origin.POLICY, source.at(path)), []
    except BadValueError as error:
        return None, [source.problem(path, error.message, error.code, hint=error.hint)]


class _Declaration:
    """Reads one declaration and collects what is wrong with it."""

    def __init__(
        self,
        source: YamlFile,
        path: NodePath,
        document: ParameterDocument,
        kind: ValueType,
        inherited: Parameter | None,
    ) -> None:
        self._source = source
        self._path = path
        self._document = document
        self._kind = kind
        self._inherited = inherited
        self._problems: list[Problem] = []

    def read(self) -> tuple[Parameter | None, list[Problem]]:
        slot = self._slot()
        parameter = None if self._problems else self._parameter(slot)
        return (None, self._problems) if self._problems else (parameter, [])

    def _slot(self) -> Slot:
        document = self._document
        base = self._inherited.slot if self._inherited else Slot(type=self._kind)
        changes: dict[str, Any] = {}
        if document.description:
            changes["description"] = document.description
        for key, field in (("min", "minimum"), ("max", "maximum")):
            raw = getattr(document, key)
            if raw is not UNSET and self._fits(key, fits=self._kind.ordered):
                changes[field] = self._value(raw, (key,))
        if document.choices is not UNSET:
            changes["choices"] = tuple(
                self._choice(raw, index) for index, raw in enumerate(document.choices)
            )
        if document.pattern is not UNSET and self._fits("pattern", fits=self._kind.textual):
            changes["pattern"] = self._expression(document.pattern)
        slot: Slot = msgspec.structs.replace(base, **changes)
        if not self._problems:
            self._check_order(slot)
        return slot

    def _parameter(self, slot: Slot) -> Parameter | None:
        raw = self._document.default
        name = str(self._path[-1])
        origin = Origin.POLICY if self._inherited else Origin.DEFAULT
        location = self._source.at_key(self._path)
        if raw is UNSET:
            value = self._inherited.value if self._inherited else UNSET
            parameter = Parameter(name, slot, value, origin, location)
            if value is UNSET or self._admitted(slot, value):
                return parameter
            return None
        at = (*self._path, "default")
        try:
            unset = Parameter(name, slot, UNSET, origin, location)
            return unset.given(raw, origin, self._source.at(at))
        except BadValueError as error:
            self._add(at, error.message, error.code, error.hint)
            return None

    def _admitted(self, slot: Slot, value: ParamValue) -> bool:
        try:
            slot.admit(value)
        except BadValueError as error:
            message = f"the default of the extended policy, {error.message}"
            self._add(self._path, message, error.code, "Give another default.")
            return False
        return True

    def _value(self, raw: object, key: NodePath) -> ParamValue:
        kind = ValueType.STRING if self._kind is ValueType.STRINGS else self._kind
        try:
            return read_value(kind, raw)
        except BadValueError as error:
            self._add((*self._path, *key), error.message, error.code, error.hint)
            return None

    def _choice(self, raw: object, index: int) -> ParamValue:
        return self._value(raw, ("enum", index))

    def _expression(self, pattern: str) -> str:
        try:
            size(pattern)
        except BadPatternError as error:
            self._add((*self._path, "pattern"), error.message, error.code, error.hint)
        return pattern

    def _fits(self, key: str, *, fits: bool) -> bool:
        if not fits:
            message = f"type {self._kind} has no `{key}`"
            at = (*self._path, key)
            problem = self._source.problem(
                at, message, "bad-declaration", hint="Take it out.", key=True
            )
            self._problems.append(problem)
        return fits

    def _check_order(self, slot: Slot) -> None:
        if slot.minimum is None or slot.maximum is None:
            return
        if slot.minimum > slot.maximum:  # type: ignore[operator]
            key = "min" if self._document.min is not UNSET else "max"
            self._add(
                (*self._path, key), "`min` is more than `max`", "bad-declaration", "Swap them."
            )

    def _add(self, path: NodePath, message: str, code: str, hint: str) -> None:
        self._problems.append(self._source.problem(path, message, code, hint=hint))
