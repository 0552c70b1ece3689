"""Reads the `check` and the `fix` of a rule: YAML in, what stands for it with its values out."""

from typing import Any

import msgspec

from scanner.base.composer import NodePath
from scanner.base.errors import Problem
from scanner.base.hints import did_you_mean
from scanner.base.yamlfile import YamlFile
from scanner.model.rule import ParamValue
from scanner.policy.actions import ACTIONS, get_action
from scanner.policy.actions.interface import Action
from scanner.policy.checks import CHECKS, get_check
from scanner.policy.checks.interface import Check, Macro
from scanner.policy.language.scope import ParameterScope
from scanner.policy.language.signature import Signature
from scanner.policy.language.slots import Slot, parameter_in
from scanner.policy.language.values import BadValueError, read_value


class ActionUse(msgspec.Struct, frozen=True):
    """An action in use; `arguments` is None if they are not sound or not known."""

    action: Action[Any]
    arguments: dict[str, ParamValue] | None


class CheckUse(msgspec.Struct, frozen=True):
    """A check in use; `macro` is None if the arguments are not sound or not known."""

    check: Check[Any]
    macro: Macro | None


def read_check(
    source: YamlFile, path: NodePath, written: dict[str, Any], scope: ParameterScope
) -> tuple[CheckUse | None, list[Problem]]:
    """Read the mapping `written` at `path`; problems with parameters are left in the scope."""
    name, raw = next(iter(written.items()))
    path = (*path, name)
    if name not in CHECKS:
        hint = did_you_mean(name, CHECKS, kind="checks")
        message = f"there is no check `{name}`"
        return None, [source.problem(path, message, "unknown-check", hint=hint, key=True)]
    check = get_check(name)
    reader = _ArgumentReader(source, path, check, scope)
    values = reader.read(raw)
    macro = None if values is None else check.build(check.arguments(**values))
    return CheckUse(check, macro), reader.problems


def read_fix(
    source: YamlFile, path: NodePath, written: dict[str, Any], scope: ParameterScope
) -> tuple[ActionUse | None, list[Problem]]:
    """Read the mapping `written` at `path` as read_check does."""
    name, raw = next(iter(written.items()))
    path = (*path, name)
    if name not in ACTIONS:
        hint = did_you_mean(name, ACTIONS, kind="actions")
        message = f"there is no action `{name}`"
        return None, [source.problem(path, message, "unknown-action", hint=hint, key=True)]
    action = get_action(name)
    reader = _ArgumentReader(source, path, action, scope)
    return ActionUse(action, reader.read(raw)), reader.problems


WrittenArguments = dict[str, tuple[object, str | None]]
"""Arguments as written, by name, each with the parameter that it refers to, if it does."""


def as_written(written: dict[str, Any]) -> tuple[Check[Any], WrittenArguments]:
    """Return the check of a sound rule, and its arguments."""
    name, raw = next(iter(written.items()))
    check = get_check(name)
    return check, _arguments(check, raw)


def fix_as_written(written: dict[str, Any]) -> tuple[Action[Any], WrittenArguments]:
    """Return the action of a sound rule's `fix`, and its arguments."""
    name, raw = next(iter(written.items()))
    action = get_action(name)
    return action, _arguments(action, raw)


def _arguments(used: Signature[Any], raw: object) -> WrittenArguments:
    if not isinstance(raw, dict):
        raw = {} if raw is True or used.short is None else {used.short: raw}
    return {key: (value, parameter_in(value)) for key, value in raw.items()}


def example_sql(check: Check[Any]) -> str:
    """Return what the example in the check's documentation stands for, "" for nothing."""
    source = YamlFile(check.name, check.example.encode())
    written: Any = source.data
    use, _ = read_check(source, ("check",), written["check"], ParameterScope({}))
    return use.macro.text if use and use.macro else ""


class _ArgumentReader:
    """Reads the arguments of one check or action and collects what is wrong with them."""

    def __init__(
        self, source: YamlFile, path: NodePath, used: Signature[Any], scope: ParameterScope
    ) -> None:
        self._source = source
        self._path = path
        self._used = used
        self._scope = scope
        self._slots = used.slots()
        self.problems: list[Problem] = []

    def read(self, raw: object) -> dict[str, ParamValue] | None:
        values = self._values(raw)
        complete = self._scope.complete
        if self.problems or not complete:
            return None
        try:
            self._used.arguments(**values)
        except ValueError as error:
            self._add(self._path, str(error), "bad-argument", self._usage, key=True)
            return None
        return values

    def _values(self, raw: object) -> dict[str, ParamValue]:
        if raw is True and self._used.flag:
            return {}
        if raw is None or (raw is False and self._used.flag):
            message = f"`{self._used.name}` has no arguments here"
            self._add(self._path, message, "missing-argument", self._usage, key=True)
            return {}
        if not isinstance(raw, dict):
            return self._short(raw)
        values = {name: self._named(name, item) for name, item in raw.items()}
        for name in self._used.required():
            if name not in raw:
                message = f"`{self._used.name}` needs the argument `{name}`"
                self._add(self._path, message, "missing-argument", self._usage, key=True)
        return values

    def _short(self, raw: object) -> dict[str, ParamValue]:
        short = self._used.short
        if short is None:
            message = f"`{self._used.name}` takes its arguments by name"
            self._add(self._path, message, "bad-argument", self._usage, key=True)
            return {}
        return {short: self._one(self._slots[short], raw, self._path)}

    def _named(self, name: str, raw: object) -> ParamValue:
        path = (*self._path, name)
        if name not in self._slots:
            message = f"`{self._used.name}` has no argument `{name}`"
            hint = did_you_mean(name, self._slots, kind="arguments")
            self._add(path, message, "unknown-argument", hint, key=True)
            return None
        return self._one(self._slots[name], raw, path)

    def _one(self, slot: Slot, raw: object, path: NodePath) -> ParamValue:
        if name := parameter_in(raw):
            location = self._source.at_text(path)
            value = self._scope.value(name, location, slot)
            return (
                self._admitted(slot, value, path, f"`${name}`: ") if self._scope.complete else None
            )
        try:
            value = read_value(slot.type, raw)
        except BadValueError as error:
            name = self._scope.meant(raw)
            hint = f"The parameter is written ${name}." if name else error.hint
            self._add(path, error.message, error.code, hint)
            return None
        return self._admitted(slot, value, path)

    def _admitted(
        self, slot: Slot, value: ParamValue, path: NodePath, prefix: str = ""
    ) -> ParamValue:
        try:
            return slot.admit(value)
        except BadValueError as error:
            self._add(path, prefix + error.message, error.code, error.hint)
            return None

    @property
    def _usage(self) -> str:
        return f"For example: {self._used.example}"

    def _add(
        self, path: NodePath, message: str, code: str, hint: str, *, key: bool = False
    ) -> None:
        self.problems.append(self._source.problem(path, message, code, hint=hint, key=key))
