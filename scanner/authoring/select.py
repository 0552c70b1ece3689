"""Which policies, with which files of test cases, the words on the command line mean."""

import os
from collections.abc import Sequence
from pathlib import Path

import msgspec

from scanner.base.errors import Location, Problem, UsageError
from scanner.base.files import real
from scanner.policy.files.cases import TEST_SUFFIX, cases_beside, policy_beside
from scanner.policy.files.locate import PolicyFile, is_shipped, select, select_each
from scanner.policy.load import Inspection, files_read, inspect_policies
from scanner.policy.merge import MergedPolicy


class Target(msgspec.Struct, frozen=True):
    """A policy with its problems, and the file of its test cases, which may not exist.

    `merged` is None for a policy that cannot be read at all.
    """

    file: PolicyFile
    inspection: Inspection
    tests: Path

    @property
    def merged(self) -> MergedPolicy | None:
        """The policy after composition."""
        return next(iter(self.inspection.merged), None)

    @property
    def tests_shown(self) -> str:
        """What messages call the file of test cases."""
        return str(Path(self.file.shown).with_name(self.tests.name))

    @property
    def has_tests(self) -> bool:
        """Whether there is something under the name of the test cases, be it no file."""
        return os.path.lexists(self.tests)


class Selection(msgspec.Struct, frozen=True):
    """The policies that were asked for, each looked at by itself, and test cases without one."""

    targets: list[Target]
    orphans: list[Problem]


def choose(refs: Sequence[str], params: dict[str, str]) -> Selection:
    """Find policies by name, file or folder; a file of test cases stands for its policy.

    Raises UsageError for what names nothing.
    """
    targets: dict[Path, Target] = {}
    orphans: list[Problem] = []
    for ref in refs:
        for file, name in _found(ref, orphans):
            path = real(file.path)
            if path not in targets:
                inspection = inspect_policies([name], params)
                targets[path] = Target(file, inspection, cases_beside(file.path))
    return Selection(_without_strangers(list(targets.values())), orphans)


def files_tested(refs: Sequence[str]) -> list[Path]:
    """Return the files that testing reads: the policies, what they extend, and their cases."""
    files = files_read(
        [str(policy_beside(Path(ref))) if ref.endswith(TEST_SUFFIX) else ref for ref in refs]
    )
    return [*files, *map(cases_beside, files)]


def _without_strangers(targets: list[Target]) -> list[Target]:
    """Leave out that a policy lacks a parameter of the command line, if another one has it."""
    strange = [
        {one.location.file for one in target.inspection.problems if _is_stranger(one)}
        for target in targets
    ]
    everywhere = set.intersection(*strange) if strange else set()
    return [_with_problems(target, everywhere) for target in targets]


def _with_problems(target: Target, strangers: set[str]) -> Target:
    problems = [
        one
        for one in target.inspection.problems
        if not _is_stranger(one) or one.location.file in strangers
    ]
    inspection = msgspec.structs.replace(target.inspection, problems=problems)
    return msgspec.structs.replace(target, inspection=inspection)


def _is_stranger(problem: Problem) -> bool:
    on_command_line = problem.location.file.startswith("--param ")
    return on_command_line and problem.code == "unknown-param"


def _found(ref: str, orphans: list[Problem]) -> list[tuple[PolicyFile, str]]:
    """Return the policies that `ref` means, each with the word that means it alone."""
    path = Path(ref)
    if ref.endswith(TEST_SUFFIX):
        if not os.path.lexists(path):
            raise UsageError(f"no such file: {ref}", remedy="Name a policy or its test cases.")
        policy = _beside(path, orphans)
        return [(file, str(policy)) for file in select([str(policy)])] if policy else []
    try:
        found = select_each(ref)
    except UsageError as error:
        # The words here are arguments, not the values of an option.
        where = "" if error.where == "--policy" else error.where
        raise UsageError(error.message, where=where, remedy=error.remedy) from None
    if not is_shipped(ref):
        for tests in sorted(path.glob(f"*{TEST_SUFFIX}")):
            _beside(tests, orphans)
    return found


def _beside(tests: Path, orphans: list[Problem]) -> Path | None:
    policy = policy_beside(tests)
    if os.path.lexists(policy):
        return policy
    message = f"there is no policy `{policy.name}` beside these test cases"
    hint = "Test cases of NAME.yaml are in NAME.test.yaml."
    orphans.append(Problem(Location(str(tests), 1, 1), message, "no-policy", hint))
    return None
