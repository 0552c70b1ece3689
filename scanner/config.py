"""Settings: the only reader of the environment and of configuration files.

Each setting is looked for in the command's flags, the environment, `.env` in the working
directory, `keypolicy.yaml` (found upwards) and `.sentryclirc` (found upwards, then at home); the
first that has it wins, as a whole. Only `params` are gathered from all of them.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from scanner.config_files import Given, Layer, read_config, read_dotenv, read_sentryclirc
from scanner.gate import NEVER, OnUnknown, Thresholds
from scanner.model.errors import UsageError
from scanner.model.severity import Severity
from scanner.model.token import Token


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line said; empty or None where it said nothing.

    `params` are NAME=VALUE as given. There is no flag for the token: other users of the machine
    could read it in the list of processes.
    """

    organizations: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    url: str | None = None
    policies: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    fail_on: str | None = None
    on_unknown: str | None = None
    allow_partial: bool | None = None
    waivers: str | None = None
    baseline: str | None = None
    no_color: bool = False


class Terminal(msgspec.Struct, frozen=True):
    """What the environment says of the terminal.

    `color` is None where the terminal itself decides; `columns` is None where it is not told.
    """

    color: bool | None
    ci: bool
    columns: int | None


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """All settings, each checked. `fail_on` None means never; `url` has no trailing slash.

    `origins` tells for each setting that was given where it came from; see `origin`.
    """

    organizations: tuple[str, ...] = ()
    projects: tuple[str, ...] = ()
    url: str | None = None
    token: Token | None = None
    policies: tuple[str, ...] = ()
    params: dict[str, str] = {}
    fail_on: Severity | None = Severity.LOW
    on_unknown: OnUnknown = OnUnknown.FAIL
    allow_partial: bool = False
    waivers: Path | None = None
    baseline: Path | None = None
    terminal: Terminal
    origins: dict[str, str] = {}
    warnings: tuple[str, ...] = ()

    def origin(self, name: str) -> str:
        """Say where a setting came from, for messages: "SENTRY_ORG in .env", or "the default"."""
        return self.origins.get(name, "the default")

    @property
    def thresholds(self) -> Thresholds:
        """What the gate tolerates."""
        return Thresholds(self.fail_on, self.on_unknown, self.allow_partial)


