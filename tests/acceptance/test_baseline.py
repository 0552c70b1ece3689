"""Baselines: only what is new or worse fails, what is gone is told, files are for reviewers."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance.support import here, report
from tests.acceptance.tolerance import ALPHA, BETA, GAMMA, POLICY, WAIVER, Place, key

TAGGED, LIMITED = "key-tagged", "key-limited"
FILE = "known.jsonl"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def write(place: Place, *arguments: object, as_of: str = "2026-03-01") -> str:
    done = place.on_keys("baseline", "write", "-o", FILE, *arguments, as_of=as_of)
    assert (done.code, done.err) == (0, "")
    return done.out


def lines(place: Place) -> list[dict[str, object]]:
    return [json.loads(line) for line in place.read(FILE).splitlines()[1:]]


def test_only_new_findings_fail(place: Place) -> None:
    assert write(place) == f"{FILE}: 2 known findings, 2 new, 0 taken out\n"
    assert place.scan("--baseline", FILE).code == 0
    assert set(place.dispositions().values()) == {"baselined"}
    assert place.report()["gate"]["reasons"] == ["no open finding (2 baselined)"]
    assert place.report()["rules"][0]["counts"]["baselined"] == 2
    place.keys(key(ALPHA, "alpha"), key(BETA, "beta"), key(GAMMA, "gamma"))
    assert place.scan("--baseline", FILE).code == 1
    assert place.dispositions() == {
        (TAGGED, "a"): "baselined",
        (TAGGED, "b"): "baselined",
        (TAGGED, "c"): "open",
    }
    assert "1 violation " in place.report()["gate"]["reasons"][0]


def test_a_finding_tells_when_it_was_first_seen(place: Place) -> None:
    write(place, as_of="2026-02-01")
    place.scan("--baseline", FILE)
    assert place.found(TAGGED, ALPHA)["first_seen"] == "2026-02-01T00:00:00Z"
    place.keys(key(ALPHA, "alpha"), key(BETA, "beta"), key(GAMMA, "gamma"))
    write(place, as_of="2026-03-05")
    seen = {line["id"]: line["first_seen"] for line in lines(place)}
    first, later = "2026-02-01T00:00:00Z", "2026-03-05T00:00:00Z"
    assert seen == {ALPHA: first, BETA: first, GAMMA: later}


def test_a_renamed_key_keeps_its_fingerprint(place: Place) -> None:
    write(place)
    before = place.read(FILE).splitlines()
    place.keys(key(BETA, "beta"), key(ALPHA, "renamed"), key(GAMMA, "gamma-prod"))
    assert place.scan("--baseline", FILE).code == 0
    said = "the sentry_key that the baseline calls 'alpha' is now called 'renamed'"
    assert said in place.warnings()
    write(place)
    assert place.scan("--baseline", FILE).err == ""
    after = place.read(FILE).splitlines()
    assert [n for n, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [1]
    unsealed = [{**json.loads(line), "seal": None, "name": None} for line in (before[1], after[1])]
    assert unsealed[0] == unsealed[1]


def test_a_rotated_key_is_new_and_the_old_one_is_fixed(place: Place) -> None:
    write(place)
    place.keys(key("d" * 32, "alpha"), key(BETA, "beta"))
    done = place.scan("--baseline", FILE)
    assert done.code == 1
    assert place.dispositions() == {(TAGGED, "d"): "open", (TAGGED, "b"): "baselined"}
    assert f"{FILE}: 1 finding of the baseline is fixed" in place.warnings()


def test_fixed_findings_are_told_and_pruned(place: Place) -> None:
    write(place)
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    assert place.scan("--baseline", FILE).code == 1
    assert "1 finding of the baseline is fixed" in place.warnings()
    kept = write(place)
    assert kept == f"{FILE}: 3 known findings, 1 new, 0 taken out; 1 fixed and kept, see --prune\n"
    pruned = place.on_keys("baseline", "prune", "-o", FILE)
    assert pruned.out == f"{FILE}: 2 known findings, 0 new, 1 taken out\n"
    assert [line["id"] for line in lines(place)] == [BETA, GAMMA]
    assert place.scan("--baseline", FILE).code == 0
    assert place.warnings() == ""


def test_prune_adds_nothing_and_write_can_prune(place: Place) -> None:
    write(place)
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    place.on_keys("baseline", "prune", "-o", FILE)
    assert [line["id"] for line in lines(place)] == [BETA]
    write(place, "--prune")
    assert [line["id"] for line in lines(place)] == [BETA, GAMMA]


def test_a_higher_severity_is_new(place: Place) -> None:
    write(place)
    place.policy(POLICY.replace("severity: medium", "severity: high"))
    assert place.scan("--baseline", FILE).code == 1
    assert set(place.dispositions().values()) == {"open"}
    assert "2 findings of the baseline got worse and are open again" in place.warnings()
    assert place.found(TAGGED, ALPHA)["first_seen"] == "2026-03-01T00:00:00Z"
    write(place)
    assert place.scan("--baseline", FILE).code == 0
    place.policy(POLICY.replace("severity: medium", "severity: low"))
    assert place.scan("--baseline", FILE).code == 0


def test_from_unknown_to_fail_is_new_and_back_is_not(place: Place) -> None:
    place.keys(key(ALPHA, None))
    write(place)
    assert place.scan("--baseline", FILE).code == 0
    place.keys(key(ALPHA, "alpha"))
    assert place.scan("--baseline", FILE).code == 1
    assert "1 finding of the baseline got worse" in place.warnings()
    write(place)
    assert [line["outcome"] for line in lines(place)] == ["fail"]
    place.keys(key(ALPHA, None))
    assert place.scan("--baseline", FILE).code == 0


def test_the_file_is_sorted_readable_and_does_not_change_by_itself(place: Place) -> None:
    name = "caf\u00e9 \u202egnp.exe \u2028\x1b[31m"
    place.keys(
        key(GAMMA, "gamma", rateLimit=None), key(BETA, name, rateLimit=None), key(ALPHA, "a-prod")
    )
    write(place)
    text = place.read(FILE)
    assert text.splitlines()[0] == '{"format": "keypolicy-baseline", "version": 2}'
    order = [(line["rule"], line["id"]) for line in lines(place)]
    assert order == [(LIMITED, BETA), (LIMITED, GAMMA), (TAGGED, BETA), (TAGGED, GAMMA)]
    assert "caf\u00e9 \\u202egnp.exe" in text
    assert text.isascii() is False
    assert all(character.isprintable() for character in text.replace("\n", ""))
    assert list(lines(place)[0])[:7] == [
        "rule", "organization", "project", "project_id", "name", "severity", "outcome",
    ]  # fmt: skip
    write(place, as_of="2026-04-01")
    assert place.read(FILE) == text
    assert place.scan("--baseline", FILE).code == 0


def test_waived_findings_are_left_out_and_a_lapsed_waiver_opens_a_known_one(place: Place) -> None:
    place.waivers({})
    write(place, "--waivers", "waivers.yaml")
    assert [line["id"] for line in lines(place)] == [BETA]
    both = ("--waivers", "waivers.yaml", "--baseline", FILE)
    assert place.scan(*both).code == 0
    assert place.dispositions() == {(TAGGED, "a"): "waived", (TAGGED, "b"): "baselined"}
    write(place)  # without the waivers all is known
    assert place.scan(*both).code == 0
    assert place.dispositions() == {(TAGGED, "a"): "waived", (TAGGED, "b"): "baselined"}
    assert place.scan(*both, as_of="2026-03-11").code == 1
    assert place.dispositions() == {(TAGGED, "a"): "open", (TAGGED, "b"): "baselined"}


def test_what_was_not_looked_at_is_not_fixed(tmp_path: Path) -> None:
    demo = ("--demo", "--as-of", "2026-06-01", "-o")
    assert here("baseline", "write", *demo, FILE, cwd=tmp_path).code == 0
    scan = ("scan", *demo, "r.json", "--baseline", FILE)
    projects = {
        one["project"]
        for one in map(json.loads, (tmp_path / FILE).read_text("utf-8").splitlines()[1:])
    }
    assert here(*scan, "--project", min(projects), cwd=tmp_path).code == 0
    assert report(tmp_path / "r.json")["summary"]["warnings"] == []
    assert here(*scan, "--policy", "sentry-strict", cwd=tmp_path).code == 1
    assert "fixed" not in str(report(tmp_path / "r.json")["summary"]["warnings"])
    before = (tmp_path / FILE).read_text("utf-8")
    prune = ("baseline", "prune", *demo, FILE, "--project", "no-such-project")
    assert here(*prune, cwd=tmp_path).code == 3
    assert (tmp_path / FILE).read_text("utf-8") == before


def test_what_was_not_seen_is_never_known(place: Place) -> None:
    text = "policy: p\nversion: 1.0.0\ntitle: P\nrules:\n  - id: r\n    title: R\n"
    text += "    resource: sentry_project\n    severity: low\n    require: platform = 'go'\n"
    place.policy(text)
    done = place.on_keys("baseline", "write", "-o", FILE)
    assert done.code == 3
    assert lines(place) == []
    assert "no resource was seen" in done.err


HEADER = '{"format": "keypolicy-baseline", "version": 2}\n'


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "known.jsonl:1:1: the file is not a baseline"),
        ("[]\n", "known.jsonl:1:1: the file is not a baseline"),
        ('{"format": "keypolicy-baseline", "version": 1}\n', "format version 1"),
        (HEADER + "{}\n{}\n", "known.jsonl:3:1: "),
        (HEADER + '{"rule": 1}\n', "known.jsonl:2:1: expected text, found a whole number, at rule"),
        (HEADER + "<<<<<<< ours\n", "known.jsonl:2:1: a conflict of a merge is left"),
        (HEADER + '{"rule"', "known.jsonl:2:1: "),
    ],
)
def test_bad_files(place: Place, text: str, says: str) -> None:
    place.write(FILE, text)
    for done in (
        place.scan("--baseline", FILE),
        place.on_keys("baseline", "write", "-o", FILE),
    ):
        assert done.code == 2
        assert says in done.err
        assert "baseline write" in done.err
    assert place.read(FILE) == text


@pytest.mark.parametrize("days", [("01", "02"), ("02", "01"), ("01", "01")])
def test_the_lines_of_both_branches_are_one_finding_since_the_earlier(
    place: Place, days: tuple[str, str]
) -> None:
    branches = []
    for day in days:
        write(place, as_of=f"2026-02-{day}")
        branches.append(place.read(FILE))
        (place.folder / FILE).unlink()
    merged = branches[0] + branches[1].split("\n", 1)[1]
    place.write(FILE, merged)
    assert place.scan("--baseline", FILE).code == 0
    assert {one["first_seen"] for one in place.report()["findings"]} == {"2026-02-01T00:00:00Z"}
    write(place)
    assert place.read(FILE) == branches[days.index("01")]


def test_lines_of_a_finding_that_say_different_things_are_none(place: Place) -> None:
    write(place)
    text = place.read(FILE)
    (place.folder / FILE).unlink()
    place.policy(POLICY.replace("medium", "low"))
    write(place)
    place.write(FILE, text + place.read(FILE).split("\n", 1)[1])
    done = place.scan("--baseline", FILE)
    assert done.code == 2
    assert "known.jsonl:4:1: the finding" in done.err
    assert "is there already, and said to be otherwise" in done.err


def test_a_file_that_is_not_there(place: Place) -> None:
    assert place.scan("--baseline", "no.jsonl").code == 2
    done = place.on_keys("baseline", "prune", "-o", "no.jsonl")
    assert done.code == 2
    assert "no such baseline" in done.err
    assert "-o keypolicy-baseline.jsonl" in place.on_keys("baseline", "write").err


def test_the_setting_names_the_file_and_nothing_else_does(place: Place) -> None:
    place.on_keys("baseline", "write", "-o", "keypolicy-baseline.jsonl")
    assert place.scan().code == 1
    place.write("keypolicy.yaml", f"baseline: {FILE}\n")
    assert place.on_keys("baseline", "write").code == 0
    assert place.scan().code == 0


def test_the_counts_are_those_of_the_findings(tmp_path: Path) -> None:
    demo = ("--demo", "--as-of", "2026-06-01")
    here("baseline", "write", *demo, "-o", FILE, cwd=tmp_path)
    known = (tmp_path / FILE).read_text("utf-8").splitlines(keepends=True)
    (tmp_path / FILE).write_text("".join([known[0], *known[1::3]]), "utf-8")
    waiver = {**WAIVER, "rule": ["key-max-age", "key-rate-limit"], "match": "name > 'm'"}
    (tmp_path / "waivers.yaml").write_text(json.dumps({"waivers": [waiver]}), "utf-8")
    waiver_until = ("--as-of", "2026-03-01")
    scan = ("scan", "--demo", *waiver_until, "--baseline", FILE, "--waivers", "waivers.yaml")
    here(*scan, "-o", "r.json", cwd=tmp_path)
    data = report(tmp_path / "r.json")
    total = Counter(one["disposition"] for one in data["findings"])
    assert total == data["summary"]["dispositions"]
    assert min(total.values()) > 0
    for rule in data["rules"]:
        mine = [one for one in data["findings"] if one["rule_id"] == rule["id"]]
        by_outcome = Counter(one["outcome"] for one in mine)
        by_disposition = Counter(one["disposition"] for one in mine)
        for outcome in ("fail", "unknown", "error"):
            assert rule["counts"][outcome] == by_outcome[outcome]
        for disposition in ("waived", "baselined"):
            assert rule["counts"][disposition] == by_disposition[disposition]


@pytest.mark.parametrize(
    "verb",
    [
        ("baseline", "write", "-o", FILE),
        ("baseline", "prune", "-o", FILE),
        ("waivers", "list", "waivers.yaml"),
        ("waivers", "check", "waivers.yaml"),
    ],
)
def test_what_an_inventory_warns_of_is_told(place: Place, verb: tuple[str, ...]) -> None:
    place.waivers({})
    write(place)
    place.write("more.json", place.read("keys.json"))
    done = place.on_keys(*verb, "--inventory", "more.json")
    assert done.code == 0
    told = [line for line in done.err.splitlines() if "came twice" in line]
    assert told == ["keypolicy: warning: 3 records of sentry_key came twice; one of each was kept"]
