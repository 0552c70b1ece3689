import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from scanner.catalogue import redact
from scanner.catalogue.redact import REDACTED, SECRET_FIELDS, redact_record, redact_text, tokens_in
from scanner.providers.sentry.tables.client_keys import DSN_KINDS

SECRET = "189485c3b8ccf582bf5e12c530ef8858"
PUBLIC = "60120449b6b1d5e45f75561e6dabd80b"
TOKEN = "sntryu_" + "0a1b2c3d" * 8


def _key(**more: Any) -> dict[str, Any]:
    return {
        "id": PUBLIC,
        "public": PUBLIC,
        "secret": SECRET,
        "dsn": {
            "secret": f"https://{PUBLIC}:{SECRET}@o1.ingest.example/2",
            "public": f"https://{PUBLIC}@o1.ingest.example/2",
            "csp": f"https://o1.ingest.example/api/2/csp-report/?sentry_key={PUBLIC}",
        },
    } | more


def test_a_keys_secret_and_secret_dsn_are_dropped() -> None:
    clean = redact_record(_key())
    assert SECRET not in json.dumps(clean)
    assert "secret" not in clean
    assert set(clean["dsn"]) == {"public", "csp"}


def test_public_parts_stay_as_they_are() -> None:
    clean = redact_record(_key())
    assert clean["public"] == PUBLIC
    assert clean["dsn"]["public"] == f"https://{PUBLIC}@o1.ingest.example/2"


def test_a_kind_of_dsn_that_nobody_knows_yet_is_dropped() -> None:
    assert "secret" not in DSN_KINDS
    assert set(redact_record(_key(dsn={"public": "p", "future": "f"}))["dsn"]) == {"public"}


@pytest.mark.parametrize("dsn", [None, "text", ["list"]])
def test_a_dsn_of_another_shape_is_no_crash(dsn: object) -> None:
    assert redact_record(_key(dsn=dsn))["dsn"] == dsn


def test_a_secret_quoted_elsewhere_is_removed_there() -> None:
    record = _key(name=f"was {SECRET}", notes=[{"deep": f"see {SECRET}!"}], unreal=SECRET)
    clean = redact_record(record)
    assert clean["name"] == f"was {REDACTED}"
    assert clean["notes"] == [{"deep": f"see {REDACTED}!"}]
    assert SECRET not in json.dumps(clean)


@pytest.mark.parametrize("field", sorted(SECRET_FIELDS))
def test_credential_fields_go_at_any_depth(field: str) -> None:
    record = {"id": "1", "nested": [{"more": {field: "x", "kept": 1}}]}
    assert redact_record(record) == {"id": "1", "nested": [{"more": {"kept": 1}}]}


def test_depth_is_no_bound() -> None:
    """Decoders take nearly a thousand levels, as many as there may be frames of Python."""
    deep: Any = {"secret": "x", "kept": f"https://u:{SECRET}@h"}
    for _ in range(450):
        deep = {"in": [deep]}
    clean = redact_record({"id": "1", "more": deep})["more"]
    for _ in range(450):
        clean = clean["in"][0]
    assert clean == {"kept": f"https://u:{REDACTED}@h"}


DIGITS = "0a1b2c3d" * 8
TOKENS = ["sntryu_0a1b2c3d4e", "SNTRYS_", "Bearer ", "toKen ", "to\u212aen ", "abcdefgh1", SECRET]
MARKS = ["https://", "//", "u", ":", "@", "/", '"', "\\", "\n", " ", "é", '"secret":', "a.example"]
PIECES = st.sampled_from([*TOKENS, *MARKS, DIGITS])
VALUES = st.lists(PIECES, max_size=6).map("".join) | st.sampled_from([5, None])
RECORDS = st.dictionaries(
    st.sampled_from(["id", "name", "secret", "key", "dsn", "more", 'a"secret']),
    VALUES
    | st.lists(VALUES, max_size=2)
    | st.dictionaries(st.sampled_from(["public", "secret", "token", "x"]), VALUES, max_size=2),
    max_size=3,
)