def load_settings(
    flags: Flags, environ: Mapping[str, str], directory: Path, home: Path
) -> Settings:
    """Gather the settings; raises UsageError or PolicyError for what is wrong with them.

    `directory` is where the command runs, `home` the user's own folder.
    """
    dotenv = read_dotenv(directory / ".env")
    config, warnings = read_config(directory, home)
    layers = [
        _from_flags(flags),
        _from_variables(environ, ""),
        _from_variables(dotenv, " in .env"),
        config,
        *read_sentryclirc(directory, home),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for name, setting in _SETTINGS.items():
        given = next((layer[name] for layer in layers if name in layer), None)
        if given is not None:
            values[name] = setting.parse(given.value, given.origin)
            origins[name] = given.origin
    params = [layer["params"] for layer in reversed(layers) if "params" in layer]
    if params:
        values["params"] = {k: v for given in params for k, v in given.value.items()}
        origins["params"] = ", ".join(given.origin for given in reversed(params))
    return Settings(
        **values,
        terminal=_terminal(flags, environ),
        origins=origins,
        warnings=(*warnings, *_misspelt(environ, ""), *_misspelt(dotenv, " in .env")),
    )


def _slugs(value: Any, origin: str) -> tuple[str, ...]:  # noqa: ANN401 - as a layer gave it
    slugs = tuple(dict.fromkeys(_texts(value, origin)))
    for slug in slugs:
        # It becomes a part of the API's address, where a slash or a dot would lead elsewhere.
        if not re.fullmatch(r"[A-Za-z0-9_-]+", slug):
            raise UsageError(
                f"{slug!r} is not a slug",
                where=origin,
                remedy="A slug is how Sentry's addresses name it: lower case, no spaces.",
            )
    return slugs


def _texts(value: Any, origin: str) -> tuple[str, ...]:  # noqa: ANN401 - as a layer gave it
    del origin
    parts = value.split(",") if isinstance(value, str) else value
    return tuple(part.strip() for part in parts if part.strip())


def _url(value: str, origin: str) -> str:
    # Imported here: most scans of files name no server.
    from scanner.inventory.origin import base_url  # noqa: PLC0415

    try:
        # Whether plain http will do is for the source that sends the token there.
        return base_url(value, insecure_http=True)
    except UsageError as error:
        raise UsageError(error.message, where=origin, remedy=error.remedy) from None


def _token(value: str, origin: str) -> Token:
    token = Token(value)
    if not token.sendable:
        raise UsageError(
            "the token holds spaces, line breaks or other characters that no token has",
            where=origin,
            remedy="Copy it again from Sentry; it is one line, without quotes inside.",
        )
    return token


def _fail_on(value: str, origin: str) -> Severity | None:
    chosen = _choice(value, origin, [*map(str, Severity), NEVER])
    return None if chosen == NEVER else Severity(chosen)


def _on_unknown(value: str, origin: str) -> OnUnknown:
    return OnUnknown(_choice(value, origin, list(map(str, OnUnknown))))


def _choice(value: str, origin: str, choices: list[str]) -> str:
    chosen = value.strip().lower()
    if chosen not in choices:
        raise UsageError(
            f"{value!r} is none of {', '.join(choices)}", where=origin, remedy="Choose one of them."
        )
    return chosen


def _boolean(value: bool | str, origin: str) -> bool:  # noqa: FBT001 - the value itself
    words = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
    if isinstance(value, bool):
        return value
    return words[_choice(value, origin, list(words))]


def _path(value: str, origin: str) -> Path:
    del origin
    return Path(value)


class _Setting(msgspec.Struct, frozen=True):
    """A setting: its flag, its environment variable, and how a text becomes its value."""

    flag: str
    variable: str
    parse: Callable[[Any, str], object]


_SETTINGS: Final = {
    "organizations": _Setting("--org", "SENTRY_ORG", _slugs),
    "projects": _Setting("--project", "SENTRY_PROJECT", _slugs),
    "url": _Setting("--url", "SENTRY_URL", _url),
    "token": _Setting("", "SENTRY_AUTH_TOKEN", _token),
    "policies": _Setting("--policy", "KEYPOLICY_POLICY", _texts),
    "fail_on": _Setting("--fail-on", "KEYPOLICY_FAIL_ON", _fail_on),
    "on_unknown": _Setting("--on-unknown", "KEYPOLICY_ON_UNKNOWN", _on_unknown),
    "allow_partial": _Setting("--allow-partial", "KEYPOLICY_ALLOW_PARTIAL", _boolean),
    "waivers": _Setting("--waivers", "KEYPOLICY_WAIVERS", _path),
    "baseline": _Setting("--baseline", "KEYPOLICY_BASELINE", _path),
}
_PARAMS: Final = "KEYPOLICY_PARAMS"
"""NAME=VALUE, several with semicolons between them: commas are for values that are lists."""

_DEBUG: Final = "KEYPOLICY_DEBUG"
"""Shows where an internal error arose; the entry point itself reads it, as settings may be why."""


def _from_flags(flags: Flags) -> Layer:
    layer = {}
    for name, setting in _SETTINGS.items():
        value = getattr(flags, name, None)
        if value is not None and value != ():
            layer[name] = Given(value, setting.flag)
    if flags.params:
        layer["params"] = Given(_assignments(flags.params, "--param"), "--param")
    return layer


def _from_variables(variables: Mapping[str, str], suffix: str) -> Layer:
    """Take what is set; an empty variable counts as not set, as CI systems leave them so."""
    layer = {
        name: Given(variables[setting.variable], setting.variable + suffix)
        for name, setting in _SETTINGS.items()
        if variables.get(setting.variable, "").strip()
    }
    if variables.get(_PARAMS, "").strip():
        origin = _PARAMS + suffix
        layer["params"] = Given(_assignments(variables[_PARAMS].split(";"), origin), origin)
    return layer


def _assignments(texts: tuple[str, ...] | list[str], origin: str) -> dict[str, str]:
    params = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(
                f"{text!r} is not NAME=VALUE", where=origin, remedy="For example: max_age=30d"
            )
        params[name.strip()] = value.strip()
    return params


def _misspelt(variables: Mapping[str, str], suffix: str) -> Iterator[str]:
    """Warn of variables that look like settings: a typo would drop a setting without a word."""
    known = {setting.variable for setting in _SETTINGS.values()} | {_PARAMS, _DEBUG}
    for name in sorted(variables):
        if name.startswith("KEYPOLICY_") and name not in known:
            names = ", ".join(sorted(one for one in known if one.startswith("KEYPOLICY_")))
            yield f"{name}{suffix} is not a setting of keypolicy; there are {names}"


def _terminal(flags: Flags, environ: Mapping[str, str]) -> Terminal:
    color: bool | None = None
    if environ.get("FORCE_COLOR", "0") not in {"", "0"}:
        color = True
    if flags.no_color or environ.get("NO_COLOR") or environ.get("TERM") == "dumb":
        color = False
    columns = environ.get("COLUMNS", "")
    return Terminal(
        color=color,
        ci=environ.get("CI", "").lower() not in {"", "0", "false"},
        columns=int(columns) if re.fullmatch(r"[1-9][0-9]{0,3}", columns) else None,
    )


def process_settings(flags: Flags) -> Settings:
    """Gather the settings of this process: its environment, working directory and home."""
    return load_settings(flags, os.environ, Path.cwd(), Path.home())
