from __future__ import annotations

from typing import TYPE_CHECKING

from scanner.authoring.watch import folders_of, watch
from scanner.base.resources import policies_dir

if TYPE_CHECKING:
    from pathlib import Path


def test_a_change_runs_again_and_nothing_else_does(tmp_path: Path) -> None:
    policy = tmp_path / "p.yaml"
    policy.write_text("1", encoding="utf-8")
    runs: list[str] = []
    changes = [
        (policy, "1"),
        (policy, "22"),
        (tmp_path / "notes.txt", "not watched"),
        (tmp_path / "p.test.yaml", "beside"),
        (policy, None),
    ]

    def change(_: float) -> None:
        path, text = changes.pop(0)
        if text is None:
            path.unlink()
        elif not path.exists() or path.read_text("utf-8") != text:
            path.write_text(text, encoding="utf-8")

    watch(
        [str(policy)],
        lambda: runs.append(policy.read_text("utf-8") if policy.exists() else "gone"),
        pause=change,
        looks=len(changes),
    )
    assert runs == ["1", "22", "22", "gone"]


def test_names_and_folders_are_watched(tmp_path: Path) -> None:
    found = folders_of(["sentry-baseline@1", str(tmp_path), str(tmp_path / "p.yaml")])
    assert found == [policies_dir(), tmp_path]
