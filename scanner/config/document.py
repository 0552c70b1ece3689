"""The types of keypolicy.yaml; its JSON Schema (scanner/schemas/config.json) is made of them."""

import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.errors import Location, PolicyError, Problem, UsageError
from scanner.base.hints import closest
from scanner.catalogue import LIVE, TOKEN_SETTING
from scanner.catalogue.redact import SECRET_CODE, tokens_in
from scanner.config.values import MOST_DAYS
from scanner.policy.language.values import DURATION_PATTERN

if TYPE_CHECKING:
    from scanner.base.yamlfile import YamlFile

CONFIG_NAME: Final = "keypolicy.yaml"
MOST_CHANNELS: Final = 20
_TOKEN_KEYS: Final = frozenset({"token", "auth_token", "authtoken", TOKEN_SETTING.lower()})


def _hint(text: str) -> Meta:
    return Meta(extra_json_schema={"x-hint": text})


# An empty list is refused: whoever wrote it did not mean all, or the default. That is what it would
# come to, or to what a file after this one says.
Texts = str | Annotated[list[str], Meta(min_length=1), _hint("Name one, or leave the line out.")]


_FailOn = Literal["low", "medium", "high", "critical", "never"]
_Count = Annotated[int, Meta(ge=0)]
_Days = Annotated[int, Meta(ge=0, le=MOST_DAYS)]
_MAX_FINDINGS: Final = "Most open findings by severity; more fail the gate, whatever fail_on says."


class BudgetDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """How many open findings of a severity are tolerated."""

    low: _Count | UnsetType = UNSET
    medium: _Count | UnsetType = UNSET
    high: _Count | UnsetType = UNSET
    critical: _Count | UnsetType = UNSET


_Allowed = Annotated[
    str,
    Meta(
        pattern=DURATION_PATTERN,
        extra_json_schema={"patternErrorMessage": "Write a time such as 14d, 12h or 2w."},
    ),
]


class AllowedDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """The time that is allowed to fix a finding of a severity."""

    low: _Allowed | UnsetType = UNSET
    medium: _Allowed | UnsetType = UNSET
    high: _Allowed | UnsetType = UNSET
    critical: _Allowed | UnsetType = UNSET


class GateDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Thresholds of one policy; what it does not say is as for the others."""

    fail_on: Annotated[
        _FailOn | UnsetType, Meta(description="Lowest severity whose findings fail the gate.")
    ] = UNSET
    max_findings: Annotated[BudgetDocument | UnsetType, Meta(description=_MAX_FINDINGS)] = UNSET


class ConfigDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Settings of keypolicy for a project. Flags and environment variables come before them."""

    organizations: Annotated[Texts | UnsetType, Meta(description="Slugs of the organizations.")] = (
        UNSET
    )
    projects: Annotated[
        Texts | UnsetType, Meta(description="Slugs of the projects; without them, all.")
    ] = UNSET
    url: Annotated[
        str | UnsetType,
        Meta(description=f"Base URL of the {LIVE.title} server, such as {LIVE.url}."),
    ] = UNSET
    policies: Annotated[
        Texts | UnsetType,
        Meta(description="Names of shipped policies, or files and folders from this file on."),
    ] = UNSET
    params: Annotated[
        dict[str, str | int | float | bool | list[str]] | UnsetType,
        Meta(description="Values for the policies' parameters."),
    ] = UNSET
    fail_on: Annotated[
        _FailOn | UnsetType, Meta(description="Lowest severity whose findings fail the gate.")
    ] = UNSET
    on_unknown: Annotated[
        Literal["fail", "warn", "ignore"] | UnsetType,
        Meta(description="What an unknown or error outcome means to the gate."),
    ] = UNSET
    allow_partial: Annotated[
        bool | UnsetType, Meta(description="Whether an inventory with gaps may pass.")
    ] = UNSET
    max_findings: Annotated[BudgetDocument | UnsetType, Meta(description=_MAX_FINDINGS)] = UNSET
    gate: Annotated[
        dict[str, GateDocument] | UnsetType,
        Meta(description="Thresholds of single policies, by name; each is judged by itself."),
    ] = UNSET
    waivers: Annotated[
        str | UnsetType, Meta(description="File of approved exceptions, from this file on.")
    ] = UNSET
    baseline: Annotated[
        str | UnsetType, Meta(description="File of known findings, from this file on.")
    ] = UNSET
    owners: Annotated[
        str | UnsetType, Meta(description="File that says who owns what, from this file on.")
    ] = UNSET
    strict_waivers: Annotated[
        bool | UnsetType, Meta(description="Whether a waiver that covers nothing is an error.")
    ] = UNSET
    waiver_term_days: Annotated[
        _Days | UnsetType, Meta(description="Longest term of a waiver, in days (default: 365).")
    ] = UNSET
    waiver_notice_days: Annotated[
        _Days | UnsetType,
        Meta(description="Days before its end from which on a waiver is warned of (default: 14)."),
    ] = UNSET
    history: Annotated[
        str | UnsetType, Meta(description="Folder that scans are kept in, from this file on.")
    ] = UNSET
    history_inventory: Annotated[
        bool | UnsetType,
        Meta(description="Whether a history keeps the redacted inventory, too (default: true)."),
    ] = UNSET
    sla: Annotated[
        AllowedDocument | UnsetType,
        Meta(description="Time that is allowed to fix a finding, by severity, such as 14d."),
    ] = UNSET
    fail_on_overdue: Annotated[
        bool | UnsetType,
        Meta(description="Whether only findings count whose time to be fixed (sla) is over."),
    ] = UNSET
    notify: Annotated[
        list[Any] | UnsetType,
        Meta(description="Whom to tell of scans, and how: an entry for each channel."),
    ] = UNSET
    fail_if_due_within: Annotated[
        Annotated[str, _hint("Write days or weeks, such as 14d or 2w.")] | UnsetType,
        Meta(description="Time within which nothing may fall due that will fail, such as 14d."),
    ] = UNSET
    memory: Annotated[
        Annotated[str, _hint("Write a size with its unit, such as 4GB.")] | UnsetType,
        Meta(description="Memory that the database may take, such as 4GB (default: 3/4 of all)."),
    ] = UNSET


