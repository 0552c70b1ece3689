import json
import re
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from scanner.base.errors import PolicyError, UsageError
from scanner.base.given import given_at
from scanner.base.resources import schema_path
from scanner.config.document import ConfigDocument, config_schema
from scanner.config.gather import load_settings
from scanner.config.settings import Flags, Settings
from scanner.config.trust import Given
from scanner.gate import OnUnknown, PolicyThresholds, Thresholds
from scanner.model.outcome import Severity
from scanner.policy.files.locate import is_shipped
from scanner.triage.interface import TriageRequest

TOKEN = "sntryu_0123456789abcdef0123456789abcdef"
CLIRC = """\
[auth]
token = from-clirc
[defaults]
org = clirc-org
project = clirc-project
url = https://clirc.example/
"""


class Place:
    """A home with a project folder in it, and a folder in that where the command runs."""

    def __init__(self, root: Path) -> None:
        self.home = root / "home"
        self.project = self.home / "project"
        self.directory = self.project / "sub"
        self.directory.mkdir(parents=True)
        self.environ: dict[str, str] = {}

    def write(self, folder: Path, name: str, text: str) -> None:
        (folder / name).write_text(text)

    def config(self, text: str) -> None:
        self.write(self.project, "keypolicy.yaml", text)

    def load(self, flags: Flags | None = None) -> Settings:
        return load_settings(flags or Flags(), self.environ, self.directory, self.home)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_nothing_given(place: Place) -> None:
    settings = place.load()
    assert settings.organizations == settings.projects == settings.policies == ()
    assert settings.url is None
    assert settings.token is None
    assert settings.waivers is None
    assert settings.baseline is None
    assert settings.params == {}
    assert settings.thresholds == Thresholds()
    assert settings.warnings == ()
    assert settings.origin("url") == "the default"


@pytest.mark.parametrize("first", range(5))
def test_the_first_place_that_has_it_wins(place: Place, first: int) -> None:
    flags = Flags(organizations=("flag",)) if first == 0 else Flags()
    if first <= 1:
        place.environ["SENTRY_ORG"] = "environment"
    if first <= 2:
        place.write(place.directory, ".env", "SENTRY_ORG=dotenv\n")
    if first <= 3:
        place.config("organizations: config\n")
    place.write(place.home, ".sentryclirc", CLIRC)
    settings = place.load(flags)
    wanted = ("flag", "environment", "dotenv", "config", "clirc-org")[first]
    assert settings.organizations == (wanted,)
    assert settings.origin("organizations").startswith(
        (
            "--org",
            "SENTRY_ORG",
            "SENTRY_ORG in .env",
            "organizations in ../keypolicy.yaml:1:1",
            "org of [defaults] in ~/.sentryclirc",
        )[first]
    )


def test_all_variables(place: Place) -> None:
    place.environ = {
        "SENTRY_ORG": "acme, globex,acme",
        "SENTRY_PROJECT": "web",
        "SENTRY_URL": "https://sentry.acme.example/api/0/",
        "SENTRY_AUTH_TOKEN": f" {TOKEN}\n",
        "KEYPOLICY_POLICY": "sentry-strict,mine.yaml",
        "KEYPOLICY_PARAMS": "max_age=30d; names=a,b",
        "KEYPOLICY_FAIL_ON": "High",
        "KEYPOLICY_ON_UNKNOWN": "warn",
        "KEYPOLICY_ALLOW_PARTIAL": "1",
        "KEYPOLICY_WAIVERS": "w.yaml",
        "KEYPOLICY_BASELINE": "b.jsonl",
        "KEYPOLICY_MAX_FINDINGS": "low=20, High=3",
        "KEYPOLICY_STRICT_WAIVERS": "yes",
        "KEYPOLICY_WAIVER_TERM_DAYS": "90",
        "KEYPOLICY_WAIVER_NOTICE_DAYS": "7",
    }
    settings = place.load()
    assert settings.organizations == ("acme", "globex")
    assert settings.projects == ("web",)
    assert settings.url == "https://sentry.acme.example"
    assert settings.token is not None
    assert settings.token.reveal() == TOKEN
    assert settings.policies == ("sentry-strict", "mine.yaml")
    assert settings.params == {"max_age": "30d", "names": "a,b"}
    assert settings.thresholds == Thresholds(
        Severity.HIGH,
        OnUnknown.WARN,
        allow_partial=True,
        max_findings={Severity.LOW: 20, Severity.HIGH: 3},
    )
    assert settings.triage == TriageRequest(
        waivers=Path("w.yaml"),
        baseline=Path("b.jsonl"),
        strict_waivers=True,
        term_days=90,
        notice_days=7,
    )
    assert settings.warnings == ()
    assert settings.origin("token") == "SENTRY_AUTH_TOKEN"


