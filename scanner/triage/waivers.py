"""A file of waivers, read against the policies of a scan: the waivers, and every problem in it.

Its JSON Schema (scanner/schemas/waivers.json) is made of the types here. Decoding checks the shape
only; what names refer to and whether dates make sense is checked after it.
"""

import json
import re
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.composer import NodePath
from scanner.base.errors import PolicyError, Problem
from scanner.base.hints import did_you_mean
from scanner.base.text import VISIBLE, is_blank, plural
from scanner.base.yamlfile import WAIVERS, YamlFile, read_source
from scanner.catalogue.redact import refuse_tokens
from scanner.model.moment import read_day
from scanner.model.rule import Policy, Predicate
from scanner.model.waiver import Waiver
from scanner.triage.owner_document import TextOrTexts

# `(?!\n)`: in Python, though not in JSON Schema's dialect, `$` also matches before a last newline.
_ID: Final = r"^[A-Za-z0-9][A-Za-z0-9._-]*(?!\n)$"
_DAY: Final = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\n)$"
_BARE_ID: Final = re.compile(r"[0-9a-f]{8,}")
_COMMENT: Final = re.compile(r"'(?:[^']|'')*'|(--[^\r\n]*)")
"""A string, or a comment to the end of the line."""

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
_ADD_RULE: Final = "Add the line `rule: RULE`, or `policy: POLICY` for all of its rules."
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
            "x-hint": _ADD_RULE,
        }
    ]
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "keypolicy waivers"}
    # In ASCII: what the pattern of a text has to exclude cannot be seen.
    return json.dumps(head | schema, indent=2) + "\n"


class WaiverFile(msgspec.Struct, frozen=True):
    """What reading a file of waivers came to; where there are problems, nothing else counts."""

    waivers: tuple[Waiver, ...]
    problems: tuple[Problem, ...] = ()


def read_waivers(path: Path, policies: Sequence[Policy], term_days: int) -> WaiverFile:
    """Read the waivers at `path` and hold them against the policies of the scan.

    `term_days` is the longest term. Raises PolicyError if the file is not even YAML, or has a token
    in it.
    """
    try:
        source = read_source(path, str(path), WAIVERS)
    except PolicyError as error:
        if [problem.code for problem in error.problems] == ["empty-file"]:
            return WaiverFile(())  # such as a template in which everything is still a comment
        raise
    return check_waivers(source, policies, term_days)


def check_waivers(source: YamlFile, policies: Sequence[Policy], term_days: int) -> WaiverFile:
    """Do as read_waivers with a file that has been read. Raises PolicyError for a token in it."""
    refuse_tokens(source)
    documents, problems = _decode(source)
    reader = _Reader(source, policies, term_days)
    for index, document in documents:
        reader.add(("waivers", index), document)
    found = sorted(dict.fromkeys([*problems, *reader.problems]), key=lambda one: one.location)
    return WaiverFile(tuple(reader.waivers), tuple(found))


def _decode(source: YamlFile) -> tuple[list[tuple[int, WaiverDocument]], list[Problem]]:
    """Return the waivers that have the right shape, with their index, and what the others lack."""
    try:
        decoded = msgspec.convert(source.data, WaiversDocument)
    except msgspec.ValidationError as error:
        reason = str(error)
    else:
        return list(enumerate(decoded.waivers or ())), []
    # Imported here: it brings jsonschema, which takes longer than a whole scan of a small file.
    from scanner.base.shape.schema import explain  # noqa: PLC0415

    items = source.fields.get("waivers")
    sound = []
    for index, item in enumerate(items if isinstance(items, list) else []):
        try:
            sound.append((index, msgspec.convert(item, WaiverDocument)))
        except msgspec.ValidationError:
            continue  # `explain` tells what is wrong with it
    # Where the decoder and the schema disagree, which tests are there to rule out.
    otherwise = [source.problem((), reason, "bad-waivers")]
    return sound, explain(source, "waivers") or otherwise


