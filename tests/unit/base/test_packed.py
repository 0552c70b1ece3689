import gzip
import io

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from scanner.base.errors import UsageError
from scanner.base.packed import Packing, most_unpacked, pack, packing_of, unpack

PACKERS = {"gzip": gzip.compress, "zstd": zstandard.ZstdCompressor().compress}
PACKED = pytest.mark.parametrize("packing", list(PACKERS))


def content(packed: bytes, packing: Packing) -> bytes:
    return b"".join(unpack(io.BytesIO(packed), packing))


@PACKED
@settings(max_examples=30)
@given(parts=st.lists(st.binary(max_size=5000), min_size=1, max_size=3))
def test_what_is_packed_in_parts_is_one_content(packing: Packing, parts: list[bytes]) -> None:
    packed = b"".join(map(PACKERS[packing], parts))
    assert packing_of(packed) == packing
    assert content(packed, packing) == b"".join(parts)


@PACKED
@settings(max_examples=50)
@given(where=st.floats(0, 1, exclude_max=True))
def test_what_was_cut_off_anywhere_is_told(packing: Packing, where: float) -> None:
    packed = PACKERS[packing](b"".join(b"%d," % number for number in range(20_000)))
    cut = packed[: max(1, int(where * len(packed)))]
    with pytest.raises(UsageError, match="was cut off"):
        content(cut, packing)


@PACKED
def test_what_is_damaged_or_followed_by_something_else_is_told(packing: Packing) -> None:
    packed = bytearray(PACKERS[packing](b"".join(b"%d," % n for n in range(20_000))))
    with pytest.raises(UsageError, match="is damaged"):
        content(bytes(packed) + b"and more", packing)
    packed[len(packed) // 2 : len(packed) // 2 + 64] = bytes(64)
    with pytest.raises(UsageError, match=r"is damaged|was cut off"):
        content(bytes(packed), packing)


@pytest.mark.parametrize("packing", ["none", *PACKERS])
def test_what_is_written_is_read_again_and_always_the_same(packing: Packing) -> None:
    written = []
    for _ in range(2):
        out = io.BytesIO()
        with pack(out, packing) as stream:
            stream.write(b"one\n")
            stream.write(b"two\n")
        written.append(out.getvalue())
    assert written[0] == written[1]
    assert packing_of(written[0]) == packing
    assert content(written[0], packing) == b"one\ntwo\n"


def test_a_small_file_may_come_to_more_than_its_share() -> None:
    assert most_unpacked(1) == most_unpacked(1 << 20) == 256 << 20
    assert most_unpacked(1 << 24) == 100 << 24
    assert most_unpacked(1 << 40) == 16 << 30
