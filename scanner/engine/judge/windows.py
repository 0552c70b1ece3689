"""Windows over partitions that may lack rows: what they say is not known.

A window counts the rows that are there. Where some may be missing, or stand in another partition,
its value is a guess; then the smallest part of the predicate that is sure to hold the guess comes
to NULL, unless the rest decides. Whole tables, such as those of test cases, need none of this.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from scanner.catalogue import NOWHERE, TABLES
from scanner.engine.database import Connection, literal
from scanner.engine.judge import places
from scanner.engine.judge.places import Unseen
from scanner.engine.judge.prepare import Prepared
from scanner.engine.predicate import syntax
from scanner.engine.predicate.syntax import Node
from scanner.policy.checks import get_check

_PROJECT: Final = ("project_id", "project_slug")
_MANY: Final = 1_000
"""Places from which on it pays to write a predicate anew for the sake of its windows."""

_ELSEWHERE: Final = (
    "the window also sees rows beyond a project, and the scan is about some projects only"
)


def cautious(
    connection: Connection, prepared: Sequence[Prepared], unseen: Unseen
) -> list[Prepared]:
    """Return the rules with windows that come to NULL where their partition may lack rows."""
    made = list(prepared)
    found = [
        (number, part, checked)
        for number, one in enumerate(prepared)
        for part, checked in one.checks.items()
        if " OVER " in checked.sql
    ]
    tables = dict.fromkeys(prepared[number].rule.resource for number, _, _ in found)
    reasons = {name: _Reasons(connection, name, unseen) for name in tables}
    trees = syntax.parse(connection, [checked.sql for _, _, checked in found])
    quicker: dict[tuple[int, str], Node] = {}
    for (number, part, checked), tree in zip(found, trees, strict=True):
        one = made[number]
        check = get_check(one.rule.check) if part == "requirement" and one.rule.check else None
        sql, lacking = _guarded(
            connection,
            tree,
            reasons[one.rule.resource],
            fails_surely=check is not None and check.fails_surely,
        )
        if lacking:
            changed = {part: msgspec.structs.replace(checked, sql=sql)}
            whole = _first(([one.lacking] if one.lacking else []) + [lacking])
            made[number] = msgspec.structs.replace(one, **changed, lacking=whole)
        elif reasons[one.rule.resource].is_by_id:
            quicker[number, part] = syntax.rewritten(tree, _by_id)
    texts = syntax.write(connection, list(quicker.values())) if quicker else []
    for (number, part), text in zip(quicker, texts, strict=True):
        sql = msgspec.structs.replace(getattr(made[number], part), sql=text)
        made[number] = msgspec.structs.replace(made[number], **{part: sql})
    return made


def _by_id(made: Node) -> Node:
    """Let a window go by a project's id alone, a number, where it goes by more names of it too.

    Only for tables in which an id tells all of them: DuckDB is twice as quick with numbers.
    """
    ids = [part for part in made.get("partitions", ()) if _is_id_or_else(part)]
    if made.get("class") == "WINDOW" and ids:
        names = ("organization_slug", *_PROJECT)
        others = [p for p in made["partitions"] if p not in ids and _column(p) not in names]
        made["partitions"] = [_id_of(ids[0]), *others]
    return made


def _guarded(
    connection: Connection, tree: Node, reasons: "_Reasons", *, fails_surely: bool
) -> tuple[str, str]:
    """Return the predicate and why it may lack rows, as SQL; nothing where it never does.

    With `fails_surely`, FALSE stays FALSE: more rows would not change it.
    """
    parts: list[Node] = []
    template = _taken_apart(tree, parts, through_all=not fails_surely)
    lackings = [
        _first([r for window in _windows(node) if (r := reasons.of(window))]) for node in parts
    ]
    if not any(lackings):
        return "", ""
    texts, why = [], []
    for lacking, text in zip(lackings, syntax.write(connection, parts), strict=True):
        if not lacking:
            texts.append(text)
        elif fails_surely:
            texts.append(f"({text}) AND CASE WHEN {lacking} IS NULL THEN true END")
        else:
            texts.append(f"CASE WHEN {lacking} IS NULL THEN ({text}) END")
        why += [lacking] if lacking else []
    return template.format(*texts), _first(why)


def _taken_apart(node: Node, parts: list[Node], *, through_all: bool) -> str:
    """Return a template of the predicate; its holes are the parts, windows in few of them.

    Taken apart are AND, OR and NOT, which know NULL, and a CASE up to its first window.
    """

    def inside(child: Node) -> str:
        return f"({_taken_apart(child, parts, through_all=through_all)})"

    if any(True for _ in _windows(node)):
        if through_all and node["class"] == "CONJUNCTION":
            word = " AND " if node["type"] == "CONJUNCTION_AND" else " OR "
            return word.join(map(inside, node["children"]))
        if through_all and node["type"] == "OPERATOR_NOT":
            return f"NOT {inside(node['children'][0])}"
        if node["class"] == "CASE" and node["case_checks"]:
            first, *others = node["case_checks"]
            if not any(True for _ in _windows(first["when_expr"])):
                rest = {**node, "case_checks": others} if others else node["else_expr"]
                when, then = inside(first["when_expr"]), inside(first["then_expr"])
                return f"CASE WHEN {when} THEN {then} ELSE {inside(rest)} END"
    parts.append(node)
    return f"{{{len(parts) - 1}}}"


class _Reasons:
    """Says of the windows over one table why their partition may lack rows."""

    def __init__(self, connection: Connection, table: str, unseen: Unseen) -> None:
        gaps = unseen.gaps.get(table, ())
        self._organization = TABLES[table].organization
        self._has_projects = places.has_projects(table)
        count = None if gaps else places.sound(connection, table)
        self._is_marked = count is None and places.mark(connection, table, gaps)
        self.is_by_id = self._has_projects and count is not None and count >= _MANY
        self._beyond = unseen.is_narrowed and TABLES[table].project != NOWHERE
        self._anywhere = _ELSEWHERE if self._beyond else gaps[0].reason if gaps else ""

    def of(self, window: Node) -> str:
        """Return a SQL text, NULL where the partition is whole; empty where that is everywhere."""
        bare, mixed, by_id = self._read(window["partitions"])
        found, nulls = [], []
        bits = places.IDS | places.SLUGS | places.ORGANIZATIONS if mixed else 0
        if by_id or (self._has_projects and "project_slug" in bare):
            bits |= self._bits(bare, by_id=by_id)
            nulls = [" AND ".join(f"{name} IS NULL" for name in _PROJECT if name in bare)]
        elif self._organization in bare and not self._beyond:
            bits |= places.LACKS_ORGANIZATION | (places.LACKS_SLUG if mixed else 0)
            nulls = [f"{name} IS NULL" for name in (self._organization, *mixed)]
        else:
            bits |= places.LACKS_SLUG if mixed else 0
            nulls = [f"{name} IS NULL" for name in mixed]
            found = [literal(self._anywhere)] if self._anywhere else []
        if self._is_marked and bits:
            found.append(_where(f"({places.BITS} & {bits}) <> 0", places.WHY))
        found += [_where(test, literal(places.NO_PLACE)) for test in nulls if test]
        return _first(found)

    def _read(self, partitions: Sequence[Node]) -> tuple[set[str], list[str], bool]:
        """Return the plain columns, those within expressions, and whether ids tell projects."""
        bare = {_column(node) for node in partitions} - {""}
        others = [node for node in partitions if not _column(node)]
        expressions = [node for node in others if not _is_id_or_else(node)]
        known = (self._organization, *(_PROJECT if self._has_projects else ()))
        used = {name for node in expressions for name in syntax.columns(node)}
        by_id = self._has_projects and (
            "project_id" in bare or any(_is_id_or_else(node) for node in others)
        )
        return bare, [name for name in known if name in used], by_id

    def _bits(self, bare: set[str], *, by_id: bool) -> int:
        bits = places.IDS if by_id else 0
        has_organization = self._organization in bare
        bits |= places.LACKS_PROJECT if by_id or has_organization else places.LACKS_SLUG
        bits |= places.SLUGS if "project_slug" in bare else 0
        return bits | (places.ORGANIZATIONS if has_organization else 0)


def _is_id_or_else(node: Node) -> bool:
    """Whether it is `coalesce(CAST(project_id AS VARCHAR), ...)`: an id where there is one."""
    if node["type"] != "OPERATOR_COALESCE":
        return False
    return _column(_id_of(node)) == "project_id"


def _id_of(node: Node) -> Node:
    """Return what is first asked for, without its cast."""
    first: Node = node["children"][0]
    inner: Node = first["child"] if first["class"] == "CAST" and not first["try_cast"] else first
    return inner


def _column(node: Node) -> str:
    return str(node["column_names"][-1]) if node["class"] == "COLUMN_REF" else ""


def _windows(node: Node) -> Iterator[Node]:
    return (one for one in syntax.nodes(node) if one["class"] == "WINDOW")


def _where(condition: str, reason: str) -> str:
    return f"CASE WHEN {condition} THEN {reason} END"


def _first(texts: Sequence[str]) -> str:
    """Return the SQL of the first that has a value."""
    different = list(dict.fromkeys(texts))
    return f"coalesce({', '.join(different)})" if len(different) > 1 else "".join(different)
