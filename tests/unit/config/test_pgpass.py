from pathlib import Path

import pytest

from scanner.base.errors import UsageError
from scanner.config.pgpass import password

OF = ("db.example.com", "5432", "keys", "me")


def saved(folder: Path, text: str, mode: int = 0o600) -> dict[str, str]:
    path = folder / ".pgpass"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return {"HOME": str(folder)}


def test_the_variable_comes_before_the_file(tmp_path: Path) -> None:
    environ = saved(tmp_path, "*:*:*:*:file\n")
    assert password({**environ, "PGPASSWORD": "variable"}, OF) == "variable"
    assert password(environ, OF) == "file"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# db.example.com:5432:keys:me:no\nother:*:*:*:no\n*:5432:*:me:yes\n", "yes"),
        ("db.example.com:5432:keys:me:a\\:b\\\\c\n", "a:b\\c"),
        ("db.example.com:5433:keys:me:no\n", ""),
        ("cut:off\n", ""),
    ],
)
def test_the_first_line_that_fits_is_taken(tmp_path: Path, text: str, expected: str) -> None:
    assert password(saved(tmp_path, text), OF) == expected


def test_a_file_that_others_may_read_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as caught:
        password(saved(tmp_path, "*:*:*:*:hunter2\n", 0o644), OF)
    assert "hunter2" not in str(caught.value)
    assert "chmod 0600" in str(caught.value)


def test_without_any_there_is_none(tmp_path: Path) -> None:
    assert not password({"HOME": str(tmp_path)}, OF)
    assert not password({}, OF)
