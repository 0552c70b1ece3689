"""The signature, verified as docs/notify.md tells a receiver to."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Any

import pytest

from scanner.base.errors import DeliveryError
from scanner.model.token import Token
from scanner.notify.webhook import signed
from tests.acceptance.support import ROOT

NOW = 1_795_000_000
SECRET = "0123456789abcdef0123456789abcdef"
BODY = '{"title":"für alle"}'.encode()


def recipe() -> Callable[..., bool]:
    """The function of the page that verifies a message."""
    page = (ROOT / "docs" / "notify.md").read_text("utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)  # noqa: S102 - the page's own example
    verify: Callable[..., bool] = names["is_genuine"]
    return verify


def test_it_is_hmac_over_id_time_and_body() -> None:
    headers = signed(BODY, Token(SECRET), NOW)
    content = f"{headers['webhook-id']}.{NOW}.".encode() + BODY
    mac = hmac.new(SECRET.encode(), content, hashlib.sha256).digest()
    assert headers["webhook-timestamp"] == str(NOW)
    assert headers["webhook-signature"] == "v1," + base64.b64encode(mac).decode()


def test_a_secret_in_the_form_of_the_specification() -> None:
    raw = bytes(range(24))
    first = signed(BODY, Token("whsec_" + base64.b64encode(raw).decode()), NOW)
    content = f"{first['webhook-id']}.{NOW}.".encode() + BODY
    mac = hmac.new(raw, content, hashlib.sha256).digest()
    assert first["webhook-signature"] == "v1," + base64.b64encode(mac).decode()


@pytest.mark.parametrize("age", [-299, 0, 299])
def test_the_recipe_of_the_page_takes_what_is_genuine(age: int) -> None:
    assert recipe()(signed(BODY, Token(SECRET), NOW), BODY, SECRET, NOW + age)


@pytest.mark.parametrize(
    "change",
    [
        lambda headers, body: (headers, body + b" "),
        lambda headers, body: ({**headers, "webhook-id": "msg_other"}, body),
        lambda headers, body: ({**headers, "webhook-timestamp": str(NOW + 1)}, body),
        lambda headers, body: ({**headers, "webhook-timestamp": "soon"}, body),
        lambda headers, body: ({**headers, "webhook-signature": "v1,AAAA"}, body),
        lambda headers, body: ({**headers, "webhook-signature": ""}, body),
        lambda _, body: (signed(body, Token(SECRET[::-1]), NOW), body),
        lambda _, body: (signed(body, Token(SECRET), NOW - 301), body),
        lambda _, body: (signed(body, Token(SECRET), NOW + 301), body),
    ],
)
def test_the_recipe_refuses_what_is_not(change: Callable[..., Any]) -> None:
    headers, body = change(signed(BODY, Token(SECRET), NOW), BODY)
    assert not recipe()(headers, body, SECRET, NOW)


def test_one_message_has_one_id_and_another_another() -> None:
    first, later = (signed(BODY, Token(SECRET), NOW + at) for at in (0, 9))
    assert first["webhook-id"] == later["webhook-id"]
    assert first["webhook-signature"] != later["webhook-signature"]
    assert signed(b"other", Token(SECRET), NOW)["webhook-id"] != first["webhook-id"]


@pytest.mark.parametrize(
    ("secret", "told"),
    [("short", "less than 16 bytes"), ("whsec_c2hvcnQ=", "less than 16"), ("whsec_!", "base64")],
)
def test_a_secret_that_is_none(secret: str, told: str) -> None:
    with pytest.raises(DeliveryError) as caught:
        signed(BODY, Token(secret), NOW)
    assert told in str(caught.value)
    assert secret not in str(caught.value)
