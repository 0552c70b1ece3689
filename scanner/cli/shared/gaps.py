"""What a user is told of an inventory that was not seen whole: what was loaded in, warnings out."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from scanner.base.text import plural
from scanner.cli.shared import inputs
from scanner.model.coverage import CoverageState, TableCoverage
from scanner.model.inventory import Needs

if TYPE_CHECKING:
    from scanner.engine.intake.load import Loaded

_MOST_GAPS: Final = 5


def warn_of_gaps(loaded: "Loaded", wanted: Needs) -> bool:
    """Say what the answer cannot know, and return whether there is anything of that."""
    for warning in loaded.warnings:
        inputs.warn(warning)
    return warn_of_unseen({name: loaded.coverage[name] for name in sorted(wanted.tables)})


def warn_of_unseen(tables: Mapping[str, TableCoverage]) -> bool:
    """Say what was not seen of these tables, and return whether that is anything.

    A table that was not seen whole looks like a small one.
    """
    for name, coverage in tables.items():
        if coverage.state is not CoverageState.COMPLETE:
            inputs.warn(f"{name} is {coverage.state}: {coverage.reason or 'no reason is known'}")
        for gap in coverage.gaps[:_MOST_GAPS]:
            place = "/".join(part for part in (gap.organization, gap.project) if part)
            inputs.warn(f"{place or 'everything'} is not seen in {name}: {gap.reason}")
        if len(coverage.gaps) > _MOST_GAPS:
            inputs.warn(f"{plural(len(coverage.gaps) - _MOST_GAPS, 'more gap')} in {name}")
    return any(one.state is not CoverageState.COMPLETE for one in tables.values())
