"""Keys to export, and names that want to be something else."""

import unicodedata
from typing import Any

from hypothesis import strategies as st

from scanner.remediate.document import KeyTarget, State

HOSTILE = (
    *("${", "%{ if true }", "$${a}", "%%{", "$", "%", "{", "}", '"', "\\", "\\${", "\\u0024{"),
    *("\n", "\r\n", "\x00", "\x1b[31m", "\x7f", "\u2028", "\u2029", "\u202e", "\ufeff", "\u200b"),
    *("# ", "//", "/*", "*/", "`", "'", "<<EOT", "EOT", "</script>", "##[command]", "::error::"),
    *(
        '"\n}\nresource "sentry_key" "evil" {}\n',
        '" });\nprocess.exit(1);//',
        "\U0001f600",
        "e\u0301",
    ),
)
"""What begins a template, ends a string, a comment or a line, moves a cursor, or runs a command."""

names: st.SearchStrategy[str] = (
    st.lists(st.sampled_from(HOSTILE) | st.text(max_size=4), min_size=1, max_size=6)
    .map("".join)
    .filter(bool)
)


def key(
    name: Any = "Prod",
    key_id: str = "ab12",
    project: str = "shop",
    organization: str = "acme",
    **of: Any,
) -> tuple[KeyTarget, State]:
    """A key of which all is known; `of` are other fields, `...` is one that nobody told."""
    state: dict[str, Any] = {
        "id": key_id,
        "name": name,
        "isActive": True,
        "rateLimit": {"window": 60, "count": 1000},
        "browserSdkVersion": "8.x",
        "dynamicSdkLoaderOptions": {
            "hasReplay": True,
            "hasPerformance": False,
            "hasDebug": False,
        },
        "useCase": "user",
        **of,
    }
    known = {field: value for field, value in state.items() if value is not ...}
    shown = known.get("name")
    return KeyTarget(
        type="sentry_key", organization=organization, project=project, id=key_id, name=shown
    ), known


def shows_all(text: str) -> bool:
    """Whether nothing ends a line but newlines, moves a cursor or turns text round."""
    turns = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff"
    return not any(
        char in turns or (unicodedata.category(char) in {"Cc", "Zl", "Zp"} and char != "\n")
        for char in text
    )
