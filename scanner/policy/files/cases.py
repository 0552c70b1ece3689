"""Reads files of test cases and checks that they fit the policy and the tables."""

from pathlib import Path
from typing import Final

import msgspec
from msgspec import UNSET

from scanner.base.errors import Location, PolicyError, Problem, UsageError
from scanner.base.files import within
from scanner.base.yamlfile import CASES, YamlFile, read_source
from scanner.policy.files.case_document import CaseDocument, CaseRemains, CasesDocument, Time
from scanner.policy.files.case_reader import Case, CaseReader
from scanner.policy.files.salvage import decode, decode_parts
from scanner.policy.merge import MergedPolicy

TEST_SUFFIX: Final = ".test.yaml"


def cases_beside(policy: Path) -> Path:
    """Return where the test cases of the policy file `policy` belong."""
    return policy.with_name(policy.stem + TEST_SUFFIX)


def policy_beside(tests: Path) -> Path:
    """Return the policy file that the test cases in `tests` belong to."""
    return tests.with_name(tests.name.removesuffix(TEST_SUFFIX) + ".yaml")


def load_cases(path: Path, name: str, policy: MergedPolicy) -> tuple[Case, ...]:
    """Read the cases at `path`, called `name` in messages; raises PolicyError with all problems.

    A case that names a rule, table, column, row or parameter that does not exist is a problem.
    """
    try:
        within(path.parent, path.name)
    except UsageError as error:
        location = Location(name)
        problem = Problem(location, error.message, "out-of-reach", error.remedy)
        raise PolicyError([problem]) from None
    source = read_source(path, name, CASES, keep_repeated=True)
    problems = list(source.repeated)
    try:
        document = msgspec.convert(source.data, CasesDocument, strict=True)
    except msgspec.ValidationError as error:
        from scanner.base.shape.schema import explain  # noqa: PLC0415 - slow, see schema

        told = explain(source, "policy-tests")
        problems += told or [source.problem((), str(error), "bad-tests")]
        problems += _in_remains(source, policy)
        raise PolicyError(problems) from None
    reader = CaseReader(source, document, policy)
    cases = reader.read()
    if problems or reader.problems:
        raise PolicyError([*problems, *reader.problems])
    return cases


_NAMES: Final = frozenset(
    {"unknown-rule", "unknown-column", "unknown-resource", "unknown-param", "wrong-type"}
)
"""What is wrong with a case whatever else it should say."""


def _in_remains(source: YamlFile, policy: MergedPolicy) -> list[Problem]:
    """Return what is wrong in the cases of a broken file, as far as each of them is sound."""
    data = source.fields
    written = data.get("cases")
    as_of = decode(data["as_of"], Time) or "1970-01-01T00:00:00Z" if "as_of" in data else UNSET
    document = CasesDocument(policy=policy.name, as_of=as_of, cases=[])
    found: list[Problem] = []
    for index, raw in enumerate(written if isinstance(written, list) else []):
        case = decode(raw, CaseDocument)
        remains = case or decode_parts(raw, CaseRemains)
        if remains is not None:
            reader = CaseReader(source, document, policy)
            reader.case(remains, ("cases", index))
            found += [one for one in reader.problems if case or one.code in _NAMES]
    return found
