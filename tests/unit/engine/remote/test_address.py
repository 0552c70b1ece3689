import pytest

from scanner.base.errors import UsageError
from scanner.engine.remote.address import read_address


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("postgresql://me@db.example.com/keys", ("db.example.com", 5432, "", "verify-full")),
        ("postgres://me@localhost:9193/keys", ("localhost", 9193, "", "disable")),
        ("postgresql://me@/keys?host=/run/pg", ("", 5432, "/run/pg", "disable")),
        ("postgresql://me@h/keys?sslmode=require", ("h", 5432, "", "require")),
    ],
)
def test_addresses_are_those_of_libpq(text: str, expected: tuple[str, int, str, str]) -> None:
    found = read_address(text)
    assert (found.user, found.database) == ("me", "keys")
    assert (found.host, found.port, found.socket, found.encryption) == expected


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://me:hunter2@h/db",
        "postgresql://me:@h/db",
        "postgresql://me@h/db?password=hunter2",
        "postgresql://me:hunter2@h:port/db",
        "postgresql://me:hunter2@[h/db",
        "mysql://me:hunter2@h/db",
    ],
)
def test_a_password_is_refused_and_not_quoted(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        read_address(text)
    assert "hunter2" not in str(caught.value)
    assert "PGPASSWORD" in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        *("postgresql://h/db", "postgresql://me@h", "postgresql://me@h/db?sslmode=prefer", "x"),
        *("postgresql://me@a..b/db", f"postgresql://me@{'a' * 64}/db", "postgresql://me%00@h/db"),
        *("postgresql://me@/db?host=/a%00", "postgresql://me@/db?host=a..b"),
    ],
)
def test_what_is_no_whole_address_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        read_address(text)
