"""A seeded, realistic world: the same arguments always give the same organizations and keys."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from tests.simulator.world import CANARY, ApiToken, Key, Organization, Project, World

NOW = datetime(2026, 6, 1, 12, 0, 0, 123456, tzinfo=UTC)
"""When generated worlds are "today", unless told otherwise; key ages count back from it."""

_PLATFORMS = ("python", "javascript-react", "go", "java", "node", "ruby", "php", None)
_AREAS = ("web", "api", "billing", "search", "mobile", "auth", "ingest", "reports", "admin")
_NAMES = ("Default", "web-prod", "web-staging", "ci-runner-prod", "key 4", "Légacy (do not use)")
_RATES = (None, None, None, (1000, 3600), (100, 60), (5000, 3600), (600_000, 60), (1, 86_400))
_ORGANIZATIONS = ("acme", "globex", "initech", "umbrella")


def make_world(
    *,
    projects: int = 300,
    keys: int = 1000,
    organizations: int = 1,
    seed: int = 1,
    now: datetime = NOW,
) -> World:
    """Return a world with this many projects and keys altogether.

    Every project has a key as long as there are enough; the others are dealt at random. About
    an eighth of the keys is inactive, three in eight have no rate limit, and one in fifty has no
    creation date.
    """
    rng = random.Random(seed)  # noqa: S311 - reproducible, not secret
    orgs = [_organization(index, now) for index in range(organizations)]
    made: list[Project] = []
    for index in range(projects):
        project = _project(rng, index, now)
        orgs[index % organizations].projects.append(project)
        made.append(project)
    for index in range(keys if made else 0):
        owner = made[index] if index < len(made) else rng.choice(made)
        owner.keys.append(_key(rng, index + 1, now))
    token = ApiToken("sntryu_" + _secret(rng, 64))
    return World(orgs, {token.value: token})


def _organization(index: int, now: datetime) -> Organization:
    name = _ORGANIZATIONS[index % len(_ORGANIZATIONS)]
    slug = name if index < len(_ORGANIZATIONS) else f"{name}-{index}"
    return Organization(index + 1, slug, slug.title(), now - timedelta(days=2000 - index))


def _project(rng: random.Random, index: int, now: datetime) -> Project:
    slug = f"{rng.choice(_AREAS)}-{index:03d}"
    created = now - timedelta(days=rng.randrange(30, 1500), seconds=rng.randrange(86_400))
    name = slug.replace("-", " ").title()
    return Project(index + 2, slug, name, rng.choice(_PLATFORMS), created)


def _key(rng: random.Random, number: int, now: datetime) -> Key:
    age = timedelta(days=rng.choice((3, 20, 60, 89, 91, 200, 400, 900)), hours=rng.randrange(24))
    return Key(
        number=number,
        public=f"{rng.getrandbits(128):032x}",
        secret=_secret(rng, 32),
        name=rng.choice(_NAMES),
        active=rng.random() >= 1 / 8,
        created=None if rng.random() < 1 / 50 else now - age,
        rate_limit=rng.choice(_RATES),
        sdk_version=rng.choice(("latest", "8.x", "7.x", "7.x")),
        debug=rng.random() < 1 / 20,
        replay=rng.random() < 1 / 4,
        performance=rng.random() < 1 / 3,
    )


def _secret(rng: random.Random, length: int) -> str:
    rest = length - len(CANARY)
    return CANARY + f"{rng.getrandbits(4 * rest):0{rest}x}"
