"""Digests to send: one with everything in it, and hostile ones."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from scanner.model.finding import Finding
from scanner.model.history import Fate, HistoryProgress, RunName, TrackedFinding
from scanner.model.outcome import Outcome
from scanner.model.run import GateResult, Run
from scanner.model.token import Token
from scanner.notify import load_channel
from scanner.notify.digest import Digest, ScanChanges, digest_of
from scanner.notify.interface import Channel
from tests.unit.report.factory import AS_OF, RULES, finding, golden_run, run_of

LINK: Final = "https://ci.example.com/runs/{run}?a=1&b=2"
SETTINGS: Final[dict[str, dict[str, Any]]] = {
    "slack": {"url_env": "SLACK_URL"},
    "teams": {"url_env": "TEAMS_URL"},
    "email": {
        "to": ["security@example.com", "web@example.com"],
        "from": "keypolicy@example.com",
        "host": "smtp.example.com",
    },
    "webhook": {"url": "https://hooks.example.com/keys", "secret_env": "HOOK_SECRET"},
}

CHANGES: Final = ScanChanges(
    against="the run",
    since=datetime(2026, 2, 28, tzinfo=UTC),
    was=GateResult.PASSED,
    new=3,
    reopened=1,
    fixed=2,
    overdue=1,
    is_seen_otherwise=True,
)


def channel(kind: str, **more: Any) -> Channel:
    document = msgspec.convert({**SETTINGS[kind], **more}, load_channel(kind).DOCUMENT)
    secrets = {"url": Token("https://hooks.example.com/t0ken"), "secret": Token("s" * 32)}
    return Channel(kind, "keypolicy.yaml:2:5", document, secrets)


def compose(kind: str, digest: Digest) -> bytes:
    return load_channel(kind).compose(digest, channel(kind).document)


def whole_digest() -> Digest:
    """A digest of the run that the reports' goldens are of, with dates."""
    run = golden_run()
    dated = [
        msgspec.structs.replace(
            one, first_seen=AS_OF - timedelta(days=40), due=AS_OF + timedelta(days=at - 2)
        )
        for at, one in enumerate(run.findings)
    ]
    digest = digest_of(msgspec.structs.replace(run, findings=dated), CHANGES)
    return msgspec.structs.replace(digest, overdue=4, link=LINK.replace("{run}", digest.run))


def hostile_digest(text: str) -> Digest:
    """A digest in which every text from elsewhere is this one."""
    of = RULES[1]
    run = run_of(
        RULES[:2],
        [finding(of, "1" * 32, name=text, organization=text, project=text, message=text)],
    )
    inventory = msgspec.structs.replace(run.inventory, organizations={text: 1})
    verdict = msgspec.structs.replace(run.verdict, reasons=(text, text))
    digest = digest_of(msgspec.structs.replace(run, inventory=inventory, verdict=verdict), CHANGES)
    # As a policy's name and a gap's reason, that is: bounded where a digest is made.
    return msgspec.structs.replace(
        digest, gaps=digest.reasons, gaps_total=9, shows=digest.reasons[0]
    )


def tracked(one: Finding, fate: Fate = Fate.STILL, **more: Any) -> TrackedFinding:
    values: dict[str, Any] = {
        "rule": one.rule_id,
        "severity": one.severity,
        "outcome": Outcome.FAIL,
        "type": "sentry_key",
        "organization": "acme",
        "project": "web",
        "project_id": None,
        "id": one.resource.id,
        "name": one.resource.name,
        "fingerprint": one.fingerprint,
        "first_seen": AS_OF - timedelta(days=9),
        "fate": fate,
        "opened": AS_OF - timedelta(days=9),
        "last_seen": AS_OF,
    }
    return TrackedFinding(**{**values, **more})


def with_history(run: Run, *findings: TrackedFinding) -> Run:
    name = RunName("f" * 32, "folder", AS_OF - timedelta(days=1))
    return msgspec.structs.replace(run, progress=HistoryProgress(name, findings))


def shown(kind: str) -> bytes:
    """The message about `whole_digest` as it is kept: JSON over several lines."""
    message = compose(kind, whole_digest())
    return message if kind == "email" else msgspec.json.format(message, indent=2) + b"\n"
