"""The parameters that a rule can refer to."""

from collections.abc import Mapping

from msgspec import UNSET

from scanner.base.errors import Location, Problem
from scanner.base.hints import did_you_mean
from scanner.model.rule import ParamValue
from scanner.policy.language.parameters import Parameter
from scanner.policy.language.slots import Slot, parameter_meant


class ParameterScope:
    """Looks parameters up, and keeps the problems that this brings to light.

    `excused` are names that are declared but broken: that is told elsewhere. An `open` scope
    excuses every name it does not have. `complete` turns False when a value is missing, whether
    told or excused; what depends on it cannot be compiled.
    """

    def __init__(
        self,
        parameters: Mapping[str, Parameter],
        excused: frozenset[str] = frozenset(),
        *,
        is_open: bool = False,
    ) -> None:
        self._parameters = parameters
        self._excused = excused
        self._open = is_open
        self.problems: list[Problem] = []
        self.complete = True

    def value(self, name: str, location: Location, slot: Slot | None = None) -> ParamValue:
        """Return the value of `$name`, which `location` refers to; None if there is none.

        `slot` is what the value is to fill, if that asks for a type.
        """
        parameter = self._parameters.get(name)
        if parameter is None:
            self._missing(name, location)
        elif parameter.value is UNSET:
            hint = f"Give it a default, or a value with --param {name}=VALUE."
            self._tell(location, f"parameter `{name}` has no value", "unset-param", hint)
        elif slot is not None and not slot.accepts(parameter.slot.type):
            message = f"`${name}` has type {parameter.slot.type}, not {slot.type}"
            hint = f"Declare a parameter with type: {slot.type}."
            self._tell(location, message, "param-type", hint)
        else:
            return parameter.value
        return None

    def meant(self, raw: object) -> str | None:
        """Return the parameter that a value names otherwise than as `$name`, if there is one."""
        return parameter_meant(raw, self._parameters)

    def _missing(self, name: str, location: Location) -> None:
        if self._open or name in self._excused:
            self.complete = False
            return
        hint = did_you_mean(name, self._parameters, kind="parameters")
        self._tell(location, f"there is no parameter `{name}`", "unknown-param", hint)

    def _tell(self, location: Location, message: str, code: str, hint: str) -> None:
        self.complete = False
        self.problems.append(Problem(location, message, code, hint))
