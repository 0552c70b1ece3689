"""The documentation: generated parts are up to date, examples work, links lead somewhere."""

import ast
import io
import re
import shlex
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from _pytest.mark.structures import ParameterSet

from scanner.authoring.lint.swallow import swallowed
from scanner.authoring.reference.pages import rules_markdown
from scanner.authoring.reference.rules import action_entries, check_entries, policy_entries
from scanner.base.errors import Location
from scanner.cli.main import main
from scanner.config.files import read_config
from scanner.engine.database import connect, seal
from scanner.engine.judge.prepare import prepare
from scanner.engine.predicate.guard import Guard
from scanner.model.rule import Predicate
from scanner.policy.actions import get_action
from scanner.policy.checks import get_check
from scanner.policy.load import load_policies
from tests.acceptance.support import ROOT, keypolicy

DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.glob("*.md"), *ROOT.glob("*.md")])
WITH_EXAMPLES = [
    page
    for page in (
        *(DOCS / "policy-language.md", ROOT / "README.md", DOCS / "coming-from.md"),
        *(DOCS / "remediation.md", DOCS / "notify.md"),
    )
    if page.is_file()
]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
_QUERY = re.compile(r'^keypolicy query .*?"(.*?)"', re.MULTILINE | re.DOTALL)
_PEER = "# Cloud Custodian"
"""First words of a block in the format of another tool that writes YAML, too."""


def _blocks(language: str) -> list[ParameterSet]:
    found_blocks = []
    for page in WITH_EXAMPLES:
        text = page.read_text("utf-8")
        for found in _BLOCK.finditer(text):
            if found[1] == language and not found[2].startswith(_PEER):
                line = text[: found.start()].count("\n") + 1
                found_blocks.append(pytest.param(found[2], id=f"{page.name}:{line}"))
    return found_blocks


def test_the_rule_reference_is_up_to_date() -> None:
    """If this fails, run `make docs`."""
    page = rules_markdown(policy_entries(()), check_entries(), action_entries())
    assert (DOCS / "rules.md").read_text("utf-8") == page


@pytest.mark.parametrize("text", _blocks("yaml"))
def test_yaml_examples_work(text: str, tmp_path: Path) -> None:
    """A whole policy loads and binds; a part of one does so in a policy made around it."""
    data = yaml.safe_load(text)
    if isinstance(data, dict) and "cases" in data:
        pytest.skip("cases are held against their policy in tests/unit/policy")
    if isinstance(data, dict) and not {"policy", "check", "rules", "fix"} & set(data):
        (tmp_path / "keypolicy.yaml").write_text(text, encoding="utf-8")
        read_config(tmp_path, tmp_path)
        return
    path = tmp_path / "example.yaml"
    path.write_text(_whole(text, data), encoding="utf-8")
    with connect() as connection:
        rules = prepare(connection, [r for p in load_policies([str(path)]) for r in p.rules])
        assert rules
        assert swallowed(connection, rules) == []


def _whole(text: str, data: object) -> str:
    if isinstance(data, dict) and "policy" in data:
        return text
    head = "policy: example\nversion: 1.0.0\nextends: [sentry-baseline]\n"
    if isinstance(data, dict) and "check" in data:
        (name,) = data["check"]
        resource = get_check(name).resources[0]
        start = f"rules:\n  - id: one\n    resource: {resource}\n    severity: low\n"
        return head + start + "".join(f"    {line}\n" for line in text.splitlines())
    if isinstance(data, dict) and "fix" in data:
        (name,) = data["fix"]
        start = f"rules:\n  - id: one\n    resource: {get_action(name).resource}\n"
        lines = [*start.splitlines(), "    severity: low", "    require: id IS NOT NULL"]
        return head + "\n".join([*lines, *(f"    {line}" for line in text.splitlines())]) + "\n"
    if isinstance(data, list):
        return head + "rules:\n" + "".join(f"  {line}\n" for line in text.splitlines())
    return head + text


@pytest.mark.parametrize("text", _blocks("sql"))
def test_sql_examples_work(text: str, tmp_path: Path) -> None:
    """A SELECT runs on the demo; anything else is a predicate that the guard lets through."""
    if text.lstrip().lower().startswith(("select", "with")):
        assert keypolicy("query", "--demo", text, cwd=tmp_path).code == 0
        return
    with connect() as connection:
        seal(connection)
        Guard(connection).check(Predicate(text, {}, Location("docs")), "sentry_key", "")


@pytest.mark.parametrize(
    ("page", "sql"),
    [(page.name, sql) for page in PAGES for sql in _QUERY.findall(page.read_text("utf-8"))],
)
def test_queries_of_examples_run_on_the_demo(page: str, sql: str, tmp_path: Path) -> None:
    done = keypolicy("query", "--demo", sql, cwd=tmp_path)
    assert done.code == 0, f"{page}: {done.err}"


_PROBLEMS = frozenset(
    {
        *("Problem", "problem", "_problem", "SyntaxProblem", "refused", "RefusedError", "code"),
        *("BadValueError", "BadPatternError", "TemplateFault", "_add", "_tell", "_failed"),
    }
)
"""What is called with the code of a problem, in the rooms that read what people write."""

