"""What a newcomer gets wrong: one clear message with place and remedy, and the right exit code."""

import json
from pathlib import Path

import pytest

from tests.acceptance.support import TWO_KEYS, here

POLICY = """\
policy: mine
version: 1.0.0
title: Mine
rules:
  - id: my-rule
    title: A rule
    resource: sentry_key
    severity: low
    {}
"""


@pytest.mark.parametrize(
    ("body", "where", "says"),
    [
        ("require: is_activ", "p.yaml:9:14", "Did you mean `is_active`?"),
        ("require: is_active\n    colour: red", "p.yaml:10:5", "colour"),
        ("check: {max_age: 90x}", "p.yaml:9:", "90x"),
        ("check: {max_agee: 90d}", "p.yaml:9:", "max_age"),
        ("require: [is_active]", "p.yaml:9:14", "list"),
        ("require: name + ", "p.yaml:9:", "SQL"),
        ("require: getenv('HOME') = ''", "p.yaml:9:14", "getenv"),
        ("require: age_days", "p.yaml:9:14", "BIGINT"),
        ("require: is_active\n    check: {max_age: 90d}", "p.yaml:", "check"),
        ("require: 'unclosed", "p.yaml:", "quote"),
        ("require: name = $nope", "p.yaml:9:", "nope"),
        ("title: Twice\n    require: is_active", "p.yaml:9:5", "title"),
    ],
)
def test_a_mistake_in_a_policy_is_shown_where_it_is(
    tmp_path: Path, body: str, where: str, says: str
) -> None:
    (tmp_path / "p.yaml").write_text(POLICY.format(body), "utf-8")
    done = here("scan", "--demo", "--policy", "p.yaml", "-o", "r.json", cwd=tmp_path)
    assert done.code == 2
    assert where in done.err
    assert says in done.err
    assert not (tmp_path / "r.json").exists()


def test_an_override_of_a_rule_that_does_not_exist(tmp_path: Path) -> None:
    text = (
        "policy: mine\nversion: 1.0.0\ntitle: M\nextends: [sentry-baseline]\n"
        "override:\n  key-max-agee: {severity: low}\n"
    )
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    done = here("scan", "--demo", "--policy", "p.yaml", cwd=tmp_path)
    assert done.code == 2
    assert "p.yaml:6" in done.err
    assert "key-max-age" in done.err


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("cut.json", b'[{"id": "a", "public": "a"}, {"id"', "cut off"),
        ("cut.jsonl", b'{"id": "a", "public": "a"}\n{"id": "b"\n', "cut.jsonl:2:"),
        ("empty.json", b"", "empty"),
        ("page.json", b"<html><body>Sign in</body></html>", "HTML"),
        ("denied.json", b'{"detail": "Invalid token"}', "Invalid token"),
        ("type.json", b'[{"id": "a", "public": "a", "isActive": "yes"}]', "isActive"),
        (
            "count.json",
            b'[{"id": "a", "public": "a", "rateLimit": {"window": 1, "count": 1.5}}]',
            "count",
        ),
        ("date.json", b'[{"id": "a", "public": "a", "dateCreated": "soon"}]', "dateCreated"),
        ("number.json", b"7", "number.json"),
        ("inventory.jsonl", b'{"kind":"inventory","record":{"version":1}}\n', "cut off"),
        ("utf16.json", '[{"id": "a"}]'.encode("utf-16"), "UTF-"),
    ],
)
def test_a_bad_inventory_file(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    done = here("scan", "--inventory", name, "--org", "acme", "-o", "r.sarif", cwd=tmp_path)
    assert done.code == 2
    assert says in done.err
    assert len(done.err.splitlines()) >= 2
    assert not (tmp_path / "r.sarif").exists()


@pytest.mark.parametrize("content", ["[]", '[{"id": "a", "public": "a"}]'])
def test_a_scan_that_saw_nothing_is_not_green(tmp_path: Path, content: str) -> None:
    (tmp_path / "k.json").write_text(content, "utf-8")
    lenient = ("--fail-on", "never", "--on-unknown", "ignore")
    done = here("scan", "--inventory", "k.json", *lenient, "-o", "r.json", cwd=tmp_path)
    assert done.code == (3 if content == "[]" else 0)
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["gate"]["exit_code"] == done.code


def test_an_inventory_that_lacks_a_table_the_rules_read(tmp_path: Path) -> None:
    text = POLICY.format("require: platform is not null").replace("sentry_key", "sentry_project")
    (tmp_path / "p.yaml").write_text(text, "utf-8")
    scan = ("scan", "--inventory", TWO_KEYS, "--org", "acme", "--policy", "p.yaml", "-o", "r.json")
    done = here(*scan, cwd=tmp_path)
    assert done.code == 3
    assert "sentry_project" in done.out
    data = json.loads((tmp_path / "r.json").read_text("utf-8"))
    assert data["rules"][0]["counts"]["unknown"] == 1


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("scan",), "SENTRY_AUTH_TOKEN"),
        (("scan", "--inventory", "missing.json"), "missing.json"),
        (("scan", "--inventory", "."), "."),
        (("scan", "--demo", "--inventory", "x.json"), "exclude each other"),
        (("scan", "--demo", "-o", "r.docx"), ".sarif"),
        (("scan", "--demo", "-o", "no/such/folder/r.json"), "no/such/folder"),
        (("scan", "--demo", "--format", "word"), "sarif"),
        (("scan", "--demo", "--policy", "sentry-basline"), "sentry-baseline"),
        (("scan", "--demo", "--policy", "missing.yaml"), "missing.yaml"),
        (("scan", "--demo", "--param", "max_age"), "NAME=VALUE"),
        (("scan", "--demo", "--param", "max_age=soon"), "max_age"),
        (("scan", "--demo", "--param", "max_agee=1d"), "max_age"),
        (("scan", "--demo", "--as-of", "yesterday"), "--as-of"),
        (("scan", "--demo", "--fail-on", "huge"), "critical"),
        (("scan", "--demo", "--nonsense"), "--nonsense"),
        (("scna",), "scan"),
        (("scan", "--demo", "--status", "active"), "--status"),
        (("fetch", "--demo", "-o", "x.csv"), ".jsonl"),
        (("fetch", "--demo"), "--output"),
        (
            ("fetch", "--demo", "-o", "x.jsonl", "--max-time", "soon"),
            "'soon' is no number of seconds",
        ),
        (
            ("fetch", "--demo", "-o", "x.jsonl", "--max-time", "nan"),
            "'nan' is no number of seconds",
        ),
        (("schema", "nope"), "policy"),
    ],
)
def test_wrong_usage(tmp_path: Path, arguments: tuple[str, ...], says: str) -> None:
    done = here(*arguments, cwd=tmp_path)
    assert done.code == 2
    assert says in done.err
    assert not list(tmp_path.iterdir())


