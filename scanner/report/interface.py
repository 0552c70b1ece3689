"""What every report format is, and what a caller may ask of it."""

from typing import BinaryIO, Protocol

import msgspec

from scanner.model.run import Run


class ReportOptions(msgspec.Struct, frozen=True):
    """How a report is to be written.

    `include_suppressed` lets SARIF carry waived and baselined results. The others are about the
    terminal: `color` allows ANSI colours, `width` is in columns, `reports` are the paths of the
    report files to point at, `quiet` leaves only the verdict, `verbose` adds the ids of
    resources.
    """

    include_suppressed: bool = False
    color: bool = False
    width: int = 80
    reports: tuple[str, ...] = ()
    quiet: bool = False
    verbose: bool = False


DEFAULT_OPTIONS = ReportOptions()


class Format(Protocol):
    """One report format; a module with a function `write` is one.

    `write` streams the run to `out` as bytes, UTF-8 where it is text, and never collects the
    findings. An OSError of `out` is passed on.
    """

    def write(self, run: Run, out: BinaryIO, options: ReportOptions) -> None:
        """Write the report of one run."""
        ...