def config_schema() -> str:
    """Return the JSON Schema of keypolicy.yaml, as it ships in scanner/schemas."""
    components = msgspec.json.schema_components(
        [ConfigDocument, *_channels().values()], ref_template="#/$defs/{name}"
    )[1]
    definition = components.pop("ConfigDocument")
    for other in components.values():
        other.pop("title", None)
    notify = definition["properties"]["notify"]
    notify["maxItems"] = MOST_CHANNELS
    notify["items"] = {
        "type": "object",
        "properties": {
            kind: {"$ref": f"#/$defs/{document.__name__}"} for kind, document in _channels().items()
        },
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "x-hint": "Each entry is one channel: write it with a dash of its own.",
    }
    schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", **definition}
    return json.dumps(schema | {"title": CONFIG_NAME, "$defs": components}, indent=2) + "\n"


def _channels() -> dict[str, type[Any]]:
    """Return the settings of each channel by its name."""
    # Imported here: most files of settings name none.
    from scanner.notify import CHANNELS, load_channel  # noqa: PLC0415

    return {kind: load_channel(kind).DOCUMENT for kind in CHANNELS}


def checked(source: "YamlFile", name: str) -> dict[str, Any]:
    """Return what the file says; raises PolicyError with every problem, UsageError for a token."""
    data = source.data
    if not isinstance(data, dict):
        message, hint = (
            "expected settings, NAME: VALUE",
            "Write each as `NAME: VALUE`.",
        )
        problem = Problem(Location(name, 1, 1), message, "config-shape", hint)
        raise PolicyError([problem])
    names = {str(key).lower() for key in data}
    if _TOKEN_KEYS & names or any(found for line in source.lines for found in tokens_in(line)):
        raise UsageError(
            "a token is no setting for a file that is committed",
            where=name,
            remedy=f"Put it into {TOKEN_SETTING} or .env (not committed), and revoke this one.",
        )
    # Channels first: nothing is quoted of a file that may hold a secret of theirs.
    channels, problems = _read_channels(source, data)
    known = ConfigDocument.__struct_fields__
    strangers = [key for key in data if key not in known]
    try:
        msgspec.convert({key: data[key] for key in data if key in known}, ConfigDocument)
    except msgspec.ValidationError as error:
        # Imported here: slow, see there.
        from scanner.base.shape.schema import explain  # noqa: PLC0415

        problems += explain(source, "config") or [source.problem((), str(error), "config-value")]
    told = {source.at_key((key,)) for key in strangers}
    problems = [one for one in problems if one.location not in told]
    problems += [
        source.problem(
            (key,),
            f"unknown setting `{key}`",
            "unknown-setting",
            hint=_suggestion(str(key), known),
            key=True,
        )
        for key in strangers
    ]
    if problems:
        raise PolicyError(sorted(problems, key=lambda one: one.location))
    return data | channels


def _read_channels(
    source: "YamlFile", data: dict[str, Any]
) -> tuple[dict[str, Any], list[Problem]]:
    """Return `notify` with its channels read, where the file has it, and what is wrong with them.

    Raises PolicyError for a secret.
    """
    if not data.get("notify"):
        return {}, []
    # Imported here: most files of settings name no channel.
    from scanner.config.channels import read_channels  # noqa: PLC0415

    try:
        return {"notify": read_channels(source)}, []
    except PolicyError as error:
        if any(problem.code == SECRET_CODE for problem in error.problems):
            raise
        return {}, error.problems


def _suggestion(word: str, known: tuple[str, ...]) -> str:
    if near := closest(word, known):
        return f"Did you mean `{near}`?"
    return f"There are: {', '.join(known)}."
