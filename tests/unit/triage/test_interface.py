import pytest

from scanner.model.coverage import Gap
from scanner.model.inventory import Reach, Scope
from scanner.triage.interface import Sight

KEYS = "sentry_key"
TABLES = frozenset({KEYS})
ALL = Reach(TABLES, Scope())


@pytest.mark.parametrize(
    ("scope", "reaches", "whole"),
    [
        (Scope(), (ALL,), True),
        (Scope(("acme",)), (ALL,), True),
        (Scope((), ("web",)), (ALL,), False),
        (Scope(), (Reach(TABLES, Scope(("acme",))),), True),
        (Scope(), (Reach(TABLES, Scope((), ("web",))),), False),
        (Scope(), (ALL, Reach(TABLES, Scope((), ("web",)))), False),
        (Scope(), (Reach(TABLES, Scope(), ("status",)),), False),
        (Scope(), (Reach(TABLES),), False),
        (Scope(), (Reach(TABLES, is_export=True),), True),
        (Scope((), ("web",)), (Reach(TABLES, is_export=True),), False),
        (Scope((), ("web",)), (Reach(TABLES, Scope((), ("web",)), is_export=True),), True),
        (Scope(), (Reach(frozenset({"sentry_project"}), Scope()),), False),
        (Scope(), (), False),
    ],
)
def test_what_was_seen_whole(scope: Scope, reaches: tuple[Reach, ...], *, whole: bool) -> None:
    assert Sight(scope, {KEYS: ()}, reaches).is_whole(KEYS) is whole
    assert not Sight(scope, {KEYS: (Gap("x", "acme", "web"),)}, reaches).is_whole(KEYS)
