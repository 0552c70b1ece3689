"""Zip files as evidence: in come members, out come bytes that depend on them alone; and back.

Members are stored as they are, sorted, and all of one time. What compresses well is packed in the
history already, a deflater's bytes differ from one release of zlib to the next, and where nothing
is packed an archive cannot hold more than it weighs. So a reader accepts nothing else.
"""

import shutil
import stat
import struct
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from scanner.base.errors import UsageError
from scanner.base.files import leads_below, open_regular
from scanner.base.text import plural
from scanner.evidence.member import BundleMember
from scanner.history.manifest import DamageError

MOST_BYTES: Final = (1 << 31) - (1 << 24)
"""Largest archive: below it no zip file needs the extensions for large ones."""

MOST_MEMBERS: Final = 60_000

_TIME: Final = (1980, 1, 1, 0, 0, 0)
_MODE: Final = stat.S_IFREG | 0o644
_UNIX: Final = 3
_ENCRYPTED, _UTF8 = 0x1, 0x800
_LOCAL, _CENTRAL, _END = 30, 46, 22
"""Bytes of a zip file's records without their names (APPNOTE.TXT 4.3.7, 4.3.12, 4.3.16)."""

AGAIN: Final = "Get the bundle again from whoever made it."


def pack(members: Mapping[str, BundleMember], out: BinaryIO) -> None:
    """Write the archive to a stream that can seek. Raises UsageError where it is too large."""
    total = sum(member.size for member in members.values())
    if total > MOST_BYTES or len(members) > MOST_MEMBERS:
        raise UsageError(
            f"the bundle would have {plural(len(members), 'file')} of {plural(total, 'byte')}",
            where="evidence export",
            remedy=f"At most {MOST_MEMBERS:,} files of {MOST_BYTES:,} bytes go into one: copy the"
            " history itself, which `keypolicy evidence verify DIR` checks as well.",
        )
    with ZipFile(out, "w", ZIP_STORED, allowZip64=False) as archive:
        for name, member in sorted(members.items()):
            info = ZipInfo(name, _TIME)
            info.create_system, info.external_attr = _UNIX, _MODE << 16
            archive.writestr(info, member.read())


def unpack(path: Path, folder: Path) -> None:
    """Unpack an archive of anyone's. Raises DamageError, for each reason with its own code."""
    where = str(path)
    with open_regular(path) as file:
        size = path.stat().st_size
        if size > MOST_BYTES:
            raise DamageError(
                f"has {plural(size, 'byte')}; a bundle has at most {MOST_BYTES:,}",
                "too-large",
                where=where,
            )
        with _told(where), ZipFile(file) as archive:
            infos = archive.infolist()
            _check_members(infos, where)
            _check_layout(archive, infos, size, where)
            for info in infos:
                target = folder / info.filename
                target.parent.mkdir(parents=True, exist_ok=True)
                with archive.open(info) as source, target.open("xb") as out:
                    shutil.copyfileobj(source, out, 1 << 20)


@contextmanager
def _told(where: str) -> Iterator[None]:
    """Say in our words what is wrong with an archive; what zipfile raises for it is various."""
    try:
        yield
    except BadZipFile as error:
        code = "crc" if "CRC" in str(error) else "no-zip"
        why = f"is no whole zip file: {error}"
        raise DamageError(why, code, where=where, remedy=AGAIN) from None
    except (EOFError, NotImplementedError, RuntimeError, ValueError, struct.error) as error:
        why = f"is no whole zip file: {error}"
        raise DamageError(why, "no-zip", where=where, remedy=AGAIN) from None


def check_name(name: str, where: str) -> None:
    """Raise DamageError for a name that could lead elsewhere, or means another file elsewhere."""
    if not leads_below(name) or "\\" in name or ":" in name or not name.isprintable():
        raise DamageError(
            f"has a member {name!r}, which leads out of the bundle or is no plain name",
            "unsafe-name",
            where=where,
            remedy="No bundle has such a name: do not unpack it.",
        )


def _check_members(infos: Iterable[ZipInfo], where: str) -> None:
    seen: set[str] = set()
    for number, info in enumerate(infos):
        name = info.orig_filename
        check_name(name, where)
        if number >= MOST_MEMBERS:
            raise _refused(where, f"has more than {MOST_MEMBERS:,} members", "too-large")
        mode = info.external_attr >> 16
        if stat.S_IFMT(mode) not in {0, stat.S_IFREG}:
            raise _refused(where, f"{name!r} is a link or device, no file", "link")
        if info.flag_bits & _ENCRYPTED:
            raise _refused(where, f"{name!r} is encrypted", "encrypted")
        if info.compress_type != ZIP_STORED or info.compress_size != info.file_size:
            raise _refused(
                where,
                f"{name!r} is packed: {plural(info.file_size, 'byte')} to {info.compress_size:,};"
                " bundles store their members as they are",
                "packed",
            )
        if name.casefold() in seen:
            raise _refused(where, f"has {name!r} twice", "duplicate")
        seen.add(name.casefold())
    for name in seen:
        if any(name.startswith(f"{other}/") for other in _parents(name) & seen):
            raise _refused(where, f"{name!r} lies below another file", "duplicate")


def _parents(name: str) -> set[str]:
    parts = name.split("/")
    return {"/".join(parts[:number]) for number in range(1, len(parts))}


def _check_layout(archive: ZipFile, infos: list[ZipInfo], size: int, where: str) -> None:
    """Hold the archive to what its members make of it: there is room for nothing besides them."""
    place = names = 0
    for info in sorted(infos, key=lambda info: info.header_offset):
        length = len(info.orig_filename.encode("utf-8" if info.flag_bits & _UTF8 else "cp437"))
        if info.header_offset != place:
            break
        place += _LOCAL + length + info.file_size
        names += length
    whole = place + _CENTRAL * len(infos) + names + _END
    if archive.start_dir != place or size != whole:
        raise _refused(
            where, "has bytes that belong to none of its members, or members that share some",
            "hidden",
        )  # fmt: skip


def _refused(where: str, message: str, code: str) -> DamageError:
    return DamageError(message, code, where=where, remedy=AGAIN)