def test_an_unknown_key_in_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yaml").write_text("fail_onn: high\n", "utf-8")
    done = here("scan", "--demo", cwd=tmp_path)
    assert done.code == 2
    assert "keypolicy.yaml:1:1" in done.err
    assert "fail_on" in done.err


def test_a_token_in_the_configuration_is_refused_and_not_repeated(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yaml").write_text("token: sntryu_canarycanarycanary\n", "utf-8")
    done = here("scan", "--demo", cwd=tmp_path)
    assert done.code == 2
    assert "canary" not in done.out + done.err


TOKEN = "SntryU_canarycanarycanary"
ADD = "waivers add w.yaml --id W-2 --rule key-max-age --key c59d --owner m --approved-by s --days 9"


@pytest.mark.parametrize(
    ("command", "where"),
    [
        ("lint p.yaml", "p.yaml:3:10"),
        ("lint p.yaml --format sarif", '"startColumn": 10'),
        ("scan --demo --policy p.yaml -o r.json", "p.yaml:3:10"),
        ("scan --demo --waivers w.yaml -o r.json", "w.yaml:2:17"),
        ("waivers list w.yaml", "w.yaml:2:17"),
        (f"{ADD} --reason {TOKEN}", "a token is no text"),
        ("scan --demo --owners o.yaml -o r.json", "o.yaml:2:13"),
    ],
)
def test_a_token_in_what_reports_quote_is_refused_and_not_repeated(
    tmp_path: Path, command: str, where: str
) -> None:
    files = {
        "p.yaml": POLICY.replace("Mine", f"a {TOKEN}").format("require: is_activ"),
        "w.yaml": f'waivers:\n  - {{reason: "a {TOKEN}"}}\n',
        "o.yaml": f'owners:\n  - owner: "{TOKEN}"\n    projects: [web]\n',
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    done = here(*command.split(), cwd=tmp_path)
    assert done.code == 2
    assert where in done.out + done.err
    assert "canary" not in done.out + done.err
    assert {one.name: one.read_text("utf-8") for one in tmp_path.iterdir()} == files


def test_the_demo_narrowed_to_nothing(tmp_path: Path) -> None:
    done = here("scan", "--demo", "--project", "no-such-project", cwd=tmp_path)
    assert done.code == 3
    assert "no resource was seen" in done.out
