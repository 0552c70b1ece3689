"""Settings: the only reader of the environment and of configuration files.

Each setting is looked for in the command's flags, the environment, `.env` in the working
directory, `keypolicy.yaml` (found upwards) and the file of the service's own tool, such as
`.sentryclirc` (found upwards, then at home); the first that has it wins, as a whole. Only `params`
are gathered from all of them. Where settings are locked to a file, there are only the flags, that
file, and the server's variables.
"""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

from scanner.base.errors import Location, UsageError, joined
from scanner.base.given import GivenParams
from scanner.catalogue import LIVE
from scanner.config import values as read
from scanner.config.files import read_config, read_dotenv, read_locked, read_rc
from scanner.config.settings import Flags, Settings, Terminal
from scanner.config.trust import Given, Layer, Trust, check_reach
from scanner.gate import PolicyThresholds

if TYPE_CHECKING:
    from scanner.notify.interface import Channel


def load_settings(
    flags: Flags, environ: Mapping[str, str], directory: Path, home: Path | None
) -> Settings:
    """Gather the settings; raises UsageError or PolicyError for what is wrong with them.

    `directory` is where the command runs, `home` the user's own folder, if there is one.
    """
    locked = _lock(flags, environ)
    dotenv: Mapping[str, str] = {}
    if locked is not None:
        layers, config, warnings = _locked_layers(flags, environ, locked)
    else:
        dotenv = _unlocked(read_dotenv(directory))
        config, warnings = read_config(directory, home)
        layers = [
            _from_flags(flags),
            _from_variables(environ, ""),
            _from_variables(dotenv, " in .env", Trust.CHECKOUT, directory),
            config,
            *read_rc(directory, home),
        ]
        warnings += [*_misspelt(environ, ""), *_misspelt(dotenv, " in .env")]
    values, winners = _parsed(layers, directory)
    origins = {name: given.origin for name, given in winners.items()}
    if "gate" in values:
        values["gate"] = _narrowed(values["gate"], layers[: layers.index(config)])
    if "notify" in config:
        values["notify"] = _channels(config["notify"], environ, dotenv)
    if params := [layer["params"] for layer in reversed(layers) if "params" in layer]:
        values["params"] = reduce(lambda below, one: one.value.over(below), params, GivenParams({}))
        origins["params"] = ", ".join(given.origin for given in reversed(params))
    return Settings(
        **values,
        terminal=_terminal(flags, environ),
        locked=locked,
        origins=origins,
        trust={name: given.trust for name, given in winners.items()},
        warnings=tuple(warnings),
    )


def _parsed(layers: list[Layer], directory: Path) -> tuple[dict[str, Any], dict[str, Given]]:
    """Return what is set, and as what it was given; raises UsageError with all that is wrong."""
    values: dict[str, Any] = {}
    winners: dict[str, Given] = {}
    errors = []
    for name, setting in _SETTINGS.items():
        given = next((layer[name] for layer in layers if name in layer), None)
        if given is None:
            continue
        try:
            values[name] = setting.parse(given.value, given.origin)
            if name in _PATHS:
                check_reach(given, values[name], directory)
        except UsageError as error:
            errors.append(error)
        winners[name] = given
        if name == "policies":
            values["policies_place"] = given.place
    if errors:
        raise joined(errors)
    return values, winners


def _channels(
    given: Given, environ: Mapping[str, str], dotenv: Mapping[str, str]
) -> "tuple[Channel, ...]":
    """Return the channels with their secrets; those are in the environment alone."""
    # Imported here: most files of settings name no channel.
    from scanner.config.channels import with_secrets  # noqa: PLC0415

    places = [(Trust.USER, environ), (Trust.CHECKOUT, dotenv)]
    return with_secrets(given.value, given.trust, places)


