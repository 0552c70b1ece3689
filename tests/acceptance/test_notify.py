"""Messages as they arrive: at a server of HTTP, and one of SMTP, on this machine."""

import email
import email.policy
import json
import os
import re
import shutil
import ssl
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import ROOT, Result, here
from tests.acceptance.tolerance import ALPHA, BETA, GAMMA, POLICY, Place, key
from tests.receivers import HttpReceiver, http_receiver, mail_receiver
from tests.unit.notify.test_webhook import recipe

CANARY = "kanarienvogel"
SECRET = "0123456789abcdef0123456789abcdef"
DIR = ("--history", "past")


class Told(Place):
    """A place whose scans tell one server of HTTP, as a webhook unless said otherwise."""

    def __init__(self, folder: Path, server: HttpReceiver) -> None:
        super().__init__(folder)
        self.server = server
        self.environment = {"HOOK_URL": server.url(f"/{CANARY}"), "HOOK_SECRET": SECRET}
        self.settings("webhook: {url_env: HOOK_URL, secret_env: HOOK_SECRET}")

    def settings(self, *entries: str, more: str = "") -> None:
        lines = "".join(f"  - {entry}\n" for entry in entries)
        self.write("keypolicy.yaml", f"{more}notify:\n{lines}")

    def run(self, *arguments: object) -> Result:
        return here(*arguments, cwd=self.folder, **self.environment)

    def told(self, *arguments: object, as_of: str = "2026-03-01") -> list[dict[str, Any]]:
        """Scan; return the bodies of the messages that arrived."""
        before = len(self.server.requests)
        done = self.scan("-q", *arguments, as_of=as_of)
        assert "notify" not in done.err, done.err
        return [json.loads(one.body) for one in self.server.requests[before:]]


@pytest.fixture
def server() -> Iterator[HttpReceiver]:
    with http_receiver() as found:
        yield found


@pytest.fixture
def place(tmp_path: Path, server: HttpReceiver) -> Told:
    return Told(tmp_path, server)


def test_a_signed_message_arrives(place: Told) -> None:
    (message,) = place.told()
    (request,) = place.server.requests
    now = int(request.headers["webhook-timestamp"])
    assert recipe()(request.headers, request.body, SECRET, now)
    assert not recipe()(request.headers, request.body + b" ", SECRET, now)
    assert request.headers["content-type"] == "application/json"
    assert "authorization" not in request.headers
    report = place.report()
    assert message["run"] == {"id": report["run"]["id"], "as_of": "2026-03-01T00:00:00Z"}
    assert message["gate"]["result"] == report["gate"]["result"] == "failed"
    assert message["open"] == {"total": 2, "low": 0, "medium": 2, "high": 0, "critical": 0}
    assert [one["subject"] for one in message["worst"]] == ["acme/web: alpha", "acme/web: beta"]
    assert message["changes"] is None


def test_by_a_history_only_a_change_is_told(place: Told) -> None:
    assert [one["changes"] for one in place.told(*DIR)] == [None]
    assert place.told(*DIR, as_of="2026-03-02") == []
    place.keys(key(ALPHA, "alpha"), key(BETA, "beta-prod"), key(GAMMA, "gamma"))
    (message,) = place.told(*DIR, as_of="2026-03-03")
    changes = message["changes"]
    assert (changes["new"], changes["fixed"], changes["reopened"]) == (1, 1, 0)
    assert changes["since"] == "2026-03-02T00:00:00Z"
    assert place.told(*DIR, as_of="2026-03-04") == []
    place.keys(key(ALPHA, "alpha"), key(BETA, "beta"), key(GAMMA, "gamma"))
    (message,) = place.told(*DIR, as_of="2026-03-05")
    assert (message["changes"]["reopened"], message["changes"]["new"]) == (1, 0)
    place.keys(*(key(one, "x-prod") for one in (ALPHA, BETA, GAMMA)))
    (message,) = place.told(*DIR, as_of="2026-03-06")
    assert (message["changes"]["fixed"], message["changes"]["was"]) == (3, "failed")
    assert message["gate"]["result"] == "passed"


