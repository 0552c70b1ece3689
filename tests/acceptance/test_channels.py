"""Names that would do something, in everything that comes out: nothing reaches a terminal, a
runner's log, a spreadsheet or a page as anything but text."""

import csv
import io
import json
import re
from pathlib import Path
from typing import Final

import pytest

from scanner.cli.main import main
from scanner.report import FORMATS

HOSTILE: Final = [
    "::add-mask::x",
    "  ::error file=a,line=1::pwned",
    "\u00a0::warning::x",
    "##[add-mask]x",
    "words ##[error]x",
    "##[[group]",
    "###[debug]",
    "##vso[task.setvariable variable=a]b",
    "##TeamCity[message text='x']",
    "one\n::add-mask::x\r\n##[error]y",
    "\x1b[31mred\x1b]8;;https://evil.example\x1b\\link",
    "c1 \x9b2J \x85",
    "a\u202eb\u2066c\u200e",
    "zero\u200bwidth\ufeff\u2060",
    "nul\x00bell\x07\t tab",
    "=HYPERLINK(1)",
    "+1+1",
    "-1+1",
    "-1.5",
    "@SUM(1)",
    "\t=1",
    "<img src=x onerror=alert(1)> ![i](https://evil.example/i) [l](javascript:alert(1))",
    "``` | ` | **b** <script>",
    "long words that are wrapped to a new line, and again to another one " * 2 + " ::error::x",
]
COMMAND: Final = re.compile(r"##[A-Za-z]*\[|^\s*::", re.MULTILINE)
OURS: Final = re.compile(r"^::(?:error|warning|notice) [^\n]*$", re.MULTILINE)
ACTIVE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]"
)


def _inventory(folder: Path) -> Path:
    place = {"organization": "::add-mask::acme", "project": "##[error]web"}
    lines: list[dict[str, object]] = [
        {"kind": "inventory", "record": {"version": 1, "sources": HOSTILE}}
    ]
    for number, name in enumerate(HOSTILE):
        record = {
            "id": f"k{number}",
            "name": name,
            "label": name,
            "useCase": name,
            "isActive": True,
        }
        lines.append({"kind": "sentry_key", **place, "record": record})
        project = {"id": str(number), "slug": name, "name": name}
        lines.append({"kind": "sentry_project", "organization": name, "record": project})
    gaps = [{"reason": name, "organization": name, "project": name} for name in HOSTILE]
    coverage = {"state": "partial", "reason": "\n".join(HOSTILE), "gaps": gaps}
    lines.append({"kind": "end", "record": {"coverage": {"sentry_key": coverage}}})
    file = folder / "inventory.jsonl"
    file.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    return file


def _policy(folder: Path) -> Path:
    words = "\n\n".join(HOSTILE[:-1])
    rule = {
        "id": "r", "title": " ".join(HOSTILE[:9]), "severity": "high", "resource": "sentry_key",
        "require": "name = 'x' -- ```\n", "message": "::error::{name} {label}",
        "rationale": words, "remediation": words,
    }  # fmt: skip
    rules = [
        rule,
        {**rule, "id": "s", "title": HOSTILE[0], "where": "name <> '::x'", "message": "{name}"},
    ]
    rules[0]["require"] = "name = '##[error]```'"
    policy = {
        "policy": "p",
        "version": "1.0.0",
        "title": words,
        "description": words,
        "rules": rules,
    }
    file = folder / "p.yaml"
    file.write_text(json.dumps(policy), "utf-8")
    return file


def _commands(folder: Path) -> list[list[str]]:
    inventory, policy = str(_inventory(folder)), str(_policy(folder))
    broken = folder / "broken.yaml"
    broken.write_text(
        Path(policy).read_text("utf-8").replace('"sentry_key"', '"##[error]"'), "utf-8"
    )
    given, ruled = ["--inventory", inventory], ["--policy", policy]
    hostile_column = 'SELECT id, name, label, name AS "##[error]" FROM sentry_key'
    return [
        *(
            ["scan", *given, *ruled, "--format", name]
            for name, info in FORMATS.items()
            if not info.is_binary
        ),
        *(
            ["query", hostile_column, *given, "--format", name]
            for name in ("table", "csv", "json", "jsonl")
        ),
        ["query", "SELECT CAST(name AS INTEGER) FROM sentry_key", *given],
        ["query", 'SELECT "::error::x" FROM sentry_key', *given],
        *(["rules", *ruled, "--format", name] for name in ("table", "json", "markdown")),
        *(["explain", "r", *ruled, "--key", "k9", *given, "--format", f] for f in ("text", "json")),
        ["explain", "r", *ruled],
        ["explain", "--merged", *ruled],
        ["explain", "::add-mask::r", *ruled],
        *(["lint", str(path), "--format", name] for path in (policy, broken)
          for name in ("text", "json", "sarif", "github")),
        ["test", policy, "--coverage"],
        ["baseline", "write", *given, *ruled, "-o", "::add-mask::known.jsonl"],
        ["scan", "--inventory", "##[error] no.json"],
    ]  # fmt: skip


@pytest.mark.parametrize("number", range(37))
def test_names_are_only_text(
    number: int,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    commands = _commands(tmp_path)
    assert len(commands) == 37, "each channel has a test"
    command = commands[number]
    assert main(command) in {0, 1, 2, 3}
    told = capfd.readouterr()
    assert told.out or told.err
    out = OURS.sub("", told.out) if "github" in command else told.out
    for text in (out.replace("\r\n", "\n"), told.err):
        assert not ACTIVE.search(text), command
        assert not COMMAND.search(text), (command, COMMAND.search(text))
    if "csv" in command:
        cells = [cell for row in csv.reader(io.StringIO(told.out)) for cell in row]
        assert not [
            cell
            for cell in cells
            if cell.lstrip(" ").startswith(("=", "+", "-", "@")) and cell != "-1.5"
        ]
    if "markdown" in command:
        bare = re.sub(r"(`{3,}).*?\1|`[^`\n]+`", "", told.out, flags=re.DOTALL)
        assert not re.search(r"<(?!/?details|/?summary|/?b>)|!\[|\[[^\]]*\]\(javascript", bare)
    if {"json", "jsonl"} & set(command) and command[0] == "query":
        text = told.out if "json" in command else f"[{','.join(told.out.splitlines())}]"
        assert sorted(one["name"] for one in json.loads(text)) == sorted(HOSTILE)


def test_arguments_that_there_are_not_are_told_harmlessly(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["scan", "--bogus=\n::add-mask::x \x1b[31m##[error]y"])
    told = capsys.readouterr()
    assert (ended.value.code, told.out) == (2, "")
    assert "unrecognized arguments" in told.err
    assert not ACTIVE.search(told.err)
    assert not COMMAND.search(told.err)
