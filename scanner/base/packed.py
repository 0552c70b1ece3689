"""Files that are packed with gzip or zstd: read as what they hold, piece by piece, and written.

Nothing is unpacked onto a disk: what people pack may hold secrets that are nowhere else.
"""

import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, BinaryIO, Final, Literal, cast

from scanner.base.errors import UsageError

if TYPE_CHECKING:
    import zstandard

Packing = Literal["none", "gzip", "zstd"]
"""How a file is packed, in the words of DuckDB's readers."""

PACKED_SUFFIXES: Final[dict[str, Packing]] = {".gz": "gzip", ".zst": "zstd"}

_MAGIC: Final[dict[bytes, Packing]] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}
_FREE_BYTES: Final = 256 << 20
_MOST_EXPANDED: Final = 100
_MOST_BYTES: Final = 16 << 30
_GZIP: Final = 31
"""A window as large as there is, and the headers of gzip (zlib.h)."""
_CHUNK: Final = 1 << 10
"""Of zstd, one byte may come to 32 KiB: this much of it to 32 MiB."""


def most_unpacked(size: int) -> int:
    """Return how many bytes a file of this size may come to.

    Inventories come to ten to thirty times their size; small files may do so as they like.
    """
    return min(max(_FREE_BYTES, _MOST_EXPANDED * size), _MOST_BYTES)


def packing_of(head: bytes) -> Packing:
    """Tell how a file is packed by its first bytes."""
    return next((name for magic, name in _MAGIC.items() if head.startswith(magic)), "none")


def unpack(file: BinaryIO, packing: Packing) -> Iterator[bytes]:
    """Give the content of an open file in pieces, none of them empty.

    Several packed parts in a row are one content. Raises UsageError where it is cut off or
    damaged: DuckDB's reader does not always tell.
    """
    if packing == "none":
        yield from iter(lambda: file.read(_CHUNK << 6), b"")
        return
    unpacker = _unpacker(packing)
    for piece in iter(lambda: file.read(_CHUNK), b""):
        data = piece
        while data:
            if unpacker.eof:
                unpacker = _unpacker(packing)
            try:
                content = unpacker.decompress(data)
            except _errors(packing) as error:
                raise _damaged(packing, "is damaged") from error
            if content:  # what has only headers in it comes to nothing
                yield content
            data = unpacker.unused_data
    if not unpacker.eof:
        raise _damaged(packing, "was cut off")


def pack(out: BinaryIO, packing: Packing) -> AbstractContextManager[BinaryIO]:
    """Return a stream that packs what is written to it into `out`, which stays open.

    The bytes depend on the content alone.
    """
    if packing == "gzip":
        import gzip  # noqa: PLC0415 - only where it is asked for

        return cast("BinaryIO", gzip.GzipFile("", "wb", 6, out, mtime=0))
    if packing == "zstd":
        import zstandard  # noqa: PLC0415 - as above

        writer = zstandard.ZstdCompressor(write_checksum=True).stream_writer(out, closefd=False)
        return cast("AbstractContextManager[BinaryIO]", writer)
    return nullcontext(out)


def _unpacker(packing: Packing) -> "zlib._Decompress | zstandard.ZstdDecompressionObj":
    if packing == "gzip":
        return zlib.decompressobj(_GZIP)
    import zstandard  # noqa: PLC0415 - only where it is asked for

    return zstandard.ZstdDecompressor().decompressobj()


def _errors(packing: Packing) -> type[Exception]:
    if packing == "gzip":
        return zlib.error
    import zstandard  # noqa: PLC0415 - as above

    return zstandard.ZstdError


def _damaged(packing: Packing, message: str) -> UsageError:
    return UsageError(f"a file packed with {packing} that {message}", remedy="Write it again.")
