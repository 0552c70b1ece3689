"""Tells what is wrong with the shape of a document, all of it, through its JSON Schema.

Slow to import (jsonschema), so only imported when decoding has failed.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from typing import Any, Final

import msgspec
from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

from scanner.base.composer import NodePath
from scanner.base.errors import Problem
from scanner.base.hints import closest, did_you_mean
from scanner.base.resources import schema_path
from scanner.base.yamlfile import YamlFile


class Fault(msgspec.Struct, frozen=True):
    """One error of jsonschema, with its loose types made firm.

    `keyword` of `schema`, which asks for `wanted`, is not kept by `instance` at `path`.
    """

    path: NodePath
    keyword: str
    wanted: Any
    instance: Any
    schema: dict[str, Any]
    of_name: bool

    @property
    def hint(self) -> str:
        """What the schema's author says of the right form."""
        hint: str = self.schema.get("patternErrorMessage") or self.schema.get("x-hint", "")
        return hint

    def code(self, otherwise: str) -> str:
        """Return the code that the schema's author gives this, or `otherwise`."""
        code: str = self.schema.get("x-code", otherwise)
        return code


def explain(source: YamlFile, schema: str) -> list[Problem]:
    """Hold the document against the JSON Schema called `schema` and return every problem.

    What is inside `check`, and whether a resource exists, is for policy.language.static.
    """
    problems: list[Problem] = []
    for error in validator(schema).iter_errors(source.data):
        for leaf in _leaves(error):
            fault = _fault(leaf)
            if not _is_static(fault):
                problems += _tell(source, fault)
    return list(dict.fromkeys(problems))


@cache
def validator(schema: str) -> Draft202012Validator:
    """Return the validator of the JSON Schema called `schema`."""
    made: Draft202012Validator = _VALIDATOR(msgspec.json.decode(schema_path(schema).read_bytes()))
    return made


def _is_whole(_: TypeChecker, instance: object) -> bool:
    return isinstance(instance, int) and not isinstance(instance, bool)


# To JSON Schema 1.0 is an integer; what reads the documents takes none for one.
_VALIDATOR: Final = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator,
    type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_whole),
)


def _fault(error: ValidationError) -> Fault:
    return Fault(
        path=tuple(error.absolute_path),
        keyword=str(error.validator),
        wanted=error.validator_value,
        instance=error.instance,
        schema=dict(error.schema) if isinstance(error.schema, Mapping) else {},
        of_name="propertyNames" in error.schema_path,
    )


