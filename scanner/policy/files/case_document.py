"""The types of a file of test cases; the JSON Schema for editors is generated from them."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.model.outcome import Outcome
from scanner.policy.files.document import GivenValue, ParameterName, PolicyName, RuleId

RowId = Annotated[str, Meta(min_length=1)]
CaseRow = Annotated[
    dict[str, Any], Meta(description="A row: the columns that matter; others are NULL.")
]
CaseRows = Annotated[list[CaseRow], Meta(min_length=1)]
_EXPECT: Final = {"x-hint": "Name a rule, and a row with its outcome: {a-rule: {a-row: pass}}."}
Outcomes = Annotated[dict[RowId, Outcome], Meta(min_length=1, extra_json_schema=_EXPECT)]
Time = Annotated[
    str,
    Meta(
        pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?"
        r"(Z|[+-][0-9]{2}:[0-9]{2})(?!\n)$",
        extra_json_schema={"patternErrorMessage": "Write it as 2026-01-31T00:00:00Z."},
    ),
]

_AS_OF = "Time that now() means; the file's own unless the case has one."


class CaseDocument(
    msgspec.Struct,
    forbid_unknown_fields=True,
    frozen=True,
    kw_only=True,
    rename={"passes": "pass", "fails": "fail"},
):
    """A case: rows, and what rules make of them.

    Either `rows` with `expect`, for any number of tables and rules, or `rule` with rows by their
    outcome, for the rule's own table.
    """

    name: Annotated[str, Meta(min_length=1, description="What the case shows, in one line.")]
    as_of: Annotated[Time | UnsetType, Meta(description=_AS_OF)] = UNSET
    params: Annotated[
        dict[ParameterName, GivenValue], Meta(description="Values of parameters, as with --param.")
    ] = {}
    rows: Annotated[
        dict[str, CaseRows] | UnsetType, Meta(description="Rows by table; each has an `id`.")
    ] = UNSET
    expect: Annotated[
        Annotated[dict[RuleId, Outcomes], Meta(min_length=1, extra_json_schema=_EXPECT)]
        | UnsetType,
        Meta(description="Outcomes by rule and by the row's id."),
    ] = UNSET
    messages: Annotated[
        dict[RuleId, dict[RowId, str]],
        Meta(description="Messages of findings by rule and by the row's id."),
    ] = {}
    fixes: Annotated[
        dict[RuleId, dict[RowId, dict[str, Any] | None]],
        Meta(
            description="Fields that a plan would set, by rule and by the row's id, without"
            " statistics; null where it would delete the key."
        ),
    ] = {}
    rule: Annotated[RuleId | UnsetType, Meta(description="The rule that the rows are for.")] = UNSET
    passes: Annotated[CaseRows | UnsetType, Meta(description="Rows that pass the rule.")] = UNSET
    fails: Annotated[CaseRows | UnsetType, Meta(description="Rows that fail it.")] = UNSET
    unknown: Annotated[
        CaseRows | UnsetType, Meta(description="Rows whose outcome is unknown for lack of data.")
    ] = UNSET
    not_applicable: Annotated[
        CaseRows | UnsetType, Meta(description="Rows that the rule is not about.")
    ] = UNSET

    def __post_init__(self) -> None:
        """Refuse a mixture of the two forms."""
        short = [self.rule, self.passes, self.fails, self.unknown, self.not_applicable]
        full = [self.rows, self.expect]
        if any(part is not UNSET for part in short):
            sound = self.rule is not UNSET and all(part is UNSET for part in full)
            sound = sound and any(part is not UNSET for part in short[1:])
        else:
            sound = all(part is not UNSET for part in full)
        if not sound:
            raise ValueError(ONE_FORM)


ONE_FORM = (
    "a case has `rows` and `expect`, or `rule` with some of `pass`, `fail`, `unknown`,"
    " `not_applicable`"
)


class CaseRemains(CaseDocument, forbid_unknown_fields=False, frozen=True, kw_only=True):
    """What is sound of a broken case: it is looked into all the same, and never run."""

    name: str = ""

    def __post_init__(self) -> None:
        """Take any mixture of the two forms: that is told already."""


class CasesDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Test cases of a keypolicy policy, in NAME.test.yaml beside the policy NAME.yaml."""

    policy: Annotated[PolicyName, Meta(description="Name of the policy.")]
    as_of: Annotated[
        Time | UnsetType, Meta(description="Time that now() means in cases that give none.")
    ] = UNSET
    cases: Annotated[list[CaseDocument], Meta(min_length=1, description="The cases.")]
