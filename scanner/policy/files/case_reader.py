"""One test case: a decoded document goes in, the case or what is wrong with it comes out."""

from datetime import datetime
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from scanner.base.composer import NodePath
from scanner.base.errors import Location, Problem
from scanner.base.hints import did_you_mean
from scanner.base.yamlfile import YamlFile
from scanner.catalogue import TABLES
from scanner.model.moment import read_moment
from scanner.model.outcome import Outcome
from scanner.policy.files.case_document import CaseDocument, CasesDocument
from scanner.policy.files.cells import WRITE, WRITE_TIME, fits
from scanner.policy.language.values import BadValueError, write_text
from scanner.policy.merge import MergedPolicy

Cell = bool | int | float | str | list[Any] | dict[str, Any] | None


class Expectation(msgspec.Struct, frozen=True):
    """The outcome that a rule should come to on a row; `message` is None if any will do.

    `fix` is what a plan would set, None where it would delete, UNSET where that does not matter.
    """

    rule: str
    table: str
    row: str
    outcome: Outcome
    message: str | None
    location: Location
    fix: dict[str, Any] | UnsetType | None = UNSET


class Case(msgspec.Struct, frozen=True):
    """A test case. `params` are as on the command line; rows lack the columns that are NULL."""

    name: str
    as_of: datetime
    params: dict[str, str]
    rows: dict[str, list[dict[str, Cell]]]
    expectations: list[Expectation]
    location: Location


