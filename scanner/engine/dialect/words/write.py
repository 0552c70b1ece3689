"""Writing lowered trees: DuckDB makes SQL of them, and sqlglot that of another database.

Nothing of an author's text gets here but in constants, which are hexadecimal up to the last step.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

import msgspec
import sqlglot
from sqlglot import exp

from scanner.engine.database import Connection
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node

Build = Callable[[list[exp.Expression]], exp.Expression]
"""What makes an expression of a mark's arguments."""

_NAMES: Final = "abcdefgh"


class Words(msgspec.Struct, frozen=True):
    """How a database says what marks stand for.

    `templates` are SQL of that database: `:a` is the first argument, `{b}` the text of the second.
    `builds` are those that take more than that. One that `backtracks` may need exponential time for
    a regular expression.
    """

    title: str
    dialect: str
    templates: Mapping[str, str]
    builds: Mapping[str, Build]
    backtracks: bool = False

    def write(
        self, connection: Connection, trees: Sequence[Node], *, pretty: bool = False
    ) -> list[str]:
        """Return the SQL of lowered trees; `pretty` is over several lines."""
        return [
            self._replaced(_parsed(text, "duckdb")).sql(self.dialect, pretty=pretty)
            for text in syntax.write(connection, trees)
        ]

    def text(self, value: str) -> str:
        """Return a text as a literal."""
        return exp.Literal.string(value).sql(self.dialect)

    def _replaced(self, tree: exp.Expression) -> exp.Expression:
        def replace(node: exp.Expression) -> exp.Expression:
            if not isinstance(node, exp.Anonymous):
                return node
            name = str(node.this).lower().removeprefix("kp_")
            arguments = [self._replaced(one.copy()) for one in node.expressions]
            return self._said(name, arguments)

        made = tree.transform(replace)
        for brackets in list(made.find_all(exp.Paren)):
            needed = brackets is made or isinstance(brackets.parent, exp.Any)
            if _is_plain(brackets.this) and not needed:
                brackets.replace(brackets.this)
        return made

    def _said(self, name: str, arguments: list[exp.Expression]) -> exp.Expression:
        build = self.builds.get(name) or _LITERALS.get(name)
        if build is not None:
            return _bracketed(build(arguments))
        texts = {
            letter: one.name
            for letter, one in zip(_NAMES, arguments, strict=False)
            if isinstance(one, exp.Literal)
        }
        made = _template(self.templates[name].format(**texts), self.dialect)
        given = dict(zip(_NAMES, arguments, strict=False))

        def fill(node: exp.Expression) -> exp.Expression:
            if isinstance(node, exp.Placeholder):
                return _bracketed(given[str(node.this)].copy())
            return node

        return _bracketed(made.transform(fill))


@cache
def _template(text: str, dialect: str) -> exp.Expression:
    """Return what a template is, once: it is copied where it is filled in."""
    return _parsed(text, dialect)


def _parsed(text: str, dialect: str) -> exp.Expression:
    made = sqlglot.parse_one(text, read=dialect)
    assert isinstance(made, exp.Expression)  # noqa: S101 - it is written here, or by DuckDB
    return made


def text_of(argument: exp.Expression) -> str:
    """Return the text that an argument has in hexadecimal."""
    return bytes.fromhex(argument.name.replace("-", "")).decode()


def call(name: str, *arguments: exp.Expression) -> exp.Expression:
    """Return a call that is written as it is."""
    return exp.Anonymous(this=name, expressions=list(arguments))


def _bracketed(node: exp.Expression) -> exp.Expression:
    return node if _is_plain(node) else exp.Paren(this=node)


def _is_plain(node: exp.Expression) -> bool:
    """Whether it needs no brackets, whatever it is put into."""
    plain = (exp.Func, exp.Literal, exp.Column, exp.Paren, exp.Boolean, exp.Null, exp.Array)
    return isinstance(node, plain) and not isinstance(node, exp.Binary)


def _cast(kind: str) -> Build:
    def build(arguments: list[exp.Expression]) -> exp.Expression:
        size = f"(38, {arguments[1].name})" if kind == "DECIMAL" else ""
        return exp.cast(exp.Literal.string(arguments[0].name), f"{kind}{size}")

    return build


def _integer(arguments: list[exp.Expression]) -> exp.Expression:
    text = arguments[0].name
    made = exp.Literal.number(text.removeprefix("-"))
    return exp.Neg(this=made) if text.startswith("-") else made


_LITERALS: Final[dict[str, Build]] = {
    "integer": _integer,
    "exact": _cast("DECIMAL"),
    "double": _cast("DOUBLE"),
    "moment": _cast("TIMESTAMPTZ"),
    "date": _cast("DATE"),
    "text": lambda arguments: exp.Literal.string(text_of(arguments[0])),
}
"""Constants, which sqlglot writes as each database reads them."""