def test_all_settings_of_the_file(place: Place) -> None:
    place.config(
        """\
organizations: [acme, globex]
projects: web, app
url: https://sentry.acme.example
policies: [sentry-baseline, ./mine.yaml, packs/, plain.yml]
params: {max_age: 30d, number: 1e3, flag: true, names: [a, b], text: 'on'}
fail_on: never
on_unknown: ignore
allow_partial: true
waivers: waivers.yaml
baseline: known/../baseline.jsonl
max_findings: {low: 20}
gate:
  strict: {fail_on: high, max_findings: {low: 0}}
  mine: {fail_on: never}
strict_waivers: true
waiver_term_days: 30
waiver_notice_days: 0
"""
    )
    settings = place.load()
    assert settings.organizations == ("acme", "globex")
    assert settings.projects == ("web", "app")
    assert settings.policies == ("sentry-baseline", "../mine.yaml", "../packs", "../plain.yml")
    assert settings.params == {
        "max_age": "30d",
        "number": "1e3",
        "flag": "true",
        "names": "a,b",
        "text": "on",
    }
    assert settings.thresholds == Thresholds(
        None,
        OnUnknown.IGNORE,
        allow_partial=True,
        max_findings={Severity.LOW: 20},
        policies={
            "strict": PolicyThresholds(Severity.HIGH, {Severity.LOW: 0}),
            "mine": PolicyThresholds(None),
        },
    )
    assert settings.strict_waivers
    assert (settings.waiver_term_days, settings.waiver_notice_days) == (30, 0)
    assert settings.waivers == Path("../waivers.yaml")
    assert settings.baseline == Path("../baseline.jsonl")


def test_a_flag_or_variable_is_said_of_every_policy(place: Place) -> None:
    place.config("gate: {strict: {fail_on: high, max_findings: {low: 1}}, mine: {fail_on: low}}\n")
    assert set(place.load().gate) == {"strict", "mine"}
    flagged = place.load(Flags(fail_on="never")).gate
    assert flagged == {"strict": PolicyThresholds(max_findings={Severity.LOW: 1})}
    place.environ["KEYPOLICY_MAX_FINDINGS"] = "low=9"
    assert place.load(Flags(fail_on="never")).gate == {}


def test_paths_beside_the_file_keep_their_names(place: Place) -> None:
    place.write(place.directory, "keypolicy.yaml", "policies: ./mine.yaml\nwaivers: w.yaml\n")
    settings = place.load()
    assert settings.policies == ("mine.yaml",)
    assert settings.waivers == Path("w.yaml")


def test_parameters_are_gathered_from_everywhere(place: Place) -> None:
    place.config("params: {a: 1, b: 1, c: 1}\n")
    place.environ["KEYPOLICY_PARAMS"] = "b=2;c=2"
    settings = place.load(Flags(params=("c=3", "d=x=y")))
    assert settings.params == {"a": "1", "b": "2", "c": "3", "d": "x=y"}
    assert settings.origin("params") == (
        "--param, KEYPOLICY_PARAMS, params in ../keypolicy.yaml:1:1"
    )
    assert [str(given_at(settings.params, name)) for name in "abcd"] == [
        "../keypolicy.yaml:1:13",
        "b in KEYPOLICY_PARAMS",
        "--param c",
        "--param d",
    ]
    del place.environ["KEYPOLICY_PARAMS"]
    place.write(place.directory, ".env", "KEYPOLICY_PARAMS=a=5\n")
    assert str(given_at(place.load().params, "a")) == "a in KEYPOLICY_PARAMS in .env"