class CaseReader:
    """Turns documents into cases and collects what is wrong with them."""

    def __init__(self, source: YamlFile, document: CasesDocument, policy: MergedPolicy) -> None:
        self._source = source
        self._document = document
        self._policy = policy
        self._resources = {rule.id: rule.document.resource for rule in policy.rules}
        self.problems: list[Problem] = []

    def read(self) -> tuple[Case, ...]:
        """Return all cases; what is wrong with them is in `problems`."""
        if self._document.policy != self._policy.name:
            message = f"the policy beside this file is `{self._policy.name}`"
            self._add(("policy",), message, "unknown-policy", f"Write policy: {self._policy.name}.")
        return tuple(
            self.case(document, ("cases", index))
            for index, document in enumerate(self._document.cases)
        )

    def case(self, document: CaseDocument, path: NodePath) -> Case:
        """Return the case; what is wrong with it is in `problems`."""
        if document.rule is UNSET:
            rows, expectations = self._full(document, path)
        else:
            rows, expectations = self._short(document, document.rule, path)
        told = {(one.rule, one.row) for one in expectations}
        self._check_extra(document, path, "messages", told)
        self._check_extra(document, path, "fixes", told)
        return Case(
            name=document.name,
            as_of=self._as_of(document, path),
            params=self._params(document, path),
            rows=rows,
            expectations=expectations,
            location=self._source.at(path),
        )

    def _params(self, document: CaseDocument, path: NodePath) -> dict[str, str]:
        texts = {name: write_text(given) for name, given in document.params.items()}
        for name, text in texts.items():
            at = (*path, "params", name)
            parameter = self._policy.parameters.get(name)
            if parameter is None:
                hint = did_you_mean(name, self._policy.parameters, kind="parameters")
                message = f"policy {self._policy.name} has no parameter `{name}`"
                self._add(at, message, "unknown-param", hint, key=True)
                continue
            try:
                parameter.settled({name: text})
            except BadValueError as error:
                self._add(at, error.message, error.code, error.hint)
        return texts

    def _as_of(self, document: CaseDocument, path: NodePath) -> datetime:
        given, at = document.as_of, (*path, "as_of")
        if given is UNSET:
            given, at = self._document.as_of, ("as_of",)
        if given is UNSET:
            message = "the case has no `as_of`, and neither has the file"
            self._add(path, message, "missing-key", "Write as_of: 2026-01-31T00:00:00Z.")
            return datetime.min  # noqa: DTZ901 - never used: the problem is raised
        try:
            return read_moment(given)
        except ValueError as error:
            self._add(at, f"`{given}` is not a time: {error}", "bad-time", WRITE_TIME)
            return datetime.min  # noqa: DTZ901 - never used: the problem is raised

    def _full(
        self, document: CaseDocument, path: NodePath
    ) -> tuple[dict[str, list[dict[str, Cell]]], list[Expectation]]:
        tables = {} if document.rows is UNSET else document.rows
        rows: dict[str, list[dict[str, Cell]]] = {}
        for table, given in tables.items():
            at = (*path, "rows", table)
            if table not in TABLES:
                hint = did_you_mean(table, TABLES, kind="tables")
                self._add(at, f"there is no table `{table}`", "unknown-resource", hint, key=True)
                continue
            rows[table] = [self._row(table, row, (*at, n)) for n, row in enumerate(given)]
            self._check_ids(table, {(*at, n): row for n, row in enumerate(rows[table])})
        expectations: list[Expectation] = []
        for rule, outcomes in ({} if document.expect is UNSET else document.expect).items():
            at = (*path, "expect", rule)
            resource = self._resource(rule, at)
            if resource is not None:
                # What is wrong with a table or an id is told, and not again at each outcome.
                if rows.keys() == tables.keys() and all(
                    row.get("id") is not None for row in rows.get(resource, ())
                ):
                    self._check_rows(resource, outcomes, rows, at)
                expectations += [
                    self._expectation(document, (rule, resource, row, outcome), (*at, row))
                    for row, outcome in outcomes.items()
                ]
        return rows, expectations

    def _short(
        self, document: CaseDocument, rule: str, path: NodePath
    ) -> tuple[dict[str, list[dict[str, Cell]]], list[Expectation]]:
        resource = self._resource(rule, (*path, "rule"), key=False)
        if resource is None:
            return {}, []
        rows: dict[NodePath, dict[str, Cell]] = {}
        expectations: list[Expectation] = []
        for field, outcome in _BY_OUTCOME.items():
            given = getattr(document, field)
            for index, row in enumerate(() if given is UNSET else given):
                at = (*path, str(outcome), index)
                cells = self._row(resource, row, at)
                identifier = str(cells.setdefault("id", f"{outcome}-{index + 1}"))
                rows[at] = cells
                asked = (rule, resource, identifier, outcome)
                expectations.append(self._expectation(document, asked, at))
        self._check_ids(resource, rows)
        return {resource: [*rows.values()]}, expectations

    def _row(self, table: str, given: dict[str, Any], path: NodePath) -> dict[str, Cell]:
        columns = TABLES[table].columns
        for name, cell in given.items():
            at = (*path, name)
            if name not in columns:
                hint = did_you_mean(name, columns, kind="columns")
                message = f"{table} has no column `{name}`"
                self._add(at, message, "unknown-column", hint, key=True)
            elif not fits(cell, columns[name].type):
                message = f"`{name}` is {columns[name].type}, which this is not"
                self._add(at, message, "wrong-type", WRITE[columns[name].type])
            elif cell is not None and (keys := columns[name].keys):
                self._check_fields(cell, name, keys, at)
        return dict(given)

    def _check_fields(self, cell: object, name: str, keys: tuple[str, ...], path: NodePath) -> None:
        """Check a value of JSON whose fields are known, as conditions that read them are."""
        if not isinstance(cell, dict):
            hint = f"Write its fields: {{{', '.join(f'{key}: ...' for key in keys[:2])}}}."
            self._add(path, f"`{name}` has fields, which this has not", "wrong-type", hint)
            return
        for field in cell:
            if field not in keys:
                hint = did_you_mean(field, keys, kind="fields")
                message = f"`{name}` has no field `{field}`"
                self._add((*path, field), message, "unknown-field", hint, key=True)

    def _resource(self, rule: str, path: NodePath, *, key: bool = True) -> str | None:
        if rule not in self._resources:
            hint = did_you_mean(rule, self._resources, kind="rules")
            message = f"policy {self._policy.name} has no rule `{rule}`"
            self._add(path, message, "unknown-rule", hint, key=key)
        return self._resources.get(rule)

    def _check_ids(self, table: str, rows: dict[NodePath, dict[str, Cell]]) -> None:
        seen: set[Cell] = set()
        for path, row in rows.items():
            if row.get("id") is None:
                hint = "Give it one, a text by which `expect` names it: id: a-row."
                self._add(path, f"a row of {table} has no `id`", "missing-key", hint)
            elif (identifier := str(row["id"])) in seen:
                message = f"two rows of {table} have the id `{identifier}`"
                self._add(path, message, "duplicate-row", "Give each row an id of its own.")
            else:
                seen.add(identifier)

    def _check_rows(
        self,
        table: str,
        outcomes: dict[str, Outcome],
        rows: dict[str, list[dict[str, Cell]]],
        path: NodePath,
    ) -> None:
        ids = [str(row.get("id")) for row in rows.get(table, ())]
        for row in outcomes:
            if row not in ids:
                hint = did_you_mean(row, ids, kind="rows")
                message = f"the case has no row `{row}` of {table}"
                self._add((*path, row), message, "unknown-row", hint, key=True)

    def _expectation(
        self, document: CaseDocument, asked: tuple[str, str, str, Outcome], at: NodePath
    ) -> Expectation:
        rule, _, row, _ = asked
        message = document.messages.get(rule, {}).get(row)
        fix = document.fixes.get(rule, {}).get(row, UNSET)
        return Expectation(*asked, message, self._source.at(at), fix)

    def _check_extra(
        self, document: CaseDocument, path: NodePath, field: str, told: set[tuple[str, str]]
    ) -> None:
        for rule, given in getattr(document, field).items():
            for row in given:
                if (rule, row) not in told:
                    at = (*path, field, rule, row)
                    message = f"nothing is expected of rule `{rule}` on row `{row}`"
                    hint = "Say under `expect` what its outcome is."
                    self._add(at, message, "unknown-row", hint, key=True)

    def _add(
        self, path: NodePath, message: str, code: str, hint: str, *, key: bool = False
    ) -> None:
        self.problems.append(self._source.problem(path, message, code, hint=hint, key=key))


_BY_OUTCOME: Final = {
    "passes": Outcome.PASS,
    "fails": Outcome.FAIL,
    "unknown": Outcome.UNKNOWN,
    "not_applicable": Outcome.NOT_APPLICABLE,
}
