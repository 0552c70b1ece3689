from hypothesis import given
from hypothesis import strategies as st

from scanner.triage.fingerprint import fingerprint

TEXT = st.none() | st.text()


def test_the_recipe_does_not_change_from_release_to_release() -> None:
    assert fingerprint("key-max-age", "acme", "4505", "k1") == "35dc14bedd03ef3e9460c7a4eaab8f11"


@given(st.tuples(st.text(), TEXT, TEXT, st.text()), st.tuples(st.text(), TEXT, TEXT, st.text()))
def test_different_findings_have_different_fingerprints(
    left: tuple[str, str | None, str | None, str], right: tuple[str, str | None, str | None, str]
) -> None:
    assert (fingerprint(*left) == fingerprint(*right)) == (left == right)
