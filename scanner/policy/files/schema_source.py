"""Makes the JSON Schemas from the types, for editors and for `schema.explain`.

Run as a module to write scanner/schemas anew; a test fails when they are out of date.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from scanner.base.resources import schema_path
from scanner.catalogue import LIVE, TABLES, Table
from scanner.model.outcome import Severity
from scanner.policy.actions import get_actions
from scanner.policy.checks import get_checks
from scanner.policy.files.case_document import ONE_FORM, CasesDocument
from scanner.policy.files.document import EXACTLY_ONE, NO_RULES, PolicyDocument
from scanner.policy.language.signature import Signature
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import DURATION_PATTERN, RATE_PATTERN, ValueType

Schema = dict[str, Any]

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_REFERENCE: Final = r"^\$[A-Za-z_][A-Za-z0-9_]*$"


def policy_schema() -> Schema:
    """Return the JSON Schema of a policy file."""
    schema = msgspec.json.schema(PolicyDocument)
    definitions = schema["$defs"]
    rule = definitions["RuleDocument"]
    rule["allOf"] = [
        {
            "oneOf": [{"required": ["check"]}, {"required": ["require"]}],
            "errorMessage": EXACTLY_ONE,
            "x-code": "check-or-require",
            "x-hint": "Write a built-in check under `check`, or a SQL condition after `require`.",
        }
    ]
    rule["properties"]["resource"]["enum"] = list(TABLES)
    for changed in ("RuleDocument", "OverrideDocument", "OverrideCaseDocument"):
        severity = definitions[changed]["properties"]["severity"]
        definitions[changed]["properties"]["severity"] = _severity(severity["description"])
    definitions["ValueType"]["enum"] = [kind.value for kind in ValueType]
    told = rule["properties"]["check"]["description"]
    rule["properties"]["check"] = _one_of(get_checks(), told, "check, such as {max_age: 90d}")
    hint = "action, such as {set_rate_limit: {count: 1000}}"
    what = rule["properties"]["fix"]["description"]
    definitions["Fix"] = _one_of(get_actions(), what, hint)
    rule["properties"]["fix"] = {"description": what, "$ref": "#/$defs/Fix"}
    for changed in ("OverrideDocument", "OverrideCaseDocument"):
        fix = definitions[changed]["properties"]["fix"]
        made = {"anyOf": [{"$ref": "#/$defs/Fix"}, {"type": "null"}]}
        definitions[changed]["properties"]["fix"] = {"description": fix["description"], **made}
    definitions["PolicyDocument"]["allOf"] = [
        {
            "anyOf": [
                {"required": [key], "properties": {key: {"minItems": 1}}}
                for key in ("rules", "extends")
            ],
            "errorMessage": NO_RULES,
            "x-code": "no-rules",
            "x-hint": f"Write rules: [...], or extends: [{LIVE.policy}].",
        }
    ]
    return _finished(schema, "keypolicy policy")


def _severity(description: str) -> Schema:
    """Return the schema of a severity: a word, or where a dollar begins it, a parameter."""
    return {
        "description": description,
        "if": {"type": "string", "pattern": r"^\$"},
        "then": {
            "pattern": r"^\$[a-z][a-z0-9_]*(?!\n)$",
            "patternErrorMessage": "Write $name for the value of a parameter.",
        },
        "else": {"enum": [severity.value for severity in Severity]},
    }


def tests_schema() -> Schema:
    """Return the JSON Schema of a file of test cases."""
    schema = msgspec.json.schema(CasesDocument)
    case = schema["$defs"]["CaseDocument"]
    outcomes = ("pass", "fail", "unknown", "not_applicable")
    case["allOf"] = [
        {
            "oneOf": [
                {
                    "required": ["rows", "expect"],
                    "not": {"anyOf": [{"required": [key]} for key in ("rule", *outcomes)]},
                },
                {
                    "required": ["rule"],
                    "anyOf": [{"required": [key]} for key in outcomes],
                    "not": {"anyOf": [{"required": [key]} for key in ("rows", "expect")]},
                },
            ],
            "errorMessage": ONE_FORM,
            "x-code": "case-form",
            "x-hint": "Write `rule`, and rows under their outcome: pass: [{is_active: true}].",
        }
    ]
    rows = {
        name: {
            "description": table.doc,
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "properties": _columns(table)},
        }
        for name, table in TABLES.items()
    }
    case["properties"]["rows"]["properties"] = rows
    return _finished(schema, "keypolicy policy tests")


def _columns(table: Table) -> Schema:
    return {name: {"description": column.doc} for name, column in table.columns.items()}


def _one_of(used: Sequence[Signature[Any]], description: str, hint: str) -> Schema:
    return {
        "description": description,
        "x-hint": f"Write one {hint}.",
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
        "properties": {one.name: _used(one) for one in used},
    }


def _used(used: Signature[Any]) -> Schema:
    slots = used.slots()
    alternatives: list[Schema] = []
    if slots:
        properties = {
            name: {"description": slot.description, **_argument(slot)}
            for name, slot in slots.items()
        }
        alternatives.append(
            {
                "type": "object",
                "additionalProperties": False,
                "properties": properties,
                "required": list(used.required()),
            }
        )
    if used.flag:
        alternatives.append({"const": True})
    if used.short:
        alternatives.append(_argument(slots[used.short]))
    return {"description": f"{used.summary} {used.description}", "anyOf": alternatives}


def _argument(slot: Slot) -> Schema:
    return {"anyOf": [*_value(slot), {"type": "string", "pattern": _REFERENCE}]}


def _value(slot: Slot) -> list[Schema]:
    match slot.type:
        case ValueType.DURATION:
            return [{"type": "string", "pattern": DURATION_PATTERN}]
        case ValueType.RATE:
            return [{"type": "string", "pattern": RATE_PATTERN}, {"type": "number", "minimum": 0}]
        case ValueType.STRINGS:
            return [{"type": "array", "items": {"type": "string"}}]
        case ValueType.INTEGER | ValueType.NUMBER:
            bound = {} if slot.minimum is None else {"minimum": slot.minimum}
            return [{"type": slot.type.value, **bound}]
        case _:
            return [{"type": slot.type.value}]


def _finished(schema: Schema, title: str) -> Schema:
    for definition in schema["$defs"].values():
        if "description" in definition:
            definition["description"] = " ".join(definition["description"].split())
        definition.pop("title", None)
    return {"$schema": _DIALECT, "title": title, **schema}


SCHEMAS: Final = {"policy": policy_schema, "policy-tests": tests_schema}
"""The schemas made here, by name."""


def render(name: str) -> str:
    """Return the file of the schema called `name` in SCHEMAS."""
    return msgspec.json.format(msgspec.json.encode(SCHEMAS[name]()), indent=2).decode() + "\n"


if __name__ == "__main__":
    for schema_name in SCHEMAS:
        schema_path(schema_name).write_text(render(schema_name), encoding="utf-8")
