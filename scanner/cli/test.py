"""`keypolicy test`: run the test cases of policies and owners, and tell what they leave out."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from scanner.base.files import replacing
from scanner.base.text import plural
from scanner.cli.shared import authoring
from scanner.cli.shared.outputs import check_free

if TYPE_CHECKING:
    from scanner.authoring.cases.run import TestRun
    from scanner.authoring.diagnostics import Diagnostic
    from scanner.authoring.lint.owners import TestedOwners
    from scanner.engine.database import Connection

EXIT_CODES: Final = """\
exit codes:
  0  every case came out as expected
  1  one did not, or --coverage or --mutate found something that no case shows
  2  wrong usage, a policy or its cases are broken, or there are none that were asked for
  4  internal error
"""

_EXIT_FAILED = 1
_EXIT_BROKEN = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    authoring.add_arguments(parser)
    parser.add_argument(
        "--coverage",
        action="store_true",
        help="fail where a rule has no case that passes, fails, is unknown or not applicable",
    )
    parser.add_argument(
        "--mutate",
        action="store_true",
        help="change each predicate a little, and fail where no case notices",
    )
    parser.add_argument(
        "--require-tests", action="store_true", help="fail where a policy has no test cases"
    )
    parser.add_argument(
        "--junit", metavar="FILE", type=Path, help="also write the results as JUnit XML"
    )


def run(namespace: argparse.Namespace) -> int:
    """Test; returns 1 where a case fails, 2 where a policy or its cases are broken."""
    return authoring.repeated(namespace, lambda: _once(namespace))


def _once(namespace: argparse.Namespace) -> int:
    from scanner.authoring.cases.rows import open_tables  # noqa: PLC0415 - not for --help
    from scanner.authoring.cases.run import run_cases  # noqa: PLC0415 - not for --help
    from scanner.authoring.lint.owners import run_owner_cases  # noqa: PLC0415 - not for --help
    from scanner.authoring.select import files_tested  # noqa: PLC0415 - not for --help
    from scanner.policy.files.locate import without_owners  # noqa: PLC0415 - not for --help

    paths, refs = without_owners(namespace.paths)
    if namespace.junit:
        check_free([namespace.junit], [*paths, *files_tested(refs)])
    with open_tables() as connection:
        tested = run_cases(connection, refs, authoring.params(namespace))
        owners, broken = run_owner_cases(connection, paths)
        if tested.problems or broken:
            return _broken([*tested.problems, *broken])
        if namespace.junit:
            _write_junit(namespace.junit, tested, owners)
        return max(_report(namespace, connection, tested), _report_owners(namespace, owners))


def _broken(problems: Sequence["Diagnostic"]) -> int:
    from scanner.authoring.diagnostics import to_text  # noqa: PLC0415 - not for --help

    sys.stdout.write(to_text(problems))
    authoring.tell(f"{plural(len(problems), 'error')}, so no case was run")
    return _EXIT_BROKEN


def _write_junit(path: Path, tested: "TestRun", owners: Sequence["TestedOwners"]) -> None:
    from scanner.authoring.cases.junit import to_junit  # noqa: PLC0415 - only for --junit

    with replacing(path) as out:
        out.write(to_junit(tested.tested, owners))


def _report_owners(namespace: argparse.Namespace, owners: Sequence["TestedOwners"]) -> int:
    from scanner.cli.shared import test_text as text  # noqa: PLC0415 - not for --help

    for one in owners:
        _print(text.wrong_owners(one))
        if not namespace.quiet:
            _print([text.owners_summary(one)])
    if any(one.wrong for one in owners):
        return _EXIT_FAILED
    untested = not all(one.answers for one in owners)
    return _EXIT_BROKEN if untested and namespace.require_tests else 0


def _report(namespace: argparse.Namespace, connection: "Connection", tested: "TestRun") -> int:
    from scanner.cli.shared import test_text as text  # noqa: PLC0415 - not for --help

    code = 0
    for one in tested.tested:
        _print(text.failures(one))
        if not namespace.quiet:
            _print([text.summary(one)])
        if one.failures:
            code = max(code, _EXIT_FAILED)
        if not one.has_file and (namespace.coverage or namespace.require_tests):
            code = _EXIT_BROKEN
        if one.cases and namespace.coverage:
            code = max(code, _coverage(connection, one))
        if one.cases and namespace.mutate and not one.failures:
            code = max(code, _mutate(connection, tested, one))
    return code


def _coverage(connection: "Connection", one: Any) -> int:  # noqa: ANN401 - its type is heavy to import
    from scanner.authoring.cases.coverage import coverage  # noqa: PLC0415 - only for --coverage
    from scanner.cli.shared import test_text as text  # noqa: PLC0415 - not for --help

    found = coverage(connection, one)
    _print(text.coverage(found))
    return _EXIT_FAILED if found.gaps else 0


def _mutate(connection: "Connection", tested: "TestRun", one: Any) -> int:  # noqa: ANN401 - as above
    from scanner.authoring.cases.mutate import mutate  # noqa: PLC0415 - only for --mutate
    from scanner.authoring.lint.policies import listing_of  # noqa: PLC0415 - only for --mutate
    from scanner.cli.shared import test_text as text  # noqa: PLC0415 - not for --help

    found = mutate(connection, tested.bench, one, listing_of([one.target]))
    _print(text.mutation(found))
    return _EXIT_FAILED if found.survivors else 0


def _print(lines: list[str]) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in lines))
