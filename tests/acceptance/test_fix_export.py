"""`keypolicy fix export`: keys of any source as code, and what is not in it."""

import json
import re
from pathlib import Path

import hcl2
import pytest

from tests.acceptance.support import TWO_KEYS, here
from tests.simulator import Simulator, make_world
from tests.simulator.world import CANARY


def _resources(text: str) -> list[str]:
    return re.findall(r'^resource "sentry_key" "(\w+)" \{$', text, re.MULTILINE)


def test_the_demo_for_terraform(tmp_path: Path) -> None:
    done = here("fix", "export", "--demo", "--terraform", "-o", "keys.tf", cwd=tmp_path)
    assert (done.code, done.out, done.err) == (0, "", "")
    text = (tmp_path / "keys.tf").read_text("utf-8")
    assert len(set(_resources(text))) == 100
    assert len(hcl2.loads(text)["import"]) == 100


def test_the_demo_for_alchemy_leaves_out_what_it_would_confuse(tmp_path: Path) -> None:
    done = here("fix", "export", "--demo", "--alchemy", cwd=tmp_path)
    assert done.code == 1
    left = done.err.count("would adopt either.")
    assert left > 0
    assert done.out.count("await ClientKey(") == 100 - left


def test_an_answer_of_the_api_with_the_place_that_it_lacks(tmp_path: Path) -> None:
    place = ("--org", "acme", "--project", "web", "--allow-partial")
    done = here("fix", "export", "--terraform", "--inventory", TWO_KEYS, *place, cwd=tmp_path)
    assert done.code == 0, done.err
    ids = [one["id"] for one in json.loads(TWO_KEYS.read_text("utf-8"))]
    for one in ids:
        assert f'id = "acme/web/{one}"' in done.out
    assert not re.search("secret(?!s| in it)", done.out)


def test_without_a_place_nothing_can_be_written(tmp_path: Path) -> None:
    done = here("fix", "export", "--terraform", "--inventory", TWO_KEYS, cwd=tmp_path)
    assert done.code in {1, 3}
    assert _resources(done.out) == []
    assert "did not tell its organization" in done.out
    assert "did not tell its organization" in done.err


@pytest.mark.parametrize("tool", ["--terraform", "--alchemy"])
def test_a_live_server(tool: str, tmp_path: Path) -> None:
    world = make_world(projects=3, keys=6)
    for number, key in enumerate(world.keys):
        key.name = f'${{file("/etc/passwd")}} "{number}"\n*/ }});'
    with Simulator(world) as simulator:
        done = here(
            *("fix", "export", tool, "--url", simulator.url),
            cwd=tmp_path,
            SENTRY_AUTH_TOKEN=world.token,
        )
    assert (done.code, done.err) == (0, "")
    starts = ('resource "sentry_key"', "export const ")
    assert sum(line.startswith(starts) for line in done.out.splitlines()) == 6
    assert CANARY not in done.out
    if tool == "--terraform":
        assert '"${' not in done.out


def test_what_was_not_seen_ends_in_3(tmp_path: Path) -> None:
    world = make_world(projects=3, keys=6)
    world.projects[0].accessible = False
    with Simulator(world) as simulator:
        found = [
            here(
                *("fix", "export", "--terraform", "--url", simulator.url, *more),
                *("--org", world.organization.slug, "--project", world.projects[0].slug),
                *("--project", world.projects[1].slug),
                cwd=tmp_path,
                SENTRY_AUTH_TOKEN=world.token,
            )
            for more in ((), ("--allow-partial",))
        ]
    assert [one.code for one in found] == [3, 0]
    assert {len(_resources(one.out)) for one in found} == {len(world.projects[1].keys)}


def test_it_says_what_to_choose(tmp_path: Path) -> None:
    done = here("fix", "export", "--demo", cwd=tmp_path)
    assert done.code == 2
    assert "--terraform --alchemy" in done.err
    done = here("fix", "export", "--demo", "--terraform", "-o", "no/keys.tf", cwd=tmp_path)
    assert done.code == 2


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--policy", "sentry-strict"),
        ("--param", "max_age=1d"),
        ("--waivers", "w.yaml"),
        ("--baseline", "b.json"),
        ("--owners", "o.yaml"),
    ],
)
def test_what_says_nothing_about_keys_as_they_are_is_told(
    tmp_path: Path, option: str, value: str
) -> None:
    done = here("fix", "export", "--demo", "--terraform", option, value, cwd=tmp_path)
    assert done.code == 0
    assert f"{option} says nothing about keys as they are: it is for --desired" in done.err


def test_the_desired_state_is_that_of_the_plan(tmp_path: Path) -> None:
    policy = """\
policy: ours
version: 1.0.0
title: Ours
rules:
  - id: limited
    title: Limited
    resource: sentry_key
    severity: high
    where: owner = 'web'
    check: {rate_limit: true}
    rationale: Loops of errors.
    remediation: Set one.
    fix: {set_rate_limit: {count: 4711, window: 1h}}
"""
    (tmp_path / "ours.yaml").write_text(policy, "utf-8")
    (tmp_path / "owners.yaml").write_text("owners: [{owner: web}]\n", "utf-8")
    fixed = ("fix", "export", "--demo", "--terraform", "--policy", "ours.yaml")
    wanted = ("--desired", "--owners", "owners.yaml")
    now, then = (here(*fixed, *more, cwd=tmp_path) for more in ((), wanted))
    assert (now.code, then.code, then.err) == (0, 0, "")
    without = now.out.count("# There is no rate limit.")
    assert without > 0
    assert then.out.count("# There is no rate limit.") == 0
    assert then.out.count("= 4711") == without
    assert _resources(then.out) == _resources(now.out)


@pytest.mark.parametrize(
    ("fix", "tool", "told"),
    [
        ("{rename: '{public}'}", "alchemy", "Alchemy would make another key of it"),
        ("{disable: true}", "alchemy", "ClientKey cannot set isActive"),
        ("{disable: true}", "terraform", "the provider cannot set isActive"),
    ],
)
def test_what_the_tool_cannot_do_of_the_plan_is_said(
    tmp_path: Path, fix: str, tool: str, told: str
) -> None:
    policy = f"""\
policy: ours
version: 1.0.0
title: Ours
rules:
  - id: called
    title: Called
    resource: sentry_key
    severity: low
    where: is_active
    require: "name = 'nothing'"
    remediation: Do it.
    fix: {fix}
"""
    (tmp_path / "ours.yaml").write_text(policy, "utf-8")
    fixed = ("fix", "export", "--demo", f"--{tool}", "--policy", "ours.yaml", "--desired")
    done = here(*fixed, cwd=tmp_path)
    assert done.code == 1
    assert told in done.err
    now = here("fix", "export", "--demo", f"--{tool}", cwd=tmp_path)
    assert done.out.count("It is inactive") in {0, now.out.count("It is inactive")}
