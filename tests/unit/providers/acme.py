"""A provider as small as there can be: three columns, files alone, no server and no projects."""

from typing import Final

from scanner.model.provider import Kind, Provider, Secrets
from scanner.model.table import (
    ORGANIZATION,
    OWNER,
    TEXT,
    Column,
    Field,
    Table,
    age,
    text,
    time,
)

ACME_KEY: Final = Table(
    title="service key",
    doc="Keys of Acme.",
    checks=("max_age", "name_matches"),
    fields={
        "$.id": Field(TEXT, required=True),
        "$.nick": Field(TEXT),
        "$.made": Field(TEXT, timestamp=True),
    },
    columns={
        "id": text("$.id", "Identifier"),
        "name": text("$.nick", "What it is called"),
        "date_created": time("$.made", "When it was made"),
        "age_days": age("$.made"),
        "organization_slug": ORGANIZATION,
        "owner": OWNER,
        "url": Column("VARCHAR", "Always NULL", "NULL", derived=True),
    },
)

PROVIDER: Final = Provider(
    name="acme",
    title="Acme",
    tables={"acme_key": ACME_KEY},
    keys="acme_key",
    basic=("acme_key",),
    kinds=(Kind("acme_key", frozenset({"id", "nick"}), frozenset({"made"})),),
    unclear=(),
    secrets=Secrets(
        fields=frozenset({"acmeSecret"}),
        common="acmeSecret",
        tokens=r"acme-[0-9]{12}",
        signs=("acme-",),
    ),
    export="a list of Acme's keys",
    sources={},
)
