"""Keys as a plan would leave them."""

from typing import Any

from scanner.model.outcome import Risk
from scanner.providers.sentry.export.terraform import terraform
from scanner.remediate.document import KeyTarget, PlannedAction, Precondition, State
from scanner.remediate.export.desired import desired
from tests.unit.providers.sentry.export.keys import key


def planned(target: KeyTarget, after: Any) -> PlannedAction:
    return PlannedAction(
        id="a1",
        action="any",
        risk=Risk.SAFE,
        target=target,
        before={},
        after=after,
        precondition=Precondition((), ""),
        reason="",
    )


def test_changes_are_made_and_the_rest_stays() -> None:
    one, other = key(key_id="1", name="a"), key(key_id="2", name="b")
    limit = {"window": 5, "count": 7}
    actions = [planned(one[0], {"rateLimit": limit}), planned(one[0], {"name": "c"})]
    keys, gone = desired([one, other], actions)
    assert gone == []
    assert keys == [(one[0], {**one[1], "rateLimit": limit, "name": "c"}), other]
    assert one[1]["name"] == "a"


def test_a_renamed_key_is_the_same_resource() -> None:
    one = key()
    keys, _ = desired([one], [planned(one[0], {"name": "other"})])
    before, after = terraform([one]).text, terraform(keys).text
    assert before.replace('= "Prod"', '= "other"') == after


def test_a_deleted_key_is_not_in_it_and_that_is_said() -> None:
    one, other = key(key_id="1", name="a"), key(key_id="2", name="b")
    keys, gone = desired([one, other], [planned(one[0], None)])
    assert keys == [other]
    assert gone == ["acme/shop: a (key 1) is not in it: the plan deletes it."]


def test_a_key_to_be_made_has_nothing_to_import() -> None:
    target = KeyTarget(type="sentry_key", organization="acme", project="shop", name="new")
    after: State = {"name": "new", "rateLimit": None}
    keys, _ = desired([key()], [planned(target, after)])
    text = terraform(keys).text
    assert text.count("import {") == 1
    assert text.count('resource "sentry_key"') == 2
    assert "new (to be made)" in text
    assert len({line for line in text.splitlines() if line.startswith("resource")}) == 2
