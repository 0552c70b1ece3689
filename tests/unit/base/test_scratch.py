import ast
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from scanner.base import scratch as module
from scanner.base.scratch import _sweep, scratch

ROOT = Path(__file__).parents[3]
USER = os.geteuid() if sys.platform != "win32" else 0

unix = pytest.mark.skipif(sys.platform == "win32", reason="has neither such signals nor such locks")

# Under nohup SIGHUP is ignored, and what is started inherits that.
WORKS = """
import signal, sys
from scanner.base.scratch import scratch, scratch_folder
if hasattr(signal, "SIGHUP"):
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
with scratch() as folder:
    (folder / "large").write_text("redacted record")
    (scratch_folder() / "spilled").write_text("redacted record")
    print(folder, flush=True)
    sys.stdin.read()
"""


@contextmanager
def working(tmp: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that has a folder in TMPDIR until its input ends."""
    with subprocess.Popen(
        [sys.executable, "-c", WORKS],
        env={"TMPDIR": str(tmp), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        yield process


def folder_of(process: subprocess.Popen[str]) -> Path:
    assert process.stdout is not None
    return Path(process.stdout.readline().strip())


def end(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, "")


def left(tmp: Path) -> list[Path]:
    return [path for path in tmp.rglob("*") if path.is_file()]


def test_a_folder_is_empty_private_and_gone_after_the_block() -> None:
    with scratch() as first, scratch() as second:
        assert first != second
        for folder in (first, second):
            assert list(folder.iterdir()) == []
            assert sys.platform == "win32" or folder.stat().st_mode & 0o077 == 0
        (first / "below").mkdir()
        (first / "below" / "file").touch()
    assert not first.exists()
    assert not second.exists()


@unix
def test_a_process_that_ends_leaves_nothing(tmp_path: Path) -> None:
    with working(tmp_path) as one:
        assert folder_of(one).is_relative_to(tmp_path / f"keypolicy-{USER}")
        end(one)
    assert list(tmp_path.iterdir()) == []


@unix
@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP", "SIGKILL"])
def test_what_a_killed_process_left_goes_when_the_next_one_begins(
    tmp_path: Path, name: str
) -> None:
    with working(tmp_path) as at_work, working(tmp_path) as one:
        kept = folder_of(at_work)
        folder = folder_of(one)
        one.send_signal(getattr(signal, name))
        one.wait(60)
        assert (folder / "large").exists()
        with working(tmp_path) as after:
            folder_of(after)
            assert not folder.parent.exists()
            assert (kept / "large").exists()
            assert len(left(tmp_path)) == 2 * 3  # what two processes have, and their locks
            end(after)
        end(at_work)
    assert list(tmp_path.iterdir()) == []


@unix
def test_processes_that_begin_at_once_keep_what_is_theirs(tmp_path: Path) -> None:
    for _ in range(2):
        with ExitStack() as stack:
            found = [stack.enter_context(working(tmp_path)) for _ in range(6)]
            folders = [folder_of(one) for one in found]
            assert len(set(folders)) == len(folders)
            assert all((folder / "large").exists() for folder in folders)
            for one in found[::2]:
                one.kill()
                one.wait(60)
            for one in found[1::2]:
                end(one)
    with working(tmp_path) as last:
        folder_of(last)
        end(last)
    assert list(tmp_path.iterdir()) == []


@unix
def test_a_lock_without_its_folder_goes_too_and_a_half_removed_folder(tmp_path: Path) -> None:
    home = tmp_path / f"keypolicy-{USER}"
    home.mkdir(0o700)
    (home / "0123.lock").touch()
    (home / "4567").mkdir()
    (home / "4567.lock").touch()
    with working(tmp_path) as one:
        folder = folder_of(one)
        assert {path.stem for path in home.iterdir()} == {folder.parent.name}
        end(one)


def _link(home: Path, elsewhere: Path) -> None:
    home.symlink_to(elsewhere)


def _open_to_all(home: Path, elsewhere: Path) -> None:
    elsewhere.rename(home)
    home.chmod(0o777)


def _file(home: Path, _: Path) -> None:
    home.write_bytes(b"")


@unix
@pytest.mark.parametrize("prepare", [_link, _open_to_all, _file])
def test_a_place_that_others_may_reach_is_not_used_and_not_swept(
    tmp_path: Path, prepare: object
) -> None:
    home, elsewhere = tmp_path / f"keypolicy-{USER}", tmp_path / "elsewhere"
    (elsewhere / "0123").mkdir(parents=True)
    elsewhere.chmod(0o700)
    (elsewhere / "0123" / "precious").touch()
    (elsewhere / "0123.lock").touch()
    assert callable(prepare)
    prepare(home, elsewhere)
    before = sorted(tmp_path.rglob("*"))
    with working(tmp_path) as one:
        folder = folder_of(one)
        assert folder.is_relative_to(tmp_path)
        assert not folder.is_relative_to(home)
        end(one)
    assert sorted(tmp_path.rglob("*")) == before


@unix
def test_a_lock_that_is_a_link_leads_nowhere(tmp_path: Path) -> None:
    home = tmp_path / f"keypolicy-{USER}"
    (home / "0123").mkdir(0o700, parents=True)
    home.chmod(0o700)
    precious = tmp_path / "precious"
    precious.touch()
    (home / "0123.lock").symlink_to(precious)
    (home / "0123" / "out").symlink_to(tmp_path)
    with working(tmp_path) as one:
        folder_of(one)
        end(one)
    assert precious.exists()
    assert (home / "0123").exists()


def test_where_locks_tell_nothing_nothing_is_swept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "0123").mkdir()
    (tmp_path / "0123.lock").touch()
    monkeypatch.setattr(module, "lock", lambda _: None)
    _sweep(tmp_path)
    assert len(list(tmp_path.iterdir())) == 2


@unix
def test_a_folder_that_is_being_made_is_never_swept(tmp_path: Path) -> None:
    """Whoever looks between the lock's file and the lock takes it; it is made anew then."""
    code = (
        "from scanner.base import scratch as s; take = s.lock; tries = []\n"
        "def lock(handle):\n"
        "    if not tries:\n"
        "        print('here', flush=True); input()\n"
        "    tries.append(0)\n"
        "    return take(handle)\n"
        "s.lock = lock\n"
        "with s.scratch() as folder:\n"
        "    print(folder.is_dir(), len(tries))\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as making:
        assert making.stdout is not None
        assert making.stdout.readline() == "here\n"
        with working(tmp_path) as other:
            folder_of(other)
            end(other)
        said, _ = making.communicate("\n", timeout=60)
    assert said == "True 2\n"
    assert list(tmp_path.iterdir()) == []


def test_no_other_module_makes_temporary_folders() -> None:
    """What it made would stay where its process is killed."""
    makers = {"TemporaryDirectory", "mkdtemp", "NamedTemporaryFile", "mktemp"}
    found = {
        path.relative_to(ROOT / "scanner").as_posix()
        for path in (ROOT / "scanner").rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if (isinstance(node, ast.Attribute) and node.attr in makers)
        or (isinstance(node, ast.alias) and node.name in makers)
    }
    assert found == {"base/scratch.py"}
