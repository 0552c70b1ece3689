"""A PostgreSQL of a test's own: on a socket in a temporary folder, gone when the test ends."""

import contextlib
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

USER = "scanner"
_BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))


@contextmanager
def server(locale: str = "C.UTF-8") -> Iterator[Path]:
    """Start a server, and give the folder of its socket; skips the test where there is none."""
    if not _BINARIES:
        pytest.skip("PostgreSQL is not installed")
    folder = Path(tempfile.mkdtemp(prefix="pg-", dir="/var/tmp"))
    as_other: dict[str, Any] = {}
    if os.geteuid() == 0:  # it does not run as root
        other = pwd.getpwnam("postgres")
        os.chown(folder, other.pw_uid, other.pw_gid)
        as_other = {"user": other.pw_uid, "group": other.pw_gid, "extra_groups": []}
    folder.chmod(0o755)

    def run(program: str, *arguments: str) -> None:
        subprocess.run(
            [str(_BINARIES[-1] / program), "-D", str(folder / "data"), *arguments],
            check=True,
            stdout=subprocess.DEVNULL,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LANG": locale},
            **as_other,
        )

    try:
        run("initdb", "-U", USER, "-A", "trust", "-E", "UTF8", f"--locale={locale}", "-N")
        options = f"-c listen_addresses='' -c fsync=off -k {folder}"
        run("pg_ctl", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield folder
        finally:
            with contextlib.suppress(subprocess.CalledProcessError):
                run("pg_ctl", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
