"""Configuration files as layers of settings: `.env`, `keypolicy.yaml`, the service's own."""

import io
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec

from scanner.base.errors import Location, PolicyError, UsageError
from scanner.base.files import read_regular, real
from scanner.base.given import GivenParams
from scanner.catalogue import LIVE
from scanner.config.document import CONFIG_NAME, checked
from scanner.config.trust import Given, Layer, Trust
from scanner.config.values import two_values

if TYPE_CHECKING:
    from dotenv.parser import Original

_MAX_BYTES: Final = 1 << 20
_NOTHING: Final[tuple[object, ...]] = ({}, [], "")
_OURS: Final = re.compile(
    r"^[ \t]*(?:(?:export|set)[ \t]+)?"
    rf"(?:KEYPOLICY_[A-Z_]+|{'|'.join(LIVE.variables.values())})\b",
    re.MULTILINE,
)
"""Begins a line of `.env` that is read here."""


def read_dotenv(directory: Path) -> Mapping[str, str]:
    """Read the variables of the .env file in `directory`; none where there is no such file.

    Raises UsageError, also for a line that names a setting and is none: it would be dropped, and
    what it makes stricter with it. Lines about something else are not ours to judge.
    """
    path = directory / ".env"
    if path.is_dir() or not os.path.lexists(path):  # a folder of this name holds an interpreter
        return {}
    # Imported here: most runs have no .env.
    # The parser alone: what is around it reads the environment behind our back, and logs.
    from dotenv.parser import parse_stream  # noqa: PLC0415

    text = _read(_inside(path, ".env"), ".env")
    values: dict[str, str] = {}
    for binding in parse_stream(io.StringIO(text)):
        name, value = binding.key, binding.value
        if binding.error and _OURS.search(binding.original.string):
            raise UsageError(
                "not in the form NAME=VALUE",
                where=str(Location(".env", _line_of(binding.original))),
                remedy="Write NAME=VALUE, and close the quotes that a value is in.",
            )
        if name is not None and value is not None:
            if _OURS.match(name) and values.setdefault(name, value) != value:
                raise two_values(name, str(Location(".env", _line_of(binding.original))))
            values[name] = value
    return values


def _line_of(original: "Original") -> int:
    """Return the line that a variable begins in, after the blank ones that are parsed with it."""
    text = original.string
    return original.line + text[: len(text) - len(text.lstrip())].count("\n")


def _inside(path: Path, name: str) -> Path:
    """Return the path of a file that was found, not named; a link may not lead out of its folder.

    It may not lead to a file of another name either: what is quoted of settings is none of a file
    with passwords. Raises UsageError.
    """
    found = real(path)
    if found.name != path.name or not found.is_relative_to(real(path.parent)):
        raise UsageError(
            "is a link that leads out of its folder or to a file of another name",
            where=name,
            remedy="Put the file itself there, or take the link away.",
        )
    return path


def _read(path: Path, name: str) -> str:
    try:
        return read_regular(path, _MAX_BYTES).decode("utf-8-sig")
    except UsageError as error:
        raise UsageError(error.message, where=name, remedy="Mend or remove it.") from error
    except UnicodeDecodeError as error:
        raise UsageError(
            "cannot be read: it is not UTF-8", where=name, remedy="Mend or remove it."
        ) from error


def read_config(directory: Path, home: Path | None) -> tuple[Layer, list[str]]:
    """Read the nearest keypolicy.yaml upwards; return its settings, and warnings.

    Raises PolicyError with every problem in it, placed, or UsageError for a token in it.
    """
    warnings: list[str] = []
    for folder in _upwards(directory, home):
        path = folder / CONFIG_NAME
        if os.path.lexists(path):
            name = os.path.relpath(path, directory)
            return _read_config(_inside(path, name), name), warnings
        wrong = path.with_suffix(".yml")
        if wrong.is_file():
            name = os.path.relpath(wrong, directory)
            warnings.append(f"{name} is not read; the file has to be named {CONFIG_NAME}")
    return {}, warnings


def read_locked(name: str, said_by: str) -> Layer:
    """Read the one file of settings; raises UsageError where there is none, else as read_config."""
    path = Path(name)
    if not name.strip() or not path.is_file():
        is_there = name.strip() and os.path.lexists(path)
        fault = f"{name!r} is not a regular file" if is_there else f"there is no file {name!r}"
        raise UsageError(
            f"{fault} to take the settings from",
            where=said_by,
            remedy=f"Name a file in the form of {CONFIG_NAME}.",
        )
    layer = _read_config(path, name)
    # Whoever locks the settings to a file says so for this very run, and trusts it as far.
    return {key: msgspec.structs.replace(given, trust=Trust.USER) for key, given in layer.items()}


