"""SQL comments in YAML's ways to write a text: none of them may take a line of the condition."""

import pytest

from scanner.base.yamlfile import YamlFile
from scanner.policy.language.predicates import line_comments
from scanner.triage.waivers import check_waivers

ONE_LINE = (
    "is_active -- only active",
    "'is_active -- Ann''s'",
    '"is_active -- \\"only\\" a\\\\b"',
    '"is_active -- only\\nand age_days < 90"',
    '"is_active -- \\u2028 only \\x7f"',
    "|\n  is_active -- only active\n  and age_days < 90 -- days",
    ">\n  age_days < 90\n  and is_active -- only active",
    ">\n  is_active -- only active\n\n  and age_days < 90",
    ">\n  is_active /* only\n  active */ and age_days < 90",
    ">\n  name <> '-- none'\n  and age_days < 90",
    "name <> '-- none'\n  and age_days < 90",
)
SEVERAL = (
    ">\n  is_active -- only active\n  and age_days < 90",
    ">-\n  name = 'a'\n  and is_active -- only\n  and age_days < 90",
    "is_active -- only active\n  and age_days < 90",
    "'is_active -- Ann''s\n  and age_days < 90'",
    '"is_active -- only\n  and age_days < 90"',
)


def _found(written: str) -> list[str]:
    source = YamlFile("p.yaml", f"where: {written}\n".encode())
    text = str(source.get(("where",)))
    found = source.folded_comments(("where",), text, line_comments(text))
    return [problem.code for problem in found]


@pytest.mark.parametrize("written", ONE_LINE)
def test_a_comment_that_ends_with_its_line_is_sound(written: str) -> None:
    assert _found(written) == []


@pytest.mark.parametrize("written", SEVERAL)
def test_a_comment_that_takes_in_a_further_line_is_told(written: str) -> None:
    assert _found(written) == ["folded-comment"]


def _of_a_waiver(written: str) -> list[str]:
    """What a waiver with this condition is told; it is a list of one, so its lines are deeper."""
    deeper = written.replace("\n", "\n  ")
    text = (
        "waivers:\n- id: w\n  rule: r\n  reason: because\n  owner: o\n  approved_by: a\n"
        f"  created: 2026-01-01\n  expires: 2026-02-01\n  match: {deeper}\n"
    )
    source = YamlFile("w.yaml", text.encode())
    codes = [problem.code for problem in check_waivers(source, [], 365).problems]
    return [code for code in codes if code == "folded-comment"]


@pytest.mark.parametrize("written", ONE_LINE)
def test_a_waiver_may_have_comments(written: str) -> None:
    assert _of_a_waiver(written) == []


@pytest.mark.parametrize("written", SEVERAL)
def test_a_waiver_covers_no_more_than_its_lines_say(written: str) -> None:
    assert _of_a_waiver(written) == ["folded-comment"]
