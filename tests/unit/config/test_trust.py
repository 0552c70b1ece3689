"""The token goes only to a server that a place names which is trusted as far as the token's own.

And what files of settings name lies in their own folder. Both are held over all places.
"""

import os
from itertools import product
from pathlib import Path

import pytest

from scanner.base.errors import KeypolicyError, UsageError
from scanner.config.gather import load_settings
from scanner.config.settings import Flags, Settings
from scanner.config.trust import Trust

HOSTED = "https://sentry.io"
URL = "https://elsewhere.example"
TOKEN = "sntrys_canarycanarycanary"
TRUST = {
    "flag": Trust.USER,
    "environment": Trust.USER,
    "home": Trust.HOME,
    "dotenv": Trust.CHECKOUT,
    "config": Trust.CHECKOUT,
    "clirc": Trust.CHECKOUT,
}
HOLDERS = [place for place in TRUST if place not in {"flag", "config"}]


def _settings(root: Path, token: str, url: str, value: str) -> Settings:
    """Load settings whose token and URL are in these two places, and nowhere else."""
    home, work = root / "home", root / "work" / "sub"
    home.mkdir()
    work.mkdir(parents=True)
    environ: dict[str, str] = {}
    texts: dict[Path, str] = {}
    for place, variable, section, text in (
        (token, "SENTRY_AUTH_TOKEN", "[auth]\ntoken", TOKEN),
        (url, "SENTRY_URL", "[defaults]\nurl", value),
    ):
        if place == "environment":
            environ[variable] = text
        elif place == "dotenv":
            texts[work / ".env"] = texts.get(work / ".env", "") + f"{variable}={text}\n"
        elif place in {"home", "clirc"}:
            path = (home if place == "home" else work.parent) / ".sentryclirc"
            texts[path] = texts.get(path, "") + f"{section} = {text}\n"
        elif place == "config":
            texts[work.parent / "keypolicy.yaml"] = f"url: {text}\n"
    for path, text in texts.items():
        path.write_text(text)
    flags = Flags(url=value) if url == "flag" else Flags()
    return load_settings(flags, environ, work, home)


@pytest.mark.parametrize(("token", "url"), list(product(HOLDERS, TRUST)))
def test_a_token_goes_only_where_a_place_trusted_as_far_sends_it(
    tmp_path: Path, token: str, url: str
) -> None:
    settings = _settings(tmp_path, token, url, URL)
    assert settings.token is not None
    assert settings.url == URL
    if TRUST[url] >= TRUST[token]:
        settings.check_recipient(HOSTED)
        return
    with pytest.raises(UsageError) as refusal:
        settings.check_recipient(HOSTED)
    told = str(refusal.value)
    assert refusal.value.exit_code == 2
    assert settings.origin("token") in told
    assert settings.origin("url") in told
    assert f"--url {URL}" in told
    assert TOKEN not in told


@pytest.mark.parametrize(("token", "url"), list(product(HOLDERS, TRUST)))
@pytest.mark.parametrize("value", [HOSTED, f"{HOSTED}/", "https://SENTRY.io:443/api/0/"])
def test_every_token_may_go_to_the_hosted_service(
    tmp_path: Path, token: str, url: str, value: str
) -> None:
    _settings(tmp_path, token, url, value).check_recipient(HOSTED)


@pytest.mark.parametrize(
    "value",
    [
        "http://sentry.io",
        "https://sentry.io:8443",
        "https://sentry.io.example",
        "https://notsentry.io",
        "https://sentry.io.",
    ],
)
def test_what_looks_like_the_hosted_service_is_not(tmp_path: Path, value: str) -> None:
    with pytest.raises(UsageError, match="less trusted"):
        _settings(tmp_path, "environment", "config", value).check_recipient(HOSTED)


def test_without_a_token_or_a_server_there_is_nothing_to_refuse(tmp_path: Path) -> None:
    _settings(tmp_path, "nowhere", "config", URL).check_recipient(HOSTED)
    environ = {"SENTRY_AUTH_TOKEN": TOKEN}
    load_settings(Flags(), environ, tmp_path / "home", None).check_recipient(HOSTED)


def _write(folder: Path, holder: str, setting: str, value: str) -> None:
    if holder == "keypolicy.yaml":
        (folder / holder).write_text(f"{setting}: '{value}'\n")
    else:
        variable = "POLICY" if setting == "policies" else setting.upper()
        (folder / holder).write_text(f"KEYPOLICY_{variable}={value}\n")


