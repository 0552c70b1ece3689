"""Resources of Terraform's provider for Sentry, held against its schema and by two parsers."""

import base64
import json
import re
import shutil
import subprocess
import unicodedata
from pathlib import Path
from typing import Any

import hcl2
import pytest
from hypothesis import given, settings

from scanner.providers.sentry.export.terraform import terraform
from scanner.remediate.export.parts import hcl
from tests.unit.providers.sentry.export.keys import HOSTILE, key, names, shows_all

# jianyuan/terraform-provider-sentry, docs/resources/key.md, and the checks of arguments and the
# types in internal/provider/resource_client_key.go (0.14.5): what may be set, its type, and what
# has to be.
REQUIRED = {"organization": str, "project": str, "name": str}
OPTIONAL: dict[str, type] = {
    "rate_limit_window": int,
    "rate_limit_count": int,
    "javascript_loader_script": dict,
}
LOADER = {
    "browser_sdk_version": str,
    "performance_monitoring_enabled": bool,
    "session_replay_enabled": bool,
    "debug_enabled": bool,
}
TOGETHER = (
    {"rate_limit_window", "rate_limit_count"},
    {"performance_monitoring_enabled", "session_replay_enabled", "debug_enabled"},
)


def _text(quoted: str) -> str:
    """What a quoted template without any template in it stands for: hclsyntax/spec.md."""
    assert quoted[0] == quoted[-1] == '"'
    plain = re.sub(r"\\\\|[$%]\{", lambda found: found[0] * (found[0] == r"\\"), quoted)
    assert plain == quoted, "a template begins"
    wide = re.sub(
        r"(\\\\)|\\U([0-9a-f]{8})",
        lambda found: found[1] or json.dumps(chr(int(found[2], 16)))[1:-1],
        quoted,
    )
    text: str = json.loads(wide)
    return text


def _read(text: str) -> tuple[dict[str, dict[str, Any]], dict[str, str]]:
    """The resources and the ids of the import blocks, by the names of resources."""
    parsed = hcl2.loads(text)
    resources = {}
    for one in parsed.get("resource", []):
        ((kind, named),) = one.items()
        ((name, body),) = named.items()
        assert kind == '"sentry_key"'
        resources[name.strip('"')] = _plain(body)
    imports = {
        one["to"].removeprefix("${sentry_key.").removesuffix("}"): _text(one["id"])
        for one in parsed.get("import", [])
    }
    assert set(parsed) <= {"resource", "import", "__comments__", "__inline_comments__"}
    return resources, imports


def _plain(body: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in body.items():
        if name.startswith("__"):
            continue
        if isinstance(value, dict):
            found[name] = _plain(value)
        else:
            found[name] = _text(value) if isinstance(value, str) else value
    return found


def _follows_the_schema(body: dict[str, Any]) -> None:
    assert set(REQUIRED) <= set(body)
    allowed = REQUIRED | OPTIONAL
    for name, value in body.items():
        assert type(value) is allowed[name], name
    loader = body.get("javascript_loader_script", {})
    for name, value in loader.items():
        assert type(value) is LOADER[name], name
    for group in TOGETHER:
        assert len(group & {*body, *loader}) in {0, len(group)}


def test_a_key_becomes_a_resource_and_an_import() -> None:
    exported = terraform([key()])
    assert exported.left == ()
    resources, imports = _read(exported.text)
    ((name, body),) = resources.items()
    _follows_the_schema(body)
    assert name.startswith("shop_prod_")
    assert imports == {name: "acme/shop/ab12"}
    assert body == {
        "organization": "acme",
        "project": "shop",
        "name": "Prod",
        "rate_limit_window": 60,
        "rate_limit_count": 1000,
        "javascript_loader_script": {
            "browser_sdk_version": "8.x",
            "performance_monitoring_enabled": False,
            "session_replay_enabled": True,
            "debug_enabled": False,
        },
    }


@pytest.mark.parametrize(
    ("fields", "absent", "note"),
    [
        ({"rateLimit": None}, "rate_limit_count", "There is no rate limit."),
        ({"rateLimit": ...}, "rate_limit_count", "rateLimit is left out: the source did not tell"),
        ({"rateLimit": {"count": 5}}, "rate_limit_count", "did not tell it whole"),
        ({"rateLimit": {"count": 5, "window": 0}}, "rate_limit_window", "did not tell it whole"),
        ({"browserSdkVersion": ...}, "browser_sdk_version", "browser_sdk_version is left out"),
        ({"dynamicSdkLoaderOptions": ...}, "debug_enabled", "loader's options are left out"),
        (
            {"dynamicSdkLoaderOptions": {"hasDebug": True}},
            "debug_enabled",
            "did not tell all three",
        ),
        ({"isActive": False}, "is_active", "It is inactive, which"),
        ({"name": "e\u0301"}, "is_active", "NFC"),
    ],
)
def test_what_is_not_told_is_left_out_and_said(fields: Any, absent: str, note: str) -> None:
    exported = terraform([key(**fields)])
    ((_, body),) = _read(exported.text)[0].items()
    _follows_the_schema(body)
    assert absent not in {*body, *body.get("javascript_loader_script", {})}
    assert any(note in line for line in exported.text.splitlines() if line.startswith("  # "))


def test_options_that_the_provider_lacks_are_named() -> None:
    options = {"hasReplay": False, "hasPerformance": False, "hasDebug": False, "hasFeedback": True}
    assert "does not know hasFeedback" in terraform([key(dynamicSdkLoaderOptions=options)]).text


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (key(project=""), "did not tell its project"),
        (key(name=...), "did not tell its name"),
        (key(name=None, organization=""), "did not tell its organization, name"),
        (key(project="shop/keys"), "would import another key"),
    ],
)
def test_a_key_without_what_names_it_is_left_out(one: Any, reason: str) -> None:
    exported = terraform([one, key(key_id="other")])
    assert len(_read(exported.text)[0]) == 1
    (left,) = exported.left
    assert reason in left
    assert f"# {left}" in exported.text


