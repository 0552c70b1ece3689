"""What is told of a token before anything is asked."""

import pytest

from scanner.model.token import Token
from scanner.providers.sentry.live.rights import TokenKind, kind_of


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ("sntryu_1", TokenKind.USER),
        ("sntrys_1", TokenKind.ORGANIZATION),
        ("sntryi_1", TokenKind.INTEGRATION),
        ("0123456789abcdef", TokenKind.UNKNOWN),
        ("", TokenKind.UNKNOWN),
    ],
)
def test_the_prefix_of_a_token_tells_its_kind(value: str, kind: TokenKind) -> None:
    assert kind_of(Token(value)) is kind
