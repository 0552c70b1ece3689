"""`keypolicy schema`: the JSON Schemas that ship with the product."""

import argparse
import sys

from scanner.model.errors import UsageError
from scanner.resources import schema_path

NAMES = ("policy", "policy-tests", "config", "report-v1")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the verb's arguments."""
    parser.add_argument("name", metavar="NAME", help=f"one of: {', '.join(NAMES)}")


def run(namespace: argparse.Namespace) -> int:
    """Print the schema. Raises UsageError for an unknown name."""
    if namespace.name not in NAMES:
        raise UsageError(
            f"there is no schema called {namespace.name!r}",
            remedy=f"Known schemas: {', '.join(NAMES)}.",
        )
    sys.stdout.write(schema_path(namespace.name).read_text(encoding="utf-8"))
    return 0
