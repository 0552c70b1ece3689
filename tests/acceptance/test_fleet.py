"""Many organizations in one scan: one gate, and a part of the reports for each."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import Result, findings, here, report
from tests.simulator import CANARY, TODAY, Limits, Simulator, make_world
from tests.simulator.world import READ_SCOPES, ApiToken

AS_OF = ("--as-of", "2026-06-01T12:00:00Z")
LIMITS = Limits(requests=200, window=1, concurrent=25)


def scan(folder: Path, *arguments: object, **environment: str) -> Result:
    return here("scan", *AS_OF, *arguments, cwd=folder, **environment)


def parts(path: Path) -> dict[str | None, Any]:
    return {one["organization"]: one for one in report(path)["summary"]["organizations"]}


def test_sixty_organizations_are_one_scan(tmp_path: Path) -> None:
    world = make_world(projects=120, keys=240, organizations=60)
    seen = [one.slug for one in world.organizations if one.slug != "globex"]
    token = ApiToken("sntryu_" + CANARY + "few", READ_SCOPES, organizations=frozenset(seen))
    world.tokens[token.value] = token
    lines = [*seen[:30], "", "# denied, and mistyped", "globex", "initec  # sic", *seen[30:]]
    (tmp_path / "fleet.txt").write_text("\n".join(lines), "utf-8")
    with Simulator(world, TODAY, LIMITS) as sim:
        done = scan(
            tmp_path,
            *("--url", sim.url, "--organizations-from", "fleet.txt"),
            *("-o", "r.json", "-o", "r.html", "-o", "r.md", "-o", "r.prom"),
            SENTRY_AUTH_TOKEN=token.value,
        )
        assert not sim.throttled
        # Four for each, and little more, however many are not listed.
        assert sim.requests < 5 * len(seen)
    assert done.code == 3, done.out + done.err
    assert "Did you mean `initech`?" in " ".join(done.out.split())
    shares = parts(tmp_path / "r.json")
    assert shares.keys() == {*seen, "globex", "initec"}
    for slug in ("globex", "initec"):
        assert shares[slug]["projects"] is None
        assert shares[slug]["not_seen"] == 1
        assert f"{slug}: 7 open findings" in done.out
    assert all(shares[slug]["projects"] == 2 for slug in seen)
    page = (tmp_path / "r.html").read_text("utf-8")
    metrics = (tmp_path / "r.prom").read_text("utf-8")
    for slug in map(str, shares):
        assert f'<bdi class="strong">{slug}</bdi>' in page
        assert f'keypolicy_organization_open_findings{{organization="{slug}"' in metrics
    assert "... and 21 more organizations" in (tmp_path / "r.md").read_text("utf-8")
    assert sum(Counter(_open(shares)).values()) == _total(tmp_path / "r.json")
    everything = done.out + done.err + page + metrics + (tmp_path / "r.json").read_text("utf-8")
    assert CANARY not in everything


def _open(shares: dict[str | None, Any]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for one in shares.values():
        counts.update(one["open_by_severity"])
    return counts


def _total(path: Path) -> int:
    return sum(report(path)["summary"]["open_by_severity"].values())


WAIVERS = """\
waivers:
  - id: of-acme
    policy: sentry-baseline
    match: organization_slug = 'acme' and not is_active
    reason: They are going to be deleted with the organization.
    owner: owls
    approved_by: strix
    created: 2026-05-01
    expires: 2026-07-01
"""
OWNERS = """\
owners:
  - owner: owls
    organization: acme
  - owner: crows
    project: "*"