def _read_config(path: Path, name: str) -> Layer:
    # Imported here: it needs the YAML parser, and most runs have no such file.
    from scanner.base.yamlfile import read_source  # noqa: PLC0415

    try:
        source = read_source(path, name)
    except PolicyError as error:
        if [problem.code for problem in error.problems] == ["empty-file"]:
            return {}  # such as a template in which every setting is still a comment
        raise
    data = {key: value for key, value in checked(source, name).items() if value not in _NOTHING}
    base = os.path.dirname(name)  # noqa: PTH120 - a name for messages, which pathlib would change
    if "params" in data:
        texts = {
            # As it is written: what `1e3` or a list means is for the parameter's declaration.
            key: ",".join(value)
            if isinstance(value, list)
            else source.scalar(("params", key)) or ""
            for key, value in data["params"].items()
        }
        places = {key: source.at(("params", key)) for key in texts}
        data["params"] = GivenParams(texts, places)
    if "policies" in data:
        named = data["policies"]
        named = named.split(",") if isinstance(named, str) else named
        data["policies"] = [_from_file(base, one.strip()) for one in named]
    for key in ("waivers", "baseline", "owners", "history"):
        if key in data:
            data[key] = _from_here(base, data[key])
    return {
        key: Given(
            value,
            f"{key} in {source.at_key((key,))}",
            root=path.parent,
            place=source.at_key((key,)),
        )
        for key, value in data.items()
    }


def _from_file(base: str, policy: str) -> str:
    """Take a policy's path from the configuration file on; leave the name of a shipped one.

    A bare name is that of a shipped policy before it is a file's or folder's beside the file, as
    on the command line; a path never is.
    """
    # Imported here: not all settings name policies.
    from scanner.policy.files.locate import is_shipped  # noqa: PLC0415

    if not policy or is_shipped(policy):
        return policy  # no name at all is refused with the others
    path = _from_here(base, policy)
    return f"./{path}" if is_shipped(path) else path


def _from_here(base: str, path: str) -> str:
    return os.path.normpath(os.path.join(base, path))  # noqa: PTH118 - keeps it relative


def read_rc(directory: Path, home: Path | None) -> Iterator[Layer]:
    """Read the own tool's files, the nearest upwards and the one at home; raises UsageError."""
    nearest = next((folder for folder in _upwards(directory, home) if _has_rc(folder)), None)
    for folder in dict.fromkeys((nearest, home)):
        if folder is not None and _has_rc(folder):
            path = folder / LIVE.rc
            if folder == home:
                yield _read_rc(path, f"~/{LIVE.rc}", Trust.HOME)
            else:
                name = os.path.relpath(path, directory)
                yield _read_rc(_inside(path, name), name, Trust.CHECKOUT)


def _has_rc(folder: Path) -> bool:
    return os.path.lexists(folder / LIVE.rc)


def _read_rc(path: Path, name: str, trust: Trust) -> Layer:
    # Imported here: most runs have no such file.
    import configparser  # noqa: PLC0415

    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read_string(_read(path, name))
    except (configparser.DuplicateOptionError, configparser.DuplicateSectionError) as error:
        raise UsageError(
            "has this name or section twice",
            where=str(Location(name, error.lineno or 0)),
            remedy="Leave one of them: which one holds is not told.",
        ) from None
    except configparser.Error as error:
        # The parser's own message quotes the line, and the line may hold the token.
        line = getattr(error, "lineno", None) or next(iter(getattr(error, "errors", [])), [0])[0]
        raise UsageError(
            "not in the form of an INI file",
            where=str(Location(name, line)),
            remedy="It has sections, [auth] and [defaults], with lines NAME=VALUE.",
        ) from None
    return {
        setting: Given(value, f"{key} of [{section}] in {name}", trust)
        for setting, section, key in LIVE.rc_settings
        if (value := parser.get(section, key, fallback="").strip())
    }


def _upwards(directory: Path, home: Path | None) -> Iterator[Path]:
    """Give the folder and those above it, up to the user's home or the root."""
    for folder in (directory, *directory.parents):
        yield folder
        if folder == home:
            return
