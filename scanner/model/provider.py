"""What a provider of keys is: all that the product has to be told of one service, as one value."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Final, cast

import msgspec

from scanner.model.table import Table

PROVIDERS: Final = ["scanner.providers.sentry"]
"""The packages of all providers, each with a PROVIDER. To add one: write it, and name it here.

The order is that of tables in the documentation; the first one is the service that is asked live.
"""


class Kind(msgspec.Struct, frozen=True):
    """How the records of a table are known in a file: by all fields `demanded`, and one `telling`.

    Of several kinds of a provider that fit, the first is it.
    """

    table: str
    demanded: frozenset[str]
    telling: frozenset[str]


class Secrets(msgspec.Struct, frozen=True):
    """What must never get past the door.

    `fields` are the names of fields with credentials, at any depth; `common` is the one of them
    that records usually have, so that having it is no reason to look closely. `tokens` is a regular
    expression (for Python and RE2) of the service's own tokens, wherever they stand, and `signs`
    are what all of them have, in lower case. Objects of URLs are let through by an allow-list of
    their members, in `urls`; the member called `common` is the one with the secret.
    """

    fields: frozenset[str]
    common: str
    tokens: str
    signs: tuple[str, ...]
    urls: Mapping[str, tuple[str, ...]] = {}


class Unclear(msgspec.Struct, frozen=True):
    """What is said of a file whose records have these fields and are of no kind."""

    fields: frozenset[str]
    message: str
    remedy: str


class Api(msgspec.Struct, frozen=True):
    """What is particular to asking a service.

    `prefix` is the path, from slash to slash, that the addresses of its API begin with. `hosted` is
    the host of the hosted service, whose subdomains are its regions. Answers tell their limits in
    headers that begin with `limits`. A record that goes by another name now is answered by a
    redirect with the code `moved`, from and to paths as in `renamed`: a regular expression with
    the groups `root`, `head` and `tail`, which stay, and `slug`; `root` is what is in front of the
    API's own path. In addresses of its pages for people `pages` stands between the server's own and
    the organization.
    """

    prefix: str = "/"
    hosted: str = ""
    limits: str = ""
    moved: str = ""
    renamed: str = ""
    pages: str = "/"


class Provider(msgspec.Struct, frozen=True):
    """A service whose keys are looked at.

    `keys` is the table that a place (a project, an organization) is expected to have rows of, and
    what an empty list is taken for; `basic` are the tables that are fetched unless something else
    is asked for, `extras` what `fetch --with NAME` adds: tables, with columns that cost requests.
    `filters` are what a fetch can leave keys out by. `export` says what an answer of its API is.

    `sources`, `checks` (those that only it has use for) and `counts` are loaded when they are used,
    as `module:name`; `counts` fills what is counted across tables once all are loaded. `teams` is a
    SELECT of organization, project and teams (a list of slugs), each project once; it reads the
    column `teams` of the projects. In the same manner `actions` are what can be done to keys,
    `state` is how what can be changed of them is told, and `remote` a server on which it is done.
    `exports` are tools that provision keys, each with what writes for it and what it writes.

    `remarks` say what of the service is to be known with a check of all providers, by the check's
    name, or with an argument of it, as `check.argument`.

    `api` is how a server is asked, `url` the hosted one, `scopes` what a token needs there.
    `variables` are the environment's names for settings; `rc` is an INI file of the service's own
    tool that has some too, and `rc_settings` names each with its section and key.
    """

    name: str
    title: str
    tables: Mapping[str, Table]
    keys: str
    basic: tuple[str, ...]
    kinds: tuple[Kind, ...]
    unclear: tuple[Unclear, ...]
    secrets: Secrets
    export: str
    sources: Mapping[str, str]
    extras: Mapping[str, Mapping[str, frozenset[str]]] = {}
    filters: tuple[str, ...] = ()
    checks: Mapping[str, str] = {}
    remarks: Mapping[str, str] = {}
    actions: Mapping[str, str] = {}
    exports: Mapping[str, tuple[str, str]] = {}
    state: str = ""
    remote: str = ""
    counts: str = ""
    teams: str = ""
    api: Api = Api()
    url: str = ""
    policy: str = ""
    scopes: str = ""
    variables: Mapping[str, str] = {}
    rc: str = ""
    rc_settings: tuple[tuple[str, str, str], ...] = ()

    @property
    def projects(self) -> str | None:
        """The table that lists the projects, if there is one."""
        return next((n for n, table in self.tables.items() if table.place == "project"), None)

    def noun(self, table: str) -> str:
        """Return what many rows of a table are called, in short: projects."""
        return f"{table.removeprefix(f'{self.name}_')}s"


def load_providers() -> tuple[Provider, ...]:
    """Return every provider, in the order of PROVIDERS."""
    return tuple(cast("Provider", import_module(name).PROVIDER) for name in PROVIDERS)


def imported(name: str) -> Any:  # noqa: ANN401 - what it is is for the one who names it
    """Return what stands at `module:attribute`."""
    module, _, attribute = name.partition(":")
    return getattr(import_module(module), attribute)
