"""`notify` in keypolicy.yaml: in come its entries, out come channels with their secrets.

A secret is never in the file. The file names variables of the environment, which are read here.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec import UNSET

from scanner.base.errors import PolicyError, Problem
from scanner.catalogue import TOKEN_SETTING
from scanner.catalogue.redact import SECRET_CODE, redact_text
from scanner.config.document import MOST_CHANNELS
from scanner.config.trust import Trust
from scanner.model.token import Token
from scanner.notify import CHANNELS, load_channel
from scanner.notify.interface import ENV_PATTERN, Channel, ChannelDocument

if TYPE_CHECKING:
    from scanner.base.yamlfile import YamlFile

KEY: Final = "notify"
_ENV: Final = "_env"
_SECRETS: Final = frozenset({"password", "secret", "token", "webhook_url", "api_key", "apikey"})
_PUBLIC: Final = frozenset({"link", "url"})
_SECRET_ADDRESS: Final = re.compile(
    r"(?i)://[^/?#]*@|hooks\.slack|webhook\.office\.|logic\.azure\.|powerplatform\.|powerautomate\."
    r"|/api/webhooks/|[?&;](?:[\w-]*(?:sig|token|key|secret|password|code|auth)\w*)="
)
_GAP: Final = re.compile(r"\{(?!run\})[^{}]*\}?|(?<!\{run)\}")
"""What stands in a link as if it were to be filled in; no address has such brackets."""

_REMEDY: Final = (
    "Put it into a variable of the environment, name that with `{key}: NAME`, and make a new one:"
    " what was written into a file may be known."
)

_Entry = tuple[str, ChannelDocument, str]
"""A channel's kind, its settings, and the place of its entry."""

_Path = tuple[str | int, ...]


def read_channels(source: "YamlFile") -> tuple[_Entry, ...]:
    """Return the channels that the file names. Raises PolicyError with every problem, placed."""
    problems = [problem for path, value in _walk(source) for problem in _leak(source, path, value)]
    if problems:
        raise PolicyError(problems)
    try:
        read = [_read(source, at) for at in range(len(_entries(source)))]
    except (msgspec.ValidationError, ValueError) as error:
        # Imported here: slow, see there.
        from scanner.base.shape.schema import explain  # noqa: PLC0415

        found = explain(source, "config") or [source.problem((KEY,), str(error), "bad-value")]
        raise PolicyError(found) from None
    problems = [problem for one in read for problem in one[3]]
    if problems:
        raise PolicyError(problems)
    return tuple((kind, document, place) for kind, document, place, _ in read)


def _entries(source: "YamlFile") -> list[Any]:
    entries = source.get((KEY,))
    if not isinstance(entries, list):
        raise ValueError("this is not a list")  # noqa: TRY004 - told by the schema
    if len(entries) > MOST_CHANNELS:
        raise ValueError("there are too many channels")
    return entries


def _read(source: "YamlFile", at: int) -> tuple[str, ChannelDocument, str, list[Problem]]:
    entry = _entries(source)[at]
    if not isinstance(entry, dict) or len(entry) != 1 or not CHANNELS.keys() >= entry.keys():
        raise ValueError("an entry is one channel")
    ((kind, settings),) = entry.items()
    module = load_channel(kind)
    document = msgspec.convert(settings, module.DOCUMENT)
    path: _Path = (KEY, at, kind)
    problems = [
        source.problem(
            (*path, one.key) if one.key else path,
            one.message,
            "bad-value",
            hint=one.hint,
            key=not one.key,
        )
        for one in module.misfits(document)
    ]
    if isinstance(document.link, str) and (found := _GAP.search(document.link)):
        message = f"`{found[0]}` is no place that is filled in"
        hint = "Only {run} is: it becomes the id of the run."
        problems.append(source.problem((*path, "link"), message, "bad-value", hint=hint))
    return kind, document, str(source.at_key(path)), problems


def _walk(source: "YamlFile") -> Iterator[tuple[_Path, str]]:
    """Give every text and number below `notify`, as it is written, with its place."""

    def below(path: _Path, value: object) -> Iterator[tuple[_Path, str]]:
        if isinstance(value, dict):
            for key, part in value.items():
                yield from below((*path, key), part)
        elif isinstance(value, list):
            for at, part in enumerate(value):
                yield from below((*path, at), part)
        elif value is not None:
            yield path, source.scalar(path) or str(value)

    yield from below((KEY,), source.get((KEY,)))


def _leak(source: "YamlFile", path: _Path, value: str) -> Iterator[Problem]:
    """Tell where a secret stands, without it: before anything else, as other messages quote."""
    key = str(path[-1])
    kind = next((step for step in path if step in CHANNELS), "")
    takes = load_channel(str(kind)).DOCUMENT.__struct_fields__ if kind else ()
    if TOKEN_SETTING in {key, value}:
        hint = "Name a variable that is there for this alone."
        yield source.problem(path, "this token is for no message", SECRET_CODE, hint=hint)
    elif key.endswith(_ENV):
        if not re.search(ENV_PATTERN, value):
            message = "this is not the name of an environment variable"
            hint = f"A name is in capitals. If it is a secret: {_REMEDY.format(key=key)}"
            yield source.problem(path, message, SECRET_CODE, hint=hint)
    elif (
        key.lower() in _SECRETS
        or redact_text(value) != value
        or _SECRET_ADDRESS.search(value)
        or ("://" in value and not (key in _PUBLIC and key in takes))
    ):
        message = "a secret is no setting for a file that is committed"
        named = key if f"{key}{_ENV}" in takes else "url"
        hint = _REMEDY.format(key=f"{named}{_ENV}")
        yield source.problem(path, message, SECRET_CODE, hint=hint)


def with_secrets(
    entries: Sequence[_Entry], trust: Trust, places: Sequence[tuple[Trust, Mapping[str, str]]]
) -> tuple[Channel, ...]:
    """Return the channels with what the environment holds, the first of the places that has it.

    `trust` is that of the file. What is wrong is kept with the channel: it stops no scan.
    """
    return tuple(_resolved(entry, trust, places) for entry in entries)


def _resolved(
    entry: _Entry, trust: Trust, places: Sequence[tuple[Trust, Mapping[str, str]]]
) -> Channel:
    kind, document, place = entry
    secrets: dict[str, Token] = {}
    trusts: dict[str, Trust] = {}
    problem = ""
    for field in document.__struct_fields__:
        variable = getattr(document, field)
        if not field.endswith(_ENV) or variable is UNSET:
            continue
        found = next(((t, v[variable]) for t, v in places if v.get(variable, "").strip()), None)
        if found is None:
            problem = problem or f"{variable} is not set in the environment"
            continue
        name = field.removesuffix(_ENV)
        trusts[name], secrets[name] = found[0], Token(found[1])
    for secret, goal in CHANNELS[kind].tied.items():
        if secret in trusts and trusts.get(goal, trust) < trusts[secret] and not problem:
            problem = (
                f"the {secret} would go to a {goal} that only a less trusted place names. Name it"
                f" in the environment, with `{goal}{_ENV}`, or lock the settings (--locked-config)"
            )
    return Channel(kind, place, document, secrets, problem)
