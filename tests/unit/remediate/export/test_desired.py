"""Keys as a plan would leave them."""

from typing import Any

import pytest

from scanner.model.outcome import Risk
from scanner.providers.sentry.export.terraform import terraform
from scanner.remediate.document import KeyTarget, PlannedAction, Precondition, State
from scanner.remediate.export import EXPORTERS, exporter
from scanner.remediate.export.desired import desired
from tests.unit.providers.sentry.export.keys import key

TERRAFORM = exporter("terraform")
OPTIONS = {"hasReplay": True, "hasPerformance": True, "hasDebug": True, "hasFeedback": False}
NEW = KeyTarget(type="sentry_key", organization="acme", project="shop", name="new")


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
    found = desired([one, other], actions, TERRAFORM)
    assert (found.gone, found.inexpressible) == ([], [])
    assert found.keys == [(one[0], {**one[1], "rateLimit": limit, "name": "c"}), other]
    assert one[1]["name"] == "a"


def test_a_renamed_key_is_the_same_resource() -> None:
    one = key()
    keys = desired([one], [planned(one[0], {"name": "other"})], TERRAFORM).keys
    before, after = terraform([one]).text, terraform(keys).text
    assert before.replace('= "Prod"', '= "other"') == after


def test_a_deleted_key_is_not_in_it_and_that_is_said() -> None:
    one, other = key(key_id="1", name="a"), key(key_id="2", name="b")
    found = desired([one, other], [planned(one[0], None)], TERRAFORM)
    assert (found.keys, found.gone) == ([other], [one[0]])


def test_a_key_to_be_made_has_nothing_to_import() -> None:
    target = KeyTarget(type="sentry_key", organization="acme", project="shop", name="new")
    after: State = {"name": "new", "rateLimit": None}
    keys = desired([key()], [planned(target, after)], TERRAFORM).keys
    text = terraform(keys).text
    assert text.count("import {") == 1
    assert text.count('resource "sentry_key"') == 2
    assert "new (to be made)" in text
    assert len({line for line in text.splitlines() if line.startswith("resource")}) == 2


@pytest.mark.parametrize(
    ("after", "terraform_cannot", "alchemy_cannot"),
    [
        ({"isActive": False}, "isActive", "isActive"),
        ({"isActive": False, "name": "Prod (disabled 2026-01-01)"}, "isActive", "isActive"),
        ({"rateLimit": {"window": 1, "count": 2}}, "", ""),
        ({"rateLimit": None}, "rateLimit", "rateLimit"),
        ({"rateLimit": {"window": 1, "count": 2**60}}, "rateLimit", "rateLimit"),
        ({"browserSdkVersion": "9.x"}, "", "browserSdkVersion"),
        ({"dynamicSdkLoaderOptions": OPTIONS}, "hasFeedback", "dynamicSdkLoaderOptions"),
        ({"dynamicSdkLoaderOptions": {"hasDebug": True}}, "one of", "dynamicSdkLoaderOptions"),
        ({"useCase": "demo"}, "useCase", ""),
    ],
)
def test_what_a_tool_cannot_do_is_said_and_not_claimed(
    after: State, terraform_cannot: str, alchemy_cannot: str
) -> None:
    for name, cannot in zip(EXPORTERS, (terraform_cannot, alchemy_cannot), strict=True):
        one, tool = key(), exporter(name)
        found = desired([one], [planned(one[0], after)], tool)
        if cannot:
            (said,) = found.inexpressible
            assert said.startswith("acme/shop: Prod (key ab12): any is not in it")
            assert cannot in said
            assert tool.write(found.keys).text == tool.write([one]).text
        else:
            assert found.inexpressible == []
            assert tool.write(found.keys).text != tool.write([one]).text


def test_of_a_new_key_too_it_is_said_what_it_will_lack() -> None:
    plain: State = {"name": "new", "rateLimit": None, "useCase": "user"}
    for name in EXPORTERS:
        assert desired([], [planned(NEW, plain)], exporter(name)).inexpressible == []
    whole: State = {**plain, "browserSdkVersion": "9.x", "dynamicSdkLoaderOptions": OPTIONS}
    found = desired([], [planned(NEW, whole)], exporter("alchemy"))
    assert "cannot set browserSdkVersion, dynamicSdkLoaderOptions" in found.inexpressible[0]
    assert [target for target, _ in found.keys] == [NEW]


def test_alchemy_neither_makes_a_key_for_a_new_name_nor_takes_one_that_goes() -> None:
    tool = exporter("alchemy")
    one, other = key(key_id="1", name="a"), key(key_id="2", name="b")
    found = desired([one, other], [planned(one[0], {"name": "c"})], tool)
    made = tool.write(found.keys, found.gone)
    (said,) = made.left
    assert said.startswith("acme/shop: a (key 1) is left out: it is to be called c, and Alchemy")
    assert made.text.count("await ClientKey") == 1
    # Until a key is renamed or deleted it is there under its old name.
    two = key(key_id="2", name="a ")
    for after in ({"name": "c"}, None):
        found = desired([one, two], [planned(one[0], after)], tool)
        made = tool.write(found.keys, found.gone)
        assert "ClientKey(" not in made.text
        assert "another key of this name" in made.left[-1]
