import pytest

from scanner.policy.language.predicates import parameters_in, quoted_parameters


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("a < $x", ["x"]),
        ("$x+$y - $x", ["x", "y", "x"]),
        ("a = '$x' and b = $y", ["y"]),
        ("a = 'it''s $x' and b = $y", ["y"]),
        (r"a = E'it\'s $x' and b = $y", ["y"]),
        ('"$x" = $y', ["y"]),
        ("a -- $x\n< $y", ["y"]),
        ("a /* $x */ < $y", ["y"]),
        ("a$x < $y", ["y"]),
        ("a < $1", ["1"]),
        ("a < $", []),
        ("unclosed ' $x", ["x"]),
        ("", []),
    ],
)
def test_parameters_outside_of_texts(text: str, names: list[str]) -> None:
    assert [name for name, _ in parameters_in(text)] == names


def test_offsets_are_those_of_the_dollar() -> None:
    assert parameters_in("ab $x\n$y") == [("x", 3), ("y", 6)]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a = '$x'", [("x", 5, "$x")]),
        ("a LIKE '$x-%'", [("x", 8, "$x || '-%'")]),
        ("a LIKE '%-$x-%'", [("x", 10, "'%-' || $x || '-%'")]),
        (r"a = e'it\'s $x'", [("x", 12, r"'it\'s ' || $x")]),
        ('"$x" = 1', [("x", 1, "$x")]),
        ("a = $x", []),
        ("e = $x AND eE < $x", []),
        ("a -- '$x'\n< 1", []),
        ("a /* '$x' */ < 1", []),
        ("a ~ '^x$'", []),
        ("a = '$1'", []),
        ("", []),
    ],
)
def test_parameters_in_quotes_are_told_with_what_is_meant(
    text: str, found: list[tuple[str, int, str]]
) -> None:
    assert quoted_parameters(text) == found
