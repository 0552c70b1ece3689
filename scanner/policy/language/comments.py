"""SQL comments that YAML makes longer than they were written: the lines after them are lost.

In a folded text a line goes on with the next one, so that `--` hides all that follows. What is left
of the condition is sound SQL, and asks for less than the file says.
"""

from typing import Final

from scanner.base.composer import NodePath
from scanner.base.errors import Problem
from scanner.base.yamlfile import YamlFile
from scanner.policy.language.predicates import line_comments

_HINT: Final = "YAML joins the lines here: write `|` before the text, or the comment as /* ... */."


def swallowing(source: YamlFile, path: NodePath, text: str) -> list[Problem]:
    """Return a problem for each comment in the SQL at `path` that takes in a further line."""
    location = source.at_text(path)
    return [
        Problem(
            location.within(text, offset),
            "this comment goes on over the lines after it, which are then no part of the condition",
            "folded-comment",
            _HINT,
        )
        for comment, offset in line_comments(text)
        if not source.has_on_one_line(comment)
    ]
