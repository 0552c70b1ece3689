"""Text that stays text where Markdown is rendered: GitHub, GitLab, OSCAL.

What can begin a construct of CommonMark or of its GitHub and GitLab dialects becomes a numeric
entity, which never does (CommonMark 0.31, "Entity and numeric character references"). Mentions
and references (`@team`, `#12`, `!34`) are looked for after rendering, when entities are
characters again; a zero-width space behind the sign, as dependency bots write it, stops that.
"""

import re
from typing import Final

from scanner.base.text import clean

# Anywhere: emphasis, code, links, HTML, tables, mathematics, references. A colon before text:
# addresses and emoji. At the beginning: headings, lists, rules, quotes. After "www": addresses.
_SPECIAL: Final = re.compile(
    r"[!#$%&*<>@\[\\\]_`{|~]|:(?=\S)|^[-+=]|(?:^[0-9]{1,9})[.)]|www\.", re.IGNORECASE
)
# HTML, entities, fences, images, links elsewhere and their definitions.
_ACTIVE: Final = re.compile(
    r"<|&(?=[#\w])|`{3,}|~{3,}|!(?=\[)|\[(?=[^\]]*\]\(\s*(?!https?://|#))|\[(?=[^\]]*\]:)",
    re.IGNORECASE,
)
_REFERENCES: Final = frozenset("!#$%&@~")
_BREAK: Final = "&#8203;"
# All but what RFC 3986 allows in an address, and of that not what Markdown could read otherwise.
_URL_UNSAFE: Final = re.compile(r"[^A-Za-z0-9\-._~:/?#@!$&+,;=%]")


def escaped(text: str) -> str:
    """Return `text` as Markdown on one line that renders as exactly that text."""
    return _SPECIAL.sub(_entity, clean(text))


def _entity(match: re.Match[str]) -> str:
    before, sign = match[0][:-1], match[0][-1]
    is_reference = sign in _REFERENCES and not match.string[match.end() :][:1].isspace()
    return f"{before}&#{ord(sign)};{_BREAK if is_reference else ''}"


def prose(text: str) -> str:
    """Return Markdown that people wrote, made harmless: lists, emphasis and code stay.

    Without HTML, without images, which would be fetched, without links to anything but addresses
    of the web, and without fences, which could swallow what follows. In code too: what is code
    depends on every backtick before.
    """
    return _ACTIVE.sub(lambda found: "".join(f"&#{ord(sign)};" for sign in found[0]), text)


def link(text: str, url: str) -> str:
    """Return a link to `url`, encoded so that it can neither end early nor break a table."""
    return f"[{escaped(text)}]({safe_url(url)})"


def safe_url(url: str) -> str:
    """Return `url` with everything percent-encoded that an address or Markdown may not hold."""
    return _URL_UNSAFE.sub(_percent, url)


def _percent(match: re.Match[str]) -> str:
    return "".join(f"%{byte:02X}" for byte in match[0].encode())
