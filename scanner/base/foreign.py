"""What formats of others ask for, whoever writes them: SARIF, and the log of GitHub Actions."""

from collections.abc import Mapping
from typing import Final

SARIF_VERSION: Final = "2.1.0"
SARIF_SCHEMA: Final = f"https://json.schemastore.org/sarif-{SARIF_VERSION}.json"
"""Where the schema of that version is published."""


def workflow_command(level: str, properties: Mapping[str, str], message: str) -> str:
    """Return the command that annotates a line, escaped as actions/toolkit does (command.ts).

    The texts are harmless ones: control characters but line breaks are the caller's to take out.
    """
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
