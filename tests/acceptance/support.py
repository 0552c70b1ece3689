"""Running the command as a user does: another process, its own environment and folder."""

import atexit
import io
import json
import multiprocessing
import os
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any, NamedTuple
from unittest.mock import patch

from scanner.cli.main import main

ROOT = Path(__file__).parents[2]

AS_IN_A_TERMINAL = (
    "import signal; signal.signal(signal.SIGINT, signal.default_int_handler);"
    " from scanner.cli.main import main; raise SystemExit(main())"
)
"""The command for `python -c`, deaf to Ctrl-C nowhere: in the background, what is started is."""

TWO_KEYS = ROOT / "tests" / "data" / "two-keys.json"
"""An answer of the API with the two keys of Sentry's own description."""

NOWHERE = Path(os.devnull)

_OURS = ("SENTRY_", "KEYPOLICY_", "NO_COLOR", "FORCE_COLOR", "COLUMNS")


class Result(NamedTuple):
    code: int
    out: str
    err: str


def _modules() -> list[str]:
    """Return the names of all modules of the scanner but the one that runs it."""
    paths = (path.relative_to(ROOT).with_suffix("") for path in (ROOT / "scanner").rglob("*.py"))
    return [".".join(path.parts) for path in paths if path.name not in {"__main__", "__init__"}]


FORK = multiprocessing.get_context("forkserver")
"""Makes processes off one that has imported everything: hundreds of starts take minutes."""
FORK.set_forkserver_preload(["__main__", *_modules(), __name__])


def keypolicy(*arguments: object, cwd: Path, **environment: str) -> Result:
    """Run `keypolicy` and return what it did; a traceback is never acceptable."""
    with tempfile.TemporaryDirectory() as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        child = begin(*arguments, cwd=cwd, out=out, err=err, **environment)
        child.join(120)
        if child.exitcode is None:
            child.kill()
            raise TimeoutError(f"keypolicy {arguments} goes on and on")
        done = Result(child.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))
    assert "Traceback" not in done.err, done.err
    return done


def here(*arguments: object, cwd: Path, **environment: str) -> Result:
    """Do in this process what `keypolicy` does in one of its own: for what is not about that.

    Where temporary files go, the time zone and the locale are those of this process.
    """
    told = io.BytesIO(), io.BytesIO()
    out, err = (io.TextIOWrapper(stream, "utf-8", write_through=True) for stream in told)
    with (
        chdir(cwd),
        patch.dict(os.environ, _environment(cwd, environment), clear=True),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            code = main([*map(str, arguments)])
        except SystemExit as ended:
            code = int(ended.code or 0)
    done = Result(code, *(stream.getvalue().decode() for stream in told))
    assert "Traceback" not in done.err, done.err
    return done


def _environment(cwd: Path, more: Mapping[str, str]) -> dict[str, str]:
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(_OURS)}
    return {**inherited, "HOME": str(cwd), **more}


def begin(
    *arguments: object, cwd: Path, out: Path = NOWHERE, err: Path = NOWHERE, **environment: str
) -> ForkServerProcess:
    """Begin to run `keypolicy`; what it writes goes to these files."""
    whole = _environment(cwd, environment)
    child = FORK.Process(target=_enter, args=([*map(str, arguments)], cwd, whole, out, err))
    child.start()
    return child


def _enter(
    arguments: Sequence[str], cwd: Path, environment: Mapping[str, str], out: Path, err: Path
) -> None:
    """Be the command: with this folder and environment, and nothing of the process before."""
    atexit._clear()  # noqa: SLF001 - what the parent has to tidy up is not ours
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    for stream, path in ((sys.stdout, out), (sys.stderr, err)):
        file = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
        os.dup2(file, stream.fileno())
        os.close(file)
    try:
        sys.exit(main(arguments))
    finally:
        atexit._run_exitfuncs()  # noqa: SLF001 - multiprocessing leaves them out


def report(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def findings(path: Path) -> set[tuple[str, str, str, str]]:
    """What a JSON report found: rule, outcome, resource, fingerprint."""
    return {
        (one["rule_id"], one["outcome"], one["resource"]["id"], one["fingerprint"])
        for one in report(path)["findings"]
    }