def test_sentryclirc_near_and_at_home(place: Place) -> None:
    place.write(place.home, ".sentryclirc", CLIRC)
    place.write(place.project, ".sentryclirc", "[defaults]\norg=near\n")
    settings = place.load()
    assert settings.organizations == ("near",)
    assert settings.projects == ("clirc-project",)
    assert settings.url == "https://clirc.example"
    assert settings.token is not None
    assert settings.token.reveal() == "from-clirc"
    assert settings.origin("organizations") == "org of [defaults] in ../.sentryclirc"
    assert settings.origin("token") == "token of [auth] in ~/.sentryclirc"


def test_files_above_home_are_not_read(place: Place) -> None:
    place.write(place.home.parent, "keypolicy.yaml", "organizations: above\n")
    place.write(place.home.parent, ".sentryclirc", CLIRC)
    assert place.load().organizations == ()


def test_an_empty_variable_is_not_set(place: Place) -> None:
    place.environ = {"SENTRY_ORG": " ", "SENTRY_AUTH_TOKEN": "", "KEYPOLICY_PARAMS": ""}
    place.config("organizations: acme\n")
    settings = place.load()
    assert settings.organizations == ("acme",)
    assert settings.token is None


NAMING = ("organizations", "projects", "policies", "waivers", "baseline", "owners", "history")
TEXTS = frozenset({"waivers", "baseline", "owners", "history"})
"""The settings of which there is one, not a list."""
LISTS = sorted({*NAMING} - TEXTS)


@pytest.mark.parametrize("blank", ["", " "])
@pytest.mark.parametrize("name", NAMING)
def test_a_flag_that_names_nothing_is_refused(place: Place, name: str, blank: str) -> None:
    """Else --org "$ORG" could mean all of them, and --policy "$POLICY" the default."""
    several = [(blank,), ("x", blank)]
    for value in [blank] if name in TEXTS else several:
        with pytest.raises(UsageError, match="an empty name") as refusal:
            place.load(msgspec.structs.replace(Flags(), **{name: value}))
        assert refusal.value.where.startswith("--")


@pytest.mark.parametrize("variable", ["SENTRY_ORG", "SENTRY_PROJECT", "KEYPOLICY_POLICY"])
def test_a_variable_of_commas_alone_is_refused(place: Place, variable: str) -> None:
    place.environ[variable] = " , "
    with pytest.raises(UsageError, match="an empty name") as refusal:
        place.load()
    assert refusal.value.where == variable


@pytest.mark.parametrize("name", NAMING)
def test_what_is_empty_in_the_file_is_not_set(place: Place, name: str) -> None:
    place.config(f'{name}: ""\n')
    assert name not in place.load().origins


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_item_in_the_file_is_refused(place: Place, name: str) -> None:
    place.config(f'{name}: [x, ""]\n')
    with pytest.raises(UsageError, match="an empty name") as refusal:
        place.load()
    assert refusal.value.where == f"{name} in {Path('..') / 'keypolicy.yaml'}:1:1"


@pytest.mark.parametrize(
    ("variable", "once", "twice"),
    [
        ("KEYPOLICY_PARAMS", "max_age=1d; max_age=1d", "max_age=1d; max_age=900d"),
        ("KEYPOLICY_MAX_FINDINGS", "low=1, LOW=1", "low=1, LOW=500"),
        ("KEYPOLICY_SLA", "low=1d, low=1d", "low=1d, low=900d"),
    ],
)
def test_two_values_in_one_place_are_refused(
    place: Place, variable: str, once: str, twice: str
) -> None:
    """The last would win without a word, be it the looser one."""
    place.environ[variable] = once
    place.load()
    place.environ[variable] = twice
    with pytest.raises(UsageError, match="has two values") as refusal:
        place.load()
    assert refusal.value.where == variable


