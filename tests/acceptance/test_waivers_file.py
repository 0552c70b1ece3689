"""The file of waivers: what is wrong in it, and the commands that list, check and add."""

import json
from pathlib import Path

import pytest

from tests.acceptance.tolerance import ALPHA, BETA, Place

TAGGED = "key-tagged"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


BAD = """\
waivers:
  - id: a b
    rule: key-taged
    match: [x]
    reason: r
    owner: o
    approved_by: b
    created: 2026-01-01
    expires: 2027-01-02
  - id: second
    rule: key-tagged
    match: nam = 'alpha'
    reason: ''
    owner: o
    created: 2026-01-01
    expires: soon
    colour: red
  - id: third
    policy: mien
    match: aaaaaaaaaaaaaaaa
    reason: r
    owner: o
    approved_by: b
    created: 2026-02-30
    expires: 2026-01-01
  - {id: fourth, rule: key-tagged, match: getenv('HOME') = '', reason: r, owner: o,
     approved_by: b, created: 2026-01-01, expires: 2028-01-01}
  - {id: fifth, rule: key-tagged, match: nam = 'x', reason: r, owner: o,
     approved_by: b, created: 2026-01-01, expires: 2026-02-01}
  - {id: fifth, match: [], reason: r, owner: o,
     approved_by: b, created: 2026-03-01, expires: 2026-02-01}
"""
PROBLEMS = [
    "waivers.yaml:2:9: ",
    "waivers.yaml:10:5: the key `approved_by` is missing",
    "waivers.yaml:13:13: this must not be empty",
    "waivers.yaml:16:14: `soon` does not have the right form",
    "waivers.yaml:17:5: unknown key `colour`",
    "waivers.yaml:19:13: there is no policy `mien` in this scan",
    "waivers.yaml:20:12: this is an id, not a condition",
    "waivers.yaml:24:14: there is no day 2026-02-30",
    "waivers.yaml:26:43: The predicate may not call getenv()",
    "waivers.yaml:27:52: it lasts 730 days, the longest term is 365",
    "waivers.yaml:28:42: ",
    "Did you mean `name`?",
    "waivers.yaml:30:10: there is a waiver `fifth` already",
    "waivers.yaml:30:5: a waiver names a `rule`, a list of them, or a `policy`",
    "waivers.yaml:30:24: this must not be empty",
    "waivers.yaml:31:52: it expires before it was created",
]


@pytest.mark.parametrize("command", ["scan", "check"])
def test_every_problem_of_the_file_is_told_at_once_with_its_place(
    place: Place, command: str
) -> None:
    place.write("waivers.yaml", BAD)
    if command == "scan":
        done = place.scan("--waivers", "waivers.yaml")
    else:
        done = place.run("waivers", "check", "waivers.yaml", "--policy", "p.yaml")
    assert done.code == 2
    for problem in PROBLEMS:
        assert problem in done.err
    assert not (place.folder / "r.json").exists()


@pytest.mark.parametrize(
    ("match", "says"),
    [
        ("getenv('HOME') = ''", "getenv"),
        ("nam = 'x'", "Did you mean `name`?"),
        ("age_days", "BIGINT"),
        ("(select true)", "subquer"),
    ],
)
def test_a_condition_is_guarded_as_a_rule_is(place: Place, match: str, says: str) -> None:
    place.waivers({"match": match})
    done = place.scan("--waivers", "waivers.yaml")
    assert done.code == 2
    assert "waivers.yaml:6:14" in done.err
    assert says in done.err


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", 1),
        ("# nothing yet\n", 1),
        ("waivers: []\n", 1),
        ("waivers:\n", 1),
        ("waivers: 3\n", 2),
        ("- a\n", 2),
        ("waivers: [\n", 2),
    ],
)
def test_files_without_a_waiver(place: Place, text: str, code: int) -> None:
    place.write("waivers.yaml", text)
    done = place.scan("--waivers", "waivers.yaml")
    assert done.code == code
    assert ("waivers.yaml:" in done.err) == (code == 2)


def test_a_file_that_is_not_there(place: Place) -> None:
    assert "no.yaml: cannot be read" in place.scan("--waivers", "no.yaml").err


def test_a_file_is_not_read_unless_it_is_named(place: Place) -> None:
    place.waivers({"match": [ALPHA, BETA]})
    assert place.scan().code == 1
    place.write("keypolicy.yaml", "waivers: waivers.yaml\n")
    assert place.scan().code == 0


def test_list_shows_state_and_days_left(place: Place) -> None:
    place.waivers(
        {"expires": "2026-03-05"},
        {"id": "old", "expires": "2026-02-01"},
        {"id": "new", "expires": "2026-12-31", "rule": None, "policy": "mine"},
    )
    listing = ("waivers", "list", "waivers.yaml", "--policy", "p.yaml", "--as-of", "2026-03-01")
    done = place.run(*listing)
    assert done.code == 0
    rows = [line.split() for line in done.out.splitlines()]
    assert rows[1][:4] == ["legacy", "expiring", "4", "2026-03-05"]
    assert rows[2][:4] == ["old", "lapsed", "-28", "2026-02-01"]
    assert rows[3][:4] == ["new", "active", "305", "2026-12-31"]
    assert "all of mine" in done.out
    data = json.loads(
        place.on_keys("waivers", "list", "--waivers", "waivers.yaml", "--format", "json").out
    )
    assert [(one["id"], one["resources"], one["findings"]) for one in data] == [
        ("legacy", 1, 1),
        ("old", 1, 1),
        ("new", 1, 1),
    ]


