"""What every verb and action has in common: how its options are written, and what --help says."""

import argparse
import importlib
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from scanner.base.errors import UsageError
from scanner.cli.main import VERBS, Parser, main


def _parsers(parser: argparse.ArgumentParser) -> Iterator[argparse.ArgumentParser]:
    yield parser
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way to them
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001 - as above
            for one in action.choices.values():
                yield from _parsers(one)


@pytest.mark.parametrize("verb", VERBS)
def test_options_are_written_in_full(verb: str) -> None:
    """`--own` would be `--owners` today, and an error when there is a second such option."""
    parser = Parser(prog=f"keypolicy {verb}")
    import_module(f"scanner.cli.{verb}").add_arguments(parser)
    assert [one.prog for one in _parsers(parser) if one.allow_abbrev] == []


def test_an_option_that_is_cut_short_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["history", "list", "--hist", "runs"])
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert "--hist" in told
    assert "`keypolicy history list --help` shows what there is." in told


@pytest.mark.parametrize(
    ("verb", "codes"),
    [
        *(("scan", "01234"), ("history", "01234"), ("forecast", "01234"), ("fix", "01234")),
        *(("test", "0124"), ("lint", "024"), ("evidence", "0234")),
        *((verb, "0234") for verb in ("fetch", "query", "waivers", "baseline", "rules", "init")),
    ],
)
def test_help_tells_the_codes_that_there_are(
    verb: str, codes: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only a verb that judges can fail the gate."""
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    told = capsys.readouterr().out.partition("exit codes:\n")[2]
    assert "".join(re.findall(r"^  ([0-9])  ", told, re.MULTILINE)) == codes
    assert ("--fail-on" in told) == (verb == "scan")


def test_a_replay_says_by_which_policies_it_judges(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["history", "replay", "--help"])
    out = " ".join(capsys.readouterr().out.split())
    assert "(default: the run's own)" in out
    assert "sentry-baseline" not in out


def interrupted(_name: str) -> None:
    raise KeyboardInterrupt


def test_an_interrupt_while_modules_are_imported_is_no_traceback(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(importlib, "import_module", interrupted)
    assert main(["fetch"]) == 130
    assert capsys.readouterr().err == "keypolicy: interrupted\n"


def test_an_interrupt_within_a_statement_is_no_internal_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def asked(_namespace: argparse.Namespace) -> int:
        raise RuntimeError("Query interrupted")  # as DuckDB says it

    monkeypatch.setattr("scanner.cli.schema.run", asked)
    assert main(["schema", "policy"]) == 130
    assert capsys.readouterr().err == "keypolicy: interrupted\n"


@pytest.mark.parametrize("verb", VERBS)
def test_no_option_has_two_values(verb: str) -> None:
    """The last one counted: `--fail-on low --fail-on never` was green without a word."""
    parser = Parser(prog=f"keypolicy {verb}")
    import_module(f"scanner.cli.{verb}").add_arguments(parser)
    for one in _parsers(parser):
        for action in one._actions:  # noqa: SLF001 - as above
            option = next(iter(action.option_strings), None)
            if isinstance(action, argparse._StoreAction) and option:  # noqa: SLF001 - as above
                read = argparse.Namespace()
                for _ in range(2):
                    action(one, read, "a", option)
                with pytest.raises(UsageError, match=f"{option} has two values"):
                    action(one, read, "b", option)
                assert getattr(read, action.dest) == "a"


@pytest.mark.parametrize(
    "twice",
    [
        ("--fail-on", "low", "never"),
        ("--on-unknown", "fail", "ignore"),
        ("--baseline", "a.jsonl", "b.jsonl"),
        ("--waivers", "a.yaml", "b.yaml"),
        ("--url", "https://a.example", "https://b.example"),
        ("--locked-config", "a.yaml", "b.yaml"),
        ("--as-of", "2026-01-01", "2024-01-01"),
        ("--format", "json", "sarif"),
    ],
)
def test_a_setting_that_is_given_twice_is_refused(
    twice: tuple[str, str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    option, first, second = twice
    assert main(["scan", "--demo", option, first, option, second]) == 2
    told = capsys.readouterr().err
    assert f"{option} has two values" in told
    assert "Leave one of them out" in told


def test_an_output_of_two_names_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Some verbs write several files: of one that does not, the first was not written."""
    names = [str(tmp_path / name) for name in ("a.jsonl", "b.jsonl")]
    assert main(["fetch", "--demo", "-o", names[0], "-o", names[1]]) == 2
    assert "-o has two values" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