def test_what_becomes_overdue_is_a_change(place: Told) -> None:
    place.settings(
        "webhook: {url_env: HOOK_URL, secret_env: HOOK_SECRET}", more="sla: {medium: 10d}\n"
    )
    assert len(place.told(*DIR)) == 1
    assert place.told(*DIR, as_of="2026-03-11") == []
    (message,) = place.told(*DIR, as_of="2026-03-12")
    assert (message["changes"]["overdue"], message["overdue"]) == (2, 2)
    assert message["worst"][0]["is_overdue"]
    assert place.told(*DIR, as_of="2026-03-13") == []


def test_a_changed_policy_and_a_lapsed_waiver_are_changes(place: Told) -> None:
    place.waivers({})
    waived = (*DIR, "--waivers", "waivers.yaml")
    assert len(place.told(*waived, as_of="2026-03-09")) == 1
    assert place.told(*waived, as_of="2026-03-10") == []
    (message,) = place.told(*waived, as_of="2026-03-11")
    assert message["changes"]["lapsed"] == 1
    place.policy(POLICY.replace("has_rate_limit", "name <> 'gamma-prod'"))
    (message,) = place.told(*waived, as_of="2026-03-12")
    assert message["changes"]["demanded"] == 1
    assert message["changes"]["new"] == 0


def _gap(place: Told, *, denied: bool) -> None:
    state = (
        {"state": "partial", "reason": "Access was denied."} if denied else {"state": "complete"}
    )
    gaps = [{"reason": "Access was denied.", "organization": "globex"}] if denied else []
    coverage = {"reason": "", **state, "gaps": gaps, "rows": 1}
    where = {"organization": "acme", "project": "web"}
    lines = [
        {"kind": "inventory", "record": {"version": 1}},
        {"kind": "sentry_key", **where, "record": key(ALPHA, "alpha-prod")},
        {"kind": "end", "record": {"coverage": {"sentry_key": coverage}}},
    ]
    place.write("day.jsonl", "".join(json.dumps(line) + "\n" for line in lines))


def test_a_gap_that_comes_and_goes_is_a_change(place: Told) -> None:
    told = []
    for day, denied in enumerate((False, True, True, False), 1):
        _gap(place, denied=denied)
        before = len(place.server.requests)
        source = ("--inventory", "day.jsonl", "--policy", "p.yaml", "--as-of", f"2026-03-0{day}")
        place.run("scan", *source, "-q", *DIR)
        told.append([json.loads(one.body) for one in place.server.requests[before:]])
    first, gone, still, back = told
    assert first
    assert still == []
    assert gone[0]["gaps"] == ["sentry_key of globex: Access was denied."]
    assert gone[0]["gate"]["result"] == "incomplete"
    assert gone[0]["changes"]["is_seen_otherwise"]
    assert gone[0]["changes"]["fixed"] == 0
    assert back[0]["gaps"] == []
    assert back[0]["changes"]["is_seen_otherwise"]


def test_by_an_earlier_report(place: Told) -> None:
    place.told(as_of="2026-03-01")
    (place.folder / "r.json").rename(place.folder / "old.json")
    earlier = ("--earlier", "old.json")
    assert place.told(*earlier, as_of="2026-03-02") == []
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    (message,) = place.told(*earlier, as_of="2026-03-02")
    assert (message["changes"]["new"], message["changes"]["fixed"]) == (1, 1)
    assert message["changes"]["against"] == "the report"


def test_by_a_baseline(place: Told) -> None:
    assert place.on_keys("baseline", "write", "-o", "known.jsonl").code == 0
    known = ("--baseline", "known.jsonl")
    assert place.told(*known) == []
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    (message,) = place.told(*known)
    assert (message["changes"]["new"], message["changes"]["fixed"]) == (1, 1)


