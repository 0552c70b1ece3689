"""The gate's thresholds: severities, numbers, and policies with their own."""

from pathlib import Path

import pytest

from tests.acceptance.tolerance import Place, key


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


MANY = [key(f"{n:032x}", f"k{n}", rateLimit=None) for n in range(1, 6)]


@pytest.mark.parametrize(
    ("arguments", "code", "says"),
    [
        (("--max-findings", "medium=5", "--max-findings", "high=5"), 0, "10 findings within"),
        (("--max-findings", "medium=5"), 1, "5 violations of severity low or worse"),
        (
            ("--max-findings", "medium=4", "--max-findings", "high=5"),
            1,
            "5 open findings of severity medium, at most 4 allowed",
        ),
        (("--fail-on", "critical"), 0, "within"),
        (("--fail-on", "critical", "--max-findings", "high=4"), 1, "of severity high, at most 4"),
        (("--fail-on", "never", "--max-findings", "medium=0"), 1, "at most 0 allowed"),
        (("--max-findings", "medium"), 2, "'medium' is not SEVERITY=N"),
        (("--max-findings", "huge=1"), 2, "critical"),
    ],
)
def test_how_many_findings_are_tolerated(
    place: Place, arguments: tuple[str, ...], code: int, says: str
) -> None:
    place.keys(*MANY)
    done = place.scan(*arguments)
    assert done.code == code
    assert says in done.out + done.err


def test_a_policy_has_thresholds_of_its_own(place: Place) -> None:
    place.keys(*MANY)
    gate = "gate:\n  {}: {{fail_on: critical, max_findings: {{medium: {}}}}}\n"
    place.write("keypolicy.yaml", gate.format("mine", 5))
    assert place.scan().code == 0
    place.write("keypolicy.yaml", gate.format("mine", 4))
    assert place.scan().code == 1
    reasons = ["mine: 5 open findings of severity medium, at most 4 allowed"]
    assert place.report()["gate"]["reasons"] == reasons
    assert place.scan("--max-findings", "medium=9").code == 0  # a flag is said of all policies
    assert place.scan("--fail-on", "high").code == 1
    place.write("keypolicy.yaml", gate.format("mien", 4))
    assert place.scan().code == 1
    assert "thresholds for mien, which is not in this scan" in place.warnings()
