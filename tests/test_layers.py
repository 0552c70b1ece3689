"""The picture of the layers in docs/architecture.md is the contract that import-linter holds."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")


def _contract() -> list[set[str]]:
    parser = configparser.ConfigParser()
    parser.read(ROOT / ".importlinter")
    layers = parser["importlinter:contract:layers"]["layers"].split("\n")
    names = [set(layer.replace("scanner.", "").split(" | ")) for layer in layers if layer]
    return [layer for layer in names if layer != {"__main__"}]


def test_the_picture_and_the_contract_say_the_same() -> None:
    picture = PAGE.partition("## Layers")[2].partition("```text\n")[2].partition("```")[0]
    known = {name for layer in _contract() for name in layer}
    drawn = []
    for line in picture.splitlines():
        words = re.match(rf"(?:\s(?:{'|'.join(known)})\b)+", line)
        assert words, line
        drawn.append(set(words[0].split()))
    assert drawn == _contract()


def test_every_room_is_in_a_layer() -> None:
    places = [path for path in (ROOT / "scanner").iterdir() if not path.name.startswith("_")]
    rooms = {path.stem for path in places if path.is_dir() or path.suffix == ".py"}
    known = {name for layer in _contract() for name in layer}
    assert rooms - known == {"schemas"}


def test_the_wall_around_providers_bites(tmp_path: Path) -> None:
    """A copy in which the engine imports a provider breaks the contract."""
    copy = tmp_path / "scanner"
    subprocess.run(["cp", "-r", str(ROOT / "scanner"), str(copy)], check=True)
    (tmp_path / ".importlinter").write_bytes((ROOT / ".importlinter").read_bytes())
    module = copy / "engine" / "memory.py"
    module.write_text(
        module.read_text("utf-8") + "\nimport scanner.providers.sentry.demo  # noqa\n"
    )
    run = "import sys; from importlinter.cli import lint_imports_command as run; sys.exit(run())"
    done = subprocess.run(
        [sys.executable, "-c", run, "--no-cache"],
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Nobody imports a provider BROKEN" in done.stdout