def test_an_owner_hears_of_what_is_theirs(place: Told) -> None:
    place.write("owners.yaml", "owners:\n  - {owner: a-team, name: alpha}\n")
    mine = (*DIR, "--owners", "owners.yaml", "--owner", "a-team")
    (message,) = place.told(*mine)
    assert [one["subject"] for one in message["worst"]] == ["acme/web: alpha"]
    assert "a-team" in message["shows"]
    place.keys(key(ALPHA, "alpha"), key(BETA, "beta"), key(GAMMA, "gamma"))
    assert place.told(*mine, as_of="2026-03-02") == []
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    (message,) = place.told(*mine, as_of="2026-03-03")
    assert message["changes"]["fixed"] == 1


@pytest.mark.parametrize("when", ["change", "always", "failure"])
def test_a_scan_that_sees_nothing_is_told_too(place: Told, when: str) -> None:
    place.environment |= {"SENTRY_AUTH_TOKEN": CANARY, "SLACK": place.server.url("/s")}
    place.settings(
        f"slack: {{url_env: SLACK, when: {when}, link: 'https://ci.example.com/{{run}}'}}",
        f"webhook: {{url_env: HOOK_URL, secret_env: HOOK_SECRET, when: {when}}}",
    )
    live = ("--url", "http://127.0.0.1:9", "--org", "acme")  # nobody is there
    done = place.run("scan", *live, "--as-of", "2026-03-01", "-q")
    assert done.code == 3
    assert "notify" not in done.err
    bodies = {one.path: one.body for one in place.server.requests}
    message = json.loads(bodies[f"/{CANARY}"])
    assert message["title"] == "keypolicy: no scan, as nothing could be seen"
    assert (message["run"]["id"], message["open"]) == (None, None)
    assert (message["gate"]["result"], message["gate"]["exit_code"]) == ("incomplete", 3)
    assert "no connection" in message["gate"]["reasons"][0]
    assert message["organizations"] == ["acme"]
    assert b"ci.example.com" not in bodies["/s"]
    assert CANARY.encode() not in b"".join(bodies.values())


def test_no_notify(place: Told) -> None:
    assert place.told("--no-notify") == []
    place.environment.clear()
    assert place.scan("-q", "--no-notify").err == ""


def test_one_message_to_each_channel(place: Told) -> None:
    place.environment |= {"SLACK": place.server.url("/s"), "TEAMS": place.server.url("/t")}
    link = "link: 'https://ci.example.com/{run}'"
    place.settings(f"slack: {{url_env: SLACK, {link}}}", "teams: {url_env: TEAMS, when: always}")
    assert len(place.told()) == 2
    by_path = {one.path: json.loads(one.body) for one in place.server.requests}
    run = place.report()["run"]["id"]
    assert f"<https://ci.example.com/{run}|Read on>" in json.dumps(by_path["/s"])
    (attachment,) = by_path["/t"]["attachments"]
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    assert attachment["content"]["type"] == "AdaptiveCard"


