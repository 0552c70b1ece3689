"""What a benchmark ran on: told by every program here, since figures mean nothing without it."""

import os
import platform

import _duckdb


def versions() -> str:
    """Return the versions of Python, DuckDB and the system, and the number of cores."""
    return (
        f"CPython {platform.python_version()}, DuckDB {_duckdb.__version__},"
        f" {platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} cores"
    )
