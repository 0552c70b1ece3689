import json
import os
import socket
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import TooLargeError, UsageError
from scanner.base.files import (
    TwiceError,
    bounded_lines,
    check_writable,
    once,
    open_regular,
    read_regular,
    real,
    replacing,
    within,
)

NAMES = st.lists(
    st.sampled_from(["..", ".", "a", "b", "out", "in", "loop", "\x00", "n" * 300]), max_size=6
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("outer") / "root"
    (root / "a" / "b").mkdir(parents=True)
    for folder in (root, root / "a", root / "a" / "b"):
        (folder / "out").symlink_to(root.parent)
        (folder / "in").symlink_to(root)
        (folder / "loop").symlink_to("loop")
    return root


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="there is no /proc")
@given(NAMES)
def test_what_is_within_is_within_by_the_system_s_own_account(tree: Path, parts: list[str]) -> None:
    name = "/".join(parts) or "."
    refused = False
    try:
        within(tree, name)
    except UsageError:
        refused = True
    try:
        handle = os.open(tree / name, os.O_PATH)
    except (OSError, ValueError):
        return  # there is no such file, so that nothing was reached
    opened = Path(f"/proc/self/fd/{handle}").readlink()
    os.close(handle)
    assert opened.is_relative_to(real(tree)) is not refused


@pytest.mark.parametrize("name", ["/proc/self/environ", "/dev/zero", ".", "pipe", "socket", "loop"])
def test_only_regular_files_are_opened(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop").symlink_to("loop")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(tmp_path / "socket"))
        for read in (open_regular, lambda path: read_regular(path, 10)):
            with pytest.raises(UsageError, match="cannot be read"):
                read(tmp_path / name)


def test_the_size_is_bounded(tmp_path: Path) -> None:
    path = tmp_path / "x"
    path.write_bytes(b"12345")
    assert read_regular(path, 5) == b"12345"
    with pytest.raises(TooLargeError):
        read_regular(path, 4)
    path.write_bytes(b"")
    assert read_regular(path, 0) == b""


def test_a_long_name_of_many_bytes_is_written(tmp_path: Path) -> None:
    path = tmp_path / ("ü" * 125)  # as long as the system allows
    check_writable([path])
    with replacing(path) as out:
        out.write(b"x")
    assert path.read_bytes() == b"x"
    assert list(tmp_path.iterdir()) == [path]


def test_trying_leaves_everything_as_it_was(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_bytes(b"old")
    check_writable([there, tmp_path / "new", Path("/dev/null")])
    assert list(tmp_path.iterdir()) == [there]
    assert there.read_bytes() == b"old"


def test_the_sign_for_standard_output_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="no file"):
        check_writable([Path("-")])
    with pytest.raises(UsageError, match="no file"), replacing(Path("-")):
        pass
    assert list(tmp_path.iterdir()) == []
    check_writable([tmp_path / "-"])


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(UsageError, match="Permission denied"):
        check_writable([tmp_path / "x"])


@pytest.mark.parametrize(
    ("text", "name"),
    [('{"a": 1, "b": 2, "a": 1}', "a"), ('[{"x": {"b": 1, "": 2, "b": 3}}]', "b"), ("{}", None)],
)
def test_a_member_that_stands_twice_is_told(text: str, name: str | None) -> None:
    if name is None:
        assert json.loads(text, object_pairs_hook=once) == {}
        return
    with pytest.raises(TwiceError, match="stands twice in an object") as caught:
        json.loads(text, object_pairs_hook=once)
    assert caught.value.name == name


@pytest.mark.parametrize("raw", [b"", b"a\n", b"a\nbb", b"0123456789\nb\n", b"\0" * 25])
def test_no_line_is_read_beyond_the_bound(tmp_path: Path, raw: bytes) -> None:
    (tmp_path / "f").write_bytes(raw)
    with (tmp_path / "f").open("rb", buffering=0) as file:
        file.read(1)  # it begins at the start all the same
        lines = list(bounded_lines(file, 10))
    assert b"".join(lines) == raw
    assert all(len(line) <= 10 for line in lines)
    assert all(line.endswith(b"\n") or len(line) == 10 for line in lines[:-1])
