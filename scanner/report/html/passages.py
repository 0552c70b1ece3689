"""The little Markdown that policies are written in, as prose.js reads it: lists, bold and code."""

import re
from typing import Any, Final

_ITEM: Final = re.compile(r"\s*(?:([-*])|[0-9]{1,9}[.)])\s+(.*)")
_PIECE: Final = re.compile(r"(`[^`]+`|\*\*[^*]+\*\*)")
_MARKS: Final = {"`": ("code", 1), "*": ("strong", 2)}


def passages(text: str) -> list[dict[str, Any]]:
    """Return paragraphs and lists: a tag, and items of pieces, each with its kind and text.

    Whatever else there is stays text; nothing is ever markup.
    """
    blocks: list[dict[str, Any]] = []
    lines: list[str] | None = None  # the words of the paragraph or item that is being read
    for line in text.split("\n"):
        item = _ITEM.fullmatch(line.rstrip("\r"))
        if not line.strip():
            lines = None
            continue
        if item:
            tag = "ul" if item[1] else "ol"
            if not blocks or blocks[-1]["tag"] != tag:
                blocks.append({"tag": tag, "items": []})
            lines = [item[2].strip()]
            blocks[-1]["items"].append(lines)
            continue
        if lines is None:
            in_list = bool(blocks) and blocks[-1]["tag"] != "p" and line.startswith("  ")
            if in_list:
                lines = blocks[-1]["items"][-1]
            else:
                lines = []
                blocks.append({"tag": "p", "items": [lines]})
        lines.append(line.strip())
    for block in blocks:
        block["items"] = [_pieces(" ".join(words)) for words in block["items"]]
    return blocks


def _pieces(text: str) -> list[tuple[str, str]]:
    pieces = []
    for piece in filter(None, _PIECE.split(text)):
        kind, width = _MARKS.get(piece[0], ("", 0)) if _PIECE.fullmatch(piece) else ("", 0)
        pieces.append((kind, piece[width : len(piece) - width]))
    return pieces