def test_two_flags_with_two_values_are_refused(place: Place) -> None:
    for flags in (Flags(params=("a=1", "a=2")), Flags(max_findings=("low=1", "low=2"))):
        with pytest.raises(UsageError, match="has two values"):
            place.load(flags)


def test_dotenv_quotes_comments_and_a_byte_order_mark(place: Place) -> None:
    text = '# mine\nexport SENTRY_ORG="acme"\nSENTRY_PROJECT=${HOME}\nBARE\n'
    (place.directory / ".env").write_bytes(b"\xef\xbb\xbf" + text.encode())
    place.environ["SENTRY_PROJECT"] = "web"
    settings = place.load()
    assert settings.organizations == ("acme",)
    assert settings.origin("organizations") == "SENTRY_ORG in .env"


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("KEYPOLICY_POLICY: sentry-strict\n", 1),
        ('A=1\n\n# why\nKEYPOLICY_FAIL_ON="low\n', 4),
        ("A=1\nset SENTRY_ORG = 'acme\n", 2),
        # The quote that is not closed takes in the lines after it.
        ('A="1\nKEYPOLICY_POLICY=sentry-strict\nB="2"\n', 1),
        ("KEYPOLICY_FAIL_ON=low\n\nKEYPOLICY_FAIL_ON=never\n", 3),
        ("SENTRY_ORG=acme\nexport SENTRY_ORG='globex'\n", 2),
    ],
)
def test_dotenv_drops_no_setting(
    place: Place, text: str, line: int, caplog: pytest.LogCaptureFixture
) -> None:
    """What is dropped may be what makes the scan strict."""
    place.write(place.directory, ".env", text)
    with pytest.raises(UsageError, match=r"form NAME=VALUE|has two values") as refusal:
        place.load()
    assert refusal.value.where == f".env:{line}"
    assert refusal.value.remedy
    assert not caplog.records


def test_dotenv_may_hold_what_is_not_ours(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    text = 'spec: {x}\nA=1\nA=2\nSENTRY_DSN: x\nif [ "$SENTRY_ORG" ]; then fi\n'
    text += "KEYPOLICY_FAIL_ON=low\nKEYPOLICY_FAIL_ON=low\n"
    place.write(place.directory, ".env", text)
    assert place.load().origin("fail_on") == "KEYPOLICY_FAIL_ON in .env"
    assert not caplog.records


def test_dotenv_does_not_read_the_environment(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUTSIDE", "leak")
    place.write(place.directory, ".env", "KEYPOLICY_WAIVERS=${OUTSIDE}.yaml\n")
    assert place.load().waivers == Path("${OUTSIDE}.yaml")


def test_an_empty_file_sets_nothing(place: Place) -> None:
    place.config("# nothing yet\n")
    assert place.load().policies == ()


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("fail_om: high\n", ["1:1: unknown setting `fail_om`", "Did you mean `fail_on`?"]),
        ("a1: 1\norg: x\n", ["1:1: unknown setting `a1`", "2:1: unknown setting `org`"]),
        ("url: [a]\n", ["1:6: this is a list, not text"]),
        ("\nallow_partial: 'yes'\n", ["2:16: this is text, not true or false"]),
        ("fail_on: urgent\n", ["1:10: `urgent` is not a value"]),
        ("params: {a: {b: 1}}\n", ["1:13: this is a mapping, not text"]),
        ("organizations:\n", ["1:15: this is empty"]),
        ("gate: {a: {fail_on: urgent}}\n", ["1:21: `urgent` is not a value"]),
        ("gate:\n  a: {}\n  b: {x: 1}\n", ["3:7: unknown key `x`"]),
        ("gate: {a: {max_findings: {low: -1}}}\n", ["1:32: -1 is too small"]),
        ("gate: 3\n", ["1:7: this is the number 3, not a mapping"]),
        ("max_findings: {tiny: 1}\n", ["1:16: unknown key `tiny`"]),
        ("[a, b]\n", ["1:1: expected settings, NAME: VALUE"]),
        ("a: b: c\n", ["../keypolicy.yaml:1:"]),
        ("url: a\nurl: b\n", ["../keypolicy.yaml:2:1"]),
        *((f"{name}: []\n", ["must not be empty", "leave the line out"]) for name in LISTS),
        (
            "polices: a\nfail_on: hig\nprojects: []\nnotify: [{slak: {}}]\nsla: {high: 1}\n",
            [
                "1:1: unknown setting `polices`",
                "2:10: `hig`",
                "3:11: this must",
                "4:11: unknown",
                "5:13",
            ],
        ),
    ],
)
def test_problems_in_the_file_are_placed(place: Place, text: str, problems: list[str]) -> None:
    place.config(text)
    with pytest.raises(PolicyError) as refusal:
        place.load()
    for problem in problems:
        assert problem in str(refusal.value)
    assert "../keypolicy.yaml" in str(refusal.value)
    assert refusal.value.exit_code == 2


