"""What is picked out of a scan: the worst first, what is due soonest, then what is oldest."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec

from scanner.model.finding import Finding
from scanner.model.history import Fate
from scanner.model.outcome import Disposition, Outcome
from scanner.model.rule import Rule
from scanner.notify.digest import digest_of, worst
from tests.unit.notify.factory import tracked, with_history
from tests.unit.report.factory import AS_OF, RULES, finding, golden_run, large_run, run_of

AGE, LIMIT, *_ = RULES  # high and critical


def dated(key: str, *, due: int | None = None, seen: int | None = None, of: Rule = AGE) -> Finding:
    return msgspec.structs.replace(
        finding(of, key * 32),
        due=None if due is None else AS_OF + timedelta(days=due),
        first_seen=None if seen is None else AS_OF - timedelta(days=seen),
    )


def test_severity_then_due_then_age() -> None:
    found = [
        dated("1"),
        dated("2", seen=3),
        dated("3", seen=9),
        dated("4", due=5, seen=1),
        dated("5", due=-2, seen=2),
        dated("6", due=-2, seen=7),
        dated("7", of=LIMIT),
    ]
    run = with_history(run_of(RULES, found))
    assert [one.resource.id[0] for one in worst(run)] == ["7", "6", "5", "4", "3"]


def test_only_what_is_open_and_was_seen() -> None:
    run = golden_run()
    ids = [one.resource.id[:1] for one in worst(run)]
    assert ids == ["2", "3", "1", "1", "6"]
    assert {one.outcome for one in worst(run)} == {Outcome.FAIL, Outcome.UNKNOWN}
    assert all(one.disposition is Disposition.OPEN for one in worst(run))


def test_no_more_is_read_than_is_needed() -> None:
    large = large_run(5000)
    taken: list[str] = []

    def counted() -> Iterator[Finding]:
        for one in large.findings:
            taken.append(one.fingerprint)
            yield one

    assert len(worst(msgspec.structs.replace(large, findings=counted()))) == 5
    assert len(taken) == 5


def test_what_is_overdue_is_counted_by_the_history() -> None:
    one, other = dated("1", due=-1), dated("2", due=1)
    run = run_of(RULES, [one, other])
    assert digest_of(run, None).overdue is None
    late = tracked(one, due=one.due)
    gone = tracked(one, Fate.FIXED, due=one.due)
    told = digest_of(with_history(run, late, gone, tracked(other, due=other.due)), None)
    assert told.overdue == 1
    assert [one.is_overdue for one in told.worst] == [True, False]


def test_gaps_are_told_by_place() -> None:
    digest = digest_of(golden_run(), None)
    assert digest.gaps == (
        "sentry_key of acme/payments: HTTP 403: the token lacks the scope project:read",
    )
    assert digest.gaps_total == 1


def test_reasons_are_few() -> None:
    run = golden_run()
    verdict = msgspec.structs.replace(run.verdict, reasons=tuple("abcdefg"))
    digest = digest_of(msgspec.structs.replace(run, verdict=verdict), None)
    assert (digest.reasons, digest.reasons_total) == (("a", "b", "c"), 7)
