"""The embedded database: loading inventories, guarding predicates, evaluating rules.

DuckDB's library is loaded here, with signals held back: one that interrupts it crashes Python.
"""

import signal

if hasattr(signal, "pthread_sigmask"):  # not on Windows
    _open = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM, signal.SIGHUP})
    try:
        import _duckdb  # noqa: F401
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, _open)
