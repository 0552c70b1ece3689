"""rate_limit: a key has a rate limit, within bounds."""

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Final

import msgspec

from scanner.policy.checks.interface import Check, Macro
from scanner.policy.language.slots import Slot
from scanner.policy.language.values import ValueType

if TYPE_CHECKING:
    from scanner.model.rule import ParamValue


class RateLimitArguments(msgspec.Struct, frozen=True):
    """Whether there must be a limit, and the highest one."""

    required: Annotated[
        bool,
        Slot(
            type=ValueType.BOOLEAN,
            description="Whether a key without any rate limit fails (default true).",
        ),
    ] = True
    max_per_second: Annotated[
        float | None,
        Slot(
            type=ValueType.RATE,
            description="Highest average rate, such as 1000/h, or a number of events per second.",
        ),
    ] = None
    max_count: Annotated[
        int | None,
        Slot(
            type=ValueType.INTEGER, minimum=1, description="Most events that one window may accept."
        ),
    ] = None
    max_window: Annotated[
        timedelta | None,
        Slot(
            type=ValueType.DURATION,
            description="Longest window: a long one lets a burst spend all of it at once.",
        ),
    ] = None

    def __post_init__(self) -> None:
        """Refuse arguments that demand nothing, or what no rate limit keeps."""
        for name in ("max_per_second", "max_window"):
            if getattr(self, name) in (0, timedelta()):
                raise ValueError(f"`{name}` is 0, and no rate limit is that low")
        if not self.required and not self._bounded:
            raise ValueError(
                "with `required: false` it needs one of max_per_second, max_count, max_window"
            )

    @property
    def _bounded(self) -> bool:
        bounds: tuple[object, ...] = (self.max_per_second, self.max_count, self.max_window)
        return any(bound is not None for bound in bounds)


def build(arguments: RateLimitArguments) -> Macro:
    """Ask for a limit, and hold it against each bound that is given."""
    bounds: list[str] = []
    params: dict[str, ParamValue] = {}
    if arguments.max_per_second is not None:
        bounds.append("rate_limit_per_second <= $max_per_second")
        params["max_per_second"] = arguments.max_per_second
    if arguments.max_count is not None:
        bounds.append("rate_limit_count <= $max_count")
        params["max_count"] = arguments.max_count
    if arguments.max_window is not None:
        bounds.append("rate_limit_window <= $max_window")
        params["max_window"] = round(arguments.max_window.total_seconds())
    if arguments.required:
        return Macro(" AND ".join(["has_rate_limit", *bounds]), params)
    return Macro(f"NOT has_rate_limit OR ({' AND '.join(bounds)})", params)


CHECK: Final = Check(
    name="rate_limit",
    summary="Has a rate limit, no higher than allowed.",
    description=(
        "Passes when the key has a rate limit (a positive count and window) that keeps every bound"
        " given. A key without one fails, unless `required` is false: then only limits that exist"
        " are held against the bounds. Unknown when the inventory does not tell the rate limit."
    ),
    example="check: {rate_limit: {max_per_second: 1000/h, max_window: 1d}}",
    message="{name} has no rate limit within the allowed bounds",
    arguments=RateLimitArguments,
    build=build,
    short="max_per_second",
    flag=True,
)