def _leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Give the errors that say what is wrong, instead of that no alternative fits."""
    fault = _fault(error)
    if fault.keyword not in ("anyOf", "oneOf") or "errorMessage" in fault.schema:
        yield error
        return
    branches: dict[str | int, list[ValidationError]] = {}
    for branch in error.context or ():
        branches.setdefault(branch.schema_path[0], []).append(branch)
    of_right_type = [
        branch
        for branch in branches.values()
        if not any(leaf.validator == "type" and not leaf.path for leaf in branch)
    ]
    if len(of_right_type) != 1:
        yield error
        return
    for leaf in of_right_type[0]:
        yield from _leaves(leaf)


def _is_static(fault: Fault) -> bool:
    match fault.path:
        case ("rules", _, "check", _, *_):
            return True
        case ("rules", _, "check"):
            return fault.keyword == "additionalProperties"
        case ("rules", _, "resource"):
            return fault.keyword == "enum" and isinstance(fault.instance, str)
        case _:
            return False


def _tell(source: YamlFile, fault: Fault) -> list[Problem]:
    if fault.of_name:
        key = (*fault.path, fault.instance)
        message = f"`{fault.instance}` is not a name"
        return [source.problem(key, message, "bad-name", hint=fault.hint, key=True)]
    teller = _TELLERS.get(fault.keyword)
    if teller is None:
        return [source.problem(fault.path, f"this breaks `{fault.keyword}`", "bad-value")]
    return teller(source, fault)


def _unknown_keys(source: YamlFile, fault: Fault) -> list[Problem]:
    known = fault.schema.get("properties", ())
    return [
        source.problem(
            (*fault.path, key),
            f"unknown key `{key}`",
            "unknown-key",
            hint=did_you_mean(key, known, kind="keys"),
            key=True,
        )
        for key in _strangers(fault)
    ]


def _strangers(fault: Fault) -> list[str]:
    known = fault.schema.get("properties", ())
    return [key for key in fault.instance if key not in known]


def _missing_keys(source: YamlFile, fault: Fault) -> list[Problem]:
    # A mistyped key is told as unknown, with the right one: not a second time as missing.
    mistyped = {closest(key, fault.wanted) for key in _strangers(fault)}
    properties = fault.schema.get("properties", {})
    return [
        source.problem(
            fault.path,
            f"the key `{key}` is missing",
            "missing-key",
            hint=properties.get(key, {}).get("description") or f"Add the line `{key}: ...`.",
        )
        for key in fault.wanted
        if key not in fault.instance and key not in mistyped
    ]


def _wrong_type(source: YamlFile, fault: Fault) -> list[Problem]:
    wanted = _type_names(fault.schema)
    written = source.scalar(fault.path)
    # What is said of a text that is blank says nothing of a number.
    hint = "" if fault.code("") == "empty-value" else fault.hint
    is_scalar = fault.instance is not None and bool(written)
    if not hint and is_scalar and wanted.partition(" or ")[0] == "text":
        hint = f'Put it in quotes: "{written}".'
    elif not hint and written and wanted == "a list" and isinstance(fault.instance, str):
        hint = f"Write it as a list: [{written}]."
    elif not hint and isinstance(fault.instance, dict) and wanted == "text":
        hint = "A text that starts with { needs quotes around the whole of it: '{name} ...'."
    hint = hint or _WRITTEN.get(wanted, f"Write {wanted}.")
    message = f"{_is(fault.instance, written)}, not {wanted}"
    return [source.problem(fault.path, message, "wrong-type", hint=hint)]


def _bad_choice(source: YamlFile, fault: Fault) -> list[Problem]:
    if not isinstance(fault.instance, str):
        message = f"{_is(fault.instance)}, not one of {', '.join(fault.wanted)}"
        hint = f"Write {' or '.join(fault.wanted)}."
        return [source.problem(fault.path, message, "wrong-type", hint=hint)]
    message = f"`{fault.instance}` is not a value that it can have"
    hint = did_you_mean(fault.instance, fault.wanted, kind="values")
    return [source.problem(fault.path, message, "bad-value", hint=hint)]


def _bad_format(source: YamlFile, fault: Fault) -> list[Problem]:
    message = fault.schema.get("errorMessage", f"`{fault.instance}` does not have the right form")
    return [source.problem(fault.path, message, fault.code("bad-format"), hint=fault.hint)]


_FILL: Final = "Write something there, or leave the key out."


def _too_short(source: YamlFile, fault: Fault) -> list[Problem]:
    message = "this must not be empty"
    return [source.problem(fault.path, message, "empty-value", hint=fault.hint or _FILL)]


def _too_long(source: YamlFile, fault: Fault) -> list[Problem]:
    unit = "characters" if isinstance(fault.instance, str) else "entries"
    message = f"this has {len(fault.instance)} {unit}, the most is {fault.wanted}"
    return [source.problem(fault.path, message, "too-long", hint=fault.hint or "Write less.")]


def _bad_combination(source: YamlFile, fault: Fault) -> list[Problem]:
    message = fault.schema.get("errorMessage")
    if message is None:
        return _wrong_type(source, fault)
    if not isinstance(fault.instance, dict):
        return []  # told as a wrong type
    keys = set(_required(fault.wanted))
    if any(closest(key, keys, likeness=0.75) for key in fault.instance if key not in keys):
        return []  # a mistyped key, told as unknown
    return [source.problem(fault.path, message, fault.code("bad-value"), hint=fault.hint)]


def _required(schema: object) -> Iterator[str]:
    """Give the keys that parts of a schema ask for, or ask not to be there."""
    if isinstance(schema, dict):
        yield from (*schema.get("required", ()), *_required([*schema.values()]))
    for part in schema if isinstance(schema, list) else ():
        yield from _required(part)


def _too_small(source: YamlFile, fault: Fault) -> list[Problem]:
    message = f"{fault.instance} is too small"
    hint = f"The least is {fault.wanted}."
    return [source.problem(fault.path, message, "out-of-range", hint=hint)]


def _too_great(source: YamlFile, fault: Fault) -> list[Problem]:
    message = f"{fault.instance} is too great"
    hint = f"The most is {fault.wanted}."
    return [source.problem(fault.path, message, "out-of-range", hint=hint)]


_TELLERS: Final[dict[str, Callable[[YamlFile, Fault], list[Problem]]]] = {
    "additionalProperties": _unknown_keys,
    "required": _missing_keys,
    "type": _wrong_type,
    "enum": _bad_choice,
    "pattern": _bad_format,
    "minLength": _too_short,
    "minItems": _too_short,
    "minProperties": _too_short,
    "maxLength": _too_long,
    "maxProperties": _too_long,
    "maxItems": _too_long,
    "minimum": _too_small,
    "maximum": _too_great,
    "anyOf": _bad_combination,
    "oneOf": _bad_combination,
}

_TYPES: Final = {
    "object": "a mapping",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
}


_WRITTEN: Final = {  # what is no scalar
    "a mapping": "Write a mapping: a line `NAME: ...` for each, without a hyphen before it.",
    "a list": "Write a list: a line for each that begins with `- `.",
}


def _type_names(schema: dict[str, Any]) -> str:
    if "type" in schema:
        kinds = schema["type"]
        return " or ".join(_TYPES[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds))
    names = dict.fromkeys(_type_names(branch) for branch in schema.get("anyOf", ()))
    if _TYPES["number"] in names:
        names.pop(_TYPES["integer"], None)
    return " or ".join(names) or _TYPES["object"]


def _is(instance: object, written: str | None = None) -> str:
    if instance is None:
        return "this is empty"
    if isinstance(instance, bool):
        return f"this is {instance}".lower()
    for kind, name in ((dict, "a mapping"), (list, "a list"), (str, "text")):
        if isinstance(instance, kind):
            return f"this is {name}"
    return f"this is the number {written or instance}"