"""


def test_the_parts_are_the_whole_after_triage(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(WAIVERS, "utf-8")
    (tmp_path / "o.yaml").write_text(OWNERS, "utf-8")
    with Simulator(make_world(projects=12, keys=90, organizations=3), TODAY) as sim:
        token = {"SENTRY_AUTH_TOKEN": sim.world.token}
        saved = here("fetch", "--url", sim.url, "-o", "i.jsonl", cwd=tmp_path, **token)
    assert saved.code == 0, saved.err
    whose = ("--inventory", "i.jsonl", "--owners", "o.yaml", "--waivers", "w.yaml")
    known = here(
        *("baseline", "write", "--inventory", "i.jsonl", *AS_OF, "--org", "globex"),
        *("-o", "b.json"),
        cwd=tmp_path,
    )
    assert known.code == 0, known.err
    for more in ((), ("--baseline", "b.json")):
        done = scan(tmp_path, *whose, *more, "-o", "r.json")
        assert done.code == 1, done.out + done.err
        shares, whole = parts(tmp_path / "r.json"), report(tmp_path / "r.json")
        found = Counter(
            (one["resource"]["organization"], one["disposition"]) for one in whole["findings"]
        )
        for slug, one in shares.items():
            assert sum(one["open_by_severity"].values()) == found[slug, "open"]
            assert sum(one["open_by_rule"].values()) == found[slug, "open"]
            assert one["waived"] == found[slug, "waived"]
            assert one["baselined"] == found[slug, "baselined"]
        assert shares["acme"]["waived"]
        assert bool(shares["globex"]["baselined"]) is bool(more)
        assert _open(shares) == whole["summary"]["open_by_severity"]
        for outcome, word in (("pass", "passed"), ("fail", "failed"), ("unknown", "unknown")):
            told = sum(one["checks"][word] for one in shares.values())
            assert told == whole["summary"]["outcomes"][outcome]


def test_what_tells_no_organization_has_a_part_of_its_own(tmp_path: Path) -> None:
    keys = [
        (organization, {"id": f"{number:032x}", "name": f"k{number}", "isActive": True, **more})
        for number, (organization, more) in enumerate(
            (organization, more)
            for organization in ("acme", "globex", None)
            for more in ({}, {"rateLimit": None}, {"dateCreated": "2026-05-30T00:00:00Z"})
        )
    ]
    head: dict[str, Any] = {"kind": "inventory", "record": {"version": 1}}
    lines = [head, *({"kind": "sentry_key", "organization": o, "record": r} for o, r in keys)]
    end = {"coverage": {"sentry_key": {"state": "complete", "reason": "", "rows": len(keys)}}}
    text = "".join(json.dumps(one) + "\n" for one in (*lines, {"kind": "end", "record": end}))
    (tmp_path / "i.jsonl").write_text(text, "utf-8")
    done = scan(tmp_path, "--inventory", "i.jsonl", "-o", "r.json")
    shares, whole = parts(tmp_path / "r.json"), report(tmp_path / "r.json")["summary"]
    assert shares.keys() == {"acme", "globex", None}
    assert shares[None]["checks"]["passed"]
    for outcome, word in (("pass", "passed"), ("fail", "failed"), ("unknown", "unknown")):
        told = sum(one["checks"][word] for one in shares.values())
        assert told == whole["outcomes"][outcome]
    assert "(no organization told): " in done.out
    assert "not seen" not in done.out


def test_one_organization_has_no_parts(tmp_path: Path) -> None:
    done = scan(tmp_path, "--demo", "-o", "r.json")
    assert "organizations" not in report(tmp_path / "r.json")["summary"]
    assert "Organizations\n" not in done.out


def test_a_file_narrows_an_inventory_as_flags_do(tmp_path: Path) -> None:
    with Simulator(make_world(projects=12, keys=30, organizations=3), TODAY) as sim:
        token = {"SENTRY_AUTH_TOKEN": sim.world.token}
        here("fetch", "--url", sim.url, "-o", "i.jsonl", cwd=tmp_path, **token)
    (tmp_path / "some.txt").write_bytes(b"\xef\xbb\xbfacme # one\r\n\r\n")
    both = ("--organizations-from", "some.txt", "--org", "globex")
    scan(tmp_path, "--inventory", "i.jsonl", *both, "-o", "file.json")
    scan(tmp_path, "--inventory", "i.jsonl", "--org", "acme", "--org", "globex", "-o", "flag.json")
    assert parts(tmp_path / "file.json").keys() == {"acme", "globex"}
    assert findings(tmp_path / "file.json") == findings(tmp_path / "flag.json")


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "f.txt: names no organization"),
        (b"# acme\n\n  # globex\n", "f.txt: names no organization"),
        (b"acme\nglobex, initech\n", "f.txt:2:9: expected one slug, but there is also 'initech'"),
        (b"acme\n  acme.io # the web\n", "f.txt:2:3: 'acme.io' is not a slug"),
        (b"A=1\nPASSWORD: hunter2\n", "f.txt:1:2: this is not a list of organizations"),
        (b"acme,globex\n", "f.txt:1:6: expected one slug, but there is also 'globex'"),
        (b"acme acme\n", "f.txt:1:6: expected one slug, but there is also 'acme'"),
        (b"acme\n\xff\n", "f.txt: cannot be read: it is not UTF-8"),
        (None, "f.txt: cannot be read: No such file or directory"),
    ],
)
@pytest.mark.parametrize("verb", [("scan",), ("fetch", "-o", "i.jsonl"), ("forecast",)])
def test_a_list_that_is_none_is_refused(
    tmp_path: Path, content: bytes | None, told: str, verb: tuple[str, ...]
) -> None:
    if content is not None:
        (tmp_path / "f.txt").write_bytes(content)
    done = here(*verb, "--organizations-from", "f.txt", cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert told in done.err
    assert "usage:" not in done.err
    assert "hunter2" not in done.err
