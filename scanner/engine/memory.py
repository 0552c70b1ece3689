"""How much memory the database may take: from the machine, its container, or a setting."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final

import _duckdb as duckdb

from scanner.base.errors import UsageError
from scanner.base.scratch import scratch_folder

SHARE: Final = 0.75
"""Part of the machine's memory that the database may take, unless it is set."""

LEAST: Final = 64 * 1_024 * 1_024
"""Fewest bytes that a scan can be done with."""

_ON_DISK: Final = 4
"""The limit on disk in multiples of that in memory: ten million keys need more than twice it."""

_CGROUPS: Final = (
    Path("/sys/fs/cgroup/memory.max"),
    Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"),
)
"""Where Linux tells the limit of the container: version 2, version 1."""

_allowed: ContextVar[int | None] = ContextVar("allowed", default=None)


def limit_memory(size: int) -> None:
    """Let databases that are opened from now on take so many bytes."""
    _allowed.set(size)


def allowed_memory() -> int | None:
    """Return the bytes that were set, None where nothing was."""
    return _allowed.get()


def settings() -> dict[str, str | bool | int | float | list[str]]:
    """Return DuckDB's settings for memory, and for the disk that it uses beyond that."""
    size = allowed_memory() or max(int(machine_memory(_CGROUPS) * SHARE), LEAST)
    return {
        "memory_limit": f"{size}B",
        "temp_directory": _spill_folder(),
        "max_temp_directory_size": f"{_ON_DISK * size}B",
    }


def machine_memory(limits: tuple[Path, ...]) -> int:
    """Return the bytes that the machine has, or that the container is allowed."""
    try:
        sizes = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    except (AttributeError, ValueError, OSError):  # not a system that tells
        sizes = [4 * 1_024**3]
    for path in limits:
        try:
            text = path.read_text("ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text.isdecimal():  # "max" stands for no limit
            sizes.append(int(text))
    return min(sizes)


@contextmanager
def memory_told() -> Iterator[None]:
    """Turn the database's lack of memory into a UsageError that names the setting."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise UsageError(
            "the scan needs more memory than the database may take",
            where="KEYPOLICY_MEMORY",
            remedy="Raise it, such as KEYPOLICY_MEMORY=4GB, or scan fewer projects at once.",
        ) from None


@cache
def _spill_folder() -> str:
    """Return the folder for what does not fit; it goes with the process."""
    try:
        return str(scratch_folder())
    except OSError:  # nowhere to write: then nothing is spilled
        return ""
