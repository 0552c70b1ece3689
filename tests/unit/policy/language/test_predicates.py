import pytest

from scanner.policy.language.predicates import parameters_in


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
