"""Configuration files as layers of settings: `.env`, `keypolicy.yaml` and `.sentryclirc`."""

import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scanner.config_document import CONFIG_NAME, ConfigDocument, GateDocument
from scanner.inventory.redact import TOKEN_PATTERN
from scanner.model.errors import Location, PolicyError, Problem, UsageError

if TYPE_CHECKING:
    from scanner.policy.positions import Source

_SENTRYCLIRC: Final = ".sentryclirc"
_TOKEN_KEYS: Final = frozenset({"token", "auth_token", "authtoken", "sentry_auth_token"})
_CLIRC_SETTINGS: Final = (
    ("token", "auth", "token"),
    ("organizations", "defaults", "org"),
    ("projects", "defaults", "project"),
    ("url", "defaults", "url"),
)


class Given(msgspec.Struct, frozen=True):
    """A setting as someone gave it, not yet checked, and where."""

    value: Any
    origin: str

    def __repr__(self) -> str:
        """Show only the origin: the value may be a token."""
        return f"Given(origin={self.origin!r})"


Layer = dict[str, Given]
"""The settings that one place has, by name."""


def read_dotenv(path: Path) -> Mapping[str, str]:
    """Read the variables of a .env file; none where there is no file. Raises UsageError."""
    if not path.is_file():
        return {}
    # Imported here: most runs have no .env.
    from dotenv import dotenv_values  # noqa: PLC0415

    try:
        # Without interpolation: it would read the environment behind our back.
        values = dotenv_values(path, interpolate=False, encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(".env", error) from error
    return {name: value for name, value in values.items() if value is not None}


def read_config(directory: Path, home: Path) -> tuple[Layer, list[str]]:
    """Read the nearest keypolicy.yaml upwards; return its settings, and warnings.

    Raises PolicyError with every problem in it, placed, or UsageError for a token in it.
    """
    for folder in _upwards(directory, home):
        path = folder / CONFIG_NAME
        if path.is_file():
            return _read_config(path, os.path.relpath(path, directory)), []
        wrong = path.with_suffix(".yml")
        if wrong.is_file():
            name = os.path.relpath(wrong, directory)
            return {}, [f"{name} is not read; the file has to be named {CONFIG_NAME}"]
    return {}, []


def _read_config(path: Path, name: str) -> Layer:
    # Imported here: it needs the YAML parser, and most runs have no such file.
    from scanner.policy.positions import read_source  # noqa: PLC0415

    try:
        source = read_source(path, name)
    except PolicyError as error:
        if [problem.code for problem in error.problems] == ["empty-file"]:
            return {}  # such as a template in which every setting is still a comment
        raise
    data = _checked(source, name)
    base = os.path.dirname(name)  # noqa: PTH120 - a name for messages, which pathlib would change
    if "params" in data:
        data["params"] = {
            # As it is written: what `1e3` or a list means is for the parameter's declaration.
            key: ",".join(value) if isinstance(value, list) else source.scalar(("params", key))
            for key, value in data["params"].items()
        }
    if "policies" in data:
        named = data["policies"]
        named = named.split(",") if isinstance(named, str) else named
        data["policies"] = [_from_file(base, policy.strip()) for policy in named]
    for key in ("waivers", "baseline"):
        if key in data:
            data[key] = _from_here(base, data[key])
    return {
        key: Given(value, f"{key} in {source.at_key((key,))}")
        for key, value in data.items()
        if value not in ({}, [], "")
    }


def _checked(source: "Source", name: str) -> dict[str, Any]:
    """Return what the file says; raises PolicyError with every problem, UsageError for a token."""
    data = source.data
    if not isinstance(data, dict):
        problem = Problem(Location(name, 1, 1), "expected settings, NAME: VALUE", "config-shape")
        raise PolicyError([problem])
    if re.search(TOKEN_PATTERN.encode(), source.raw) or _TOKEN_KEYS & {
        str(key).lower() for key in data
    }:
        raise UsageError(
            "a token is no setting for a file that is committed",
            where=name,
            remedy="Put it into SENTRY_AUTH_TOKEN or .env (not committed), and revoke this one.",
        )
    known = ConfigDocument.__struct_fields__
    problems = [
        source.problem(
            (key,),
            f"unknown setting `{key}`",
            "unknown-setting",
            hint=_suggestion(str(key), known),
            key=True,
        )
        for key in data
        if key not in known
    ]
    if problems:
        raise PolicyError(problems)
    try:
        msgspec.convert(data, ConfigDocument)
    except msgspec.ValidationError as error:
        raise PolicyError([_value_problem(source, data, error)]) from None
    return dict(data)


def _value_problem(
    source: "Source", data: dict[str, Any], error: msgspec.ValidationError
) -> Problem:
    """Say which value is wrong; the error names the setting, but not the policy under `gate`."""
    message, _, at = str(error).partition(" - at `$.")
    path: tuple[str, ...] = (re.split(r"[^a-z_]", at)[0],)
    if path == ("gate",) and isinstance(data["gate"], dict):
        for policy, own in data["gate"].items():
            try:
                msgspec.convert(own, GateDocument)
            except msgspec.ValidationError as within:
                message, _, at = str(within).partition(" - at `$.")
                field = re.split(r"[^a-z_]", at)[0]
                path = ("gate", policy, field) if field else ("gate", policy)
                break
    return source.problem(path, message, "config-value")


def _from_file(base: str, policy: str) -> str:
    """Take a policy's path from the configuration file on; leave a name as it is."""
    is_path = "/" in policy or policy.endswith((".yaml", ".yml"))
    return _from_here(base, policy) if is_path else policy


def _from_here(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - keeps it relative


def _suggestion(word: str, known: tuple[str, ...]) -> str:
    # Imported here: only needed where something is wrong.
    from difflib import get_close_matches  # noqa: PLC0415

    near = get_close_matches(word.lower(), known, n=1)
    if near:
        return f"Did you mean `{near[0]}`?"
    return f"There are: {', '.join(known)}."


def read_sentryclirc(directory: Path, home: Path) -> Iterator[Layer]:
    """Read sentry-cli's files, the nearest upwards and the one at home; raises UsageError."""
    nearest = next(
        (folder for folder in _upwards(directory, home) if (folder / _SENTRYCLIRC).is_file()), None
    )
    for folder in dict.fromkeys((nearest, home)):
        if folder is not None and (folder / _SENTRYCLIRC).is_file():
            path = folder / _SENTRYCLIRC
            name = f"~/{_SENTRYCLIRC}" if folder == home else os.path.relpath(path, directory)
            yield _read_sentryclirc(path, name)


def _read_sentryclirc(path: Path, name: str) -> Layer:
    # Imported here: most runs have no such file.
    import configparser  # noqa: PLC0415

    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(name, error) from error
    except configparser.Error as error:
        # The parser's own message quotes the line, and the line may hold the token.
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", [])), [0])[0]
        raise UsageError(
            "not in the form of an INI file",
            where=str(Location(name, line)),
            remedy="It has sections, [auth] and [defaults], with lines NAME=VALUE.",
        ) from None
    return {
        setting: Given(value, f"{key} of [{section}] in {name}")
        for setting, section, key in _CLIRC_SETTINGS
        if (value := parser.get(section, key, fallback="").strip())
    }


def _upwards(directory: Path, home: Path) -> Iterator[Path]:
    """Give the folder and those above it, up to the user's home or the root."""
    for folder in (directory, *directory.parents):
        yield folder
        if folder == home:
            return


def _unreadable(name: str, error: OSError | UnicodeDecodeError) -> UsageError:
    reason = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else error.strerror
    return UsageError(f"cannot be read: {reason}", where=name, remedy="Mend or remove it.")
