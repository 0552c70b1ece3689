from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import Location, PolicyError
from scanner.base.yamlfile import MAX_BYTES, YamlFile, read_source


def _source(text: str) -> YamlFile:
    return YamlFile("p.yaml", text.encode())


def test_keys_and_values_have_places() -> None:
    source = _source("a: 1\nb:\n  - x\n  - {c: d}\n")
    assert source.data == {"a": 1, "b": ["x", {"c": "d"}]}
    assert source.at_key(("a",)) == Location("p.yaml", 1, 1)
    assert source.at(("a",)) == Location("p.yaml", 1, 4)
    assert source.at(("b", 0)) == Location("p.yaml", 3, 5)
    assert source.at_key(("b", 0)) == Location("p.yaml", 3, 5)
    assert source.at_key(("b", 1, "c")) == Location("p.yaml", 4, 6)
    assert source.at(("b", 1, "c")) == Location("p.yaml", 4, 9)


def test_what_is_missing_is_at_what_would_hold_it() -> None:
    source = _source("a:\n  b: 1\n")
    assert source.at(("a", "b", "c", 3)) == source.at(("a", "b"))
    assert source.at_key(("a", "nothing")) == source.at(("a",))


def test_columns_count_characters_not_bytes() -> None:
    source = _source('{"ü中🔑": 1, b: 2}')
    assert source.at_key(("b",)).column == 12


def test_a_byte_order_mark_is_no_character() -> None:
    source = YamlFile("p.yaml", b"\xef\xbb\xbfa: 1\n")
    assert source.data == {"a": 1}
    assert source.at_key(("a",)) == Location("p.yaml", 1, 1)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [
        ("k: abc", 1, 4),
        ("k: 'abc'", 1, 5),
        ('k: "abc"', 1, 5),
        ("k: |\n  abc\n  def\n", 2, 3),
        ("k: >-\n\n    abc\n", 3, 5),
        ("k:\n  abc\n  def\n", 2, 3),
        ("k: ''", 1, 5),
    ],
)
def test_texts_start_past_quotes_and_indicators(text: str, line: int, column: int) -> None:
    assert _source(text).at_text(("k",)) == Location("p.yaml", line, column)


def test_only_what_yaml_1_2_says_is_more_than_text() -> None:
    text = (
        "[yes, no, on, off, y, ~, null, true, False, 010, 0x1F, 1_000, 12:30, 2026-01-01, "
        "2026-01-01T00:00:00Z, 7.x, 1.0, .5, 1e3, -3, .inf, '1', \"true\", '']"
    )
    assert _source(text).data == [
        "yes", "no", "on", "off", "y", None, None, True, False, 10, "0x1F", "1_000", "12:30",
        "2026-01-01", "2026-01-01T00:00:00Z", "7.x", 1.0, 0.5, 1000.0, -3, ".inf", "1", "true", "",
    ]  # fmt: skip


def test_scalars_are_kept_as_written() -> None:
    source = _source("a: 1.10\nb: [x]\n")
    assert source.scalar(("a",)) == "1.10"
    assert source.scalar(("b",)) is None


def test_keys_are_texts() -> None:
    assert _source("1: a\ntrue: b\n").data == {"1": "a", "true": "b"}


def test_an_alias_repeats_its_anchor() -> None:
    source = _source("a: &x {k: [1]}\nb: *x\n")
    assert source.data == {"a": {"k": [1]}, "b": {"k": [1]}}
    assert source.at(("b", "k", 0)) == Location("p.yaml", 2, 4)


def test_an_anchor_may_be_used_anew() -> None:
    assert _source("a: &x 1\nb: &x 2\nc: *x\n").data == {"a": 1, "b": 2, "c": 2}


def test_text_tags_are_fine() -> None:
    assert _source("a: !!str 1\nb: ! 2\n").data == {"a": "1", "b": "2"}


@pytest.mark.parametrize(
    ("raw", "code", "line", "column"),
    [
        (b"a: \xff\n", "not-utf8", 1, 4),
        (b"a: 1\nb: \xc3\xa4\xff\n", "not-utf8", 2, 5),
        ("a: 1".encode("utf-16"), "not-utf8", 1, 1),
        (b"", "empty-file", 1, 1),
        (b"a: \x00", "yaml-syntax", 1, 4),
        (b"# \x1b[31m\n", "yaml-syntax", 1, 3),
        (b"%YAML 9\n---\na: 1\n", "yaml-syntax", 1, 8),
    ],
)
def test_what_is_no_document(raw: bytes, code: str, line: int, column: int) -> None:
    with pytest.raises(PolicyError) as caught:
        YamlFile("p.yaml", raw)
    (problem,) = caught.value.problems
    assert (problem.code, problem.location) == (code, Location("p.yaml", line, column))


@pytest.mark.parametrize("hidden", ["\x85", "\u2028", "\u2029"])
@pytest.mark.parametrize("text", ["a: 1 # a note{}b: 2\n", "a: 'x{}y'\n", "a: x\n# y{}\n"])
def test_no_key_hides_behind_a_break_that_nobody_sees(text: str, hidden: str) -> None:
    with pytest.raises(PolicyError) as refusal:
        YamlFile("f", text.format(hidden).encode())
    (problem,) = refusal.value.problems
    before = text.partition("{}")[0].split("\n")
    assert (problem.location.line, problem.location.column) == (len(before), len(before[-1]) + 1)
    assert "in double quotes" in problem.hint
    escaped = f'a: "x\\u{ord(hidden):04x}y"\n'
    assert YamlFile("f", escaped.encode()).data == {"a": f"x{hidden}y"}


@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_a_document_or_a_problem(text: str) -> None:
    with suppress(PolicyError):
        assert _source(text).at(()).line >= 1


@given(st.text(alphabet=":- \n\t{}[]&*!|>'\"%@`#?ab1,<", max_size=60))
def test_any_heap_of_indicators_is_a_document_or_a_problem(text: str) -> None:
    with suppress(PolicyError):
        assert _source(text).at(()).line >= 1


def test_deep_nesting_is_refused_quickly() -> None:
    for opening in ("[", "{a: ", "- "):
        with pytest.raises(PolicyError) as caught:
            _source(opening * 100_000)
        assert caught.value.problems[0].code == "too-large"


def test_files_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(PolicyError) as caught:
        read_source(path, "large.yaml")
    assert caught.value.problems[0].code == "too-large"


def test_only_files_are_read(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nothing.yaml", Path("/dev/zero")):
        with pytest.raises(PolicyError) as caught:
            read_source(path, "p.yaml")
        assert caught.value.problems[0].code == "unreadable-file"


def test_a_file_cannot_steer_the_terminal() -> None:
    source = _source('a: "\\e[31mred"\n')
    problem = source.problem(("a",), f"bad {source.get(('a',))}", "x", hint="\u202e")
    assert problem.message == "bad \\x1b[31mred"
    assert problem.hint == "\\u202e"
