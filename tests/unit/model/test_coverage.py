import pytest

from scanner.model.coverage import CoverageState, Gap, TableCoverage, merge

C, P, D, A = (
    TableCoverage(state, f"{state.value} reason", (Gap("g", "acme"),) if state.rank == 1 else (), 2)
    for state in CoverageState
)


@pytest.mark.parametrize(
    ("left", "right", "state"),
    [
        (C, C, "complete"),
        (C, P, "partial"),
        (C, D, "partial"),
        (P, D, "partial"),
        (D, D, "denied"),
        (C, A, "complete"),
        (D, A, "denied"),
        (A, A, "absent"),
    ],
)
def test_merging(left: TableCoverage, right: TableCoverage, state: str) -> None:
    assert merge(left, right).state.value == state
    assert merge(right, left).state.value == state


def test_gaps_rows_and_reasons_add_up() -> None:
    merged = merge(C, P)
    assert merged.gaps == (Gap("g", "acme"),)
    assert merged.rows == 4
    assert merged.reason == "partial reason"
