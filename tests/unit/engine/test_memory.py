import subprocess
import sys
from contextvars import copy_context
from pathlib import Path

import pytest

from scanner.base.errors import UsageError
from scanner.engine.database import connect, seal
from scanner.engine.memory import limit_memory, machine_memory, memory_told, settings

LARGE = (
    "CREATE TABLE large AS SELECT DISTINCT i::VARCHAR || repeat('x', 90) FROM range(4000000) t(i)"
)


def test_the_container_counts_where_it_has_less_than_the_machine(tmp_path: Path) -> None:
    limit = tmp_path / "memory.max"
    limit.write_text("100000000\n", "ascii")
    assert machine_memory((limit, tmp_path / "none")) == 100_000_000
    limit.write_text("max\n", "ascii")
    assert machine_memory((limit,)) == machine_memory(()) > 100_000_000


def test_a_database_has_the_limits_that_are_set() -> None:
    def look() -> list[tuple[str, ...]]:
        limit_memory(128 * 1_024**2)
        with connect() as connection:
            return connection.execute(
                "SELECT current_setting('memory_limit'), current_setting('max_temp_directory_size')"
            ).fetchall()

    assert copy_context().run(look) == [("128.0 MiB", "512.0 MiB")]


def test_without_a_setting_the_machine_decides() -> None:
    assert 0 < int(str(settings()["memory_limit"])[:-1]) < machine_memory(())


def test_too_little_memory_is_told_with_the_setting() -> None:
    def run() -> None:
        limit_memory(64 * 1_024**2)
        with connect() as connection, memory_told():
            seal(connection)
            connection.execute(LARGE)

    with pytest.raises(UsageError) as caught:
        copy_context().run(run)
    assert "KEYPOLICY_MEMORY" in str(caught.value)
    assert caught.value.exit_code == 2


def test_what_is_spilled_is_private_and_goes_with_the_process(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "from scanner.engine.database import connect\n"
        "with connect() as connection:\n"
        "    asked = \"SELECT current_setting('temp_directory')\"\n"
        "    (found,) = connection.execute(asked).fetchone()\n"
        "    print(oct(os.stat(found).st_mode & 0o777))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "0o700"
    assert list(tmp_path.iterdir()) == []
