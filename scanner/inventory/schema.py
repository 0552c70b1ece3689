"""The JSON Schema of an inventory's lines: envelope and catalogue go in, its text comes out."""

import json
from typing import Any, Final

import msgspec

from scanner.catalogue import TABLES
from scanner.catalogue.redact import SECRET_FIELDS
from scanner.inventory.envelope import ENDING, HEADER, PLACES, Ending, Header
from scanner.model.inventory import FORMAT_VERSION
from scanner.model.moment import PATTERN
from scanner.model.table import BOOLEAN, INTEGER, LIST, NUMBER, OBJECT, TEXT, Field

_TYPES: Final = {
    **dict.fromkeys(TEXT, "string"),
    **dict.fromkeys(INTEGER, "integer"),
    **dict.fromkeys(BOOLEAN, "boolean"),
    **dict.fromkeys(OBJECT, "object"),
    **dict.fromkeys(LIST, "array"),
}
"""JSON Schema's names of the types that the catalogue has."""

_DOC: Final = (
    "One line of an inventory that `keypolicy fetch -o FILE.jsonl` wrote; .json has the lines as a"
    " list. The first tells what was asked for, the last how much of it was seen, the others are"
    " records in the shape of the service's API, without secrets."
)


def inventory_schema() -> str:
    """Return the JSON Schema of one line."""
    forms, parts = msgspec.json.schema_components((Header, Ending), ref_template="#/$defs/{name}")
    parts["Header"]["properties"]["version"] = {"const": FORMAT_VERSION}
    parts["Ending"]["properties"]["coverage"]["propertyNames"] = {"enum": list(TABLES)}
    records = {name: _object(_tree(table.fields)) for name, table in TABLES.items()}
    lines = [
        _line(HEADER, forms[0]),
        *(_line(name, {"$ref": f"#/$defs/{name}"}) for name in records),
        _line(ENDING, forms[1]),
    ]
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "keypolicy inventory: a line",
        "description": _DOC,
        "oneOf": lines,
        "$defs": parts | records,
    }
    return json.dumps(schema, indent=2) + "\n"


def _line(kind: str, record: dict[str, Any]) -> dict[str, Any]:
    slug = {"type": ["string", "null"], "pattern": r"\S"}
    return {
        "type": "object",
        "properties": {"kind": {"const": kind}, **dict.fromkeys(PLACES, slug), "record": record},
        "required": ["kind", "record"],
    }


_Tree = dict[str, tuple[Field, "_Tree"]]
"""Fields by name, each with those that are in it."""


def _tree(fields: dict[str, Field]) -> _Tree:
    whole: _Tree = {}
    for path, field in fields.items():
        *above, name = path.split(".")[1:]
        if name in SECRET_FIELDS:
            continue  # no line has one
        node = whole
        for part in above:
            node = node[part][1]
        node[name] = (field, {})
    return whole


def _object(tree: _Tree) -> dict[str, Any]:
    """Return the schema of an object; members that the catalogue does not name may be there."""
    made: dict[str, Any] = {
        "type": "object",
        "properties": {name: _field(field, inner) for name, (field, inner) in tree.items()},
    }
    if required := [name for name, (field, _) in tree.items() if field.required]:
        made["required"] = required
    return made


def _field(field: Field, inner: _Tree) -> dict[str, Any]:
    types = list(dict.fromkeys(_TYPES[one] for one in field.types))
    made: dict[str, Any] = {"type": types if field.required else [*types, "null"]}
    if inner:
        made["properties"] = _object(inner)["properties"]
    if "integer" in types and (field.number or field.types == INTEGER):
        made |= {"minimum": -(2**63), "maximum": 2**63 - 1}
    if field.timestamp or field.number:
        made["pattern"] = f"^({PATTERN if field.timestamp else NUMBER})$"
    elif field.required:
        made["minLength"] = 1
    return made
