"""The findings that stand for all of a rule, where a report shows a few: the first open ones."""

from collections.abc import Callable, Generator, Sequence
from typing import TypeAlias

from scanner.model.finding import Finding
from scanner.model.outcome import Disposition

Examples: TypeAlias = dict[tuple[str, str], list[str]]
"""Findings in words by policy and id of their rule, in the order of the findings."""


def first_open(
    most: int, words: Callable[[Finding], str]
) -> Generator[None, Sequence[Finding], Examples]:
    """Take all findings, as `Writing` does, and return the first open ones of each rule."""
    examples: Examples = {}
    while found := (yield):
        for finding in found:
            if finding.disposition is Disposition.OPEN:
                of_rule = examples.setdefault((finding.policy, finding.rule_id), [])
                if len(of_rule) < most:
                    of_rule.append(words(finding))
    return examples