def _lock(flags: Flags, environ: Mapping[str, str]) -> tuple[str, str] | None:
    """Return the file that settings are locked to, and what says so. Raises UsageError for two."""
    variable = environ.get(_LOCK, "").strip()
    if flags.locked_config is None:
        return (variable, _LOCK) if variable else None
    if variable and variable != flags.locked_config:
        raise UsageError(
            f"settings are locked to {variable!r} by {_LOCK}",
            where="--locked-config",
            remedy="Leave one of the two out.",
        )
    return flags.locked_config, "--locked-config"


def _unlocked(dotenv: Mapping[str, str]) -> Mapping[str, str]:
    """Refuse a lock that cannot hold: whoever changes a checkout could change or remove it."""
    if dotenv.get(_LOCK, "").strip():
        raise UsageError(
            "settings are not locked by a file of the checkout, which anybody may change",
            where=f"{_LOCK} in .env",
            remedy=f"Set {_LOCK} in the environment, or give --locked-config FILE.",
        )
    return dotenv


def _locked_layers(
    flags: Flags, environ: Mapping[str, str], locked: tuple[str, str]
) -> tuple[list[Layer], Layer, list[str]]:
    """Return the layers where one file decides: flags, the file, and how to reach the server.

    What the environment says of the server comes last, and all else of it counts for nothing.
    """
    config = read_locked(*locked)
    variables = _from_variables(environ, "")
    server: Layer = {name: variables.pop(name) for name in _SERVER if name in variables}
    ignored = [
        f"{given.origin} is not read: settings are locked to {locked[0]}"
        for given in variables.values()
    ]
    return [_from_flags(flags), config, server], config, ignored


def _narrowed(
    gate: dict[str, PolicyThresholds], before: list[Layer]
) -> dict[str, PolicyThresholds]:
    # A flag or variable is said of all policies: it comes before the file, whatever is there.
    general = {name for layer in before for name in layer}
    unset = {name: msgspec.UNSET for name in PolicyThresholds.__struct_fields__ if name in general}
    narrowed = {name: msgspec.structs.replace(own, **unset) for name, own in gate.items()}
    return {name: own for name, own in narrowed.items() if own != PolicyThresholds()}


class _Setting(msgspec.Struct, frozen=True):
    """A setting: its flag, its environment variable, and how what is given becomes its value.

    An empty flag or variable means that there is none.
    """

    flag: str
    variable: str
    parse: Callable[[Any, str], object]


_SETTINGS: Final = {
    "organizations": _Setting("--org", LIVE.variables["organizations"], read.slugs),
    "projects": _Setting("--project", LIVE.variables["projects"], read.slugs),
    "url": _Setting("--url", LIVE.variables["url"], read.url),
    "token": _Setting("", LIVE.variables["token"], read.token),
    "policies": _Setting("--policy", "KEYPOLICY_POLICY", read.texts),
    "fail_on": _Setting("--fail-on", "KEYPOLICY_FAIL_ON", read.fail_on),
    "on_unknown": _Setting("--on-unknown", "KEYPOLICY_ON_UNKNOWN", read.on_unknown),
    "allow_partial": _Setting("--allow-partial", "KEYPOLICY_ALLOW_PARTIAL", read.boolean),
    "max_findings": _Setting("--max-findings", "KEYPOLICY_MAX_FINDINGS", read.max_findings),
    "gate": _Setting("", "", read.gate),
    "waivers": _Setting("--waivers", "KEYPOLICY_WAIVERS", read.path),
    "baseline": _Setting("--baseline", "KEYPOLICY_BASELINE", read.path),
    "owners": _Setting("--owners", "KEYPOLICY_OWNERS", read.path),
    "strict_waivers": _Setting("--strict-waivers", "KEYPOLICY_STRICT_WAIVERS", read.boolean),
    "waiver_term_days": _Setting("", "KEYPOLICY_WAIVER_TERM_DAYS", read.days),
    "waiver_notice_days": _Setting("", "KEYPOLICY_WAIVER_NOTICE_DAYS", read.days),
    "history": _Setting("--history", "KEYPOLICY_HISTORY", read.path),
    "history_inventory": _Setting(
        "--no-history-inventory", "KEYPOLICY_HISTORY_INVENTORY", read.boolean
    ),
    "sla": _Setting("", "KEYPOLICY_SLA", read.sla),
    "fail_on_overdue": _Setting("--fail-on-overdue", "KEYPOLICY_FAIL_ON_OVERDUE", read.boolean),
    "fail_if_due_within": _Setting(
        "--fail-if-due-within", "KEYPOLICY_FAIL_IF_DUE_WITHIN", read.whole_days
    ),
    "memory": _Setting("", "KEYPOLICY_MEMORY", read.memory),
}
_PATHS: Final = frozenset({"policies", "waivers", "baseline", "owners", "history"})
"""The settings that name files."""