def test_values_that_are_wrong_are_told_at_once(place: Place) -> None:
    """Those of the file, of variables and of flags, and all parts of a list."""
    place.config("url: ftp://x\nmemory: 3TB\npolicies: [../a, ../../b]\nfail_if_due_within: 1h\n")
    place.environ = {"SENTRY_ORG": "a b,c d", "KEYPOLICY_FAIL_ON": "hig"}
    with pytest.raises(UsageError) as refusal:
        place.load(Flags(waivers=" "))
    told = str(refusal.value)
    for word in ("'a b'", "'c d'", "'hig'", "or https", "3TB", "../a ", "../../b ", "empty name"):
        assert word in told, word
    for where in (
        "SENTRY_ORG: ",
        "--waivers: ",
        "yaml:1:1: ",
        "yaml:2:1: ",
        "yaml:3:1: ",
        "yaml:4:1: ",
    ):
        assert where in told, where


@pytest.mark.parametrize(
    "text",
    [
        f"token: {TOKEN}\n",
        f"auth_token: {TOKEN}\n",
        "Token: anything\n",
        f"organizations: acme\n# {TOKEN}\n",
        f"params: {{a: '{TOKEN}'}}\n",
    ],
)
def test_a_token_in_a_committed_file_is_refused(place: Place, text: str) -> None:
    place.config(text)
    with pytest.raises(UsageError, match="a token is no setting") as refusal:
        place.load()
    assert TOKEN not in str(refusal.value)
    assert "SENTRY_AUTH_TOKEN" in refusal.value.remedy


def test_the_other_suffix_is_not_passed_over_in_silence(place: Place) -> None:
    place.write(place.project, "keypolicy.yml", "fail_on: high\n")
    assert "keypolicy.yml is not read" in place.load().warnings[0]


def test_the_other_suffix_does_not_hide_the_settings_above(place: Place) -> None:
    place.config("policies: [sentry-strict]\n")
    place.write(place.directory, "keypolicy.yml", "policies: [sentry-baseline]\n")
    settings = place.load()
    assert settings.policies == ("sentry-strict",)
    assert "keypolicy.yml is not read" in settings.warnings[0]


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("SENTRY_ORG", "acme/../other", "'acme/../other' is not a slug"),
        ("SENTRY_PROJECT", "My Project", "'My Project' is not a slug"),
        ("SENTRY_URL", "sentry.io", "address"),
        ("SENTRY_URL", "https://user:word@sentry.io", "user name or password"),
        ("SENTRY_AUTH_TOKEN", "two words", "the token holds spaces"),
        ("SENTRY_AUTH_TOKEN", "a\tb", "the token holds"),
        ("SENTRY_AUTH_TOKEN", '"sntryu_ab"', "line breaks, quotes or other characters"),
        ("KEYPOLICY_FAIL_ON", "urgent", "'urgent' is none of low, medium, high, critical, never"),
        ("KEYPOLICY_ON_UNKNOWN", "skip", "'skip' is none of fail, warn, ignore"),
        ("KEYPOLICY_ALLOW_PARTIAL", "perhaps", "'perhaps' is none of true"),
        ("KEYPOLICY_MAX_FINDINGS", "low", "'low' is not SEVERITY=N"),
        ("KEYPOLICY_MAX_FINDINGS", "low=-1", "'low=-1' is not SEVERITY=N"),
        ("KEYPOLICY_MAX_FINDINGS", "tiny=1", "'tiny' is none of low"),
        ("KEYPOLICY_WAIVER_TERM_DAYS", "1y", "'1y' is not a number of days from 0 to 99999"),
        ("KEYPOLICY_WAIVER_TERM_DAYS", "100000", "not a number of days from 0 to 99999"),
        ("KEYPOLICY_WAIVER_NOTICE_DAYS", "-1", "not a number of days from 0 to 99999"),
        ("KEYPOLICY_PARAMS", "max_age", "'max_age' is not NAME=VALUE"),
        ("KEYPOLICY_PARAMS", "=3", "'=3' is not NAME=VALUE"),
    ],
)
@pytest.mark.parametrize("in_file", [False, True])
def test_wrong_values_name_their_place(
    place: Place, name: str, value: str, message: str, *, in_file: bool
) -> None:
    if in_file:
        place.write(place.directory, ".env", f"{name}='{value}'\n")
    else:
        place.environ[name] = value
    with pytest.raises(UsageError) as refusal:
        place.load()
    assert message in refusal.value.message
    assert refusal.value.where == (f"{name} in .env" if in_file else name)
    assert refusal.value.remedy
    if name == "SENTRY_AUTH_TOKEN":
        assert value not in str(refusal.value)


