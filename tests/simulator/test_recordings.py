"""The simulator is held against what a real server answered, and against Sentry's own schema.

Both lie beside the checkout, not in it; without them these tests are skipped, visibly.
"""

from __future__ import annotations

import http.client
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import jsonschema
import pytest

from tests.simulator import (
    SELF_HOSTED_23_7,
    ApiToken,
    Key,
    Limits,
    Organization,
    Project,
    Simulator,
    World,
    make_world,
)

_SENTRY = Path(__file__).resolve().parents[2].parent / "shared" / "sentry"
_RECORDINGS = _SENTRY / "recordings"
_MISSING = "needs the recordings of a real server in ../shared/sentry"
_PREFIX = "http://127.0.0.1:29000"
_KEY = "c584485d4e294c249d20f26677960221"
_CREATED = datetime(2026, 1, 25, 7, 55, 42, 902426, tzinfo=UTC)
# Sentry's account record is long and no scanner reads it.
_PARTIAL = {"01_api_root.txt": ("version", "auth")}
_NOT_COMPARED = {"Content-Length", "X-Sentry-Rate-Limit-Reset"}

pytestmark = pytest.mark.skipif(not _RECORDINGS.is_dir(), reason=_MISSING)


@dataclass
class Recording:
    """One raw exchange with a real server."""

    method: str
    target: str
    token: str
    sent: str
    status: int
    headers: dict[str, str]
    body: str


def _read(path: Path) -> Recording:
    head, _, body = path.read_text(encoding="utf-8").partition("\n\n")
    comment, status, *lines = head.splitlines()
    url = re.search(r"http://\S+", comment)
    token = re.search(r"Bearer <(\w+)>", comment)
    method = re.search(r"-X (\w+)", comment)
    sent = re.search(r" -d (\{.*\}) http", comment)
    assert url is not None
    parts = urlsplit(url[0])
    return Recording(
        method=method[1] if method else "GET",
        target=parts.path + (f"?{parts.query}" if parts.query else ""),
        token=token[1] if token else "read",
        sent=sent[1] if sent else "",
        status=int(status.split()[1]),
        headers=dict(line.split(": ", 1) for line in lines if ": " in line),
        body=body.removesuffix("\n"),
    )


def _recorded() -> list[str]:
    return sorted(path.name for path in _RECORDINGS.glob("*.txt")) if _RECORDINGS.is_dir() else []


def _key(number: int, public: str | None = None) -> Key:
    return Key(
        number=number,
        public=public or f"{number:032x}",
        secret=f"{number:032x}",
        name=f"key {number}",
        active=number not in {7, 11, 15, 19, 23},
        created=_CREATED,
        rate_limit=(100, 60),
    )


def _world() -> World:
    """The part of the recorded server's world that the recordings show."""
    projects = [
        Project(index + 2, f"proj-{index:03d}", f"Project {index}", "java", _CREATED)
        for index in range(120)
    ]
    projects[0].keys = [_key(number) for number in range(3, 26)]
    projects[4].keys = [_key(100, "82a16cf2380249f783d09091736cc87d")]
    projects[5].keys = [_key(168, _KEY), _key(169), _key(170)]
    projects[118].slug = "proj-118-renamed"
    renamed = {"proj-118": "proj-118-renamed"}
    tokens = [
        ApiToken("read"),
        ApiToken("admin", frozenset({"org:read", "project:read", "project:admin"})),
        ApiToken("expired", expired=True),
        ApiToken("orgonly", frozenset({"org:read"})),
        ApiToken("projonly", frozenset({"project:read"})),
    ]
    org = Organization(1, "acme", "Acme", _CREATED, projects, renamed)
    return World([org], {token.value: token for token in tokens})


def _ask(simulator: Simulator, recording: Recording) -> tuple[int, dict[str, str], str]:
    connection = http.client.HTTPConnection(urlsplit(simulator.url).netloc, timeout=10)
    try:
        headers = {"Authorization": f"Bearer {recording.token}"}
        connection.request(recording.method, recording.target, recording.sent or None, headers)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers.items()), answer.read().decode()
    finally:
        connection.close()


def _shape(value: Any) -> Any:
    """Return the value with its leaves replaced by the names of their types."""
    if isinstance(value, dict):
        return {name: _shape(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_shape(value[0])] if value else []
    return type(value).__name__


def _same_shape(ours: Any, theirs: Any) -> None:
    """Assert that both have the same fields of the same types; null and [] go with anything."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        assert sorted(ours) == sorted(theirs)
        for name, value in ours.items():
            _same_shape(value, theirs[name])
    elif isinstance(ours, list) and isinstance(theirs, list):
        for mine, other in zip(ours, theirs, strict=False):
            _same_shape(mine, other)
    elif "NoneType" not in (ours, theirs):
        assert ours == theirs


@pytest.mark.parametrize("name", _recorded())
def test_answers_as_the_recorded_server(name: str) -> None:
    recording = _read(_RECORDINGS / name)
    limits = Limits(requests=20, concurrent=999) if recording.status == 429 else None
    simulator = Simulator(_world(), flavour=SELF_HOSTED_23_7, limits=limits, url_prefix=_PREFIX)
    simulator.throttle.clock = lambda: 1_795_248_319.5
    with simulator:
        for _ in range(limits.requests if limits else 0):
            _ask(simulator, recording)
        status, headers, body = _ask(simulator, recording)
    assert status == recording.status
    for header in recording.headers.keys() - _NOT_COMPARED:
        assert headers.get(header) == recording.headers[header], header
    if not recording.headers.get("Content-Type", "").startswith("application/json"):
        assert body.rstrip() == recording.body.rstrip()
        return
    ours, theirs = json.loads(body), json.loads(recording.body)
    if name in _PARTIAL:
        ours, theirs = ({key: value[key] for key in _PARTIAL[name]} for value in (ours, theirs))
    _same_shape(_shape(ours), _shape(theirs))
    if isinstance(theirs, list):
        assert len(ours) == len(theirs)
    elif "detail" in theirs:
        assert ours["detail"] == theirs["detail"]


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/organizations/", "organizations/"),
        ("/organizations/{organization_id_or_slug}/projects/", "organizations/acme/projects/"),
        (
            "/organizations/{organization_id_or_slug}/project-keys/",
            "organizations/acme/project-keys/?project=-1&per_page=100",
        ),
        (
            "/projects/{organization_id_or_slug}/{project_id_or_slug}/keys/",
            "projects/acme/2/keys/",
        ),
    ],
)
def test_answers_as_the_published_schema_says(path: str, target: str) -> None:
    document = json.loads((_SENTRY / "openapi-keys.json").read_text(encoding="utf-8"))
    known = {name.removeprefix("/api/0"): item for name, item in document["paths"].items()}
    content = known[path]["get"]["responses"]["200"]["content"]["application/json"]
    world = make_world(projects=3, keys=60)
    recording = Recording("GET", f"/api/0/{target}", world.token, "", 200, {}, "")
    with Simulator(world) as simulator:
        status, _, body = _ask(simulator, recording)
    assert status == 200
    records = json.loads(body)
    assert records
    jsonschema.validate(records, _closed(content["schema"]))


def _closed(schema: Any) -> Any:
    """Return an OpenAPI 3.0 schema as JSON Schema, refusing fields that it does not name."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    made = {name: _closed(value) for name, value in schema.items() if name != "nullable"}
    if schema.get("nullable"):
        return {"anyOf": [{"type": "null"}, made]}
    return made
