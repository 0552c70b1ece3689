import pytest

from scanner.model.coverage import Gap
from scanner.model.inventory import Scope
from scanner.triage.interface import Sight

KEYS = "sentry_key"


@pytest.mark.parametrize(
    ("sight", "whole", "covers"),
    [
        (Sight(Scope(), {KEYS: ()}), True, True),
        (Sight(Scope(("acme",)), {KEYS: ()}), True, True),
        (Sight(Scope(("globex",)), {KEYS: ()}), True, False),
        (Sight(Scope((), ("web",)), {KEYS: ()}, is_narrowed=True), False, True),
        (Sight(Scope((), ("app",)), {KEYS: ()}, is_narrowed=True), False, False),
        (Sight(Scope(), {KEYS: ()}, is_filtered=True), False, False),
        (Sight(Scope(), {KEYS: (Gap("all"),)}), False, False),
        (Sight(Scope(), {KEYS: (Gap("x", "acme"),)}), False, False),
        (Sight(Scope(), {KEYS: (Gap("x", "acme", "web"),)}), False, False),
        (Sight(Scope(), {KEYS: (Gap("x", "acme", "app"),)}), False, True),
        (Sight(Scope(), {KEYS: (Gap("x", "globex"),)}), False, True),
        (Sight(Scope(), {}), True, False),
    ],
)
def test_what_was_looked_at(sight: Sight, *, whole: bool, covers: bool) -> None:
    assert sight.is_whole(KEYS) is whole
    assert sight.covers(KEYS, "acme", "web") is covers