_PARAMS: Final = "KEYPOLICY_PARAMS"
"""NAME=VALUE, several with semicolons between them: commas are for values that are lists."""

_LOCK: Final = "KEYPOLICY_CONFIG_ONLY"
"""The one file that settings are taken from, beside flags."""

_SERVER: Final = ("token", "url", "organizations", "projects")
"""What is taken from the environment even where settings are locked to a file."""

_PACKAGE: Final = "KEYPOLICY_PACKAGE"
"""What the workflows of `keypolicy init` and of the examples install; it is no setting."""

_DEBUG: Final = "KEYPOLICY_DEBUG"
"""Shows where an internal error arose; the entry point itself reads it, as settings may be why."""


def _from_flags(flags: Flags) -> Layer:
    layer = {}
    for name, setting in _SETTINGS.items():
        value = getattr(flags, name, None)
        if value is not None and value != ():
            layer[name] = Given(value, setting.flag, Trust.USER)
    if flags.params:
        params = GivenParams(read.assignments(flags.params, "--param"))
        layer["params"] = Given(params, "--param", Trust.USER)
    return layer


def _from_variables(
    variables: Mapping[str, str],
    suffix: str,
    trust: Trust = Trust.USER,
    root: Path | None = None,
) -> Layer:
    """Take what is set; an empty variable counts as not set, as CI systems leave them so."""
    layer = {
        name: Given(variables[setting.variable], setting.variable + suffix, trust, root)
        for name, setting in _SETTINGS.items()
        if setting.variable and variables.get(setting.variable, "").strip()
    }
    if variables.get(_PARAMS, "").strip():
        origin = _PARAMS + suffix
        texts = read.assignments(variables[_PARAMS].split(";"), origin)
        params = GivenParams(texts, {name: Location(f"{name} in {origin}") for name in texts})
        layer["params"] = Given(params, origin, trust)
    return layer


def _misspelt(variables: Mapping[str, str], suffix: str) -> Iterator[str]:
    """Warn of variables that look like settings: a typo would drop a setting without a word."""
    known = {setting.variable for setting in _SETTINGS.values()} | {_PARAMS, _DEBUG, _LOCK}
    for name in sorted(variables):
        if name.startswith("KEYPOLICY_") and name not in known | {_PACKAGE}:
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
        columns=int(columns) if re.fullmatch(r"[1-9][0-9]{0,3}", columns) else None,
    )


def process_settings(flags: Flags) -> Settings:
    """Gather the settings of this process: its environment, working directory and home."""
    try:
        home: Path | None = Path.home()
    except RuntimeError:  # a container's user that has no entry and no HOME
        home = None
    return load_settings(flags, os.environ, Path.cwd(), home)


def database_password(host: str, port: int, database: str, user: str) -> str:
    """Return the password of a database from where its own tools look; empty if there is none."""
    # Imported here: a scan of files has no use for it.
    from scanner.config.pgpass import password  # noqa: PLC0415

    return password(os.environ, (host, str(port), database, user))
