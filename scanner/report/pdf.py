"""The page on paper, as PDF: the HTML report's print style with a cover to sign.

WeasyPrint lays it out. It runs no script, so the findings stand in the page itself, the worst first
and up to MOST. Nothing is loaded from anywhere. Neither the run's id nor its clock are in it: two
scans of the same facts give the same bytes, where fonts and WeasyPrint are the same.
"""

import hashlib
import io
import re
import warnings
from collections.abc import Iterator
from contextlib import redirect_stdout
from types import ModuleType
from typing import TYPE_CHECKING, BinaryIO, Final

from scanner.base.errors import UsageError
from scanner.model.run import Run
from scanner.report.html.page import page_of
from scanner.report.html.paper import MOST
from scanner.report.interface import ReportOptions, Writing

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

    from cssselect2 import ElementWrapper
    from tinycss2.ast import QualifiedRule

    from scanner.model.finding import Finding

_PANGO: Final = (
    "Install Pango and a font: `apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"
    " fonts-dejavu-core` on Debian and Ubuntu, `apk add pango font-dejavu` on Alpine,"
    " `brew install pango` on macOS."
)
_SVG: Final = "{http://www.w3.org/2000/svg}"
_DRAWN: Final = ("fill", "stroke", "stroke-width", "stroke-dasharray", "opacity", "font-size")
_ACROSS: Final = 600  # pixels across a page, for lines that a stretched drawing must not stretch
_LIGHT: Final = re.compile(r"(--[\w-]+):\s*light-dark\(([^,]+),")
_DARK: Final = re.compile(r"light-dark\(([^,]+),[^)]*\)")
_NAMED: Final = re.compile(r"var\((--[\w-]+)(?:, *((?:[^()]|\([^()]*\))+))?\)")


def ready() -> None:
    """Raise UsageError, which says what to install, where a PDF could not be made."""
    _weasyprint()


def write(run: Run, out: BinaryIO, options: ReportOptions) -> Writing:  # noqa: ARG001 - no option
    """Write the PDF report; see scanner.report.interface.Format."""
    held: list[Finding] = []
    while len(held) < MOST and (found := (yield)):
        held += found[: MOST - len(held)]
    source = page_of(run, held, is_paper=True)
    held.clear()  # laying it out takes memory enough
    out.write(_rendered(source))


def _rendered(source: str) -> bytes:
    weasyprint = _weasyprint()
    closed = weasyprint.URLFetcher(allowed_protocols=())  # nothing is fetched, read or opened
    document = weasyprint.HTML(string=source, url_fetcher=closed)
    _paint(document.wrapper_element)
    made: bytes = document.write_pdf(
        pdf_variant="pdf/ua-1",
        # Without it one is made of the time.
        pdf_identifier=hashlib.sha256(source.encode()).digest()[:16],
    )
    return made


def _paint(root: "ElementWrapper") -> None:
    """Write onto drawings what the page's style says of them, since WeasyPrint draws without it.

    Colours are those of the light theme. A drawing needs a title too, for those who listen.
    """
    import cssselect2  # noqa: PLC0415 - comes with WeasyPrint
    import tinycss2  # noqa: PLC0415

    style = root.etree_element.find(".//style").text
    light: dict[str, str] = dict(_LIGHT.findall(style))
    matcher = cssselect2.Matcher()
    for rule in tinycss2.parse_stylesheet(style, skip_comments=True, skip_whitespace=True):
        if rule.type == "qualified-rule" and (said := dict(_drawing(tinycss2, rule))):
            for selector in cssselect2.compile_selector_list(rule.prelude):
                matcher.add_selector(selector, said)
    inherited: dict[Element, dict[str, str]] = {}
    for element in root.iter_subtree():
        node = element.etree_element
        named = inherited.get(element.parent and element.parent.etree_element, light)
        said = {name: text for *_, one in matcher.match(element) for name, text in one.items()}
        own = {name: _plain(text, named) for name, text in said.items() if name.startswith("--")}
        inherited[node] = named = {**named, **own} if own else named
        drawn = {name: _plain(text, named) for name, text in said.items() if name in _DRAWN}
        node.attrib.update(drawn)
    for drawing in root.etree_element.iter(f"{_SVG}svg"):
        if drawing.get("preserveAspectRatio") == "none":
            width = float(drawing.get("viewBox").split()[2]) / _ACROSS
            for line in drawing.iter(f"{_SVG}path"):
                line.set("stroke-width", str(width))
        title = drawing.makeelement(f"{_SVG}title", {})
        title.text = "A drawing of the figures beside it"
        drawing.insert(0, title)


def _drawing(tinycss2: ModuleType, rule: "QualifiedRule") -> Iterator[tuple[str, str]]:
    """Yield what a rule of the style says of shapes, and the colours that it names."""
    for one in tinycss2.parse_blocks_contents(rule.content):
        if one.type == "declaration" and (one.lower_name in _DRAWN or one.name.startswith("--")):
            yield one.name, tinycss2.serialize(one.value).strip()


def _plain(value: str, named: dict[str, str]) -> str:
    """Return a value with the colours that its names stand for, those of the light theme."""
    while found := _NAMED.search(value):
        value = value.replace(found[0], named.get(found[1]) or found[2] or "none")
    return _DARK.sub(r"\1", value)


def _weasyprint() -> ModuleType:
    try:
        # It prints advice of its own, and only warns where there is no font.
        with redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.filterwarnings("error", "(?i).*font.?config", UserWarning)
            import weasyprint  # noqa: PLC0415 - heavy, and not always there
    except ImportError as error:
        raise UsageError(
            "a PDF report needs WeasyPrint, which is not installed",
            where="pdf",
            remedy="Install it: `pip install 'keypolicy[pdf]'`.",
        ) from error
    except (OSError, UserWarning) as error:
        raise UsageError(
            "a PDF report needs Pango and fonts, which the system lacks", where="pdf", remedy=_PANGO
        ) from error
    return weasyprint  # type: ignore[no-any-return,unused-ignore]