@pytest.mark.parametrize(
    ("answers", "told", "requests"),
    [
        (((500, {"Retry-After": "0"}),), "it answered HTTP 500", 3),
        (((429, {"Retry-After": "0"}), (200, {})), "", 2),
        (((429, {"Retry-After": "9999"}),), "it answered HTTP 429", 1),
        (((404, {}),), "it answered HTTP 404", 1),
        (((302, {"Location": "/elsewhere"}),), "it sends elsewhere (HTTP 302)", 1),
    ],
)
def test_what_fails_is_told_and_changes_nothing(
    place: Told, answers: Any, told: str, requests: int
) -> None:
    plain = place.scan("-q", "--no-notify")
    place.server.answers = answers
    place.server.said = f"no {CANARY}".encode()
    done = place.scan("-q")
    assert (done.code, done.out) == (plain.code, plain.out) == (1, plain.out)
    assert len(place.server.requests) == requests
    assert CANARY not in done.err
    assert SECRET not in done.err
    where = f"notify: webhook (keypolicy.yaml:2:5) was not told: 127.0.0.1:{place.server.port}: "
    assert (where + told in done.err) if told else done.err == ""


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"HOOK_URL": ""}, "HOOK_URL is not set in the environment"),
        ({"HOOK_SECRET": "short"}, "the secret has less than 16 bytes"),
        ({"HOOK_URL": f"http://hooks.example.com/{CANARY}"}, "in clear"),
        ({"HOOK_URL": f"https://u:{CANARY}@hooks.example.com/"}, "user name or password"),
        ({"HOOK_URL": CANARY}, "not an https URL"),
        ({"HOOK_URL": f"http://127.0.0.1:9/{CANARY}"}, "there is no connection"),
    ],
)
def test_what_is_set_up_wrongly_is_told_and_changes_nothing(
    place: Told, variables: dict[str, str], told: str
) -> None:
    place.environment |= variables
    done = place.scan("-q")
    assert done.code == 1
    assert told in done.err
    assert CANARY not in done.err
    assert place.server.requests == []


def test_a_secret_in_the_file_stops_the_scan_with_its_place(place: Told) -> None:
    place.settings(f"slack: {{url: 'https://hooks.slack.com/services/{CANARY}'}}")
    done = place.scan("-q")
    assert done.code == 2
    assert "keypolicy.yaml:2:18: a secret is no setting for a file that is committed" in done.err
    assert "`url_env: NAME`" in done.err
    assert CANARY not in done.err


def test_what_names_try_is_harmless_where_it_arrives(place: Told) -> None:
    place.environment["SLACK"] = place.server.url("/s")
    place.settings("slack: {url_env: SLACK}")
    place.keys(
        key(ALPHA, "<!here> @channel <https://evil.example|x>"), key(BETA, f"a {SECRET * 2}")
    )
    (message,) = place.told()
    text = json.dumps(message)
    assert "<" not in text
    assert "@channel" not in text
    assert SECRET not in text
    assert "[redacted]" in text


MAIL = "email: {to: [a@example.com, b@example.com], from: k@example.com, port: %d, %s}"


def content(raw: bytes) -> Any:
    return email.message_from_bytes(raw, policy=email.policy.default)


def test_a_mail_arrives(place: Told) -> None:
    with mail_receiver() as post:
        place.settings(MAIL % (post.port, "host: 127.0.0.1, tls: none"))
        place.told()
        (mail,) = post.mails
    assert (mail.sender, mail.recipients) == ("k@example.com", ["a@example.com", "b@example.com"])
    assert (mail.login, mail.is_encrypted) == (None, False)
    message = content(mail.content)
    assert message["Subject"] == "keypolicy: gate failed, 2 open (2 medium)"
    assert message["Date"].datetime.utcoffset() == timedelta()
    plain, rich = message.iter_parts()
    assert "acme/web: alpha" in plain.get_content()
    assert "<b>medium key-tagged</b>" in rich.get_content()


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes certificates")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"),
            *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
            *("-keyout", str(folder / "key.pem"), "-out", str(folder / "ca.pem")),
        ],
        check=True,
        capture_output=True,
    )
    return folder


@needs_openssl
@pytest.mark.parametrize("tls", ["starttls", "tls"])
@pytest.mark.parametrize("trusts", [True, False])
def test_a_login_is_encrypted_or_does_not_happen(
    place: Told,
    certificate: Path,
    trusts: bool,  # noqa: FBT001
    tls: str,
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate / "ca.pem", certificate / "key.pem")
    place.environment |= {"MAIL_HOST": "localhost", "MAIL_USER": "me", "MAIL_PASSWORD": CANARY}
    if trusts:
        place.environment["SSL_CERT_FILE"] = str(certificate / "ca.pem")
    with mail_receiver(context, at_once=tls == "tls") as post:
        login = f"host_env: MAIL_HOST, tls: {tls}, user_env: MAIL_USER, password_env: MAIL_PASSWORD"
        place.settings(MAIL % (post.port, login))
        done = place.scan("-q")
        assert done.code == 1
        assert CANARY not in done.err
        if not trusts:
            assert "localhost: the mail server cannot be reached (SSLCert" in done.err
            assert post.mails == []
            return
        assert done.err == ""
        (mail,) = post.mails
    assert (mail.login, mail.is_encrypted) == (f"me {CANARY}", True)
    assert CANARY.encode() not in mail.content


