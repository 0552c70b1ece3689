"""Harmless texts enter, a workflow command of GitHub Actions leaves: an annotation of a line."""

from collections.abc import Mapping


def workflow_command(level: str, properties: Mapping[str, str], message: str) -> str:
    """Return the command, escaped as actions/toolkit does (packages/core/src/command.ts).

    Control characters other than line breaks are the caller's to take out.
    """
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::{level} {listed}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
