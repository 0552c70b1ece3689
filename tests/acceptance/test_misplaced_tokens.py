"""A token where a name belongs is refused, or hidden: it reaches no report and no terminal."""

import json
import shutil
from pathlib import Path

import pytest

from tests.acceptance.support import TWO_KEYS, here

TOKENS = ("sntryu_" + "0123456789abcdef" * 4, "fedcba9876543210" * 4)


@pytest.mark.parametrize("token", TOKENS)
@pytest.mark.parametrize(
    ("arguments", "files", "variables", "where"),
    [
        (["--org", "{}"], {}, {}, "--org"),
        (["--org", "acme", "--org", "{}"], {}, {}, "--org"),
        (["--project", "{}"], {}, {}, "--project"),
        (["--project", "web,{}"], {}, {}, "--project"),
        (["--organizations-from", "f"], {"f": "acme\n {}\n"}, {}, "f:2:2"),
        (["--organizations-from", "f"], {"f": "acme {}\n"}, {}, "f:1:6"),
        ([], {}, {"SENTRY_ORG": "acme,{}"}, "SENTRY_ORG"),
        ([], {}, {"SENTRY_PROJECT": "{}"}, "SENTRY_PROJECT"),
        ([], {".env": "SENTRY_ORG={}\n"}, {}, "SENTRY_ORG in .env"),
        ([], {"keypolicy.yaml": "organizations: [{}]\n"}, {}, "keypolicy.yaml"),
        ([], {"keypolicy.yaml": "projects: [web, {}]\n"}, {}, "keypolicy.yaml"),
        ([], {".sentryclirc": "[defaults]\norg = {}\n"}, {}, ".sentryclirc"),
    ],
)
def test_a_token_in_the_place_of_a_slug_is_refused(
    tmp_path: Path,
    token: str,
    arguments: list[str],
    files: dict[str, str],
    variables: dict[str, str],
    where: str,
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text.replace("{}", token), "utf-8")
    given = [one.replace("{}", token) for one in arguments]
    environment = {name: text.replace("{}", token) for name, text in variables.items()}
    done = here("scan", "--demo", *given, "-o", "r.json", cwd=tmp_path, **environment)
    assert (done.code, done.out) == (2, "")
    assert where in done.err.partition("\n")[0]
    assert "token" in done.err
    assert "SENTRY_AUTH_TOKEN" in done.err
    assert token not in done.err
    assert not (tmp_path / "r.json").exists()


@pytest.mark.parametrize("content", ["[]", None])
@pytest.mark.parametrize("token", TOKENS)
def test_a_file_called_like_a_token_is_called_otherwise(
    tmp_path: Path, token: str, content: str | None
) -> None:
    path = tmp_path / f"{token}.json"
    path.write_text(content, "utf-8") if content else shutil.copy(TWO_KEYS, path)
    reports = [part for name in ("r.json", "r.html", "r.csv") for part in ("-o", name)]
    done = here("scan", "--inventory", path.name, "--history", "h", *reports, "-v", cwd=tmp_path)
    assert "[redacted]" in done.out
    assert token not in done.out + done.err
    assert json.loads((tmp_path / "r.json").read_text("utf-8"))["inventory"]["sources"] != [
        path.name
    ]
    for written in tmp_path.rglob("*"):
        if written.is_file() and written != path:
            assert token.encode() not in written.read_bytes(), written
