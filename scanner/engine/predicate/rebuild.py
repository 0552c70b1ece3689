"""Rebuilding a predicate's syntax tree from nothing but allowed parts.

Trees are those of DuckDB's json_serialize_sql. Nothing of the author's tree is copied by
default: every node of the result is made here, field by field, from fields that were checked.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, cast

from scanner.base.hints import did_you_mean
from scanner.catalogue import Column
from scanner.engine.predicate import misfits, refusal, vocabulary
from scanner.engine.predicate.clock import present
from scanner.engine.predicate.literals import (
    glob_patterns,
    instructions,
    is_list_first,
    pattern_size,
    written_out,
)
from scanner.engine.predicate.refusal import TOO_LARGE, RefusedError, refused, unknown_function
from scanner.engine.predicate.syntax import (
    FALSE,
    PLACE,
    Node,
    arguments_of,
    call,
    function,
    parameter,
    target,
)
from scanner.engine.predicate.weight import MOST, Cost, Scale, beyond
from scanner.model.rule import ParamValue

_WINDOW_PARTS: Final = ("start_expr", "end_expr", "offset_expr", "default_expr", "filter_expr")

MAX_DEPTH: Final = 100
"""Deepest tree that a predicate may have."""


class Rebuilder:
    """Rebuilds one predicate over a table's columns and notes what it reads and binds."""

    def __init__(
        self,
        columns: Mapping[str, Column],
        table: str,
        params: Mapping[str, ParamValue],
        prefix: str,
    ) -> None:
        self._known = columns
        self._table = table
        self._given = params
        self._prefix = prefix
        self._depth = 0
        self.cost = Cost()
        self.columns: dict[str, None] = {}
        self.params: dict[str, ParamValue] = {}
        self.uses_as_of = False
        self._makers: dict[str, Callable[[Node], Node]] = {
            "COLUMN_REF": self._column,
            "CONSTANT": self._constant,
            "PARAMETER": self._parameter,
            "COMPARISON": self._comparison,
            "CONJUNCTION": self._conjunction,
            "OPERATOR": self._operator,
            "BETWEEN": self._between,
            "CASE": self._case,
            "CAST": self._cast,
            "FUNCTION": self._function,
            "WINDOW": self._window,
            "LAMBDA": self._arrow,
        }

    def predicate(self, node: Node) -> Node:
        """Return the whole predicate rebuilt, and weigh it in `cost`. Raises RefusedError."""
        made = self.expression(node)
        scale = Scale(self._known, self.params)
        scale.width(made)
        self.cost.bytes = scale.built
        self._check_cost()
        return made

    def _check_cost(self) -> None:
        if excess := beyond(self.cost, MOST):
            raise RefusedError(f"is too large: {excess}", "predicate-too-large", 0, TOO_LARGE)

    def expression(self, node: Node) -> Node:
        """Return the node rebuilt. Raises RefusedError."""
        self.cost.nodes += 1
        self._depth += 1
        self._check_cost()
        if self._depth > MAX_DEPTH:
            raise RefusedError("is nested too deep", "predicate-too-large", 0, TOO_LARGE)
        kind = str(node.get("class"))
        maker = self._makers.get(kind)
        if maker is None:
            raise refusal.unknown_kind(node)
        misfits.check(node, self._known, self._given)
        # The place tells people where a part is that the database refuses later.
        place = {**PLACE, "query_location": node.get("query_location", 0)}
        made = {"class": kind, "type": node["type"], **maker(node), **place}
        self._depth -= 1  # not in a `finally`: a refusal ends the whole predicate
        return made

    def _all(self, nodes: Iterable[Node]) -> list[Node]:
        return [self.expression(node) for node in nodes]

    def _maybe(self, node: Node | None) -> Node | None:
        return None if node is None else self.expression(node)

    def _column(self, node: Node) -> Node:
        names = [str(name) for name in node["column_names"]]
        if len(names) == 2 and names[0].lower() == self._table:  # noqa: PLR2004 - table.column
            names = names[1:]
        name = names[0].lower()
        if name in {"current_date", "current_timestamp"} and (moment := present(node)):
            return self._as_of(moment)
        if len(names) != 1 or name not in self._known:
            raise refusal.unknown_column(node, self._known, self._table)
        self.columns[name] = None
        return {"column_names": [name]}

    def _constant(self, node: Node) -> Node:
        given = node["literal"]
        return {"literal": {key: given[key] for key in ("kind", "text") if key in given}}

    def _parameter(self, node: Node) -> Node:
        name = self._param_name(node)
        value = self._given[name]
        if isinstance(value, list):
            raise refused(
                f"uses the list ${name} as a single value",
                "list-parameter",
                node,
                f"Write `column in ${name}` or `list_has_any(column, ${name})`.",
            )
        self.params[self._prefix + name] = value
        return {"identifier": self._prefix + name}

    def _param_name(self, node: Node) -> str:
        name = str(node["identifier"])
        if name not in self._given:
            raise refused(
                f"uses an unknown parameter ${name}",
                "unknown-parameter",
                node,
                did_you_mean(name, self._given, kind="parameters here"),
            )
        return name

    def _as_of(self, moment: Node) -> Node:
        self.uses_as_of = True
        return moment

    def _comparison(self, node: Node) -> Node:
        if node["type"] not in vocabulary.COMPARISONS:
            raise refused("has an unknown comparison", "forbidden-syntax", node)
        return {"left": self.expression(node["left"]), "right": self.expression(node["right"])}

    def _conjunction(self, node: Node) -> Node:
        return {"children": self._all(node["children"])}

    def _operator(self, node: Node) -> Node:
        if node["type"] not in vocabulary.OPERATORS:
            name = str(node["type"]).removeprefix("OPERATOR_").replace("_", " ")
            raise refused(f"may not use {name}", "forbidden-syntax", node)
        if node["type"] == "ARRAY_EXTRACT":
            instructions("array_extract", node["children"], self._given)
        return {"children": self._all(node["children"])}

    def _between(self, node: Node) -> Node:
        return {part: self.expression(node[part]) for part in ("input", "lower", "upper")}

    def _case(self, node: Node) -> Node:
        checks = [
            {part: self.expression(check[part]) for part in ("when_expr", "then_expr")}
            for check in node["case_checks"]
        ]
        return {"case_checks": checks, "else_expr": self.expression(node["else_expr"])}

    def _cast(self, node: Node) -> Node:
        wanted = node["type_expr"]
        name = str(wanted.get("type_name", "")).upper()
        sizes = wanted.get("children", [])
        plain = all(size.get("class") == "CONSTANT" for size in sizes)
        if name not in vocabulary.TYPES or not plain or wanted.get("schema"):
            known = vocabulary.OTHER_NAMES.get(name)
            hint = f"Write {known}." if known else f"Types: {', '.join(sorted(vocabulary.TYPES))}."
            raise refused(f"may not cast to {name or 'this type'}", "forbidden-type", node, hint)
        return {
            "child": self.expression(node["child"]),
            "try_cast": bool(node["try_cast"]),
            **target(name, self._all(sizes)),
        }

    def _function(self, node: Node) -> Node:
        name = str(node["function_name"]).lower()
        plain = not (node["filter"] or node["distinct"] or node["order_bys"]["orders"])
        if name not in vocabulary.FUNCTIONS or not plain or node["schema"] or node["catalog"]:
            raise unknown_function(name, node)
        arguments = arguments_of(node)
        if any(argument["name"] for argument in node["arguments"]):
            raise refused(f"may not name the arguments of {name}()", "forbidden-syntax", node)
        if moment := present(node):
            return self._as_of(moment)
        self.cost.instructions += instructions(name, arguments, self._given)
        if name in vocabulary.MEMBERSHIP and is_list_first(arguments, self._given):
            return self._membership(arguments)
        if name == vocabulary.GLOBS:
            return self._globs(node, arguments)
        make = self._set if name in vocabulary.SETS else self.expression
        made = [make(argument) for argument in arguments]
        return function(name, made, is_operator=bool(node["is_operator"]))

    def _arrow(self, node: Node) -> Node:
        """Turn `json -> 'field'`, which is a lambda to the parser, into the call that it means."""
        if node["syntax_type"] != "SINGLE_ARROW":
            hint = "Write `column -> 'field'` for a field of a JSON value."
            raise refused("may not have a lambda", "forbidden-syntax", node, hint)
        arguments = [node["lhs"], node["expr"]]
        self.cost.instructions += instructions("->", arguments, self._given)
        return function("json_extract", self._all(arguments))

    def _membership(self, arguments: list[Node]) -> Node:
        """Turn `x in $list` into SQL's IN, which keeps to three-valued logic."""
        children = [self.expression(arguments[1]), *self._items(arguments[0])]
        if len(children) == 1:
            return FALSE
        return {"class": "OPERATOR", "type": "COMPARE_IN", "children": children}

    def _set(self, node: Node) -> Node:
        """Return a list, which may be a parameter, rebuilt."""
        if isinstance(self._given.get(str(node.get("identifier"))), list):
            return function("list_value", self._items(node))
        return self.expression(node)

    def _items(self, node: Node) -> list[Node]:
        """Bind the items of a list parameter, each by itself."""
        name = self._param_name(node)
        values = cast("list[str]", self._given[name])
        self.cost.items += len(values)
        self._check_cost()
        # No parameter's name begins with an underscore.
        bound = [f"{self._prefix}_{number}_{name}" for number in range(len(values))]
        self.params.update(zip(bound, values, strict=True))
        return [parameter(one) for one in bound]

    def _globs(self, node: Node, arguments: list[Node]) -> Node:
        """Turn `name_matches_any(text, globs)` into regular expressions: RE2 has no worst case."""
        if len(arguments) != 2:  # noqa: PLR2004 - a text and globs
            raise refused("calls name_matches_any() without a text and globs", "bad-call", node)
        # Without a glob too: what may not stand there is refused, and its columns are noted.
        self.expression(arguments[0])
        for part in written_out(arguments[1]):
            if part["class"] == "PARAMETER":
                self._param_name(part)
        found = []
        for pattern in dict.fromkeys(glob_patterns(arguments[1], self._given)):
            self.cost.items += 1
            self.cost.instructions += pattern_size(pattern, node)
            bound = f"{self._prefix}_glob{len(self.params)}"
            self.params[bound] = pattern
            text = self.expression(arguments[0])
            found.append(function("regexp_full_match", [text, parameter(bound)]))
        if len(found) > 1:
            return {"class": "CONJUNCTION", "type": "CONJUNCTION_OR", "children": found}
        return found[0] if found else FALSE

    def _window(self, node: Node) -> Node:
        name = str(node["function_name"]).lower()
        if name not in vocabulary.WINDOWS or node["schema"] or node["catalog"]:
            raise unknown_function(name, node)
        orders = [
            {key: order[key] for key in ("type", "null_order")}
            | {"expression": self.expression(order["expression"])}
            for order in node["orders"]
        ]
        if len(node["arguments"]) > vocabulary.WINDOW_ARGUMENTS.get(name, 1):
            raise refused(f"calls {name}() with too many arguments", "forbidden-syntax", node)
        if node["arg_orders"] or node["exclude_clause"] != "NO_OTHER":
            raise refused("has a window clause that is not supported", "forbidden-syntax", node)
        return {
            **call(name, self._all(argument["expression"] for argument in node["arguments"])),
            "partitions": self._all(node["partitions"]),
            "orders": orders,
            "start": node["start"],
            "end": node["end"],
            "exclude_clause": "NO_OTHER",
            "arg_orders": [],
            **{part: self._maybe(node[part]) for part in _WINDOW_PARTS},
            # Whatever stands there, only a truth value goes on: the tree is written as SQL.
            **{flag: bool(node[flag]) for flag in ("ignore_nulls", "distinct", "has_ignore_nulls")},
        }
