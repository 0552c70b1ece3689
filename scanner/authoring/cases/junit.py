"""Results of test cases as JUnit XML, which most CI systems show."""

import re
from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from msgspec import UNSET

from scanner.authoring.cases.fixes import fix_words
from scanner.authoring.cases.run import Failure, Tested
from scanner.authoring.lint.owners import TestedOwners

# What XML 1.0 cannot hold, not even escaped.
_UNFIT: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def to_junit(tested: Sequence[Tested], owners: Sequence[TestedOwners] = ()) -> bytes:
    """Return one test suite a policy, one test a case; and a suite for each file of owners."""
    root = Element("testsuites", name="keypolicy test")
    for one in tested:
        failed: dict[str, list[Failure]] = {}
        for failure in one.failures:
            failed.setdefault(str(failure.case.location), []).append(failure)
        suite = SubElement(
            root,
            "testsuite",
            name=one.policy.name,
            tests=str(len(one.cases)),
            failures=str(len(failed)),
            errors="0",
            skipped="0",
        )
        for case in one.cases.values():
            test = SubElement(
                suite,
                "testcase",
                classname=one.policy.name,
                name=_fit(case.name),
                file=_fit(case.location.file),
                line=str(case.location.line),
            )
            failures = failed.get(str(case.location), [])
            if failures:
                summary = "; ".join(_summary(failure) for failure in failures)
                problem = SubElement(test, "failure", message=_fit(summary))
                problem.text = _fit("\n".join(_detail(failure) for failure in failures))
    for file in owners:
        _add_owners(root, file)
    root.set("tests", str(sum(int(suite.get("tests", "0")) for suite in root)))
    root.set("failures", str(sum(int(suite.get("failures", "0")) for suite in root)))
    indent(root)
    text: bytes = tostring(root, encoding="utf-8", xml_declaration=True)
    return text + b"\n"


def _add_owners(root: Element, tested: TestedOwners) -> None:
    counts = {"tests": str(len(tested.answers)), "failures": str(len(tested.wrong))}
    suite = SubElement(root, "testsuite", {"name": _fit(tested.file), **counts})
    for one in tested.answers:
        place = {"file": _fit(one.case.location.file), "line": str(one.case.location.line)}
        names = {"classname": _fit(tested.file), "name": _fit(one.title)}
        test = SubElement(suite, "testcase", {**names, **place})
        if not one.holds:
            told = f"{one.owner or 'nobody'}, not {one.case.owner or 'nobody'}"
            SubElement(test, "failure", message=_fit(told))


def _summary(failure: Failure) -> str:
    expected = failure.expectation
    if expected.outcome is failure.answer.outcome:
        what = "message" if failure.fix is None else "fix"
        return f"{expected.rule} on {expected.row}: another {what}"
    return f"{expected.rule} on {expected.row}: {failure.answer.outcome}, not {expected.outcome}"


def _detail(failure: Failure) -> str:
    expected = failure.expectation
    lines = [str(expected.location), f"- {expected.outcome}", f"+ {failure.answer.outcome}"]
    if expected.message is not None:
        lines += [f"- {expected.message}", f"+ {failure.answer.message}"]
    if failure.fix is not None:
        wanted = None if expected.fix is UNSET else expected.fix
        lines += [f"- {fix_words(wanted)}", f"+ {failure.fix}"]
    return "\n".join(lines)


def _fit(text: str) -> str:
    return _UNFIT.sub("\N{REPLACEMENT CHARACTER}", text)
