"""What messages hold: goldens of each channel, bounds, and nothing that acts where it is read."""

import email
import email.policy
import html
import json
import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.notify import CHANNELS, slack, teams
from scanner.notify.digest import bounded, digest_of
from tests.kept import message as message_file
from tests.unit.notify.factory import SETTINGS, compose, hostile_digest, shown, whole_digest
from tests.unit.report.factory import HOSTILE, clean_run, empty_run, large_run

CANARY = "kanarienvogel"
SECRETS = (
    f"sntryu_{CANARY}0123456789 https://a:{CANARY}@s.example/1 Bearer {CANARY}abc"
    f" password={CANARY}xyz Authorization: {CANARY} {'c0ffee15' * 8}"
)
MENTIONS = (
    "<!here>", "<!channel>", "<!subteam^S1>", "<@U012AB3CD>", "<#C012>", "@channel", "@here",
    "<at>Everyone</at>", "{{DATE(2026-01-01T00:00:00Z, SHORT)}}", "${secret}",
    "<https://evil.example|click>", "[click](https://evil.example)", "*bold* _it_ ~no~ `code`",
    "a\r\nBcc: evil@example.com\r\n\r\nbody", "=?utf-8?q?x?=", "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
)  # fmt: skip


def test_every_channel_has_a_golden() -> None:
    assert set(CHANNELS) == set(SETTINGS)


@pytest.mark.parametrize("kind", CHANNELS)
def test_goldens(kind: str) -> None:
    """If this fails, run `make goldens` and read the diff."""
    assert message_file(kind).read_bytes() == shown(kind)


def texts(value: Any, key: str = "") -> Iterator[tuple[str, str]]:
    """Give every text of a JSON value with the key that it stands at."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from texts(part, name)
    elif isinstance(value, list):
        for part in value:
            yield from texts(part, key)
    elif isinstance(value, str):
        yield key, value


def parts(raw: bytes) -> tuple[Any, str, str]:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    plain, rich = message.iter_parts()
    return message, plain.get_content(), rich.get_content()


HOSTILE_TEXT = st.one_of(
    st.sampled_from([*HOSTILE.values(), *MENTIONS]),
    st.text(st.characters(codec="utf-8"), max_size=400),
    st.lists(st.sampled_from([*MENTIONS, "&", "<", ">", "@x", "{{", "\u202e", "\0"])).map("".join),
)


@given(HOSTILE_TEXT)
@settings(max_examples=50, deadline=None)
def test_slack_reads_no_mention_link_or_markup(text: str) -> None:
    message = json.loads(compose("slack", hostile_digest(text)))
    for block in message["blocks"]:
        for part in [block.get("text"), *block.get("elements", ())]:
            if part is not None and part["type"] == "plain_text":
                assert not re.search(r"[<>]|&(?!(?:amp|lt|gt);)", part["text"])
                assert not re.search(r"@\w", part["text"])
                assert len(part["text"]) <= 3000
                assert part["emoji"] is False
            else:
                assert part is None  # without a link, nothing is in Slack's own markup
    assert len(message["blocks"][0]["text"]["text"]) <= 150
    assert len(message["blocks"]) <= 50
    assert set(re.findall(r"[^\w:,() ]", message["text"])) == set()


@given(HOSTILE_TEXT)
@settings(max_examples=50, deadline=None)
def test_teams_reads_no_function_mention_or_markdown(text: str) -> None:
    raw = compose("teams", hostile_digest(text))
    assert len(raw) < 28_000
    card = json.loads(raw)["attachments"][0]["content"]
    assert "entities" not in card["msteams"]
    assert {block["type"] for block in card["body"]} == {"RichTextBlock"}
    for key, value in texts(card["body"]):
        assert key in {"type", "text", "size", "weight", "color"}
        assert "{{" not in value
        assert "<at>" not in value


@given(HOSTILE_TEXT)
@settings(max_examples=50, deadline=None)
def test_mail_has_no_header_and_no_markup_of_others(text: str) -> None:
    message, plain, rich = parts(compose("email", hostile_digest(text)))
    assert set(message.keys()) == {
        *("Subject", "From", "To", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"),
    }
    assert message["To"] == "security@example.com, web@example.com"
    assert message["Subject"] == "keypolicy: gate failed, 1 open (1 critical)"
    ours = r"</?(?:html|head|meta|title|body|h1|h2|table|tr|th|td|ol|li|b|br|p|small|a)\b[^<>]*>"
    left = re.sub(ours, "", rich.partition("\n")[2])
    assert not re.search("[<>]", left)
    assert 'href="javascript' not in rich
    assert "\x1b" not in plain
    assert "://" not in plain


@given(HOSTILE_TEXT)
@settings(max_examples=50, deadline=None)
def test_the_webhook_is_json_of_known_members(text: str) -> None:
    raw = compose("webhook", hostile_digest(text))
    assert len(raw) < 28_000
    golden_members = json.loads(message_file("webhook").read_bytes()).keys()
    assert json.loads(raw).keys() == golden_members


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("text", [*MENTIONS, *HOSTILE.values()])
def test_what_people_read_is_what_was_written(kind: str, text: str) -> None:
    """Escapes and zero-width spaces are all that a channel adds."""
    raw = compose(kind, hostile_digest(text))
    told = raw.decode() if kind != "email" else parts(raw)[1]
    if kind != "email":
        told = "\n".join(value for _, value in texts(json.loads(raw)))
    told = html.unescape(told) if kind == "slack" else told
    assert bounded(text, 60) in told.replace("\u200b", "")


@pytest.mark.parametrize("kind", CHANNELS)
def test_no_secret_is_told(kind: str) -> None:
    raw = compose(kind, hostile_digest(SECRETS))
    told = "".join(parts(raw)[1:]) if kind == "email" else raw.decode()
    assert CANARY not in told
    assert CANARY not in raw.decode()
    assert "c0ffee15" not in told
    assert "[redacted]" in told


@pytest.mark.parametrize("kind", CHANNELS)
def test_a_secret_of_the_channel_is_not_in_its_message(kind: str) -> None:
    raw = compose(kind, whole_digest())
    assert b"t0ken" not in raw
    assert b"sssss" not in raw


@pytest.mark.parametrize("kind", CHANNELS)
@pytest.mark.parametrize("run", [empty_run(), clean_run(), large_run(2000)], ids=lambda _: "run")
def test_a_message_is_small_whatever_the_scan(kind: str, run: Any) -> None:
    digest = digest_of(run, None)
    assert len(compose(kind, digest)) < 12_000
    assert len(digest.worst) == min(5, digest.open_total)


def test_the_link_is_one() -> None:
    digest = msgspec.structs.replace(
        whole_digest(), link="https://ci.example.com/<x>|y?a=1&b=2 \"'>"
    )
    link = json.loads(compose("slack", digest))["blocks"][-2]["text"]["text"]
    assert link == "<https://ci.example.com/%3Cx%3E%7Cy?a=1&b=2%20%22%27%3E|Read on>"
    (action,) = json.loads(compose("teams", digest))["attachments"][0]["content"]["actions"]
    assert action["url"] == link[1:].partition("|")[0]


def test_literal() -> None:
    assert slack.literal("<!here> a@b") == "&lt;!here&gt; a@\u200bb"
    assert teams.literal("<at>x</at> {{DATE}}") == "<\u200bat>x<\u200b/at> {\u200b{DATE}}"