class _Reader:
    """Makes waivers of documents and gathers what is wrong with them."""

    def __init__(self, source: YamlFile, policies: Sequence[Policy], term_days: int) -> None:
        self._source = source
        self._policies = {policy.name: policy for policy in policies}
        self._term_days = term_days
        self._ids: set[str] = set()
        self.waivers: list[Waiver] = []
        self.problems: list[Problem] = []

    def add(self, path: NodePath, document: WaiverDocument) -> None:
        """Check one waiver; it is kept in any case, so that its condition is checked too."""
        if document.id in self._ids:
            hint = "Every waiver has an id of its own."
            self._tell(
                (*path, "id"), f"there is a waiver `{document.id}` already", "duplicate-id", hint
            )
        self._ids.add(document.id)
        self._check_bounds(path, document)
        rules = self._rules(path, document)
        created, expires = self._term(path, document)
        where = self._where((*path, "match"), document)
        self.waivers.append(
            Waiver(
                id=document.id,
                rules=rules,
                policy=None if document.policy is UNSET else document.policy,
                ids=frozenset(document.match if isinstance(document.match, list) else ()),
                where=where,
                reason=document.reason,
                owner=document.owner,
                approved_by=document.approved_by,
                created=created,
                expires=expires,
                ticket=document.ticket or "",
                location=self._source.at_key((*path, "id")),
            )
        )

    def _tell(self, path: NodePath, message: str, code: str, hint: str = "") -> None:
        self.problems.append(self._source.problem(path, message, code, hint=hint))

    def _check_bounds(self, path: NodePath, document: WaiverDocument) -> None:
        """Check what the types leave to the schema, in the schema's words."""
        if document.rule is UNSET and document.policy is UNSET:
            self._tell(path, NO_RULE, "no-rule", _ADD_RULE)
        for key, value in (("rule", document.rule), ("match", document.match)):
            if value is UNSET:
                continue
            items = value if isinstance(value, list) else [value]
            blank = [n for n, item in enumerate(items) if is_blank(item)]
            at: list[NodePath] = [(*path, key, n) for n in blank] if items else [(*path, key)]
            if isinstance(value, str) and blank:
                at = [(*path, key)]
            for place in at:
                hint = _MATCH_HINT if key == "match" else "Write the id of a rule, or several."
                self._tell(place, "this must not be empty", "empty-value", hint)

    def _rules(self, path: NodePath, document: WaiverDocument) -> tuple[str, ...]:
        policies = list(self._policies)
        if document.policy is not UNSET:
            if document.policy not in policies:
                hint = did_you_mean(document.policy, policies, kind="policies of this scan")
                message = f"there is no policy `{document.policy}` in this scan"
                self._tell((*path, "policy"), message, "unknown-policy", hint)
                return ()
            policies = [document.policy]
        if document.rule is UNSET:
            return ()
        of_scan = [rule for policy in self._policies.values() for rule in policy.rules]
        known = [rule.id for rule in of_scan if not set(policies).isdisjoint(rule.policies)]
        is_list = isinstance(document.rule, list)
        rules = document.rule if isinstance(document.rule, list) else [document.rule]
        for index, rule in enumerate(rules):
            if not is_blank(rule) and rule not in known:
                at = (*path, "rule", index) if is_list else (*path, "rule")
                names = ", ".join(policies)
                hint = did_you_mean(rule, known, kind=f"rules of {names}")
                self._tell(at, f"there is no rule `{rule}` in {names}", "unknown-rule", hint)
        return tuple(dict.fromkeys(rules))

    def _term(self, path: NodePath, document: WaiverDocument) -> tuple[date, date]:
        created = self._day((*path, "created"), document.created)
        expires = self._day((*path, "expires"), document.expires)
        if created is None or expires is None:
            return date.min, date.min
        at = (*path, "expires")
        if expires < created:
            hint = "Write into `expires` the last day on which it holds, and into `created` today."
            self._tell(at, "it expires before it was created", "bad-term", hint)
        elif (term := (expires - created).days) > self._term_days:
            message = f"it lasts {plural(term, 'day')}, the longest term is {self._term_days}"
            hint = "Let it end earlier and renew it when it is reviewed (`waiver_term_days`)."
            self._tell(at, message, "term-too-long", hint)
        return created, expires

    def _day(self, path: NodePath, text: str) -> date | None:
        try:
            return read_day(text)
        except ValueError:
            hint = "Write a date between 1970 and 9000, such as 2026-01-31."
            self._tell(path, f"there is no day {text}", "bad-day", hint)
            return None

    def _where(self, path: NodePath, document: WaiverDocument) -> Predicate | None:
        if isinstance(document.match, list):
            return None
        if _BARE_ID.fullmatch(document.match.strip()):
            hint = f"Write it as a list: [{document.match.strip()}]."
            self._tell(path, "this is an id, not a condition", "bare-id", hint)
            return None
        text = document.match
        comments = [(found[1], found.start()) for found in _COMMENT.finditer(text) if found[1]]
        self.problems += self._source.folded_comments(path, text, comments)
        return Predicate(text, {}, self._source.at_text(path))
