"""The entry point: finds the verb, turns errors into messages and exit codes."""

import argparse
import atexit
import errno
import gc
import importlib
import os
import sys
from collections.abc import Sequence
from types import ModuleType
from typing import Any, Final, NoReturn

from scanner import __version__
from scanner.base import streams
from scanner.cli.shared import signals

VERBS: Final = {
    "scan": "hold keys against policies, report, and exit by the gate",
    "forecast": "tell which keys will break which rule on which day, and which waivers lapse",
    "fetch": "save the key inventory (without secrets) for later scans",
    "waivers": "list, check and add approved exceptions",
    "baseline": "write or prune a file of known findings, so that only new ones fail",
    "fix": "plan changes that mend findings, apply them once reviewed, and undo them",
    "history": "list, show, compare, verify, prune and replay the scans that were kept",
    "evidence": "write a run as a file that others can check, and check one",
    "notify": "send a test message to the channels that keypolicy.yaml names",
    "query": "run a read-only SQL query over the inventory",
    "explain": "tell what a rule demands, and why a key has its outcome",
    "rules": "list the rules of policies, and the built-in checks",
    "lint": "find mistakes in policies and their test cases",
    "test": "run the test cases of policies",
    "init": "write a first policy, its tests, settings and a workflow",
    "schema": "print a JSON Schema (policy, report, configuration) or the tables",
}
"""Each verb with what it does; the module of the same name in scanner.cli does it."""

_FAILURES: Final = """\
  2  wrong usage, configuration, policy or inventory file
  3  the inventory is incomplete, or nothing was seen
  4  internal error

Settings are also taken from the environment (SENTRY_*, KEYPOLICY_*), .env and keypolicy.yaml:
docs/settings.md.
"""

EXIT_CODES: Final = f"""\
exit codes:
  0  the gate passed: no finding is open, or only what the settings tolerate
  1  the gate failed: findings at or above --fail-on
{_FAILURES}"""

_WITHOUT_GATE: Final = f"""\
exit codes:
  0  it was done
{_FAILURES}"""

_GATED: Final = "scan"
"""The verb that ends as the gate says. Others that end in their own way have EXIT_CODES."""

_CYCLES: Final = 50_000
"""Objects more than there were at the last look before another look for cycles that nobody uses.

Python's own number means hundreds of looks while modules are imported, all of them in vain.
"""

_EXIT_USAGE: Final = 2
_EXIT_INTERNAL: Final = 4
_EXIT_INTERRUPTED: Final = 130

_EXIT_UNREAD: Final = 141
"""What shells tell of a command that wrote to a pipe which nobody reads any more."""

_FOR_THEIR_OUTPUT: Final = frozenset({"query", "explain", "rules", "schema"})
"""Verbs that are in vain without a reader; all others do or decide something."""

_ENVIRONMENT: Final = ("KEYPOLICY_", "SENTRY_")

_UNDECIDED: Final = "Nothing was decided."


class _Store(argparse._StoreAction):  # noqa: SLF001 - argparse has no other name for it
    """Takes one value: the last of several would hide the others, which may be stricter."""

    _given: object = None

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,  # noqa: ANN401 - whatever the option's type makes
        option_string: str | None = None,
    ) -> None:
        """Keep the value; raises UsageError for another one than before."""
        if option_string and self._given is not None and self._given != values:
            from scanner.config.values import two_values  # noqa: PLC0415 - not for --version

            raise two_values(option_string, "")
        self._given = values
        super().__call__(parser, namespace, values, option_string)


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments as every other message is said: made harmless.

    Options are written in full: what is short for one today may be for two tomorrow.
    """

    def __init__(self, **given: Any) -> None:  # noqa: ANN401 - what argparse takes
        given.setdefault("formatter_class", argparse.RawDescriptionHelpFormatter)
        super().__init__(**given, allow_abbrev=False)
        self.register("action", None, _Store)
        self.register("action", "store", _Store)

    def parse_known_args(  # type: ignore[override]
        self,
        args: Sequence[str] | None = None,
        namespace: Any = None,  # noqa: ANN401 - as there
    ) -> tuple[Any, list[str]]:
        """Parse; what a verb does not know, it refuses itself: its own help tells what there is."""
        found, unknown = super().parse_known_args(args, namespace)
        if unknown:
            self.error(f"unrecognized arguments: {' '.join(unknown)}")
        return found, unknown

    def error(self, message: str) -> NoReturn:
        """Complain, and end the command."""
        self.print_usage(sys.stderr)
        _complain(f"{message}\n  `{self.prog} --help` shows what there is.")
        self.exit(_EXIT_USAGE)


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command with these arguments and return its exit code."""
    atexit.register(signals.end_as_told)  # the first, so it is the last: all is removed by then
    gc.set_threshold(_CYCLES)
    # Memory goes as a whole when the process ends; a last look through it is a tenth of a scan.
    atexit.register(gc.freeze)
    streams.secure()
    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        with signals.as_interrupts():
            return _run(arguments)
    except KeyboardInterrupt:  # be it while modules are still imported
        _complain("interrupted")
        return _EXIT_INTERRUPTED
    finally:
        # Also after --help; what went wrong before is told by now.
        streams.drop_output()