@settings(max_examples=100, deadline=None)
@given(RECORDS)
@example({"more": [{"token": "x"}]})
@example({"name": "Bearer abcdefgh1"})
@example({"name": "to\u212aen abcdefgh1"})
@example({"name": "//u:p4ss@h"})
@example({"name": DIGITS})
@example({"name": SECRET, "secret": SECRET})
@example({"name": 'a"b/c+d=e', "secret": 'a"b/c+d=e'})
def test_the_quick_look_finds_all_that_the_close_one_finds(record: dict[str, Any]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(redact, "_is_clean", lambda _record, _known: False)
        closely = redact_record(record)
    assert redact_record(record) == closely


def test_of_other_credentials_only_known_fields_are_kept() -> None:
    record = {
        "uuid": "u-1",
        "name": f"bot with {SECRET}",
        "scopes": ["org:read"],
        "clientSecret": SECRET,
        "webhookUrl": "https://hooks.example/T0/B0/very-secret",
        "metadata": {"anything": "else"},
    }
    assert redact_record(record, "sentry_integration") == {
        "uuid": "u-1",
        "name": f"bot with {REDACTED}",
        "scopes": ["org:read"],
    }
    assert redact_record({"id": "1", "key": SECRET, "label": SECRET}, "sentry_api_key") == {
        "id": "1",
        "label": REDACTED,
    }


def test_a_short_secret_does_not_eat_names() -> None:
    assert redact_record({"secret": "a", "name": "banana"})["name"] == "banana"


def test_values_that_are_no_text_stay() -> None:
    record = {"id": 1, "ok": True, "none": None, "rate": 1.5, "list": [1, None]}
    assert redact_record(record) == record


def test_the_record_given_is_left_alone() -> None:
    record = _key()
    before = json.dumps(record)
    redact_record(record)
    assert json.dumps(record) == before


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        (f"token {TOKEN} was refused", TOKEN),
        ("sntrys_eyJpYXQiOjE3.MDAwfQ==_abc-def/+0", "eyJpYXQiOjE3"),
        (f"Authorization: Bearer {SECRET}", SECRET),
        (f"authorization: basic {SECRET}==", SECRET),
        (f"HTTP_AUTHORIZATION={SECRET}", SECRET),
        (f'{{"Authorization": "Basic {SECRET}"}}', SECRET),
        (f'{{\\"authorization\\":\\"{SECRET}', SECRET),
        (f"X_bearer {SECRET}", SECRET),
        (f"https://user:{SECRET}@host/2", SECRET),
        (f"//{PUBLIC}:{SECRET}@host/2", SECRET),
    ],
)
def test_text_loses_credentials(text: str, gone: str) -> None:
    clean = redact_text(text)
    assert gone not in clean
    assert REDACTED in clean


def test_known_secrets_are_removed_literally() -> None:
    assert redact_text("a.*b and axxb", known=("a.*b", "")) == f"{REDACTED} and axxb"


@pytest.mark.parametrize(
    "text",
    [
        "the token is missing",
        f"https://{PUBLIC}@o1.ingest.example/2",
        "http://127.0.0.1:9000/api/0/",
        "10:30 and a@b.example",
    ],
)
def test_harmless_text_stays(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (f"a {TOKEN}, {TOKEN.upper()}", [TOKEN, TOKEN.upper()]),
        (f"{TOKEN}........", [f"{TOKEN}........"]),
        ("sntrys_abcdefgx", ["sntrys_abcdefgx"]),
        ("SENTRY_AUTH_TOKEN=sntrys_xxxxxxxxxxxx", []),
        ("sntryu_XXXX-XXXX-XXXX or sntrys_........", []),
        ("name !~ '^sntry[a-z]?_[0-9a-f]{64}$', sntrys_<token>", []),
        (f"sha256:{SECRET * 2}, token {SECRET}, https://{PUBLIC}@o1.ingest.example/2", []),
    ],
)
def test_what_people_write_has_a_token_in_it_or_what_stands_for_one(
    text: str, found: list[str]
) -> None:
    assert [one[0] for one in tokens_in(text)] == found


def test_everything_that_sentry_documents_comes_out_without_its_secrets() -> None:
    """Held against Sentry's API description where it lies beside the checkout."""
    file = Path(__file__).parents[4] / "shared" / "sentry" / "openapi-keys.json"
    if not file.is_file():
        pytest.skip("Sentry's API description is not at hand")
    paths = msgspec.json.decode(file.read_bytes())["paths"]
    path = "/api/0/projects/{organization_id_or_slug}/{project_id_or_slug}/keys/"
    answer = paths[path]["get"]["responses"]["200"]["content"]["application/json"]
    assert set(answer["schema"]["items"]["properties"]["dsn"]["properties"]) == {
        "secret",
        *DSN_KINDS,
    }
    for record in answer["examples"]["ListClientKeysForAProject"]["value"]:
        secrets = (record["secret"], record["dsn"]["secret"].split(":")[2].split("@")[0])
        clean = json.dumps(redact_record(record))
        assert not any(secret in clean for secret in secrets)
