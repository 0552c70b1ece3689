"""What every report format is, and what a caller may ask of it."""

from collections.abc import Generator, Sequence
from typing import BinaryIO, Protocol, TypeAlias

import msgspec

from scanner.model.finding import Finding
from scanner.model.run import Run


class ReportOptions(msgspec.Struct, frozen=True):
    """How a report is to be written.

    `include_suppressed` lets SARIF carry waived and baselined results. `links` are the names and
    addresses of the pages that HTML is to lead back to. The others are about the terminal: `color`
    allows ANSI colours, `width` is in columns, `reports` are the paths of the report files to point
    at, `quiet` leaves only the verdict, `verbose` adds the ids of resources.
    """

    include_suppressed: bool = False
    links: tuple[tuple[str, str], ...] = ()
    color: bool = False
    width: int = 80
    reports: tuple[str, ...] = ()
    quiet: bool = False
    verbose: bool = False

    @property
    def of_file(self) -> "ReportOptions":
        """The same for a file: it is whole, and the same whatever terminal it is written from."""
        plain = DEFAULT_OPTIONS
        return msgspec.structs.replace(
            self, color=plain.color, width=plain.width, quiet=plain.quiet
        )


DEFAULT_OPTIONS = ReportOptions()

Writing: TypeAlias = Generator[None, Sequence[Finding], None]
"""A report that is being written.

Up to its first `yield` it begins; each `yield` gives the next findings, and none at the end.
"""


class Format(Protocol):
    """One report format; a module with a function `write` is one.

    `write` is a generator, so that one pass over the findings is enough for any number of
    reports. In a format that reads findings it looks like this:

        out.write(...)              # begin
        while found := (yield):     # add: some findings, in the order of `Run.findings`
            out.write(...)
        out.write(...)              # end

    A format that needs no more findings returns before the end; one that reads none is a plain
    function, which returns None. Text is UTF-8. Findings are never collected; an OSError of `out`
    is passed on.
    """

    def write(self, run: Run, out: BinaryIO, options: ReportOptions) -> Writing | None:
        """Write the report of one run; what it reads of `run` is not `run.findings`."""
        ...
