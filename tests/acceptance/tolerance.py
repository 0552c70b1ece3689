"""Keys, policies and waivers for the tests of waivers, baselines and thresholds."""

import atexit
import json
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.acceptance.support import Result, here, report

POLICY = """\
policy: mine
version: 1.0.0
title: Mine
rules:
  - id: key-tagged
    title: A key's name ends in its stage
    resource: sentry_key
    severity: medium
    require: name LIKE '%-prod'
  - id: key-limited
    title: A key has a limit
    resource: sentry_key
    severity: high
    require: has_rate_limit
"""

ALPHA, BETA, GAMMA = ("a" * 32, "b" * 32, "c" * 32)

WAIVER = {
    "id": "legacy",
    "rule": "key-tagged",
    "match": [ALPHA],
    "reason": "It goes with the next release.",
    "owner": "team-web",
    "approved_by": "ciso",
    "created": "2026-01-01",
    "expires": "2026-03-10",
}


def key(identity: str, name: str | None, **more: Any) -> dict[str, Any]:
    limit = {"window": 60, "count": 100}
    return {
        "id": identity,
        "public": identity,
        "name": name,
        "projectId": 7,
        "isActive": True,
        "dateCreated": "2025-12-01T00:00:00Z",
        "rateLimit": limit,
        **more,
    }


class Place:
    """A folder with keys, a policy and perhaps waivers, in which scans are run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.policy()
        self.keys(key(ALPHA, "alpha"), key(BETA, "beta"), key(GAMMA, "gamma-prod"))

    def policy(self, text: str = POLICY) -> None:
        self.write("p.yaml", text)

    def keys(self, *keys: dict[str, Any]) -> None:
        self.write("keys.json", json.dumps(keys))

    def waivers(self, *changes: dict[str, Any]) -> None:
        """Write one waiver for each mapping of changes to the usual one; None drops a key."""
        waivers = [
            {k: v for k, v in {**WAIVER, **change}.items() if v is not None} for change in changes
        ]
        self.write("waivers.yaml", json.dumps({"waivers": waivers}, indent=1))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def read(self, name: str) -> str:
        return (self.folder / name).read_text("utf-8")

    def run(self, *arguments: object) -> Result:
        return here(*arguments, cwd=self.folder)

    def on_keys(self, *arguments: object, as_of: str = "2026-03-01") -> Result:
        """Run a verb on the keys with the policy."""
        source = ("--inventory", "keys.json", "--org", "acme", "--project", "web")
        return self.run(*arguments, *source, "--policy", "p.yaml", "--as-of", as_of)

    def scan(self, *arguments: object, as_of: str = "2026-03-01") -> Result:
        return self.on_keys("scan", "-o", "r.json", *arguments, as_of=as_of)

    def report(self) -> dict[str, Any]:
        return report(self.folder / "r.json")

    def dispositions(self) -> dict[tuple[str, str], str]:
        """Of the last report, by rule and first letter of the key's id."""
        return {
            (one["rule_id"], one["resource"]["id"][:1]): one["disposition"]
            for one in self.report()["findings"]
        }

    def found(self, rule: str, identity: str) -> dict[str, Any]:
        (one,) = (
            one
            for one in self.report()["findings"]
            if (one["rule_id"], one["resource"]["id"]) == (rule, identity)
        )
        found: dict[str, Any] = one
        return found

    def warnings(self) -> str:
        return "\n".join(self.report()["summary"]["warnings"])


def with_two_days(place: Place, history: str) -> None:
    """Give a place a history of two runs of its keys, of the first two days of March 2026."""
    shutil.copytree(_two_days(), place.folder / history)


@cache
def _two_days() -> Path:
    """Return these runs; they are made once, and copied for each test."""
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    place = Place(folder)
    for day in ("2026-03-01", "2026-03-02"):
        done = place.scan("--history", "past", "-q", as_of=day)
        assert (done.code, done.err) == (1, "")
    return folder / "past"