@pytest.mark.parametrize(
    ("text", "place_told"),
    [
        ("token = secret-value\n", "~/.sentryclirc:1"),
        ("[auth\ntoken = secret-value\n", "~/.sentryclirc"),
        ("[auth]\ntoken secret-value\n", "~/.sentryclirc:2"),
    ],
)
def test_a_broken_sentryclirc_is_not_quoted(place: Place, text: str, place_told: str) -> None:
    place.write(place.home, ".sentryclirc", text)
    with pytest.raises(UsageError, match="INI file") as refusal:
        place.load()
    assert refusal.value.where.startswith(place_told)
    assert "secret-value" not in str(refusal.value)


@pytest.mark.parametrize("second", ["token=b", "TOKEN=b", "[auth]\ntoken=b"])
def test_a_sentryclirc_that_says_a_thing_twice_is_refused(place: Place, second: str) -> None:
    place.write(place.home, ".sentryclirc", f"[auth]\ntoken=secret-value\n{second}\n")
    with pytest.raises(UsageError, match="twice") as refusal:
        place.load()
    assert refusal.value.where == "~/.sentryclirc:3"
    assert "secret-value" not in str(refusal.value)


@pytest.mark.parametrize("name", [".env", ".sentryclirc"])
def test_files_that_are_not_utf8(place: Place, name: str) -> None:
    (place.directory / name).write_bytes(b"[auth]\ntoken=\xff\xfe\n")
    with pytest.raises(UsageError, match="it is not UTF-8"):
        place.load()


def test_a_misspelt_variable_is_told(place: Place) -> None:
    place.environ["KEYPOLICY_FAIL_OM"] = "high"
    place.environ["KEYPOLICY_DEBUG"] = "1"
    place.environ["KEYPOLICY_PACKAGE"] = "keypolicy==0.1.0"
    place.write(place.directory, ".env", "KEYPOLICY_PARAM=a=1\n")
    first, second = place.load().warnings
    assert first.startswith("KEYPOLICY_FAIL_OM is not a setting")
    assert second.startswith("KEYPOLICY_PARAM in .env is not a setting")


def test_no_representation_shows_the_token(place: Place) -> None:
    place.environ["SENTRY_AUTH_TOKEN"] = TOKEN
    assert TOKEN not in repr(place.load())
    assert TOKEN not in repr(Given(TOKEN, "SENTRY_AUTH_TOKEN"))


