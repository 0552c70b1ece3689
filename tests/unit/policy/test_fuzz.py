"""Whatever a file holds, loading gives policies or problems, never another exception."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.policy.files.locate import shipped_policies
from scanner.policy.load import inspect_policies

TEXTS = {name: path.read_text(encoding="utf-8") for name, path in shipped_policies().items()}
PIECES = st.sampled_from(
    [
        *"{}[]'\"|>#$\t\n\x07é",
        *("  ", "- ", ": ", "*a ", "&a ", "$x", "null", "90d"),
        *("rules:", "params:", "extends: [./p.yaml]\n", "disable: {x: y}\n"),
    ]
)


@pytest.mark.parametrize("name", sorted(TEXTS))
@settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_damaged_policies(name: str, tmp_path: Path, data: st.DataObject) -> None:
    text = TEXTS[name]
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        length = data.draw(st.sampled_from([0, 1, 2, 10, 200]))
        text = text[:start] + data.draw(PIECES) + text[start + length :]
    path = tmp_path / "p.yaml"
    path.write_text(text, encoding="utf-8")
    inspection = inspect_policies([str(path)])
    assert inspection.policies or inspection.problems
    for problem in inspection.problems:
        assert problem.location.line >= 1
        assert problem.location.column >= 1