@pytest.mark.parametrize(
    ("says", "refuses", "told"),
    [
        ({"MAIL": "451 no, kanarienvogel"}, (), "the mail server answered 451"),
        ({"AUTH": "535 not kanarienvogel"}, (), "takes neither name nor password (535)"),
        ({"DATA": "554 no"}, (), "the mail server answered 554"),
        ({}, ("b@example.com",), "refuses 1 of 2 recipients"),
        ({}, ("a@example.com", "b@example.com"), "refuses every recipient"),
    ],
)
def test_what_a_mail_server_refuses_is_told(
    place: Told, says: dict[str, str], refuses: tuple[str, ...], told: str
) -> None:
    place.environment |= {"MAIL_USER": "me", "MAIL_PASSWORD": CANARY, "MAIL_HOST": "127.0.0.1"}
    with mail_receiver() as post:
        post.says, post.refuses = says, frozenset(refuses)
        login = "host_env: MAIL_HOST, tls: none, user_env: MAIL_USER, password_env: MAIL_PASSWORD"
        place.settings(MAIL % (post.port, login))
        done = place.scan("-q")
    assert done.code == 1
    assert told in done.err
    assert CANARY not in done.err


def test_no_starttls_is_no_reason_to_do_without(place: Told) -> None:
    with mail_receiver() as post:
        place.settings(MAIL % (post.port, "host: 127.0.0.1"))
        done = place.scan("-q")
        assert post.mails == []
    assert done.code == 1
    assert "does not offer what is needed" in done.err


def test_a_test_message(place: Told) -> None:
    done = place.run("notify")
    assert (done.code, done.out, done.err) == (0, "Told: webhook\n", "")
    (request,) = place.server.requests
    assert json.loads(request.body)["type"] == "keypolicy.test"
    place.server.answers = ((403, {}),)
    done = place.run("notify")
    assert done.code == 2
    assert "it answered HTTP 403" in done.err
    assert "not told: 1 of 1 channel" in done.err


def test_a_dry_run_needs_no_secret_and_sends_nothing(place: Told) -> None:
    mail = MAIL % (25, "host: smtp.example.com")
    place.settings(
        "slack: {url_env: A}", "teams: {url_env: A}", mail, "webhook: {url_env: A, secret_env: B}"
    )
    place.environment.clear()
    done = place.run("notify", "--dry-run")
    assert (done.code, done.err) == (0, "")
    assert re.findall(r"^# (\w+)", done.out, re.MULTILINE) == ["slack", "teams", "email", "webhook"]
    assert place.server.requests == []


def test_without_a_channel_there_is_nothing_to_test(place: Told) -> None:
    place.write("keypolicy.yaml", "")
    done = place.run("notify")
    assert done.code == 2
    assert "there is no channel" in done.err


def test_a_scan_that_tells_nobody_imports_nothing_for_it(tmp_path: Path) -> None:
    code = (
        "import sys; from scanner.cli.main import main;"
        " main(['scan', '--demo', '-q', '--fail-on', 'never']);"
        " print(sorted(n for n in sys.modules if n.startswith('scanner.notify')),"
        " sorted({'smtplib', 'email.message', 'httpx', 'hmac'} & {*sys.modules}))"
    )
    (tmp_path / "keypolicy.yaml").write_text("fail_on: low\n")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"], "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1].startswith("[] ")
    assert "httpx" not in done.stdout.splitlines()[-1]
    assert "smtplib" not in done.stdout.splitlines()[-1]
