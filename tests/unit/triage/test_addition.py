import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import PolicyError, UsageError
from scanner.base.yamlfile import YamlFile
from scanner.triage.addition import add

FIELDS: dict[str, str | list[str]] = {"id": "new", "match": ["key", "1e5"], "expires": "2026-12-31"}
ENTRY = '# why\n- id: new\n  match: [key, "1e5"]\n  expires: 2026-12-31\n'


def indented(text: str, by: str) -> str:
    return "".join(by + line for line in text.splitlines(keepends=True))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("waivers:\n- {id: a}\n", "waivers:\n- {id: a}\n\n" + ENTRY),
        (
            "waivers:\n    - id: a  # x\n",
            "waivers:\n    - id: a  # x\n\n" + indented(ENTRY, "    "),
        ),
        ("waivers: # none\n", "waivers: # none\n" + indented(ENTRY, "  ")),
        ("waivers: []\n", "waivers:\n" + indented(ENTRY, "  ")),
        ("waivers:\n  - id: a", "waivers:\n  - id: a\n\n" + indented(ENTRY, "  ")),
        ("waivers:\n  # - id: a\n", "waivers:\n  # - id: a\n" + indented(ENTRY, "  ")),
        ("waivers:\r\n- id: a\r\n", ("waivers:\n- id: a\n\n" + ENTRY).replace("\n", "\r\n")),
        ("\ufeffwaivers:\n- id: a\n", "\ufeffwaivers:\n- id: a\n\n" + ENTRY),
    ],
)
def test_an_entry_at_the_end(before: str, after: str) -> None:
    assert add(before.encode(), "w.yaml", FIELDS, "why").decode() == after


@pytest.mark.parametrize("before", ["", "# nothing yet\n", "\n\n"])
def test_a_file_without_anything(before: str) -> None:
    after = add(before.encode(), "w.yaml", FIELDS, "why").decode()
    assert after.startswith(before.strip())
    assert after.endswith("waivers:\n" + indented(ENTRY, "  "))


@pytest.mark.parametrize(
    "before", ["waivers: [{id: a}]\n", "waivers: 3\n", "waivers: {a: 1}\n", "[]\n", "a: [\n"]
)
def test_a_form_that_cannot_be_added_to(before: str) -> None:
    with pytest.raises((UsageError, PolicyError)):
        add(before.encode(), "w.yaml", FIELDS, "why")


@given(st.text(), st.text(), st.lists(st.text(), min_size=1, max_size=3))
def test_any_text_is_read_back_as_it_was_given(one: str, comment: str, items: list[str]) -> None:
    given_fields: dict[str, str | list[str]] = {"id": one, "match": items}
    try:
        after = add(b"waivers:\n  - id: a\n", "w.yaml", given_fields, comment)
    except UsageError:
        # Refused, which is right for what YAML cannot hold; never written as something else.
        assert not (one + comment + "".join(items)).isprintable()
        return
    assert YamlFile("w.yaml", after).data == {"waivers": [{"id": "a"}, given_fields]}