def _run(arguments: list[str]) -> int:
    if unreadable := _not_text(arguments):
        _complain(unreadable)
        return _EXIT_USAGE
    parser, chosen = _parser(arguments)
    if chosen is not None:
        return _guarded(chosen, parser, arguments)
    parser.parse_args(arguments)
    parser.print_help()
    return _EXIT_USAGE


def _not_text(arguments: Sequence[str]) -> str:
    """Say which argument or setting is no text: no report, message or database could take it."""
    told = {f"argument {number}": text for number, text in enumerate(arguments, 1)}
    told |= {name: text for name, text in os.environ.items() if name.startswith(_ENVIRONMENT)}
    for where, text in told.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            return (
                f"{where}: {text!r} is not text in UTF-8\n  Write it in UTF-8; a file may have to"
                " be renamed. If it is in UTF-8, the locale is not: set LC_ALL=C.UTF-8."
            )
    return ""


def _parser(arguments: Sequence[str]) -> tuple[argparse.ArgumentParser, ModuleType | None]:
    """Build the parser; only the verb that is called is imported."""
    parser = Parser(
        prog="keypolicy",
        description="Policy-as-code compliance scanner for API keys, Sentry first.",
        epilog=EXIT_CODES,
    )
    parser.add_argument("--version", action="version", version=f"keypolicy {__version__}")
    verbs = parser.add_subparsers(title="commands", metavar="COMMAND")
    called = next((word for word in arguments if not word.startswith("-")), None)
    module = None
    for verb, summary in VERBS.items():
        sub = verbs.add_parser(
            verb,
            help=summary,
            description=summary[0].upper() + summary[1:] + ".",
        )
        if verb == called:
            module = importlib.import_module(f"scanner.cli.{verb}")
            ends = EXIT_CODES if verb == _GATED else _WITHOUT_GATE
            sub.epilog = getattr(module, "EXIT_CODES", ends)
            module.add_arguments(sub)
    return parser, module


def _guarded(verb: ModuleType, parser: argparse.ArgumentParser, arguments: list[str]) -> int:
    """Run the verb; whatever goes wrong becomes one message and the exit code for it.

    Arguments are parsed here, too: one may name a file that is read at once.
    """
    from scanner.base.errors import KeypolicyError, heed_interrupt  # noqa: PLC0415 - not for --version

    if verb.__name__.rpartition(".")[2] not in _FOR_THEIR_OUTPUT and "--watch" not in arguments:
        streams.excuse_readers()
    try:
        code: int = verb.run(parser.parse_args(arguments))
        # What is still in the buffer may not fit on the disk; nobody answers for it later.
        sys.stdout.flush()
    except KeypolicyError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:
        # Whoever read the output went away, as `| head` does; nobody is left to tell.
        streams.drop_output()
        return _EXIT_UNREAD
    except OSError as error:
        _complain(_environment(error))
        return _EXIT_USAGE
    except Exception as error:  # noqa: BLE001 - the one place that answers for the unforeseen
        heed_interrupt(error)
        return _internal(error)
    return code


def _environment(error: OSError) -> str:
    """Say what the system refused: a full disk or a folder without rights is no internal error."""
    if error.errno == errno.ENOENT and error.filename is None and not _has_folder():
        return f"the working directory is gone\n  Change to one that is there. {_UNDECIDED}"
    from scanner.base.errors import remedy_for  # noqa: PLC0415 - not for --version

    where = f"{os.fsdecode(error.filename)}: " if isinstance(error.filename, str | bytes) else ""
    return f"{where}{error.strerror or error}\n  {remedy_for(error)} {_UNDECIDED}"


def _has_folder() -> bool:
    """Whether the working directory is still there."""
    try:
        os.getcwd()  # noqa: PTH109 - nothing else is wanted of it
    except FileNotFoundError:
        return False
    return True


def _internal(error: Exception) -> int:
    # What the engine says may quote any record; its type has to do.
    foreign = "duckdb" in type(error).__module__
    told = type(error).__name__ if foreign else f"{type(error).__name__}: {error}"
    if os.environ.get("KEYPOLICY_DEBUG"):
        import traceback  # noqa: PLC0415

        for line in traceback.format_tb(error.__traceback__):
            _write(line)
    _complain(
        f"internal error: {told}\n"
        f"  This is a fault of keypolicy; KEYPOLICY_DEBUG=1 shows where. {_UNDECIDED}"
    )
    return _EXIT_INTERNAL


def _complain(message: str) -> None:
    _write(f"keypolicy: {message}")


def _write(message: str) -> None:
    from scanner.base.text import clean  # noqa: PLC0415 - not for --version
    from scanner.catalogue.redact import redact_text  # noqa: PLC0415 - not for --version

    lines = redact_text(message.rstrip("\n")).split("\n")
    sys.stderr.write("".join(f"{clean(line)}\n" for line in lines))
