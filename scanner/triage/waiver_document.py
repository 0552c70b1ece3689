"""The types of a file of waivers; its JSON Schema (scanner/schemas/waivers.json) is made of them.

Decoding checks the shape only: what names refer to and whether dates make sense is for `waivers`.
"""

import json
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.blank import VISIBLE
from scanner.triage.owner_document import TextOrTexts

# `(?!\n)`: in Python, though not in JSON Schema's dialect, `$` also matches before a last newline.
_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*(?!\n)$"
_DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\n)$"
_DAY_FORM: Final = {"patternErrorMessage": "Write a day, such as 2026-12-31."}
_NOT_BLANK: Final = {
    "errorMessage": "this must not be empty",
    "x-code": "empty-value",
    "x-hint": "Whoever reviews the exception reads it: write a few words.",
}

NO_RULE: Final = "a waiver names a `rule`, a list of them, or a `policy`"
_MATCH: Final = (
    "What it covers: a list of resource ids, or a SQL predicate over the row that is TRUE for it."
)
_MATCH_HINT: Final = "Write a list of ids, [ID, ...], or a condition, such as project_slug = 'web'."

Id = Annotated[
    str,
    Meta(
        pattern=_ID,
        max_length=80,
        extra_json_schema={
            "patternErrorMessage": "Write letters, digits, hyphens and dots, such as legacy-app."
        },
    ),
]
VisibleText = Annotated[str, Meta(pattern=VISIBLE, extra_json_schema=_NOT_BLANK)]
Day = Annotated[str, Meta(pattern=_DAY, extra_json_schema={"format": "date", **_DAY_FORM})]


class WaiverDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """An approved exception from one rule, from several, or from all rules of a policy."""

    id: Annotated[Id, Meta(description="Identifier, which reports show.")]
    rule: Annotated[
        TextOrTexts | UnsetType, Meta(description="Id of the rule, or a list of ids.")
    ] = UNSET
    policy: Annotated[
        VisibleText | UnsetType,
        Meta(description="Name of the policy whose rules it is about; without `rule`, all."),
    ] = UNSET
    match: Annotated[
        TextOrTexts, Meta(description=_MATCH, extra_json_schema={"x-hint": _MATCH_HINT})
    ]
    reason: Annotated[VisibleText, Meta(description="Why the exception is acceptable.")]
    owner: Annotated[VisibleText, Meta(description="Who answers for it and ends it.")]
    approved_by: Annotated[VisibleText, Meta(description="Who allowed it.")]
    created: Annotated[Day, Meta(description="The day it was allowed; its term counts from it.")]
    expires: Annotated[Day, Meta(description="Its last day: it holds to the end of it, in UTC.")]
    ticket: Annotated[VisibleText | UnsetType, Meta(description="Where it was discussed.")] = UNSET


class WaiversDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Approved exceptions from rules. Each one ends by itself."""

    waivers: Annotated[list[WaiverDocument] | None, Meta(description="The waivers, in any order.")]


def waivers_schema() -> str:
    """Return the JSON Schema of a file of waivers, as it ships in scanner/schemas."""
    schema: dict[str, Any] = msgspec.json.schema(WaiversDocument)
    for definition in schema["$defs"].values():
        definition.pop("title", None)
    waiver = schema["$defs"]["WaiverDocument"]
    text = {"type": "string", "pattern": VISIBLE, **_NOT_BLANK}
    for key in ("rule", "match"):
        waiver["properties"][key]["anyOf"] = [
            text,
            {"type": "array", "items": text, "minItems": 1},
        ]
    waiver["allOf"] = [
        {
            "anyOf": [{"required": ["rule"]}, {"required": ["policy"]}],
            "errorMessage": NO_RULE,
            "x-code": "no-rule",
        }
    ]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "keypolicy waivers"}
    # In ASCII: what the pattern of a text has to exclude cannot be seen.
    return json.dumps(head | schema, indent=2) + "\n"