@pytest.mark.parametrize("action", ["list", "check"])
@pytest.mark.parametrize("named", [("--project", "web"), ("--org", "acme")])
def test_whoever_names_a_place_wants_to_know_of_its_keys(
    place: Place, action: str, named: tuple[str, str]
) -> None:
    place.waivers({})
    done = place.run("waivers", action, "waivers.yaml", "--policy", "p.yaml", *named)
    assert (done.code, done.out) == (2, "")
    assert "nothing to scan: no token" in done.err


@pytest.mark.parametrize("action", ["list", "check"])
def test_a_file_that_is_named_twice_is_refused(place: Place, action: str) -> None:
    place.waivers({})
    place.write("others.yaml", place.read("waivers.yaml"))
    named = ("waivers.yaml", "--waivers", "others.yaml", "--policy", "p.yaml")
    done = place.run("waivers", action, *named)
    assert (done.code, done.out) == (2, "")
    assert "--waivers: the file is named twice" in done.err


def test_check_is_content_with_a_sound_file(place: Place) -> None:
    place.waivers({}, {"id": "old", "expires": "2026-02-01"})
    done = place.on_keys("waivers", "check", "waivers.yaml")
    assert (done.code, done.err) == (0, "")
    assert done.out == "waivers.yaml: 2 waivers, all well formed; 1 lapsed\n"


ADD = (
    *("waivers", "add", "waivers.yaml", "--policy", "p.yaml", "--as-of", "2026-03-01"),
    *("--rule", TAGGED, "--owner", "team: web", "--approved-by", "ciso"),
)


def test_add_appends_and_leaves_the_rest_as_it_is(place: Place) -> None:
    before = "# Ours.\nwaivers:   # all of them\n- id: first   # mine\n  rule: key-tagged\n"
    before += "  match: name = 'x'\n  reason: r\n  owner: o\n  approved_by: b\n"
    before += "  created: 2026-01-01\n  expires: 2026-02-01\n\n\n"
    place.write("waivers.yaml", before)
    done = place.run(
        *ADD, "--id", "legacy", "--key", ALPHA, "--reason", 'Say "no" # x', "--days", 9
    )
    assert (done.code, done.err) == (0, "")
    text = place.read("waivers.yaml")
    assert text.startswith(before.rstrip() + "\n")
    assert "\n# Added on 2026-03-01 with" in text
    assert "\n  expires: 2026-03-10\n" in text
    place.run(*ADD, "--id", "two", "--where", "name = 'beta'", "--reason", "r", "--days", 1)
    assert place.scan("--waivers", "waivers.yaml").code == 0
    assert place.found(TAGGED, ALPHA)["waiver"] == "legacy"


def test_add_makes_the_file(place: Place) -> None:
    add = (*ADD, "--id", "legacy", "--key", ALPHA, "--key", BETA, "--reason", "r")
    assert place.run(*add, "--expires", "2026-03-02", "--ticket", "SEC-1").code == 0
    assert place.scan("--waivers", "waivers.yaml").code == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--id", "n", "--key", "x", "--reason", "r", "--days", "999"), "it lasts 999 days"),
        (("--id", "n", "--key", "x", "--reason", "r", "--days", "-1"), "before it was created"),
        (("--id", "n", "--where", "nam", "--reason", "r", "--days", "1"), "Did you mean `name`?"),
        (("--id", "n", "--key", "x", "--reason", "", "--days", "1"), "must not be empty"),
        (("--id", "n", "--key", "x", "--reason", "r", "--days", "1", "--rule", "no"), "no rule"),
        (("--id", "n", "--reason", "r", "--days", "1"), "--key"),
        (("--id", "n", "--key", "x", "--reason", "r", "--expires", ""), "Write a day"),
    ],
)
def test_add_writes_nothing_that_is_not_sound(
    place: Place, arguments: tuple[str, ...], says: str
) -> None:
    done = place.run(*ADD, *arguments)
    assert done.code == 2
    assert says in done.err
    assert not (place.folder / "waivers.yaml").exists()


@pytest.mark.parametrize(
    ("changed", "option"),
    [
        ({"--expires": "2026-02-30"}, "--expires"),
        ({"--days": "999"}, "--days"),
        ({"--id": "a b"}, "--id"),
        ({"--rule": "no"}, "--rule"),
        ({"--of-policy": "no"}, "--of-policy"),
        ({"--where": "nam = 'x'"}, "--where"),
        ({"--key": ""}, "--key"),
        ({"--reason": " "}, "--reason"),
        ({"--approved-by": "\u200b"}, "--approved-by"),
    ],
)
@pytest.mark.parametrize("before", ["", "waivers:\n"])
def test_add_tells_mistakes_at_the_option_that_makes_them(
    place: Place, changed: dict[str, str], option: str, before: str
) -> None:
    if before:
        place.write("waivers.yaml", before)
    usual = {"--id": "n", "--rule": TAGGED, "--key": ALPHA, "--days": "9", "--reason": "r"}
    usual |= {"--owner": "o", "--approved-by": "a"}
    if "--expires" in changed:
        del usual["--days"]
    if "--where" in changed:
        del usual["--key"]
    given = [word for pair in (usual | changed).items() for word in pair]
    verb = ("waivers", "add", "waivers.yaml", "--policy", "p.yaml", "--as-of", "2026-03-01")
    done = place.run(*verb, *given)
    assert (done.code, done.out) == (2, "")
    assert done.err.startswith(f"keypolicy: {option}: ")
    assert "waivers.yaml" not in done.err
