"""Files of owners: what lint says of them, and their test cases on the engine that scans."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from scanner.authoring.diagnostics import Diagnostic, diagnostics
from scanner.authoring.lint.listing import Listing
from scanner.base.errors import PolicyError, Problem
from scanner.base.yamlfile import OWNERS
from scanner.engine.database import Connection
from scanner.engine.intake.owners import owners_of
from scanner.triage.owners import OwnerCase, OwnersFile, read_owners, without_effect


class OwnerAnswer(NamedTuple):
    """A case, and whose its resource is."""

    case: OwnerCase
    owner: str | None

    @property
    def title(self) -> str:
        """The resource of the case in words."""
        parts = (
            f"{fact} {value if isinstance(value, str) else ' and '.join(value)}"
            for fact, value in self.case.facts.items()
        )
        return ", ".join(parts) or "a resource of which nothing is known"

    @property
    def holds(self) -> bool:
        """Whether it is whose it should be."""
        return self.owner == self.case.owner


class TestedOwners(msgspec.Struct, frozen=True):
    """A file of owners, and what its cases came to."""

    file: str
    answers: list[OwnerAnswer]

    __test__ = False  # pytest would take it for a test

    @property
    def wrong(self) -> list[OwnerAnswer]:
        """The answers that are not as expected."""
        return [one for one in self.answers if not one.holds]


def lint_owners(paths: Sequence[Path]) -> list[Diagnostic]:
    """Tell what is wrong in files of owners, and which entries have no effect."""
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for path in paths:
        try:
            warnings += without_effect(read_owners(path))
        except PolicyError as error:
            errors += error.problems
    return diagnostics(errors, warnings, _listing(paths))


def run_owner_cases(
    connection: Connection, paths: Sequence[Path]
) -> tuple[list[TestedOwners], list[Diagnostic]]:
    """Run the cases of files of owners; returns what they came to, and what is broken."""
    files: list[OwnersFile] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            files.append(read_owners(path))
        except PolicyError as error:
            problems += error.problems
    broken = diagnostics(problems, [], _listing(paths))
    return [_tested(connection, one) for one in files], broken


def _tested(connection: Connection, read: OwnersFile) -> TestedOwners:
    found = owners_of(connection, read.owners, [case.facts for case in read.cases])
    answers = [OwnerAnswer(case, owner) for case, owner in zip(read.cases, found, strict=True)]
    return TestedOwners(read.owners.file, answers)


def _listing(paths: Sequence[Path]) -> Listing:
    listing = Listing()
    for path in paths:
        listing.add(str(path), path, OWNERS)
    return listing
