"""`notify`: what may stand in the file, what may not, and what comes from the environment."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from scanner.base.errors import PolicyError, UsageError
from scanner.config.gather import load_settings
from scanner.config.settings import Flags
from scanner.notify.interface import Channel

CANARY = "kanarienvogel"
MAIL = "notify: [{email: {to: [a@b.c], from: a@b.c, %s, user_env: U, password_env: P}}]\n"
HOOK = f"https://hooks.slack.com/services/T0/B0/{CANARY}"


def load(
    folder: Path, text: str, environ: dict[str, str] | None = None, flags: Flags | None = None
) -> tuple[Channel, ...]:
    (folder / "keypolicy.yaml").write_text(text, "utf-8")
    return load_settings(flags or Flags(), environ or {}, folder, None).notify


def refused(folder: Path, text: str) -> str:
    with pytest.raises((PolicyError, UsageError)) as caught:
        load(folder, text)
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_none(tmp_path: Path) -> None:
    assert load(tmp_path, "fail_on: low\n") == load(tmp_path, "notify: []\n") == ()


def test_secrets_come_from_the_environment(tmp_path: Path) -> None:
    (one,) = load(tmp_path, "notify: [{slack: {url_env: SLACK_URL}}]\n", {"SLACK_URL": HOOK})
    assert (one.kind, one.place, one.problem) == ("slack", "keypolicy.yaml:1:11", "")
    assert one.secrets["url"].reveal() == HOOK
    assert one.document.when == "change"
    assert CANARY not in repr(one)


def test_dotenv_comes_after_the_environment(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("A=from-dotenv\nB=from-dotenv\n")
    text = "notify:\n  - slack: {url_env: A}\n  - teams: {url_env: B}\n"
    first, second = load(tmp_path, text, {"A": "from-environment"})
    assert first.secrets["url"].reveal() == "from-environment"
    assert second.secrets["url"].reveal() == "from-dotenv"


@pytest.mark.parametrize("value", [{}, {"SLACK_URL": ""}, {"SLACK_URL": " "}])
def test_a_variable_that_is_not_set_stops_nothing(tmp_path: Path, value: dict[str, str]) -> None:
    (one,) = load(tmp_path, "notify: [{slack: {url_env: SLACK_URL}}]\n", value)
    assert one.problem == "SLACK_URL is not set in the environment"


@pytest.mark.parametrize(
    "entry",
    [
        f"slack: {{url: §'{HOOK}'}}",
        f"slack: {{url_env: §'{HOOK}'}}",
        f"slack: §'{HOOK}'",
        f"slack: {{url_env: A, link: §'{HOOK}'}}",
        f"teams: {{url: §'https://x.logic.azure.com/{CANARY}'}}",
        f"webhook: {{url: §'{HOOK}', secret_env: A}}",
        f"webhook: {{url: §'https://u:{CANARY}@x.example/', secret_env: A}}",
        f"webhook: {{url: §'https://x.example/?sig={CANARY}', secret_env: A}}",
        f"webhook: {{url: 'https://x.example/', secret: §{CANARY}}}",
        f"webhook: {{url: 'https://x.example/', secret_env: §{CANARY}}}",
        f"email: {{password: §{CANARY}}}",
        "email: {password_env: §12345678}",
        "slack: {url_env: §SENTRY_AUTH_TOKEN}",
    ],
)
def test_a_secret_in_the_file_is_refused_with_its_place(tmp_path: Path, entry: str) -> None:
    line = f"  - {entry}"
    told = refused(tmp_path, f"notify:\n{line.replace('§', '')}\n")
    assert told.startswith(f"keypolicy.yaml:2:{line.index('§') + 1}: ")
    assert "[secret-in-file]" in told
    assert "12345678" not in told
    assert re.search(r"environment|variable", told)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("notify: {slack: {url_env: A}}", "keypolicy.yaml:1:9: this is a mapping, not a list"),
        ("notify: [slack]", "keypolicy.yaml:1:10: this is text, not a mapping"),
        ("notify: [{slak: {url_env: A}}]", "keypolicy.yaml:1:11: unknown key `slak`"),
        ("notify: [{slack: {}}]", "keypolicy.yaml:1:18: the key `url_env` is missing"),
        ("notify: [{}]", "keypolicy.yaml:1:10: this must not be empty"),
        ("notify: [{slack: }]", "keypolicy.yaml:1:18: this is empty, not a mapping"),
        (
            "notify: [{slack: {url_env: A}, teams: {url_env: A}}]",
            "keypolicy.yaml:1:10: this has 2 entries, the most is 1",
        ),
        ("notify: [{slack: {url_env: A, when: often}}]", "1:37: `often` is not a value"),
        ("notify: [{slack: {url_env: A, lnk: x}}]", "1:31: unknown key `lnk`"),
        ("notify: [{slack: {url_env: A, link: x}}]", "1:37: this is not an address of the web"),
        *(
            (f"notify: [{{slack: {{url_env: A, link: 'https://a.example/{gap}'}}}}]", told)
            for gap, told in (
                ("{run_id}", "1:37: `{run_id}` is no place that is filled in"),
                ("{run}/{org}", "1:37: `{org}` is no place that is filled in"),
                ("{run", "1:37: `{run` is no place that is filled in"),
                ("$run}", "1:37: `}` is no place that is filled in"),
            )
        ),
        ("notify: [{email: {to: [a], from: a@b.c, host: x}}]", "1:24: this is not an e-mail"),
        ("notify: [{email: {to: [], from: a@b.c, host: x}}]", "1:23: this must not be empty"),
        ('notify: [{email: {to: ["a@b.c\\n"], from: a@b.c, host: x}}]', "1:24: this is not an"),
        ("notify: [{email: {to: [a@b.c], from: 'A <a@b.c>', host: x}}]", "1:38: this is not an"),
        ("notify: [{email: {to: [a@b.c], from: a@b.c}}]", "1:11: e-mail needs one server"),
        (
            "notify: [{email: {to: [a@b.c], from: a@b.c, host: x, host_env: X}}]",
            "1:11: e-mail needs one server",
        ),
        (
            "notify: [{email: {to: [a@b.c], from: a@b.c, host: x, port: 70000}}]",
            "1:60: 70000 is too great",
        ),
        (
            "notify: [{email: {to: [a@b.c], from: a@b.c, host: x, user_env: U}}]",
            "1:11: a login is a name and a password",
        ),
        (
            MAIL.strip() % "host: x, tls: none",
            "1:59: the password would go over the network in clear",
        ),
        ("notify: [{webhook: {secret_env: A}}]", "1:11: a webhook needs one address"),
        (
            "notify: [{webhook: {url: 'http://x.example/', secret_env: A}}]",
            "1:26: the message would go there in clear",
        ),
        ("notify: [{webhook: {url: 'ftp://x/', secret_env: A}}]", "1:26: this is not an address"),
        ("notify: [" + ", ".join(["{slack: {url_env: A}}"] * 21) + "]", "21 entries"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, told: str) -> None:
    assert told in refused(tmp_path, text + "\n")


def test_a_password_goes_to_no_server_that_only_the_checkout_names(tmp_path: Path) -> None:
    login = {"U": "me", "P": CANARY}
    (one,) = load(tmp_path, MAIL % "host: evil.example", login)
    assert one.problem.startswith("the user would go to a host that only a less trusted place")
    (one,) = load(tmp_path, MAIL % "host_env: H", {**login, "H": "smtp.example.com"})
    assert one.problem == ""
    (tmp_path / ".env").write_text("H=evil.example\n")
    (one,) = load(tmp_path, MAIL % "host_env: H", login)
    assert "less trusted" in one.problem
    flags = Flags(locked_config=str(tmp_path / "keypolicy.yaml"))
    (one,) = load(tmp_path, MAIL % "host: smtp.example.com", login, flags)
    assert one.problem == ""


def test_the_password_may_be_as_little_trusted_as_the_host(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("U=me\nP=secret\n")
    (one,) = load(tmp_path, MAIL % "host: smtp.example.com")
    assert one.problem == ""


def test_who_is_told_is_read_without_what_tells_them(tmp_path: Path) -> None:
    text = (
        "notify: [{slack: {url_env: A}}, {webhook: {url: 'https://a.example', secret_env: B}},"
        " {email: {to: [a@b.c], from: a@b.c, host: x}}]"
    )
    (tmp_path / "keypolicy.yaml").write_text(text)
    code = (
        "import sys; from pathlib import Path; from scanner.config.gather import load_settings;"
        " from scanner.config.settings import Flags;"
        " found = load_settings(Flags(), {}, Path(sys.argv[1]), None).notify;"
        " print(len(found), sorted({'httpx', 'smtplib', 'duckdb'} & {*sys.modules}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "3 []\n"
