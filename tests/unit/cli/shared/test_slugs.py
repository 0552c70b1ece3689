"""A file that names organizations: all that is wrong with it is told at once."""

from pathlib import Path

import pytest

from scanner.base.errors import UsageError
from scanner.cli.shared.slugs import slugs_from


def test_every_line_that_is_no_slug_is_told(tmp_path: Path) -> None:
    path = tmp_path / "fleet.txt"
    path.write_text("acme,globex # both\n ,\nok\ninitech, \n  acme.io\na b\n")
    with pytest.raises(UsageError) as refusal:
        slugs_from(str(path))
    told = str(refusal.value)
    for place, what in (
        ("1:6", "expected one slug, but there is also 'globex'"),
        ("2:2", "an empty name"),
        ("5:3", "'acme.io' is not a slug"),
        ("6:3", "expected one slug, but there is also 'b'"),
    ):
        assert f"{path}:{place}: {what}" in told
    assert "a line of its own" in told
    path.write_text("acme\nglobex,\n")
    assert slugs_from(str(path)) == ["acme", "globex"]
