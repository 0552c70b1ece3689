"""A plan of changes and its file: what is to become of which key, sealed by a digest.

Plain values go in and canonical JSON comes out, and the other way round. A plan is read as it was
written or not at all: its digest covers every byte that decides about a request.
"""

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec

from scanner.base.errors import UsageError
from scanner.base.files import read_regular
from scanner.base.shape.decode import UnfitError, converted, members
from scanner.base.text import of_version
from scanner.model.finding import Finding
from scanner.model.outcome import Risk, Severity

SCHEMA_VERSION: Final = "1"
KIND: Final = "keypolicy-plan"
MAX_BYTES: Final = 64 * 1024 * 1024
"""Largest plan that is read."""

State = dict[str, Any]
"""The manageable part of a key in the API's own terms, with the identity that never changes.

A field that the source did not tell is absent, which is another thing than null. There are no
secrets in it.
"""


class KeyTarget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The key that is to be changed; `id` is empty for one that is to be created."""

    type: str
    organization: str
    project: str
    project_id: str | None = None
    id: str = ""
    name: str | None = None
    url: str | None = None

    @property
    def place(self) -> tuple[str, str, str]:
        """What plans are sorted by: organization, project and id."""
        return self.organization, self.project, self.id


class Precondition(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the plan was made on: the digest of these fields of the key's state."""

    fields: tuple[str, ...]
    digest: str

    @classmethod
    def of(cls, state: State) -> "Precondition":
        """Return the precondition that all that is known of the state is still so."""
        fields = tuple(sorted(state))
        return cls(fields, digest_of(state))

    def holds(self, state: State) -> bool:
        """Whether a key that was read anew is as it was; a field that is gone is another state."""
        seen = {field: state[field] for field in self.fields if field in state}
        return digest_of(seen) == self.digest


class Cause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The finding that asks for an action."""

    rule_id: str
    policy: str
    severity: Severity
    fingerprint: str

    @classmethod
    def of(cls, finding: Finding) -> "Cause":
        """Return what a plan tells of a finding."""
        return cls(finding.rule_id, finding.policy, finding.severity, finding.fingerprint)


class KeyTraffic(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Events that the key accepted in so many days before the inventory was taken."""

    accepted: int
    days: int


