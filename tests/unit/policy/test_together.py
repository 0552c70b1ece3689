"""Several policies of one scan: what they share is judged once, and lint says what scan does."""

from itertools import combinations, permutations
from pathlib import Path

import pytest

from scanner.authoring.lint.policies import lint
from scanner.base.errors import PolicyError
from scanner.model.rule import Rule
from scanner.policy.load import load_policies
from tests.unit.policy.writing import write

_RULE = "{id: %s, resource: sentry_key, severity: low, require: is_active}"
_TWO = f"rules: [{_RULE % 'a'}, {_RULE % 'b'}]\n"
FILES = {
    "base": _TWO,
    "copy": _TWO,
    "plain": "extends: [base.yaml]\n",
    "severe": "extends: [base.yaml]\noverride: {a: {severity: high}}\n",
    "same": "extends: [base.yaml]\noverride: {a: {severity: high}}\n",
    "worded": "extends: [base.yaml]\noverride: {b: {message: other}}\n",
    "without": "extends: [base.yaml]\ndisable: {a: nobody needs it}\n",
    "more": f"extends: [severe.yaml]\nrules: [{_RULE % 'c'}]\n",
    "shipped": "extends: [sentry-baseline]\n",
    "days": "extends: [sentry-baseline]\noverride: {key-max-age: {params: {max_age: 9d}}}\n",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("policies")
    for name, body in FILES.items():
        write(made, name, body)
    return made


def _accepts(refs: list[str]) -> bool:
    try:
        load_policies(refs)
    except PolicyError:
        return False
    return True


SHIPPED = ("shipped", "days", "sentry-baseline")
OWN = tuple(name for name in FILES if name not in SHIPPED)
ALONE = tuple((name,) for name in (*OWN, *SHIPPED))
# What has no rule in common is accepted: of that, two pairs for all.
PAIRS = (*combinations(OWN, 2), *combinations(SHIPPED, 2), ("more", "days"), ("plain", SHIPPED[2]))


@pytest.mark.parametrize(("some", "expected"), [(ALONE, {True}), (PAIRS, {True, False})])
def test_lint_finds_no_error_exactly_where_scan_accepts(
    folder: Path, some: tuple[tuple[str, ...], ...], expected: set[bool]
) -> None:
    answers = set()
    for names in some:
        refs = [name if name not in FILES else str(folder / f"{name}.yaml") for name in names]
        accepted = _accepts(refs)
        assert (lint(refs, {}).errors == 0) is accepted, names
        answers.add(accepted)
    assert answers == expected


@pytest.mark.parametrize(
    ("names", "accepted"),
    [
        (("base", "plain", "without"), True),
        (("severe", "same", "more"), True),
        (("shipped", "sentry-baseline"), True),
        (("base", "copy"), False),
        (("plain", "severe"), False),
        (("plain", "worded"), False),
        (("shipped", "days"), False),
    ],
)
def test_what_may_be_scanned_together(
    folder: Path, names: tuple[str, ...], *, accepted: bool
) -> None:
    refs = [name if name not in FILES else str(folder / f"{name}.yaml") for name in names]
    assert _accepts(refs) is accepted


def test_a_shared_rule_is_judged_once_and_in_force_unless_all_disable_it(folder: Path) -> None:
    refs = [str(folder / f"{name}.yaml") for name in ("without", "plain", "more")]
    rules = [rule for policy in load_policies(refs[:2]) for rule in policy.rules]
    assert sorted((rule.id, rule.policies) for rule in rules) == [
        ("a", ("plain",)),
        ("b", ("without", "plain")),
    ]


def test_what_a_policy_demands_does_not_depend_on_the_others(folder: Path) -> None:
    names = ("without", "plain", "more", "shipped")
    refs = {name: str(folder / f"{name}.yaml") for name in names}
    alone = {name: load_policies([ref])[0].terms for name, ref in refs.items()}
    for some in permutations(("without", "plain", "shipped"), 2):
        told = {one.name: one.terms for one in load_policies([refs[name] for name in some])}
        assert told == {name: alone[name] for name in some}


def test_a_clash_is_told_in_the_file_that_changes_the_rule(folder: Path) -> None:
    refs = [str(folder / f"{name}.yaml") for name in ("shipped", "days")]
    with pytest.raises(PolicyError) as caught:
        load_policies(refs)
    (problem,) = caught.value.problems
    assert problem.code == "duplicate-rule"
    assert Path(problem.location.file).name == "days.yaml"
    assert "do not ask the same" in problem.message


def _rule(tmp_path: Path, name: str, rule: str) -> Rule:
    (policy,) = load_policies([str(tmp_path / f"{name}.yaml")])
    return next(one for one in policy.rules if one.id == rule)


def test_a_shipped_rule_is_brought_in_by_a_line_of_the_users(tmp_path: Path) -> None:
    body = "extends:\n  - sentry-baseline\noverride:\n  key-max-age: {severity: low}\n"
    write(tmp_path, "mid", body)
    write(tmp_path, "top", "extends: [mid.yaml]\noverride: {key-rate-limit: {severity: low}}\n")
    told = [
        _line(_rule(tmp_path, name, rule))
        for name in ("mid", "top")
        for rule in ("key-max-age", "key-rate-limit", "key-default-name")
    ]
    assert told == [
        ("mid.yaml", "key-max-age"),
        ("mid.yaml", "sentry-baseline"),
        ("mid.yaml", "sentry-baseline"),
        ("mid.yaml", "key-max-age"),
        ("top.yaml", "override"),
        ("mid.yaml", "sentry-baseline"),
    ]
    (shipped, *_) = load_policies(["sentry-baseline"])
    assert {rule.brought for rule in shipped.rules} == {None}


def _line(rule: Rule) -> tuple[str, str]:
    place = rule.written
    text = Path(place.file).read_text(encoding="utf-8").splitlines()[place.line - 1]
    return Path(place.file).name, text.strip(" -").partition(":")[0]