def test_names_of_resources_are_unique_and_do_not_depend_on_other_keys() -> None:
    twins = [key(key_id=str(number), name="Default") for number in range(5)]
    whole = _read(terraform(twins).text)[1]
    assert len(whole) == 5
    for one in twins:
        assert _read(terraform([one]).text)[1].items() <= whole.items()
    assert terraform(twins[::-1]).text == terraform(twins).text


def test_names_of_resources_are_identifiers() -> None:
    keys = [key(key_id=name, name=name, project=name) for name in (*HOSTILE, "9 lives", "x" * 500)]
    for name in _read(terraform(keys).text)[0]:
        assert re.fullmatch(r"[a-z][a-z0-9_]{4,80}", name)


@settings(max_examples=30, deadline=None)
@given(names, names)
def test_hostile_names_stay_names(name: str, other: str) -> None:
    exported = terraform([key(name=name), key(key_id="2", name=other, browserSdkVersion=name)])
    resources, _ = _read(exported.text)
    assert len(resources) == 2
    assert sorted(body["name"] for body in resources.values()) == sorted([name, other])
    assert [body["javascript_loader_script"]["browser_sdk_version"] for body in resources.values()]
    assert shows_all(exported.text)
    for line in exported.text.splitlines():
        assert re.match(r"(#|import \{|resource \"|\}|  \S|    \S|$)", line)


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run Terraform itself, which needs no provider to read a file and to evaluate a text."""
    path = shutil.which("terraform")
    if path is None:
        pytest.skip("terraform is not installed")
    folder = tmp_path_factory.mktemp("terraform")

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [path, *arguments],
            input=given,
            capture_output=True,
            text=True,
            encoding="utf-8",
            cwd=folder,
            env={"PATH": "", "HOME": str(folder), "CHECKPOINT_DISABLE": "1"},
            timeout=60,
            check=False,
        )

    return run


def test_terraform_evaluates_literals_to_the_same_text(tool: Any) -> None:
    texts = [*HOSTILE, *(a + b for a in HOSTILE[:12] for b in HOSTILE[:12])]

    @settings(max_examples=100, deadline=None, database=None)
    @given(names)
    def collect(name: str) -> None:
        texts.append(name)

    collect()
    done = tool("console", given=f"base64encode(jsonencode([{', '.join(map(hcl, texts))}]))\n")
    found = json.loads(base64.b64decode(done.stdout))
    # Terraform composes accents in every text.
    assert found == [unicodedata.normalize("NFC", t) for t in texts]


def test_terraform_would_not_lay_it_out_otherwise(tool: Any) -> None:
    keys = [key(key_id=name, name=name) for name in HOSTILE]
    keys += [key(rateLimit=None, browserSdkVersion=...), key(dynamicSdkLoaderOptions=...)]
    text = terraform(keys).text
    done = tool("fmt", "-", given=text)
    assert (done.returncode, done.stdout) == (0, text), done.stderr


def test_there_is_a_file_that_says_so_without_keys(tmp_path: Path) -> None:
    path = tmp_path / "keys.tf"
    path.write_text(terraform([]).text, "utf-8")
    assert _read(path.read_text("utf-8")) == ({}, {})
