"""`keypolicy fix plan`: an inventory and policies go in, a plan of changes comes out."""

import argparse

from scanner.base.errors import UsageError
from scanner.cli.shared import inputs


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the step's arguments."""
    inputs.add_source_arguments(parser)
    inputs.add_policy_arguments(parser)


def run(namespace: argparse.Namespace) -> int:
    """Plan; returns 0 where there is nothing to do, 1 where changes are planned."""
    inputs.settings(namespace)
    raise UsageError("plans are not made yet", where="fix plan")
