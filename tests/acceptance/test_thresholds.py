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


@pytest.mark.parametrize("order", [("first", "second"), ("second", "first")])
@pytest.mark.parametrize(
    ("gate", "code"),
    [
        ("{first: {fail_on: never}}", 1),
        ("{second: {fail_on: never}}", 1),
        ("{first: {fail_on: never}, second: {max_findings: {high: 4, medium: 5}}}", 1),
        ("{first: {fail_on: never}, second: {max_findings: {high: 5, medium: 5}}}", 0),
        ("{first: {fail_on: never}, second: {fail_on: never}}", 0),
    ],
)
def test_a_rule_that_policies_share_is_judged_by_the_strictest_of_them(
    place: Place, order: tuple[str, str], gate: str, code: int
) -> None:
    place.keys(*MANY)
    for name in order:
        place.write(f"{name}.yaml", f"policy: {name}\nversion: 1.0.0\nextends: [p.yaml]\n")
    place.write("keypolicy.yaml", f"gate: {gate}\n")
    source = ("--inventory", "keys.json", "--org", "acme", "--project", "web")
    policies = (argument for name in order for argument in ("--policy", f"{name}.yaml"))
    done = place.run("scan", *source, *policies, "--as-of", "2026-03-01")
    assert done.code == code, done.out
