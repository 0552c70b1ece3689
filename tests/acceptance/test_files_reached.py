"""Every verb against every kind of target for every kind of reference: exit code 2, no canary.

What a user names must be a regular file; what a file names must also lie in the folder of that
file or below. Nothing of a file that is not of the wanted kind is ever shown.
"""

import os
from pathlib import Path

import pytest

from tests.acceptance.support import here

CANARY = "canary-7f3a"
SECRETS = {
    ".env": f"SENTRY_NOTHING={CANARY}\n",
    "secrets.yaml": f"password: {CANARY}\nusers: [{CANARY}]\n",
    "broken.yaml": f"user: a\nuser: {CANARY}\n  {CANARY}: [{CANARY}\n",
    "twice.yaml": f"{CANARY}: 1\n{CANARY}: 2\n",
    "tagged.yaml": f"- !{CANARY} *{CANARY}\n",
}
RULE = "rules: [{id: r, resource: sentry_key, severity: low, require: is_active}]\n"
HEAD = "policy: mine\nversion: 1.0.0\ntitle: Mine\n"

# Regular files in the folder of the file that names them, but of another kind.
INSIDE = {f"inside {name}": f"./{name}" for name in SECRETS}
# Outside of it, in every manner.
OUTSIDE = {
    "above": "../outside.yaml",
    "far above": "../../../../../../../../etc/hostname",
    "link out": "./link-out.yaml",
    "folder link out": "./way-out/outside.yaml",
    "proc": "/proc/self/environ",
    "device": "/dev/zero",
}
# No regular files at all.
NO_FILES = {
    "loop": "./loop.yaml",
    "pipe": "./pipe.yaml",
    "huge": "./huge.yaml",
    "long": f"./{'n' * 300}.yaml",
}


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "outside.yaml").write_text(f"{HEAD}{RULE}# {CANARY}\n")
    work = tmp_path / "work"
    work.mkdir()
    for name, text in SECRETS.items():
        (work / name).write_text(text)
    (work / "link-out.yaml").symlink_to(tmp_path / "outside.yaml")
    (work / "way-out").symlink_to(tmp_path)
    (work / "loop.yaml").symlink_to("loop.yaml")
    os.mkfifo(work / "pipe.yaml")
    with (work / "huge.yaml").open("wb") as huge:
        huge.truncate(3 << 30)
    (work / "good.yaml").write_text(HEAD + RULE)
    return work


def _refused(work: Path, *arguments: object) -> str:
    done = here(*arguments, cwd=work, SENTRY_AUTH_TOKEN=CANARY)
    told = done.out + done.err
    assert done.code == 2, (arguments, done.code, told[-500:])
    assert CANARY not in told
    assert told.strip()
    assert len(told) < 20_000
    return told


POLICY_VERBS = {
    "scan": ("scan", "--demo", "--policy"),
    "lint": ("lint",),
    "lint json": ("lint", "--format", "json"),
    "test": ("test",),
    "rules": ("rules", "--policy"),
    "explain": ("explain", "r", "--policy"),
}


EVERY = [*INSIDE, *OUTSIDE, *NO_FILES]
EXTENDING = {"scan": EVERY, "lint json": EVERY[::3], "test": EVERY[1::3], "explain": EVERY[2::3]}


@pytest.mark.parametrize(
    ("verb", "target"),
    [(verb, target) for verb, targets in EXTENDING.items() for target in targets],
)
def test_what_a_policy_extends(work: Path, verb: str, target: str) -> None:
    path = (INSIDE | OUTSIDE | NO_FILES)[target]
    (work / "p.yaml").write_text(f"{HEAD}extends: ['{path}']\n")
    told = _refused(work, *POLICY_VERBS[verb], "p.yaml")
    assert "p.yaml" in told or path.removeprefix("./") in told


@pytest.mark.parametrize("target", ["link out", "loop", "pipe", "huge", *INSIDE])
@pytest.mark.parametrize("verb", ["lint", "test", "rules"])
def test_test_cases_beside_a_policy(work: Path, verb: str, target: str) -> None:
    path = work / (INSIDE | OUTSIDE | NO_FILES)[target].removeprefix("./")
    (work / "good.test.yaml").symlink_to(path)
    _refused(work, *POLICY_VERBS[verb], "good.yaml")


@pytest.mark.parametrize("target", ["link out", "loop", "pipe", "huge", *INSIDE])
@pytest.mark.parametrize("verb", ["scan", "lint"])
def test_a_folder_of_policies(work: Path, verb: str, target: str) -> None:
    (work / "pack").mkdir()
    (work / "pack" / "good.yaml").write_text(HEAD + RULE)
    name = (INSIDE | OUTSIDE | NO_FILES)[target].removeprefix("./")
    (work / "pack" / "x.yaml").symlink_to(f"../{name}")
    _refused(work, *POLICY_VERBS[verb], "pack")


ANY = [*INSIDE, *NO_FILES, "device", "proc"]
NAMING = [
    *((verb, ANY if name in {"scan", "lint"} else ANY[::3]) for name, verb in POLICY_VERBS.items()),
    (("scan", "--demo", "--waivers"), ANY),
    (("scan", "--demo", "--baseline"), ANY),
    (("scan", "--demo", "--earlier"), ANY),
    (("scan", "--inventory"), ANY),
    (("query", "SELECT 1", "--inventory"), ANY[::3]),
    (("waivers", "check"), ANY[::3]),
    (("baseline", "prune", "--demo", "-o"), ANY[::3]),
]
"""Each reader of files with every target, and other verbs that have the same one with some."""


@pytest.mark.parametrize(
    ("verb", "target"), [(verb, target) for verb, targets in NAMING for target in targets]
)
def test_what_the_user_names(work: Path, verb: tuple[str, ...], target: str) -> None:
    path = (INSIDE | OUTSIDE | NO_FILES)[target]
    if target == "huge" and "--inventory" in verb:
        path = "./pipe.yaml"  # an inventory may be of any size
    if target == "huge" and verb[-1] == "--earlier":
        pytest.skip("a gigabyte is read before it is refused")
    _refused(work, *verb, path)


# One with every target, and the others with all that is outside.
SETTING = {"policies": EVERY, "waivers": [*OUTSIDE, "loop"], "baseline": [*OUTSIDE, "pipe"]}


@pytest.mark.parametrize(
    ("setting", "target"),
    [(setting, target) for setting, targets in SETTING.items() for target in targets],
)
def test_what_the_settings_name(work: Path, setting: str, target: str) -> None:
    path = (INSIDE | OUTSIDE | NO_FILES)[target]
    (work / "keypolicy.yaml").write_text(f"{setting}: '{path}'\n")
    _refused(work, "scan", "--demo")


@pytest.mark.parametrize("target", [".env", "../outside.yaml", "pipe.yaml", "loop.yaml"])
def test_settings_that_are_a_link(work: Path, target: str) -> None:
    (work / "keypolicy.yaml").symlink_to(target)
    _refused(work, "scan", "--demo")


def test_what_looks_like_a_token_is_not_shown(work: Path) -> None:
    token = "sntrys_canary7f3acanary7f3a"
    text = f"{HEAD}{RULE}colour: [a, '{token}']\nextra-{token}: 1\n"
    (work / "p.yaml").write_text(text)
    for form in ("text", "json", "sarif", "github"):
        done = here("lint", "p.yaml", "--format", form, cwd=work)
        assert done.code == 2
        assert token not in done.out + done.err
    done = here("scan", "--demo", "--policy", "p.yaml", cwd=work)
    assert done.code == 2
    assert token not in done.out + done.err