class Rotation(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The step of a rotation that an action is: create, disable or delete; `of` is the old key.

    Or TAKE_BACK, where `of` is a key that was made and is deleted again: it may be in use by now.
    """

    of: str
    step: str


class PlannedAction(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True
):
    """One change of one key.

    `after` holds the fields that become other, None where the key is to be deleted, and `before`
    the same fields as they were planned on.
    """

    id: str
    action: str
    risk: Risk
    target: KeyTarget
    before: State
    after: State | None
    precondition: Precondition
    reason: str
    findings: tuple[Cause, ...] = ()
    notes: tuple[str, ...] = ()
    traffic: KeyTraffic | None = None
    rotation: Rotation | None = None


class Left(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A finding that the plan does nothing about, and why; `code` is a word for machines."""

    target: KeyTarget
    rule_id: str
    policy: str
    fingerprint: str
    code: str
    reason: str

    @classmethod
    def of(cls, cause: Cause | Finding, target: KeyTarget, code: str, reason: str) -> "Left":
        """Return a finding as one that the plan does nothing about."""
        return cls(
            target=target,
            rule_id=cause.rule_id,
            policy=cause.policy,
            fingerprint=cause.fingerprint,
            code=code,
            reason=reason,
        )


TAKE_BACK: Final = "take-back"


class PlanTool(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What made the plan."""

    name: str
    version: str


class PlanPolicy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A policy whose remedies the plan follows."""

    name: str
    version: str
    digest: str


class PlanSummary(msgspec.Struct, frozen=True):
    """Numbers of actions, by risk too, and of findings that are left."""

    actions: int
    safe: int
    disruptive: int
    irreversible: int
    left: int


class Plan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is to be changed on one server. `server` is its base URL; times are in UTC."""

    tool: PlanTool
    created_at: datetime
    as_of: datetime
    server: str
    organizations: tuple[str, ...]
    policies: tuple[PlanPolicy, ...]
    actions: tuple[PlannedAction, ...]
    left: tuple[Left, ...]

    @property
    def summary(self) -> PlanSummary:
        """The numbers that the file repeats for readers."""
        risks = [one.risk for one in self.actions]
        return PlanSummary(
            actions=len(risks),
            safe=risks.count(Risk.SAFE),
            disruptive=risks.count(Risk.DISRUPTIVE),
            irreversible=risks.count(Risk.IRREVERSIBLE),
            left=len(self.left),
        )


def canonical(value: object) -> bytes:
    """Return the one way to write a value as JSON: members sorted, no spaces, UTF-8."""
    return msgspec.json.encode(value, order="sorted")


def digest_of(value: object) -> str:
    """Return the SHA-256 of the canonical JSON of a value."""
    return hashlib.sha256(canonical(value)).hexdigest()


def action_id(action: str, target: KeyTarget, after: State | None) -> str:
    """Return what an action is called: the same for the same change of the same key."""
    place = (target.type, target.organization, target.project_id or target.project, target.id)
    return digest_of([action, *place, after])[:12]


def write_plan(plan: Plan) -> bytes:
    """Return the file of a plan: canonical JSON for its digest, laid out for its readers."""
    content = _content(plan)
    sealed = {**content, "digest": plan_digest(plan)}
    return msgspec.json.format(canonical(sealed), indent=2) + b"\n"


def plan_digest(plan: Plan) -> str:
    """Return the digest that the plan's file is sealed with, and known by."""
    return digest_of(_content(plan))


def read_plan(path: Path) -> Plan:
    """Read a plan that `keypolicy fix plan` wrote.

    Raises UsageError for what is none, for one of another version, and for one that was changed
    after it was made.
    """
    return _read(read_regular(path, MAX_BYTES), str(path))


def _content(plan: Plan) -> dict[str, Any]:
    """Return what the digest covers: all that the file says."""
    said: dict[str, Any] = msgspec.json.decode(canonical(plan))
    summary = msgspec.to_builtins(plan.summary)
    return {"schema_version": SCHEMA_VERSION, "kind": KIND, "summary": summary, **said}


def _read(raw: bytes, where: str) -> Plan:
    try:
        # Not msgspec: of two members of one name the digest must not see another than we do.
        content = members(raw)
    except UnfitError as error:
        raise _no_plan(where, str(error)) from error
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise _no_plan(where, f"its `kind` is not {KIND}")
    if (version := content.get("schema_version")) != SCHEMA_VERSION:
        raise UsageError(
            f"is a plan {of_version('schema', version)}; this release reads {SCHEMA_VERSION}",
            where=where,
            remedy="Make the plan anew with this release: keypolicy fix plan -o FILE.",
        )
    if content.pop("digest", None) != digest_of(content):
        raise UsageError(
            "was changed after it was made: its digest does not fit",
            where=where,
            remedy="Make it anew with `keypolicy fix plan`; --rule and --key narrow it.",
        )
    own = {"schema_version", "kind", "summary"}
    try:
        plan = converted({k: v for k, v in content.items() if k not in own}, Plan)
    except UnfitError as error:
        raise _no_plan(where, str(error)) from error
    if _content(plan) != content:
        # Whoever seals a plan of their own may still not write what is read as something else.
        raise _no_plan(where, "it is not as a plan is written")
    return plan


def _no_plan(where: str, reason: str) -> UsageError:
    return UsageError(
        f"is not a plan of keypolicy ({reason})",
        where=where,
        remedy="Give a file that `keypolicy fix plan -o FILE.json` wrote.",
    )


def plan_schema() -> str:
    """Return the JSON Schema of a plan's file, as it ships in scanner/schemas."""
    schema: dict[str, Any] = msgspec.json.schema(Plan)
    definitions = schema["$defs"]
    (summary,), extra = msgspec.json.schema_components([PlanSummary])
    definitions |= extra
    for definition in definitions.values():
        definition.pop("title", None)
    document = definitions["Plan"]
    document["properties"] |= {
        "schema_version": {"const": SCHEMA_VERSION},
        "kind": {"const": KIND},
        "summary": summary,
        "digest": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    }
    document["required"] = sorted(document["properties"])
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "keypolicy plan"}
    return json.dumps(head | schema, indent=2) + "\n"
