"""SQL comments in YAML's ways to write a text: none of them may take a line of the condition."""

import pytest

from scanner.base.yamlfile import YamlFile
from scanner.policy.language.comments import swallowing

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
    return [problem.code for problem in swallowing(source, ("where",), text)]


@pytest.mark.parametrize("written", ONE_LINE)
def test_a_comment_that_ends_with_its_line_is_sound(written: str) -> None:
    assert _found(written) == []


@pytest.mark.parametrize("written", SEVERAL)
def test_a_comment_that_takes_in_a_further_line_is_told(written: str) -> None:
    assert _found(written) == ["folded-comment"]
