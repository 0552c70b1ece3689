"""TypeScript for Alchemy's ClientKey: it compiles, and running it hands over the same values."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from scanner.providers.sentry.export.alchemy import USE_CASES, alchemy
from tests.unit.providers.sentry.export.keys import HOSTILE, key, names, shows_all
from tests.unit.report.node_tools import node_module

# Alchemy's documentation of ClientKey ("Properties"), and ClientKeyProps in its
# alchemy/src/sentry/client-key.ts: names, types and what has to be there.
INTERFACE = """\
declare module "alchemy/sentry" {
  export interface ClientKeyProps {
    name?: string;
    rateLimit?: { window: number; count: number };
    useCase?: "user" | "profiling" | "escalating_issues" | "tempest" | "demo";
    project: string;
    organization: string;
    authToken?: never;
    adopt?: boolean;
  }
  export interface ClientKey extends ClientKeyProps { id: string; isActive: boolean }
  export function ClientKey(id: string, props: ClientKeyProps): Promise<ClientKey>;
}
"""
OPTIONS = (
    *("--noEmit", "--strict", "--target", "es2022", "--module", "esnext"),
    *("--moduleResolution", "bundler", "--noUnusedLocals", "--exactOptionalPropertyTypes"),
)


def _compile(text: str, folder: Path) -> subprocess.CompletedProcess[str]:
    compiler = node_module("typescript", "bin/tsc")
    if shutil.which("node") is None:
        pytest.skip("node is not installed")
    (folder / "alchemy.d.ts").write_text(INTERFACE, "utf-8")
    (folder / "keys.ts").write_text(text, "utf-8")
    return subprocess.run(
        ["node", compiler, *OPTIONS, "keys.ts", "alchemy.d.ts"],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _evaluate(texts: list[str], folder: Path) -> list[list[dict[str, Any]]]:
    """Run modules with a ClientKey that only tells what it was called with."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    head = "const ClientKey = async (id, props) => { calls.push({ id, ...props }); };"
    pieces = ["const all = [];"]
    for text in texts:
        # What is left is JavaScript: there is no type in it.
        body = text.replace('import { ClientKey } from "alchemy/sentry";', "")
        body = body.replace("export const ", "const ")
        pieces += ["{ const calls = [];", head, body, "all.push(calls); }"]
    pieces.append("console.log(JSON.stringify(all));")
    path = folder / "run.mjs"
    path.write_text("\n".join(pieces), "utf-8")
    done = subprocess.run(
        [node, path], capture_output=True, text=True, encoding="utf-8", timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return found


def test_a_key_becomes_a_resource_that_adopts_it(tmp_path: Path) -> None:
    exported = alchemy([key()])
    assert exported.left == ()
    (((call,)),) = _evaluate([exported.text], tmp_path)
    assert call.pop("id").startswith("shop_prod_")
    assert call == {
        "organization": "acme",
        "project": "shop",
        "name": "Prod",
        "rateLimit": {"window": 60, "count": 1000},
        "useCase": "user",
        "adopt": True,
    }


@pytest.mark.parametrize(
    ("fields", "absent", "note"),
    [
        ({"rateLimit": None}, "rateLimit", "There is no rate limit."),
        ({"rateLimit": ...}, "rateLimit", "rateLimit is left out: the source did not tell it."),
        ({"rateLimit": {"window": 5}}, "rateLimit", "did not tell it whole"),
        ({"useCase": ...}, "useCase", "useCase is left out: the source did not tell it."),
        ({"useCase": "*/ x"}, "useCase", "ClientKey does not know */ x."),
        ({"isActive": False}, "isActive", "It is inactive, which"),
    ],
)
def test_what_is_not_told_is_left_out_and_said(
    fields: Any, absent: str, note: str, tmp_path: Path
) -> None:
    exported = alchemy([key(**fields)])
    assert any(note in line for line in exported.text.splitlines() if line.startswith("  // "))
    ((call,),) = _evaluate([exported.text], tmp_path)
    assert absent not in call


def test_names_that_stand_twice_in_a_project_are_not_adopted() -> None:
    keys = [
        key(key_id="1", name="x"),
        key(key_id="2", name="x"),
        key(key_id="3", name="x", project="other"),
    ]
    exported = alchemy(keys)
    assert exported.text.count("await ClientKey(") == 1
    assert exported.left == tuple(
        f"acme/shop: x (key {number}) is left out: its project has another key of this name, and"
        " Alchemy would adopt either."
        for number in ("1", "2")
    )
    for line in exported.left:
        assert f"// {line}" in exported.text


def test_a_key_without_a_name_is_left_out() -> None:
    (left,) = alchemy([key(name=...)]).left
    assert "did not tell its name" in left


def test_it_compiles_against_the_declared_interface(tmp_path: Path) -> None:
    keys = [key(key_id=name, name=name, project=name, useCase=name) for name in HOSTILE]
    keys += [key(key_id=one, name=one, useCase=one, rateLimit=None) for one in USE_CASES]
    done = _compile(alchemy(keys).text, tmp_path)
    assert (done.returncode, done.stdout) == (0, "")


def test_the_compiler_would_notice_a_wrong_property(tmp_path: Path) -> None:
    wrong = alchemy([key()]).text.replace("window: 60", 'window: "60"')
    assert _compile(wrong, tmp_path).returncode != 0


def test_a_runtime_reads_the_same_names(tmp_path: Path) -> None:
    texts: list[tuple[str, str]] = []

    @settings(max_examples=100, deadline=None, database=None)
    @given(names)
    def collect(name: str) -> None:
        text = alchemy([key(name=name)]).text
        assert shows_all(text)
        texts.append((name, text))

    collect()
    calls = _evaluate([text for _, text in texts], tmp_path)
    assert [[call["name"] for call in one] for one in calls] == [[name] for name, _ in texts]
