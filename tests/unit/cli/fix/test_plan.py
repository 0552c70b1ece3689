"""What `fix plan` refuses to write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.cli.main import main
from scanner.remediate import document

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def test_a_plan_that_nobody_could_read_is_not_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(document, "MAX_BYTES", 1_000)
    path = tmp_path / "p.json"
    path.write_text("before", "utf-8")
    assert main(["fix", "plan", "--demo", "--key", "cron", "-o", str(path)]) == 2
    told = capsys.readouterr()
    assert "no more than 1,000 are ever read" in told.err
    assert "narrow each with --project, --rule, --key or --severity" in told.err
    assert told.out == ""
    assert path.read_text("utf-8") == "before"
