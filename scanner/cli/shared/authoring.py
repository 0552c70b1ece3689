"""What the verbs for authors share: paths, parameters, and running again on change."""

import argparse
import sys
from collections.abc import Callable

from scanner.base.errors import KeypolicyError
from scanner.base.text import clean
from scanner.config.values import assignments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of a verb that looks at policies."""
    parser.add_argument(
        "paths",
        metavar="PATH",
        nargs="+",
        help="policy file, folder of them, file of test cases, or name of a shipped policy",
    )
    parser.add_argument(
        "--param",
        metavar="NAME=VALUE",
        action="append",
        default=[],
        help="value of a parameter, such as max_age=180d; may be repeated",
    )
    parser.add_argument(
        "--watch", action="store_true", help="run again whenever a file changes, until Ctrl-C"
    )
    parser.add_argument("-q", "--quiet", action="store_true", help="print no summary")


def params(namespace: argparse.Namespace) -> dict[str, str]:
    """Return the parameters by name. Raises UsageError."""
    return assignments(namespace.param, "--param") if namespace.param else {}


def repeated(namespace: argparse.Namespace, once: Callable[[], int]) -> int:
    """Run once, or with --watch again and again; returns the last exit code."""
    if not namespace.watch:
        return once()
    from scanner.authoring.watch import watch  # noqa: PLC0415 - only for --watch

    codes: list[int] = []

    def guarded() -> None:
        try:
            codes.append(once())
        except KeypolicyError as error:
            tell(str(error))
            codes.append(error.exit_code)
        sys.stdout.flush()
        tell("waiting for a change; Ctrl-C ends")

    try:
        watch(namespace.paths, guarded)
    except KeyboardInterrupt:
        tell("ended")
    return codes[-1] if codes else 0


def tell(message: str) -> None:
    """Write lines for people to standard error, made harmless."""
    sys.stderr.write("".join(f"keypolicy: {clean(line)}\n" for line in message.split("\n")))