@pytest.mark.parametrize("holder", ["keypolicy.yaml", ".env"])
@pytest.mark.parametrize("setting", ["policies", "waivers", "baseline"])
@pytest.mark.parametrize(
    "value", ["../x.yaml", "/proc/self/environ", "link.yaml", "way/x.yaml", "loop/../../x.yaml"]
)
def test_settings_of_a_checkout_reach_only_their_own_folder(
    tmp_path: Path, holder: str, setting: str, value: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "x.yaml").write_text("policy: x\n")
    (work / "link.yaml").symlink_to("../x.yaml")
    (work / "way").symlink_to("..")
    (work / "loop").mkdir()
    _write(work, holder, setting, value)
    with pytest.raises(UsageError, match="leads out of the folder") as refusal:
        load_settings(Flags(), {}, work, None)
    assert holder in refusal.value.where


@pytest.mark.parametrize("holder", ["keypolicy.yaml", ".env"])
@pytest.mark.parametrize("value", ["link.yaml@1", "..", "."])
def test_names_of_policies_lead_no_further(tmp_path: Path, holder: str, value: str) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (work / "link.yaml").symlink_to("../x.yaml")
    _write(work, holder, "policies", value)
    if value == ".":
        assert load_settings(Flags(), {}, work, None).policies == (".",)
        return
    with pytest.raises(UsageError, match="leads out of the folder"):
        load_settings(Flags(), {}, work, None)


@pytest.mark.parametrize("variable", ["KEYPOLICY_WAIVERS", "KEYPOLICY_POLICY"])
def test_the_user_may_name_any_file(tmp_path: Path, variable: str) -> None:
    environ = {variable: "../x.yaml"}
    assert load_settings(Flags(baseline="/b.jsonl"), environ, tmp_path, None).baseline is not None


@pytest.mark.parametrize("name", [".env", "keypolicy.yaml", ".sentryclirc"])
@pytest.mark.parametrize("target", ["outside", "other-name", "loop", "pipe", "nothing"])
def test_files_of_settings_are_regular_and_where_they_were_found(
    tmp_path: Path, name: str, target: str
) -> None:
    work = tmp_path / "work"
    work.mkdir()
    (tmp_path / "secrets").write_text("password: canary\n")
    (work / "secrets").write_text("password: canary\n")
    if target == "pipe":
        os.mkfifo(work / name)
    else:
        places = {"outside": "../secrets", "other-name": "secrets", "loop": name}
        (work / name).symlink_to(places.get(target, "nothing"))
    with pytest.raises(KeypolicyError) as refusal:
        load_settings(Flags(), {}, work, tmp_path)
    assert refusal.value.exit_code == 2
    assert str(refusal.value).startswith(name)
    assert "canary" not in str(refusal.value)


def test_a_folder_called_dotenv_is_none_of_ours(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load_settings(Flags(), {}, tmp_path, None).warnings == ()


@pytest.mark.parametrize(
    ("holder", "runs_in"),
    [*product(["locked", "found"], [".", "sub"]), ("locked", "../elsewhere")],
)
@pytest.mark.parametrize("text", ["sentry-baseline", "sentry-baseline@1", "[sentry-strict, ours]"])
def test_a_shipped_policy_is_named_wherever_the_command_runs(
    tmp_path: Path, holder: str, runs_in: str, text: str
) -> None:
    root = tmp_path / "root"
    directory = root / runs_in
    (root / "ours").mkdir(parents=True)
    directory.mkdir(exist_ok=True)
    file = root / ("ci.yaml" if holder == "locked" else "keypolicy.yaml")
    file.write_text(f"policies: {text}\n", encoding="utf-8")
    flags = Flags(locked_config=str(file) if holder == "locked" else None)
    policies = load_settings(flags, {}, directory, None).policies
    *_, last = names = text.strip("[]").split(", ")
    assert policies[0] == names[0]
    assert last != "ours" or (directory / policies[1]).resolve() == root / "ours"


@pytest.mark.parametrize("name", ["ours", "sentry-basline"])
def test_a_bare_name_is_never_one_beside_the_command(tmp_path: Path, name: str) -> None:
    directory = tmp_path / "sub"
    (directory / name).mkdir(parents=True)
    (tmp_path / "keypolicy.yaml").write_text(f"policies: {name}\n", encoding="utf-8")
    settings = load_settings(Flags(), {}, directory, None)
    assert (directory / settings.policies[0]).resolve() == tmp_path / name