_CODE = "[a-z0-9]+(?:-[a-z0-9]+)+"
_READERS = ("authoring", "base", "catalogue", "config", "engine", "policy", "triage")


def _codes(node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.IfExp):
        yield from (*_codes(node.body), *_codes(node.orelse))
    elif isinstance(node, ast.Constant) and re.fullmatch(_CODE, str(node.value)):
        yield str(node.value)


def _codes_in(path: Path) -> set[str]:
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    return {
        code
        for call in calls
        if getattr(call.func, "id", getattr(call.func, "attr", "")) in _PROBLEMS
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        for code in _codes(argument)
    }


def test_every_code_of_a_problem_is_in_the_reference() -> None:
    table = (DOCS / "policy-language.md").read_text("utf-8").partition("## Problems")[2]
    files = [path for room in _READERS for path in (ROOT / "scanner" / room).rglob("*.py")]
    used = {code: path for path in files for code in _codes_in(path)}
    assert len(used) > 90
    assert {code: path.name for code, path in used.items() if f"`{code}`" not in table} == {}
    sources = "".join(path.read_text("utf-8") for path in files)
    told = re.findall(f"`({_CODE})`", table.replace("`sentry-baseline`", ""))
    assert [code for code in told if f'"{code}"' not in sources] == []


_FIX = re.compile(r"^keypolicy (fix .*?)(?: #.*| > .*)?$", re.MULTILINE)


@pytest.mark.parametrize(
    ("page", "command"),
    [(page.name, one) for page in PAGES for one in _FIX.findall(page.read_text("utf-8"))],
)
def test_remediation_is_called_as_the_pages_say(
    page: str, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("scanner.cli.fix.run", lambda _: 0)
    assert main(shlex.split(command)) == 0, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = page.read_text("utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        name, _, anchor = target.partition("#")
        found = page.parent / name if name else page
        assert found.exists(), target
        if anchor and found.suffix == ".md":
            assert anchor in _anchors(found.read_text("utf-8")), target


def _anchors(text: str) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).replace(" ", "-") for one in headings}


def test_every_rule_of_the_comparison_is_a_rule_here() -> None:
    page = DOCS / "coming-from.md"
    text = page.read_text("utf-8")
    assert len(re.findall(r"^### [0-9]+\. ", text, re.MULTILINE)) == 10


def test_hooks_call_verbs_that_exist() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    assert [hook["id"] for hook in hooks] == ["keypolicy-lint", "keypolicy-test"]
    assert [hook["entry"] for hook in hooks] == ["keypolicy lint", "keypolicy test"]


_PATH = re.compile(r"`((?:scanner|tests|policies|reports|benchmarks|docs|\.ci)/[^`\s*<>]*)`")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_files_that_a_page_names_are_there(page: Path) -> None:
    """The changelog tells what was; NAME stands for what a reader will write."""
    named = _PATH.findall(page.read_text("utf-8")) if page.name != "CHANGELOG.md" else []
    assert [path for path in named if "NAME" not in path and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("page", [DOCS / "architecture.md", ROOT / "CONTRIBUTING.md"])
def test_the_modules_that_a_page_names_in_short_are_there(page: Path) -> None:
    """`predicate/guard.py` is the end of a module's path."""
    rooms = ("scanner", "tests", "benchmarks")
    modules = [f"/{path}" for room in rooms for path in (ROOT / room).rglob("*.py")]
    named = re.findall(r"`((?:\w+/)*\w+\.py)`", page.read_text("utf-8"))
    assert named
    lost = [name for name in named if not any(one.endswith(f"/{name}") for one in modules)]
    assert [name for name in lost if "NAME" not in name] == []


def _words(path: Path) -> Iterator[str]:
    """Give the comments and docstrings of a module."""
    for token in tokenize.generate_tokens(io.StringIO(path.read_text("utf-8")).readline):
        if token.type == tokenize.COMMENT or token.string.startswith(('"""', 'r"""')):
            yield token.string


def test_the_modules_that_comments_name_are_there() -> None:
    """`engine.database` is scanner/engine/database.py; what follows may be a name in it.

    Files that are written have such names too: `history.json`.
    """
    modules = [path.with_suffix("") for path in (ROOT / "scanner").rglob("*.py")]
    names = {".".join(path.relative_to(ROOT / "scanner").parts) for path in modules}
    rooms = {name.partition(".")[0] for name in names if "." in name}
    dotted = re.compile(rf"(?<![\w./$`])`?(?:scanner\.)?((?:{'|'.join(rooms)})(?:\.[a-z_0-9]+)+)")
    lost = [
        f"{path.relative_to(ROOT)}: {name}"
        for path in (ROOT / "scanner").rglob("*.py")
        for text in _words(path)
        for name in dotted.findall(text)
        if not name.endswith((".json", ".jsonl", ".gz", ".parquet"))
        and not any(f"{name}.".startswith(f"{known}.") for known in names)
        and not (ROOT / "scanner" / name.replace(".", "/")).is_dir()
    ]
    assert lost == []
