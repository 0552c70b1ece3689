"""One self-contained page: verdict, scope, totals, controls, and every finding to search.

Nothing is loaded from anywhere: style and script are inlined and named by their hashes in the
page's Content-Security-Policy, findings are JSON that the script draws a page at a time. Two
reports of the same facts differ only in the run's id and clock times.
"""

import base64
import hashlib
import sys
from collections.abc import Generator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final

import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup

from scanner import __version__
from scanner.base.resources import templates_dir
from scanner.base.text import clean
from scanner.model.finding import Finding
from scanner.model.run import Run
from scanner.report.html.data import BLOCK, Blocks, rules_block
from scanner.report.html.paper import cover, printed, running
from scanner.report.html.view import NOSCRIPT_ROWS, view
from scanner.report.interface import ReportOptions, Writing

_STYLES: Final = ("report.css", "media.css", "print.css")
_SCRIPTS: Final = (
    "text.js",
    "prose.js",
    "data.js",
    "filter.js",
    "group.js",
    "detail.js",
    "table.js",
    "export.js",
    "select.js",
    "print.js",
    "page.js",
)
_BLOCKS: Final = "<!-- findings -->\n"  # in the template; in data, `<` is escaped


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the page; see scanner.report.interface.Format."""
    # The first rows stand in the page itself, for where no script runs.
    held: list[Finding] = []
    is_more = yield from _gather(held)
    before, after = page_of(run, held[:NOSCRIPT_ROWS]).split(_BLOCKS)
    out.write(before.encode())
    blocks = Blocks(run)
    while held:
        out.writelines(element.encode() for element in blocks.elements(held[:BLOCK]))
        del held[:BLOCK]
        if is_more:
            is_more = yield from _gather(held)
    out.write(after.encode())


def _gather(held: list[Finding]) -> Generator[None, Sequence[Finding], bool]:
    """Take findings until there is a block of them; return whether there may be more."""
    while len(held) < BLOCK:
        found = yield
        if not found:
            return False
        held += found
    return True


def page_of(run: Run, first: Sequence[Finding], *, is_paper: bool = False) -> str:
    """Return the page with these first findings, and a mark where the blocks of all belong.

    `is_paper` is for where no script runs: no mark then, and the findings as they are printed.
    """
    folder = templates_dir() / "html"
    style = "".join((folder / name).read_text("utf-8") for name in _STYLES) + running(run)
    script = "".join((folder / name).read_text("utf-8") for name in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{script}}})();\n'
    context: dict[str, Any] = {
        **view(run, () if is_paper else first),
        "cover": cover(run),
        "printed": printed(run, first) if is_paper else None,
        "version": __version__,
        "csp": _policy(style, script),
        # Our own files, and strings of CSS in which every sign is escaped: the only texts that go
        # into the page as they are.
        "style": Markup(style),  # noqa: S704
        "script": Markup(script),  # noqa: S704
        "rules_data": Markup(rules_block(run)),  # noqa: S704 - escaped for a script element
    }
    return _environment(folder).get_template("report.html.j2").render(context)


class _Compiled(jinja2.FileSystemBytecodeCache):
    """Keeps compiled templates as Python keeps compiled modules, where it can and may.

    Compiling them takes several times as long as writing a small report. A folder that cannot
    be read or written to is no reason to fail.
    """

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read one template, if it was kept and is not older than its source."""
        with suppress(OSError):
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep one template."""
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(exist_ok=True)
                super().dump_bytecode(bucket)


def _environment(folder: Path) -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        bytecode_cache=_Compiled(str(folder / "__pycache__")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        finalize=_harmless,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )


def _harmless(value: object) -> object:
    """Make whatever the template prints harmless, so that no name can be forgotten."""
    return clean(value) if type(value) is str else value


def _policy(style: str, script: str) -> str:
    return "; ".join(
        (
            "default-src 'none'",
            f"style-src {_hash(style)}",
            f"script-src {_hash(script)}",
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
