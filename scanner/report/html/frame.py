"""From a template to a page that loads nothing: style and script inlined and named by their hashes.

Whatever a template prints is made harmless here, so that no name can be forgotten.
"""

import base64
import hashlib
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

import jinja2
from jinja2.bccache import Bucket
from markupsafe import Markup

from scanner import __version__
from scanner.base.resources import templates_dir
from scanner.base.text import clean

REPORT_STYLES: Final = ("report.css", "chart.css", "story.css", "media.css", "print.css")
"""The styles of a page with the look of the report and its story."""


class Frame:
    """The environment of pages with one style and one script; without scripts there is none.

    `own` is a style of the page alone, in which every sign of what comes from elsewhere is escaped.
    """

    def __init__(self, styles: Iterable[str], scripts: Iterable[str] = (), own: str = "") -> None:
        self._folder = templates_dir() / "html"
        style, script = self._joined(styles) + own, self._joined(scripts)
        script = f'"use strict";\n(() => {{\n{script}}})();\n' if script else ""
        self._environment = _environment(self._folder)
        self._shared: dict[str, Any] = {
            "version": __version__,
            "csp": _policy(style, script),
            # Our own files, and strings of CSS in which every sign is escaped: the only texts that
            # go into the page as they are.
            "style": Markup(style),  # noqa: S704
            "script": Markup(script),  # noqa: S704
        }

    def page(self, template: str, context: Mapping[str, Any]) -> str:
        """Return the page that a template comes to."""
        return self._environment.get_template(template).render({**self._shared, **context})

    def _joined(self, names: Iterable[str]) -> str:
        return "".join((self._folder / name).read_text("utf-8") for name in names)


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
            *([f"script-src {_hash(script)}"] if script else []),
            "base-uri 'none'",
            "form-action 'none'",
            "require-trusted-types-for 'script'",
            "trusted-types 'none'",
        )
    )


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
