"""Archives of anyone's: each way to make one that harms or hides has its own reason."""

import stat
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scanner.base.errors import UsageError
from scanner.evidence import archive as room
from scanner.evidence.archive import pack, unpack
from scanner.evidence.member import BundleMember
from scanner.history.manifest import DamageError

SOUND = {"README.md": b"read", "history/run/manifest.json": b"{}" * 500, "x/\u00e4": b""}


def packed(path: Path, members: dict[str, bytes]) -> Path:
    with path.open("w+b") as out:
        pack({name: BundleMember.of(raw) for name, raw in members.items()}, out)
    return path


def code(path: Path, folder: Path) -> str:
    with pytest.raises(DamageError) as caught:
        unpack(path, folder / "out")
    assert str(path) in str(caught.value)
    return caught.value.code


def test_what_is_packed_comes_back_whatever_the_order(tmp_path: Path) -> None:
    first = packed(tmp_path / "a.zip", SOUND)
    second = packed(tmp_path / "b.zip", dict(reversed(SOUND.items())))
    assert first.read_bytes() == second.read_bytes()
    unpack(first, tmp_path / "out")
    assert {name: (tmp_path / "out" / name).read_bytes() for name in SOUND} == SOUND


def _member(name: str, raw: bytes = b"x") -> zipfile.ZipInfo:
    del raw
    return zipfile.ZipInfo(name)


def _named(*names: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        with zipfile.ZipFile(path, "w") as out:
            for name in names:
                out.writestr(_member(name), b"x")

    return write


def _moded(mode: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        info = zipfile.ZipInfo("README.md")
        info.external_attr = mode << 16
        with zipfile.ZipFile(path, "w") as out:
            out.writestr(info, b"/etc/passwd")

    return write


def _bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as out:
        out.writestr("README.md", bytes(10 << 20))


def _encrypted(path: Path) -> None:
    _edit(path, lambda raw: raw.replace(b"\x14\x00\x00\x00", b"\x14\x00\x01\x00"))


def _edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    packed(path, SOUND)
    path.write_bytes(change(path.read_bytes()))


def _edited(change: Callable[[bytes], bytes]) -> Callable[[Path], None]:
    return lambda path: _edit(path, change)


def _comment(path: Path) -> None:
    packed(path, SOUND)
    with zipfile.ZipFile(path, "a") as out:
        out.comment = b"a word besides"


def _extra(path: Path) -> None:
    with zipfile.ZipFile(path, "w") as out:
        info = zipfile.ZipInfo("README.md")
        info.extra = b"\xfe\xca\x04\x00word"
        out.writestr(info, b"x")


def _shared(path: Path) -> None:
    """Two members with the same bytes: small on disk, as large as one likes outside."""
    with zipfile.ZipFile(path, "w") as out:
        out.writestr(_member("a"), b"x" * 1000)
        twin = zipfile.ZipInfo("b")
        known = out.infolist()[0]
        twin.header_offset, twin.CRC = known.header_offset, known.CRC
        twin.file_size = twin.compress_size = known.file_size
        out.filelist.append(twin)
        out.NameToInfo["b"] = twin


@pytest.mark.parametrize(
    ("write", "expected"),
    [
        (_named("../outside"), "unsafe-name"),
        (_named("history/../../outside"), "unsafe-name"),
        (_named("/etc/cron.d/x"), "unsafe-name"),
        (_named("C:/x"), "unsafe-name"),
        (_named("a\\..\\b"), "unsafe-name"),
        (_named("a//b"), "unsafe-name"),
        (_named("folder/"), "unsafe-name"),
        (_named("a\x1b[2Jb"), "unsafe-name"),
        (_named("a", "A"), "duplicate"),
        (_named("a", "a/b"), "duplicate"),
        (_moded(stat.S_IFLNK | 0o777), "link"),
        (_moded(stat.S_IFIFO | 0o600), "link"),
        (_bomb, "packed"),
        (_encrypted, "encrypted"),
        (_comment, "hidden"),
        (_extra, "hidden"),
        (_shared, "hidden"),
        (_edited(lambda raw: b"#!/bin/sh\n" + raw), "hidden"),
        (_edited(lambda raw: raw.replace(b"{}{}", b"{}[]", 1)), "crc"),
        (_edited(lambda raw: raw[:-5]), "no-zip"),
        (_edited(lambda raw: raw[: len(raw) // 2]), "no-zip"),
        (_edited(lambda raw: raw.replace(b"README.md", b"README.MD", 1)), "no-zip"),
        (_edited(lambda _: b""), "no-zip"),
    ],
)
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_an_archive_is_refused(
    tmp_path: Path, write: Callable[[Path], None], expected: str
) -> None:
    path = tmp_path / "bundle.zip"
    write(path)
    assert code(path, tmp_path) == expected
    assert not (tmp_path / "outside").exists()


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_member_twice_is_refused(tmp_path: Path) -> None:
    _named("a", "a")(tmp_path / "twice.zip")
    assert code(tmp_path / "twice.zip", tmp_path) == "duplicate"


def test_more_than_a_bundle_has_is_neither_written_nor_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = packed(tmp_path / "a.zip", SOUND)
    for limit in ("MOST_BYTES", "MOST_MEMBERS"):
        with monkeypatch.context() as patched:
            patched.setattr(room, limit, 1)
            assert code(path, tmp_path) == "too-large"
            with pytest.raises(UsageError, match="the bundle would have"):
                packed(tmp_path / "b.zip", SOUND)


@given(place=st.integers(0, 10_000), value=st.integers(0, 255))
def test_whatever_byte_is_changed_it_comes_out_whole_or_is_refused(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: int
) -> None:
    folder = tmp_path_factory.mktemp("byte")
    path = packed(folder / "a.zip", SOUND)
    raw = bytearray(path.read_bytes())
    raw[place % len(raw)] = value
    path.write_bytes(raw)
    try:
        unpack(path, folder / "out")
    except DamageError:
        return
    # What only says when, or by whom, it was packed.
    assert {name: (folder / "out" / name).read_bytes() for name in SOUND} == SOUND
