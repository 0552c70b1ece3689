"""Who must act, and whose part it is: entries that give resources to owners, and shares of a scan.

Of several entries that match, the last one wins.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Final

import msgspec

from scanner.base.errors import Location
from scanner.model.history import GroupTally
from scanner.model.outcome import Disposition

FACTS: Final = ("organization", "project", "team", "name")
"""What the conditions of an entry are about; `name` is that of a key, token or integration."""


NO_FILE: Final = "no file says who owns what"
NAME_A_FILE: Final = (
    "Name one with --owners FILE, KEYPOLICY_OWNERS, or `owners:` in keypolicy.yaml."
)


class OwnerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry; `owner` None takes what it matches from every earlier one: it is nobody's.

    `conditions` has the globs of each of FACTS that the entry names. All conditions must hold, of
    each at least one glob; a fact that is not known matches none.
    """

    owner: str | None
    contact: str = ""
    conditions: dict[str, tuple[str, ...]] = {}
    location: Location


class Owners(msgspec.Struct, frozen=True):
    """A file of owners: its entries in their order, and what the file is called."""

    file: str
    entries: tuple[OwnerEntry, ...]

    @property
    def contacts(self) -> dict[str, str]:
        """Every owner in the order of the file, with the contact that the last entry gives it."""
        found: dict[str, str] = {}
        for entry in self.entries:
            if entry.owner is not None:
                found[entry.owner] = entry.contact or found.get(entry.owner, "")
        return found


class OwnerShare(msgspec.Struct, frozen=True):
    """An owner's part of a scan's findings on resources; None is for those without an owner.

    `tally` counts them by the rule's id and what triage decided.
    """

    owner: str | None
    contact: str
    tally: Mapping[tuple[str, Disposition], int]

    @property
    def findings(self) -> int:
        """All findings, whatever triage says of them."""
        return sum(self.tally.values())

    @property
    def by_disposition(self) -> Counter[Disposition]:
        """The findings by what triage decided."""
        counts: Counter[Disposition] = Counter()
        for (_, disposition), number in self.tally.items():
            counts[disposition] += number
        return counts


class OrganizationShare(msgspec.Struct, frozen=True):
    """An organization's part of a scan of several; the slug None is for what tells none.

    `projects` is None where the organization itself was not seen. `checks` are of rules and
    resources, what could not be seen being unknown; `tally` counts the findings by the rule's id
    and what triage decided, `gaps` the parts of tables that rules wanted to read and could not.
    """

    slug: str | None
    projects: int | None
    checks: GroupTally
    tally: Mapping[tuple[str, Disposition], int]
    gaps: int

    def count(self, disposition: Disposition) -> int:
        """How many findings triage gave this disposition."""
        return sum(number for (_, found), number in self.tally.items() if found is disposition)

    @property
    def open_by_rule(self) -> dict[str, int]:
        """The open findings by the rule's id; rules without any are left out."""
        tally = self.tally.items()
        return {rule: n for (rule, found), n in tally if found is Disposition.OPEN and n}
