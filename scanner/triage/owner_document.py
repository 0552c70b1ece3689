"""The types of a file of owners; its JSON Schema (scanner/schemas/owners.json) is made of them.

Decoding checks the shape only: which entries can ever win is for lint, see `owners`.
"""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.text import VISIBLE
from scanner.model.owner import FACTS

# A value with control characters could steer a terminal; a long one is no slug and no name. One
# that shows nothing would be an owner whom nobody sees.
TEXT: Final = rf"^(?=.*{VISIBLE})[^\x00-\x1f\x7f]{{1,200}}(?!\n)$"
_TEXT_FORM: Final = {
    "patternErrorMessage": "Write one line of 1 to 200 characters that show something."
}
MAX_ENTRIES: Final = 2_000
"""Most entries of a file; every resource is held against all of them."""
MAX_GLOBS: Final = 200
"""Most globs of one condition."""
MAX_WILD: Final = 5_000
"""Most globs with a wildcard in a file: each may be tried on each resource."""

Text = Annotated[str, Meta(pattern=TEXT, extra_json_schema=_TEXT_FORM)]
# YAML takes what begins with # for a comment, as channels do.
_CONTACT_FORM: Final = {"patternErrorMessage": 'Write one line of text, such as "#payments".'}
Contact = Annotated[str, Meta(pattern=TEXT, extra_json_schema=_CONTACT_FORM)]
# Bare, and its bounds added to the schema below: in msgspec 0.22 the schema of a union whose
# members are annotated breaks the interpreter's memory.
TextOrTexts = str | list[str]


class OwnerDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What an owner has: the resources for which all conditions hold; without any, all."""

    owner: Annotated[
        str | None,
        Meta(description="Who must act; null: nobody, whatever an earlier entry says."),
    ]
    contact: Annotated[Contact | UnsetType, Meta(description="Where the owner is reached.")] = UNSET
    organization: Annotated[
        TextOrTexts | UnsetType, Meta(description="Slug of the organization, a glob or several.")
    ] = UNSET
    project: Annotated[
        TextOrTexts | UnsetType, Meta(description="Slug of the project, a glob or several.")
    ] = UNSET
    team: Annotated[
        TextOrTexts | UnsetType,
        Meta(description="Slug of a team that the project belongs to, a glob or several."),
    ] = UNSET
    name: Annotated[
        TextOrTexts | UnsetType,
        Meta(description="Name of the key, token or integration, a glob or several."),
    ] = UNSET


class OwnerCaseDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A resource, and whom the file gives it to."""

    organization: Annotated[Text | UnsetType, Meta(description="Slug of its organization.")] = UNSET
    project: Annotated[Text | UnsetType, Meta(description="Slug of its project.")] = UNSET
    team: Annotated[
        TextOrTexts | UnsetType, Meta(description="Slugs of the project's teams: one, or a list.")
    ] = UNSET
    name: Annotated[
        Text | UnsetType, Meta(description="Name of the key, token or integration.")
    ] = UNSET
    owner: Annotated[str | None, Meta(description="Whose it is; null: nobody's.")]


class OwnersDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Who owns what. Of several entries that match, the last one wins; `*` and `?` are globs."""

    owners: Annotated[
        list[OwnerDocument],
        Meta(
            min_length=1,
            max_length=MAX_ENTRIES,
            description="The entries, the most general first.",
        ),
    ]
    cases: Annotated[
        list[OwnerCaseDocument] | UnsetType,
        Meta(description="Tests of this file, which `keypolicy test` runs."),
    ] = UNSET


def owners_schema() -> str:
    """Return the JSON Schema of a file of owners, as it ships in scanner/schemas."""
    schema: dict[str, Any] = msgspec.json.schema(OwnersDocument)
    text = {"type": "string", "pattern": TEXT, **_TEXT_FORM}
    texts = [text, {"type": "array", "items": text, "minItems": 1, "maxItems": MAX_GLOBS}]
    for name, definition in schema["$defs"].items():
        definition.pop("title", None)
        if name == "OwnersDocument":
            continue
        properties = definition["properties"]
        properties["owner"]["anyOf"] = [text, {"type": "null"}]
        for key in FACTS if name == "OwnerDocument" else ("team",):
            properties[key]["anyOf"] = texts
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "keypolicy owners"}
    return msgspec.json.format(msgspec.json.encode(head | schema), indent=2).decode() + "\n"
