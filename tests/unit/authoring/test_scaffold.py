"""The files that `keypolicy init` writes."""

from __future__ import annotations

import errno
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import pytest
import yaml

from scanner.authoring.scaffold import files, next_steps, write
from scanner.base.errors import UsageError
from scanner.base.files import replacing
from scanner.policy.files.cases import load_cases
from scanner.policy.load import inspect_policies

if TYPE_CHECKING:
    from collections.abc import Iterator

DAY = date(2026, 3, 1)


def test_the_policy_and_its_cases_are_sound(tmp_path: Path) -> None:
    write(tmp_path, files(DAY), force=False)
    inspection = inspect_policies([str(tmp_path / "policies")])
    assert inspection.problems == []
    (merged,) = inspection.merged
    assert merged.parameters["adopted"].value == "2026-03-01"
    path = tmp_path / "policies" / "our-keys.test.yaml"
    assert load_cases(path, path.name, merged)


def test_only_new_keys_are_critical(tmp_path: Path) -> None:
    write(tmp_path, files(DAY), force=False)
    (policy,) = inspect_policies([str(tmp_path / "policies")]).policies
    assert [rule.id for rule in policy.rules if rule.severity == "critical"] == [
        "new-key-rate-limit"
    ]


def test_nothing_is_left_to_fill_in() -> None:
    assert not [place for place, text in files(DAY).items() if "{{adopted" in text]


def test_editors_find_the_schemas() -> None:
    texts = files(DAY)
    for place, text in texts.items():
        first = text.split("\n", 1)[0]
        if first.startswith("# yaml-language-server: $schema="):
            schema = Path(place).parent / first.partition("=")[2]
            assert str(schema).replace("policies/../", "") in texts


def test_the_workflow_is_yaml_without_the_token_for_pull_requests() -> None:
    text = files(DAY)[".github/workflows/keypolicy.yml"]
    jobs = yaml.safe_load(text)["jobs"]
    assert "SENTRY_AUTH_TOKEN" not in str(jobs["policies"])
    assert jobs["scan"]["if"] == "github.event_name != 'pull_request'"
    assert yaml.safe_load(text)["permissions"] == {"contents": "read"}


def test_nothing_is_replaced_unasked(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yaml").write_text("mine")
    with pytest.raises(UsageError, match=r"already there: keypolicy\.yaml"):
        write(tmp_path, files(DAY), force=False)
    assert [path.name for path in tmp_path.iterdir()] == ["keypolicy.yaml"]
    write(tmp_path, files(DAY), force=True)
    assert (tmp_path / "keypolicy.yaml").read_text("utf-8") != "mine"


def test_a_dangling_link_counts_as_there(tmp_path: Path) -> None:
    (tmp_path / "keypolicy.yaml").symlink_to(tmp_path / "gone")
    with pytest.raises(UsageError, match="already there"):
        write(tmp_path, files(DAY), force=False)


def test_links_do_not_lead_out_of_the_folder(tmp_path: Path) -> None:
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    inside.mkdir()
    outside.mkdir()
    (inside / "policies").symlink_to(outside)
    with pytest.raises(UsageError, match="leads out"):
        write(inside, files(DAY), force=True)
    assert list(outside.iterdir()) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError) as caught:
        write(tmp_path / "file", files(DAY), force=False)
    assert caught.value.exit_code == 2


def test_next_steps_start_in_the_folder(tmp_path: Path) -> None:
    assert next(iter(next_steps(tmp_path))) == f"cd {tmp_path}"
    assert next(iter(next_steps(Path()))).startswith("keypolicy scan --demo")


@pytest.mark.parametrize("call", [1, 3, 7])
def test_a_full_disk_leaves_nothing_behind(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No file, whole or half, no folder, and whatever was there as it was."""
    folder = tmp_path / "new"
    calls = iter(range(1, 100))

    @contextmanager
    def full(path: Path) -> Iterator[BinaryIO]:
        with replacing(path) as out:
            if next(calls) == call:
                out.write(b"hal")
                out.flush()
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            yield out

    monkeypatch.setattr("scanner.authoring.scaffold.replacing", full)
    with pytest.raises(UsageError, match="No space left on device"):
        write(folder, files(DAY), force=False)
    assert list(tmp_path.iterdir()) == []

    mine = tmp_path / "keypolicy.yaml"
    mine.write_text("mine", "utf-8")
    calls = iter(range(1, 100))
    with pytest.raises(UsageError, match="No space left on device"):
        write(tmp_path, files(DAY), force=True)
    assert list(tmp_path.rglob("*")) == [mine]
    assert mine.read_text("utf-8") == "mine"
