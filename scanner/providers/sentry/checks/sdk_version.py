"""sdk_version: the loader serves a supported version of the browser SDK."""

from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

if TYPE_CHECKING:
    from scanner.model.rule import ParamValue


class SdkVersionArguments(msgspec.Struct, frozen=True):
    """Which versions of the browser SDK are fine."""

    min: Annotated[
        int | None,
        Slot(type=ValueType.INTEGER, minimum=1, description="Smallest allowed major version."),
    ] = None
    allowed: Annotated[
        list[str] | None,
        Slot(
            type=ValueType.STRINGS,
            description="The only allowed versions, as Sentry writes them, such as 8.x.",
        ),
    ] = None
    allow_latest: Annotated[
        bool,
        Slot(
            type=ValueType.BOOLEAN,
            description="Whether `latest` passes, whatever else is asked (default true).",
        ),
    ] = True

    def __post_init__(self) -> None:
        """Refuse arguments that demand nothing."""
        if self.allowed is not None and not self.allowed:
            raise ValueError("`allowed` is empty, so nothing could pass")
        if self.min is None and self.allowed is None and self.allow_latest:
            raise ValueError("it needs `min`, `allowed` or `allow_latest: false`")


# The whole text must look like a version: of "beta-7" no major version is known.
_MAJOR: Final = (
    r"TRY_CAST(regexp_extract(browser_sdk_version, '^v?([0-9]+)([.].*)?$', 1) AS BIGINT)"
)


def build(arguments: SdkVersionArguments) -> Macro:
    """Compare the major version, and look the version up in the list."""
    terms: list[str] = []
    params: dict[str, ParamValue] = {}
    if arguments.min is not None:
        terms.append(f"{_MAJOR} >= $min")
        params["min"] = arguments.min
    if arguments.allowed is not None:
        terms.append("browser_sdk_version IN $allowed")
        params["allowed"] = arguments.allowed
    if not arguments.allow_latest:
        return Macro(" AND ".join(["browser_sdk_version <> 'latest'", *terms]), params)
    return Macro(f"browser_sdk_version = 'latest' OR ({' AND '.join(terms)})", params)


CHECK: Final = Check(
    name="sdk_version",
    summary="Serves a supported version of the browser SDK.",
    description=(
        "Passes when the browser SDK version that the loader serves has at least the major version"
        " `min` and is one of `allowed`. `latest` passes unless `allow_latest` is false; Sentry no"
        " longer offers it, and where it is still set, it has come to mean 7.x. A missing version,"
        " and for `min` one without a number in front, is unknown."
    ),
    example="check: {sdk_version: {min: 8}}",
    message="{name} serves the browser SDK in version {browser_sdk_version}",
    arguments=SdkVersionArguments,
    build=build,
    short="min",
)
