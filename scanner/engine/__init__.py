"""The embedded database: loading inventories, guarding predicates, evaluating rules.

Its library is loaded here. Ctrl-C is heard when it is: in the midst of that it would be a crash.
"""

import signal

if hasattr(signal, "pthread_sigmask"):  # not on Windows
    _open = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        import _duckdb  # noqa: F401
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, _open)
