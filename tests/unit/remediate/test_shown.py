"""Plans for people: lines that fit and do no harm, and pages that render as what they say."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.text import columns
from scanner.model.outcome import Risk
from scanner.remediate.document import (
    KeyTarget,
    KeyTraffic,
    Left,
    Plan,
    PlannedAction,
    PlanTool,
    Precondition,
)
from scanner.remediate.markdown import MAX_BYTES, MAX_ROWS, markdown
from scanner.remediate.table import MAX_LEFT, change_words, table_lines

MOMENT = datetime(2026, 1, 1, tzinfo=UTC)
TARGET = KeyTarget(type="sentry_key", organization="acme", project="shop", id="a" * 32, name="web")
LIMIT = PlannedAction(
    id="0" * 12,
    action="set_rate_limit",
    risk=Risk.SAFE,
    target=TARGET,
    before={"rateLimit": None},
    after={"rateLimit": {"count": 1000, "window": 3600}},
    precondition=Precondition.of({"rateLimit": None}),
    reason="web has no rate limit",
    notes=("busiest 1h in 30 days: 400 events",),
    traffic=KeyTraffic(12_000, 30),
)
GONE = msgspec.structs.replace(LIMIT, action="delete", risk=Risk.IRREVERSIBLE, after=None)
LEFT = Left(
    target=TARGET,
    rule_id="key-max-age",
    policy="p",
    fingerprint="f",
    code="no-remedy",
    reason="the rule has no `fix`",
)


def plan(*actions: PlannedAction, left: tuple[Left, ...] = ()) -> Plan:
    return Plan(
        tool=PlanTool("keypolicy", "0"),
        created_at=MOMENT,
        as_of=MOMENT,
        server="https://s.example",
        organizations=("acme",),
        policies=(),
        actions=actions,
        left=left,
    )


def shown(made: Plan, width: int = 80, *, color: bool = False) -> list[str]:
    return list(table_lines(made, width, color=color))


def test_a_change_is_told_whole() -> None:
    lines = shown(plan(LIMIT, left=(LEFT,)))
    assert lines == [
        "PLAN: 1 change (1 safe)",
        "server https://s.example, as of 2026-01-01 00:00:00 UTC",
        "",
        "set_rate_limit (safe): acme/shop web [aaaaaaaaa...]",
        "  rateLimit: none -> 1,000 in 3,600 s",
        "  because web has no rate limit",
        "  it accepted 12,000 events in 30 days",
        "  note: busiest 1h in 30 days: 400 events",
        "  id 000000000000",
        "",
        "Left as they are: 1 finding",
        "  - acme/shop web [aaaaaaaaa...], key-max-age (no-remedy): the rule has no `fix`",
    ]


def test_nothing_to_do_says_so() -> None:
    assert shown(plan())[0] == "PLAN: nothing to change"
    assert "Nothing is to be changed." in markdown(plan())


def test_only_a_deletion_is_red_as_a_whole() -> None:
    lines = shown(plan(LIMIT, GONE), color=True)
    assert "\x1b[32mset_rate_limit\x1b[0m (safe): acme/shop web [aaaaaaaaa...]" in lines
    assert "\x1b[1;31mdelete (IRREVERSIBLE): acme/shop web [aaaaaaaaa...]\x1b[0m" in lines
    assert not any("\x1b" in line for line in shown(plan(LIMIT, GONE)))


def test_long_lists_are_cut_and_say_so() -> None:
    made = plan(*[LIMIT] * (MAX_ROWS + 5), left=(LEFT,) * (MAX_LEFT + 3))
    assert shown(made)[-1] == "  ... and 3 more; -o FILE.json has all"
    assert "... and 5 more changes; the plan's file has all." in markdown(made)


@pytest.mark.parametrize("text", ["short", "words of a note " * 20, "\u00e9|" * 400, "x" * 70_000])
@pytest.mark.parametrize("number", [1, 150, 3000])
def test_a_page_fits_a_comment_and_counts_what_it_lacks(number: int, text: str) -> None:
    made = plan(
        *[msgspec.structs.replace(LIMIT, notes=(text,))] * number,
        left=(msgspec.structs.replace(LEFT, reason=text),) * number,
    )
    page = markdown(made)
    assert len(page.encode()) <= MAX_BYTES
    shown_rows = page.count("| `set_rate_limit` |"), page.count("| key-max-age |")
    for rows, noun in zip(shown_rows, ("changes", "findings"), strict=True):
        rest = f"... and {number - rows:,} more {noun}; the plan's file has all."
        assert (rest in page) is (rows < number)
    assert page.endswith("with `keypolicy fix apply PLAN.json`.\n")


def test_a_page_warns_of_what_nothing_brings_back() -> None:
    page = markdown(plan(GONE))
    assert "1 key would be deleted for good" in page
    assert ":red_circle: **IRREVERSIBLE**" in page
    assert ":red_circle:" not in markdown(plan(LIMIT))


def test_words_of_changes() -> None:
    assert change_words({}, None) == ["the key is deleted"]
    before: dict[str, Any] = {"name": "a", "isActive": True}
    after = {"name": "b", "isActive": False, "useCase": "user"}
    assert change_words(before, after) == [
        "isActive: true -> false",
        'name: "a" -> "b"',
        'useCase: "user"',
    ]


@given(st.text(), st.text(), st.integers(1, 120))
def test_whatever_a_key_is_called_does_no_harm(name: str, reason: str, width: int) -> None:
    target = msgspec.structs.replace(TARGET, name=name)
    action = msgspec.structs.replace(LIMIT, target=target, reason=reason, notes=(name,))
    renamed = msgspec.structs.replace(action, before={"name": name}, after={"name": reason})
    left = msgspec.structs.replace(LEFT, target=target, reason=reason)
    made = plan(action, renamed, left=(left,))
    for line in shown(made, width):
        assert line.isprintable() or not any(ord(c) < 0x20 or c in "\x7f\u202e" for c in line)
        assert columns(line) <= max(width, 40)
        assert "\x1b" not in line
    rows = [line for line in markdown(made).split("\n") if line.startswith("| `")]
    assert len(rows) == 2
    assert all(row.count("|") == 6 for row in rows)
    assert "<script" not in markdown(made)


@pytest.mark.parametrize("option", ["hasDebug", "hasFeedback", "hasLogsAndMetrics", "hasReplay"])
def test_of_an_object_what_changes_is_told(option: str) -> None:
    """All of it would not fit: what is cut off the end would be the change."""
    names = ("hasDebug", "hasFeedback", "hasLogsAndMetrics", "hasPerformance", "hasReplay")
    options = dict.fromkeys(names, False)
    field = "dynamicSdkLoaderOptions"
    after = {field: {**options, option: True}}
    one = msgspec.structs.replace(LIMIT, before={field: options}, after=after)
    assert shown(plan(one))[4] == f"  {field}.{option}: false -> true"
    assert f"| {field}.{option}: false -" in markdown(plan(one))
    made = change_words({}, {field: options})
    assert made == [f"{field}.{name}: false" for name in names]
