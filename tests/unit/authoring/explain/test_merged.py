"""A merged policy loads by itself and asks the same of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.authoring.explain.merged import merged_yaml
from scanner.authoring.explain.yamltext import entry, flow
from scanner.base.yamlfile import YamlFile
from scanner.policy.files.locate import shipped_policies
from scanner.policy.load import load_policies

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from scanner.model.rule import Policy, Predicate

AWKWARD = """\
policy: awkward
version: 1.2.3
title: "yes"
description: |
  Two

  lines
extends: [sentry-baseline@1]
params:
  max_age: 49h
  odd: {type: rate, default: 7/h, max: 1000/m}
  words: {type: strings, default: ["a, b", "on", ""], pattern: "[a-z, ]*"}
  name: {type: string, default: "x # y", enum: ["x # y", "null"]}
override:
  key-max-age: {params: {max_age: 5d}, where: null, message: "x # y: {name}"}
  key-rate-ceiling: {where: "is_active  and\\tname <> ': #' "}
disable:
  key-default-name: |
    because
    of this
rules:
  - id: own-one
    resource: sentry_key
    severity: low
    where: |
      name in $words

      and true@@
    require: "rate_limit_per_second <= $odd and name <> '$odd' -- \\u2028 \\x7f"
    rationale: "  leading"
    remediation: "trailing\\n\\n\\n"
    controls: {"a: b": ["5.3", "on"]}
  - id: own-two
    resource: sentry_key
    severity: low
    check: {name_matches: {pattern: $name, forbidden: "-"}}
"""


@pytest.fixture(autouse=True, scope="module")
def _unreserved() -> Iterator[None]:
    """Let a file go by the name of a shipped policy: merged, it keeps the name it had."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("scanner.policy.load.shipped_policies", dict)
        yield


def _merged(ref: str, **params: str) -> str:
    return merged_yaml([ref], params)


def _load(folder: Path, text: str) -> Policy:
    path = folder / "merged.yaml"
    path.write_text(text, encoding="utf-8")
    (policy,) = load_policies([str(path)])
    return policy


def _sense(policy: Policy) -> list[object]:
    """All that decides about keys, and what people read, but not where it stands."""

    def values(predicate: Predicate | None) -> Sequence[object]:
        return [] if predicate is None else list(predicate.params.values())

    found: list[object] = []
    for rule in policy.rules:
        found += [rule.id, rule.title, rule.severity, rule.resource, rule.check, rule.message]
        found += [rule.rationale, rule.remediation, rule.controls]
        found += [values(rule.where), values(rule.requirement)]
    return found


@pytest.mark.parametrize("name", shipped_policies())
def test_shipped_policies_stay_the_same(name: str, tmp_path: Path) -> None:
    (original,) = load_policies([name])
    merged = _load(tmp_path, _merged(name))
    assert _sense(merged) == _sense(original)
    texts = [(rule.where and rule.where.text, rule.requirement.text) for rule in merged.rules]
    assert texts == [
        (rule.where and rule.where.text, rule.requirement.text) for rule in original.rules
    ]


def test_merging_twice_changes_nothing_but_places(tmp_path: Path) -> None:
    once = _merged("sentry-strict")
    (tmp_path / "p.yaml").write_text(once, encoding="utf-8")
    again = _merged(str(tmp_path / "p.yaml"))

    def bare(text: str) -> list[str]:
        return [line.split("  #")[0] for line in text.splitlines() if line.lstrip()[:1] != "#"]

    assert bare(again) == bare(once)


def test_awkward_texts_and_values_survive(tmp_path: Path) -> None:
    path = tmp_path / "awkward.yaml"
    path.write_text(AWKWARD.replace("@@", "   "), encoding="utf-8")
    (original,) = load_policies([str(path)])
    text = _merged(str(path))
    merged = _load(tmp_path, text)
    assert _sense(merged) == _sense(original)
    assert "# Left out: key-default-name" in text
    assert "key_max_age_max_age:" in text  # the value that only one rule sees


def test_values_of_the_command_line_become_defaults(tmp_path: Path) -> None:
    (original,) = load_policies(["sentry-strict"], {"max_age": "3d"})
    text = _merged("sentry-strict", max_age="3d")
    assert _sense(_load(tmp_path, text)) == _sense(original)
    assert "max_age:  # command line: --param max_age\n" in text


def test_each_part_says_where_it_comes_from() -> None:
    text = _merged("sentry-strict")
    assert "  # policies/sentry-baseline.yaml:" in text
    assert "severity: critical  # override: policies/sentry-strict.yaml:" in text


@given(st.text())
def test_any_text_reads_as_itself(text: str) -> None:
    lines = ["a:", *entry("b", text, "  ", comment="c"), f"d: {flow([text, {text: text}])}", "e: f"]
    assert YamlFile("t.yaml", ("\n".join(lines) + "\n").encode()).data == {
        "a": {"b": text},
        "d": [text, {text: text}],
        "e": "f",
    }
