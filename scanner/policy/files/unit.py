"""One policy file, decoded; what is sound of a broken one is kept, so that all of it is checked."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from scanner.base.errors import Problem
from scanner.base.hints import closest
from scanner.base.yamlfile import POLICY, YamlFile, read_source
from scanner.catalogue.redact import refuse_tokens
from scanner.policy.files.document import (
    GivenValue,
    OverrideDocument,
    ParameterDocument,
    PolicyDocument,
    ReasonText,
    Reference,
    RuleDocument,
    RuleRemains,
)
from scanner.policy.files.salvage import decode, decode_parts


class Unit(msgspec.Struct, frozen=True, kw_only=True):
    """A decoded policy file.

    `rules` come with their index in the file, and so do the `remains` of those that could not be
    decoded. `broken` names these and the parameters that could not be, and `open_ended` tells that
    more may be missing: nothing that refers to them is a mistake of its own.
    """

    path: Path
    source: YamlFile
    name: str
    version: str
    title: str
    extends: list[str]
    params: dict[str, ParameterDocument | GivenValue]
    override: dict[str, OverrideDocument]
    disable: dict[str, str]
    rules: list[tuple[int, RuleDocument]]
    remains: list[tuple[int, RuleDocument]] = []
    broken: frozenset[str] = frozenset()
    open_ended: bool = False


class Reading(msgspec.Struct, frozen=True):
    """What reading a file came to: what is sound of it, and the problems."""

    unit: Unit
    problems: list[Problem]


def read_unit(path: Path, name: str) -> Reading:
    """Read and decode the policy at `path`.

    Raises PolicyError if it is not even YAML, or has a token in it.
    """
    source = read_source(path, name, POLICY, keep_repeated=True)
    refuse_tokens(source)
    try:
        document = msgspec.convert(source.data, PolicyDocument, strict=True)
    except msgspec.ValidationError as error:
        return _salvaged(path, source, str(error))
    unit = Unit(
        path=path,
        source=source,
        name=document.policy,
        version=document.version,
        title=document.title,
        extends=document.extends,
        params=document.params,
        override=document.override,
        disable=document.disable,
        rules=list(enumerate(document.rules)),
    )
    return Reading(unit, source.repeated)


def _salvaged(path: Path, source: YamlFile, reason: str) -> Reading:
    # Imported here: it brings jsonschema, which takes longer than a whole scan of a small file.
    from scanner.base.shape.schema import explain  # noqa: PLC0415
    from scanner.policy.language.static import check_rule  # noqa: PLC0415

    data = source.fields
    rules, broken_rules = _sound_items(data.get("rules"))
    every = [index for index, _ in rules] + broken_rules
    static = [one for index in every for one in check_rule(source, ("rules", index))]
    places = {one.location for one in static}  # of which the schema knows less
    problems = [one for one in explain(source, "policy") if one.location not in places] + static
    params, broken_params = _sound_values(data.get("params"), ParameterDocument | GivenValue)
    override = _overrides(data.get("override"))
    disable, _ = _sound_values(data.get("disable"), ReasonText)
    extends = decode(data.get("extends", []), list[Reference])
    if not problems:
        # The decoder and the schema disagree, which tests are there to rule out.
        problems = [source.problem((), reason, "bad-policy")]
    unit = Unit(
        path=path,
        source=source,
        name=decode(data.get("policy"), str) or "",
        version=decode(data.get("version"), str) or "0.0.0",
        title=decode(data.get("title"), str) or "",
        extends=extends or [],
        params=params,
        override=override,
        disable=disable,
        rules=rules,
        remains=_remains(data.get("rules"), broken_rules),
        broken=frozenset((*broken_params, *_ids(data["rules"][i] for i in broken_rules))),
        open_ended=extends is None or not _has_sound_containers(data),
    )
    return Reading(unit, [*source.repeated, *problems])


_KNOWN: Final = frozenset(PolicyDocument.__struct_fields__)
_CONTAINERS: Final = ("rules", "params", "extends")


def _has_sound_containers(data: dict[str, Any]) -> bool:
    """Tell whether every rule and parameter that the author wrote was at least seen."""
    return (
        not any(key not in _KNOWN and closest(key, _CONTAINERS) for key in data)
        and isinstance(data.get("rules", []), list)
        and isinstance(data.get("params", {}), dict)
    )


def _sound_items(raw: object) -> tuple[list[tuple[int, RuleDocument]], list[int]]:
    sound: list[tuple[int, RuleDocument]] = []
    broken: list[int] = []
    for index, item in enumerate(raw if isinstance(raw, list) else []):
        rule = decode(item, RuleDocument)
        if rule is None:
            broken.append(index)
        else:
            sound.append((index, rule))
    return sound, broken


def _remains(raw: Any, broken: list[int]) -> list[tuple[int, RuleDocument]]:  # noqa: ANN401
    """Return what is sound of broken rules, each with its index; nothing without a resource."""
    parts = [
        (index, decode_parts(raw[index], RuleRemains, ("resource",)))
        for index in broken
        if isinstance(raw[index], dict)
    ]
    return [(index, rule) for index, rule in parts if rule is not None]


def _overrides(raw: object) -> dict[str, OverrideDocument]:
    """Return the overrides, each with what is sound of it."""
    parts = {
        name: decode_parts(item, OverrideDocument)
        for name, item in (raw if isinstance(raw, Mapping) else {}).items()
    }
    return {name: part for name, part in parts.items() if part is not None}


def _sound_values(raw: object, wanted: Any) -> tuple[dict[str, Any], list[str]]:  # noqa: ANN401
    sound: dict[str, Any] = {}
    broken: list[str] = []
    for name, item in (raw if isinstance(raw, Mapping) else {}).items():
        value = decode(item, wanted)
        if value is None:
            broken.append(name)
        else:
            sound[name] = value
    return sound, broken


def _ids(rules: Any) -> list[str]:  # noqa: ANN401
    ids = [rule.get("id") for rule in rules if isinstance(rule, dict)]
    return [identifier for identifier in ids if isinstance(identifier, str)]