@pytest.mark.parametrize(
    ("environ", "no_color", "color"),
    [
        ({}, False, None),
        ({"NO_COLOR": "1"}, False, False),
        ({"NO_COLOR": ""}, False, None),
        ({"TERM": "dumb"}, False, False),
        ({"FORCE_COLOR": "1"}, False, True),
        ({"FORCE_COLOR": "0"}, False, None),
        ({"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False),
        ({"FORCE_COLOR": "1"}, True, False),
    ],
)
def test_color(
    place: Place, environ: dict[str, str], *, no_color: bool, color: bool | None
) -> None:
    place.environ = environ
    assert place.load(Flags(no_color=no_color)).terminal.color is color


@pytest.mark.parametrize(
    ("columns", "wanted"), [("132", 132), ("", None), ("0", None), ("-3", None), ("wide", None)]
)
def test_columns(place: Place, columns: str, wanted: int | None) -> None:
    place.environ["COLUMNS"] = columns
    assert place.load().terminal.columns == wanted


def test_the_shipped_schema_is_the_one_of_the_code() -> None:
    assert schema_path("config").read_text() == config_schema(), "run: make schemas"
    properties = json.loads(config_schema())["properties"]
    assert set(properties) == set(ConfigDocument.__struct_fields__)
    assert all(one["description"] for one in properties.values())


def test_every_setting_of_the_file_is_a_setting() -> None:
    assert set(ConfigDocument.__struct_fields__) <= set(Settings.__struct_fields__)
    assert "token" not in ConfigDocument.__struct_fields__
    assert msgspec.convert({}, ConfigDocument) == ConfigDocument()


def test_a_bare_name_in_the_file_is_shipped_or_beside_it(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yaml").write_text("policies: [ours, sentry-baseline, sentry-strict]")
    (tmp_path / "ours").mkdir()
    (tmp_path / "sentry-strict").mkdir()
    below = tmp_path / "sub"
    below.mkdir()
    found = load_settings(Flags(), {}, below, None).policies
    # The name of a shipped policy means that policy, on the command line as well.
    assert found == ("../ours", "sentry-baseline", "sentry-strict")


@pytest.mark.parametrize(
    "path", ["./sentry-baseline", "sentry-baseline/", "./sentry-baseline@1", "x/../sentry-baseline"]
)
def test_a_path_in_the_file_is_never_a_shipped_policy(place: Place, path: str) -> None:
    place.write(place.directory, "keypolicy.yaml", f"policies: [{path}, ./ours]\n")
    shipped, ours = place.load().policies
    assert shipped.startswith("./sentry-baseline")
    assert not is_shipped(shipped)
    assert ours == "ours"


def test_every_variable_is_documented(tmp_path: Path) -> None:
    (warning,) = load_settings(Flags(), {"KEYPOLICY_X": "1"}, tmp_path, None).warnings
    known = set(re.findall(r"KEYPOLICY_\w{2,}", warning))
    page = (Path(__file__).parents[3] / "docs" / "settings.md").read_text("utf-8")
    assert set(re.findall(r"`(KEYPOLICY_\w+)`", page)) == known
    assert len(known) >= 12


def test_the_time_to_fix_is_read_from_file_and_environment(place: Place) -> None:
    place.config("sla: {high: 14d, low: 12h}\nhistory: past\nhistory_inventory: false\n")
    found = place.load()
    assert found.sla == {Severity.HIGH: timedelta(days=14), Severity.LOW: timedelta(hours=12)}
    assert (found.history, found.history_inventory) == (Path("../past"), False)
    place.environ = {"KEYPOLICY_SLA": "critical=3d, high=2w", "KEYPOLICY_HISTORY_INVENTORY": "yes"}
    found = place.load()
    assert found.sla == {Severity.CRITICAL: timedelta(days=3), Severity.HIGH: timedelta(days=14)}
    assert found.history_inventory


@pytest.mark.parametrize("value", ["high", "high=14", "high=-1d", "huge=1d", "high=99999999w"])
def test_a_wrong_time_to_fix_is_told(place: Place, value: str) -> None:
    place.environ = {"KEYPOLICY_SLA": value}
    with pytest.raises(UsageError) as told:
        place.load()
    assert told.value.where == "KEYPOLICY_SLA"


def test_a_history_that_a_file_names_lies_in_its_folder(place: Place) -> None:
    place.config("history: ../elsewhere\n")
    with pytest.raises(UsageError, match="leads out of the folder"):
        place.load()
