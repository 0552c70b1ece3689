"""The types of a policy file; the JSON Schema for editors is generated from them.

Decoding checks the shape only. What names refer to, and whether values suit their types, is for
`merge` and `compile`.
"""

from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, UnsetType

from scanner.base.text import VISIBLE
from scanner.catalogue import LIVE
from scanner.model.outcome import Severity
from scanner.policy.language.values import ValueType

# `(?!\n)`: in Python, though not in JSON Schema's dialect, `$` also matches before a last newline.
_WORDS = r"^[a-z][a-z0-9]*(-[a-z0-9]+)*(?!\n)$"


def _form(hint: str) -> dict[str, str]:
    """Make the keyword that editors, and our own messages, show for a wrong form."""
    return {"patternErrorMessage": hint}


_WORDS_FORM = _form("Write lower-case words joined by hyphens, such as key-max-age.")

RuleId = Annotated[
    str,
    Meta(
        pattern=_WORDS,
        max_length=80,
        description="Identifier: lower-case words joined by hyphens.",
        extra_json_schema=_WORDS_FORM,
    ),
]
PolicyName = Annotated[
    str,
    Meta(
        pattern=_WORDS,
        max_length=80,
        description="Name: lower-case words joined by hyphens.",
        extra_json_schema=_WORDS_FORM,
    ),
]
ParameterName = Annotated[
    str,
    Meta(
        pattern=r"^[a-z][a-z0-9_]*(?!\n)$",
        max_length=40,
        description="Name: lower-case words joined by underscores.",
        extra_json_schema=_form("Write lower-case words joined by underscores, such as max_age."),
    ),
]
Version = Annotated[
    str,
    Meta(
        pattern=r"^(0|[1-9][0-9]{0,8})(\.(0|[1-9][0-9]{0,8})){2}(?!\n)$",
        description="Version of the policy: three numbers, such as 1.0.0.",
        extra_json_schema=_form("Write three numbers, such as 1.0.0."),
    ),
]
Sql = Annotated[
    str,
    Meta(
        pattern=r"\S",
        extra_json_schema={
            "errorMessage": "this must not be empty",
            "x-code": "empty-value",
            "x-hint": "Write a SQL condition, such as age_days < 90.",
        },
    ),
]
ReasonText = Annotated[
    str,
    Meta(
        pattern=VISIBLE,
        description="Why the rule is left out, and who decided it.",
        extra_json_schema={
            "errorMessage": "a rule is only disabled with a reason",
            "x-code": "missing-reason",
            **_form("Say why, and who decided it."),
        },
    ),
]
# A text: msgspec knows no union of an enumeration and a text. The schema tells the two apart.
SeverityText = Annotated[
    str,
    Meta(
        pattern=rf"^({'|'.join(Severity)}|\$[a-z][a-z0-9_]*)(?!\n)$",
        description="How much a violation matters; $name takes it from a parameter.",
    ),
]
GivenValue = bool | int | float | str | list[str]
"""A value as YAML gives it; which type it must have is for the parameter's declaration."""

Reference = Annotated[str, Meta(min_length=1)]

Controls = dict[
    Annotated[str, Meta(min_length=1)],
    Annotated[list[Annotated[str, Meta(min_length=1)]], Meta(min_length=1)],
]

_WHERE = (
    "SQL predicate that says which rows the rule is about; for the others it is not applicable."
)
_TITLE = "What the rule demands, in one line."
_MESSAGE = "What a finding says; {column} stands for a column of the row."
_RATIONALE = "Why the rule matters, in Markdown."
_REMEDIATION = "How to mend a violation, in Markdown: a line in short, an empty line, the steps."
_FIX = "Action with its arguments that mends a violation: `keypolicy fix plan` plans it."
_CONTROLS = "Requirements of external frameworks that the rule supports, by framework."


Fix = Annotated[dict[str, Any], Meta(min_length=1, max_length=1)]
"""An action's name with its arguments."""


class ParameterDocument(
    msgspec.Struct,
    forbid_unknown_fields=True,
    frozen=True,
    kw_only=True,
    rename={"choices": "enum"},
):
    """A parameter: its type, default and bounds.

    One that an extended policy declares is declared again to change some of that; the rest stays.
    """

    type: Annotated[
        ValueType | UnsetType, Meta(description="Type; needed unless an extended policy has it.")
    ] = UNSET
    default: Annotated[
        GivenValue | UnsetType,
        Meta(description="Value unless another is given. Without it, one must be."),
    ] = UNSET
    description: Annotated[str, Meta(description="What the parameter is for.")] = ""
    min: Annotated[
        int | float | str | UnsetType, Meta(description="Smallest value, in the parameter's type.")
    ] = UNSET
    max: Annotated[
        int | float | str | UnsetType, Meta(description="Largest value, in the parameter's type.")
    ] = UNSET
    choices: Annotated[
        Annotated[list[bool | int | float | str], Meta(min_length=1)] | UnsetType,
        Meta(description="The only values; of a list, the only items."),
    ] = UNSET
    pattern: Annotated[
        str | UnsetType,
        Meta(description="Regular expression that the whole text (or each item) matches."),
    ] = UNSET


class RuleDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A rule: one requirement on one type of resource."""

    id: RuleId
    resource: Annotated[str, Meta(description="Table whose rows the rule is about.")]
    severity: SeverityText
    title: Annotated[str, Meta(description=_TITLE)] = ""
    where: Annotated[Sql | UnsetType, Meta(description=_WHERE)] = UNSET
    check: Annotated[
        Annotated[dict[str, Any], Meta(min_length=1, max_length=1)] | UnsetType,
        Meta(description="Built-in check with its arguments; $name refers to a parameter."),
    ] = UNSET
    require: Annotated[
        Sql | UnsetType,
        Meta(description="SQL predicate: TRUE passes, FALSE fails, NULL is unknown."),
    ] = UNSET
    message: Annotated[str, Meta(description=_MESSAGE)] = ""
    rationale: Annotated[str, Meta(description=_RATIONALE)] = ""
    remediation: Annotated[str, Meta(description=_REMEDIATION)] = ""
    fix: Annotated[Fix | UnsetType, Meta(description=_FIX)] = UNSET
    controls: Annotated[Controls, Meta(description=_CONTROLS)] = {}

    def __post_init__(self) -> None:
        """Refuse a rule that demands nothing, or two things."""
        if (self.check is UNSET) is (self.require is UNSET):
            raise ValueError(EXACTLY_ONE)


EXACTLY_ONE = "a rule has exactly one of `check` and `require`"


class RuleRemains(RuleDocument, forbid_unknown_fields=False, frozen=True, kw_only=True):
    """What is sound of a broken rule: it is looked into all the same, and never in force."""

    id: str = ""
    severity: SeverityText = Severity.LOW.value

    def __post_init__(self) -> None:
        """Take a rule that demands nothing, or two things: that is told already."""


class Changes(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a policy changes in a rule of a policy that it extends; the rest stays."""

    severity: SeverityText | UnsetType = UNSET
    where: Annotated[Sql | UnsetType | None, Meta(description=f"{_WHERE} null takes it away.")] = (
        UNSET
    )
    params: Annotated[
        dict[ParameterName, GivenValue],
        Meta(description="Values of parameters for this rule alone."),
    ] = {}
    title: Annotated[str | UnsetType, Meta(description=_TITLE)] = UNSET
    message: Annotated[str | UnsetType, Meta(description=_MESSAGE)] = UNSET
    rationale: Annotated[str | UnsetType, Meta(description=_RATIONALE)] = UNSET
    remediation: Annotated[str | UnsetType, Meta(description=_REMEDIATION)] = UNSET
    fix: Annotated[Fix | UnsetType | None, Meta(description=f"{_FIX} null takes it away.")] = UNSET
    controls: Annotated[Controls | UnsetType, Meta(description=_CONTROLS)] = UNSET


class OverrideCaseDocument(Changes, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a rule asks of some of its rows: it becomes a rule of its own for them."""

    name: Annotated[
        RuleId, Meta(description="Ending of the new rule's id: RULE-NAME for an override of RULE.")
    ]
    when: Annotated[
        Sql,
        Meta(description="SQL predicate: the rows it is about, but for those of earlier cases."),
    ]


class OverrideDocument(Changes, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What a policy changes in a rule of a policy that it extends; the rest stays.

    The other keys are for the rows that no case is about.
    """

    cases: Annotated[
        list[OverrideCaseDocument],
        Meta(description="Other changes for some of the rows; for each row the first that fits."),
    ] = []


class PolicyDocument(msgspec.Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """A keypolicy policy: a named, versioned set of rules."""

    policy: PolicyName
    version: Version
    title: Annotated[str, Meta(description="What the policy is, in one line.")] = ""
    description: Annotated[str, Meta(description="What the policy is for, in Markdown.")] = ""
    extends: Annotated[
        list[Reference],
        Meta(
            description="Policies whose rules this one takes over: the name of a shipped one,"
            f" perhaps with a version ({LIVE.policy}@1), or a path relative to this file."
        ),
    ] = []
    params: Annotated[
        dict[ParameterName, ParameterDocument | GivenValue],
        Meta(
            description="Parameters by name: a declaration, or only a value for one that an"
            " extended policy declares."
        ),
    ] = {}
    override: Annotated[
        dict[RuleId, OverrideDocument],
        Meta(description="Changes to rules of extended policies, by rule."),
    ] = {}
    disable: Annotated[
        dict[RuleId, ReasonText],
        Meta(description="Rules of extended policies that are left out, each with the reason."),
    ] = {}
    rules: Annotated[list[RuleDocument], Meta(description="The policy's own rules.")] = []

    def __post_init__(self) -> None:
        """Refuse a policy that could not have a rule."""
        if not self.rules and not self.extends:
            raise ValueError(NO_RULES)


NO_RULES = "a policy has `rules`, or `extends` one that has"
