"""The quick way from records to rows, for records in which nothing has to be looked at twice.

Each record is parsed once; what comes out are its fields as JSON texts, as exact as they stand in
the file: `"yes"` keeps its quotes, 1.5 stays 1.5, null is told from missing. On these short texts
types are held against the catalogue by comparing them, since the first letter of a JSON text tells
its type. A row is *plain* where every field is as it should be, no text holds an escape, and
nothing may hold a secret. All others, whatever is odd about them, are left to `normalize`, which
judges and redacts; a property test holds that both make the same rows of plain records.
"""

from collections.abc import Sequence
from typing import Final

from scanner.catalogue import INTEGER, OWN, TABLES, Field
from scanner.catalogue.redact import MIN_SECRET, SECRET_FIELDS, SUSPECT
from scanner.inventory.rows.facts import ROW, fact_paths, facts
from scanner.inventory.rows.fields import filled, joining, paths_of, texts_of
from scanner.inventory.rows.normalize import BAD
from scanner.model.moment import PATTERN
from scanner.model.provider import Secrets
from scanner.model.table import BOOLEAN, LIST, OBJECT, TEXT

_TESTS: Final = {
    TEXT: "{0} < '#'",
    BOOLEAN: "{0} IN ('true', 'false')",
    INTEGER: "regexp_full_match({0}, '-?[0-9]{{1,18}}')",
    OBJECT: "{0} >= '{{'",
    LIST: "{0} >= '[' AND {0} < '\\'",
}
"""By type: a condition for its JSON texts, as the database writes them, and for no other's.

The first letter of a JSON text tells its type: no other is as low as a quote, or as high as a
brace. To compare takes a tenth of what a pattern takes. Integers that might not have 64 bits are
left out.
"""


def plain(name: str, columns: Sequence[str]) -> str:
    """Return the SELECT that makes the columns of table `name` from a relation `raw`.

    `raw` is as `normalize.select` has it, and so is the result: for a row that is not plain BAD is
    NULL, and so is all else.
    """
    plan = _Fields(name, columns)
    table = TABLES[name]
    made = []
    for column in columns:
        spec = table.columns[column]
        value = f"CAST({filled(spec.source, plan.text, plan.kind)} AS {spec.type})"
        # Only texts can hold what is not to be there, not even for a moment.
        hidden = spec.type.startswith(("VARCHAR", "JSON"))
        made.append(f'{f"CASE WHEN plain THEN {value} END" if hidden else value} AS "{column}"')
    return (
        f"SELECT {', '.join(made)}, CASE WHEN plain THEN false END AS {BAD},"
        f" CASE WHEN plain THEN unhex(sha256(told)) END AS {ROW}"
        f" FROM ({plan.judged}) AS parsed{joining(table, plan.text, plan.kind)}"
    )


def not_plain(name: str, columns: Sequence[str]) -> str:
    """Return the SELECT of the rows of `raw`, as they are, for which `plain` leaves BAD NULL."""
    judged = _Fields(name, columns).judged
    return f"SELECT organization, project, server, record FROM ({judged}) WHERE NOT plain"


class _Fields:
    """The fields that are read of a record, each a column of JSON text."""

    def __init__(self, name: str, columns: Sequence[str]) -> None:
        table = TABLES[name]
        self._fields = table.fields
        self._paths: dict[str, int] = {}
        of_facts = fact_paths(name)
        told = facts(name, self.json)
        sources = (*(table.columns[column].source for column in columns), table.join)
        for source in sources:
            for path in paths_of(source):
                self.json(path)
        taken = dict.fromkeys(path for source in sources for path in texts_of(source))
        more = [self.json(path) for path in taken if path not in of_facts]
        told_too = f", concat_ws(chr(31), {', '.join(more)}) AS more" if more else ""
        anything = [self.json(path) for path in of_facts if _is_free(table.fields[path])]
        free = f"concat_ws(chr(31), organization, project, {', '.join([*anything, *more])})"
        secrets = OWN[name].secrets
        tests = [self._well_formed(path, table.fields[path]) for path in of_facts]
        tests += self._dates()
        tests += [
            self._sound(path, field, secrets)
            for path, field in table.fields.items()
            if path not in of_facts and path != f"$.{secrets.common}"
        ]
        tests += self._harmless(secrets, ("told", "more") if more else ("told",))
        raw = "organization, project, server, record"
        texts = ", ".join(f"CAST(j[{n}] AS VARCHAR) AS f{n}" for n in self._paths.values())
        listed = ", ".join(f"'{path}'" for path in self._paths)
        self.judged = (
            f"SELECT *, coalesce(({' AND '.join(tests)}) IS NOT FALSE, false) AS plain FROM"
            f" (SELECT *, {told} AS told, {free} AS free{told_too} FROM"
            f" (SELECT {raw}, {texts} FROM"
            f" (SELECT {raw}, json_extract(record, [{listed}]) AS j FROM raw)))"
        )

    def json(self, path: str) -> str:
        """Return the JSON text of a field, NULL where it is missing."""
        return f"f{self._number(path)}"

    def text(self, path: str) -> str:
        """Return the value of a field of a plain row, as text."""
        json, field = self.json(path), self._fields.get(path)
        if field is not None and field.types == TEXT:
            return f"CASE WHEN {json} < '#' THEN {self._inside(path)} END"
        if field is not None and TEXT[0] not in field.types:
            return f"nullif({json}, 'null')"
        return f"CASE WHEN {json} < '#' THEN {self._inside(path)} ELSE nullif({json}, 'null') END"

    def kind(self, path: str) -> str:
        """Return the JSON type of a field of a plain row, NULL where the field is missing."""
        json, (type_,) = self.json(path), self._fields[path].types
        return f"CASE WHEN {json} = 'null' THEN 'NULL' WHEN {json} IS NOT NULL THEN '{type_}' END"

    def _number(self, path: str) -> int:
        return self._paths.setdefault(path, len(self._paths) + 1)

    def _inside(self, path: str) -> str:
        return f"substring({self.json(path)}, 2, length({self.json(path)}) - 2)"

    def _dates(self) -> list[str]:
        """Return conditions that are FALSE where what is written like a time is none."""
        dates = [self.text(path) for path, field in self._fields.items() if field.timestamp]
        return [
            f"({date} IS NULL OR TRY_CAST({date} AS TIMESTAMPTZ) IS NOT NULL)" for date in dates
        ]

    def _sound(self, path: str, field: Field, secrets: Secrets) -> str:
        """Return a condition that is FALSE where a field that is no fact is not as it should be."""
        name = path.removeprefix("$.")
        if name in secrets.urls and path not in self._paths:
            # Long, and its text is not needed: whatever has a member is an object.
            members = (secrets.common, *secrets.urls[name][:1])
            found = ", ".join(self.json(f"{path}.{member}") for member in members)
            types = ", ".join(f"'{one}'" for one in (*field.types, "NULL"))
            type_ = f"coalesce(json_type(record, '{path}') IN ({types}), true)"
            return f"CASE WHEN coalesce({found}) IS NULL THEN {type_} ELSE true END"
        return self._well_formed(path, field)

    def _well_formed(self, path: str, field: Field) -> str:
        """Return a condition that is FALSE where the field's type is wrong, or it is lacking."""
        json = self.json(path)
        if field.timestamp:
            found = f"regexp_full_match({json}, '\"{PATTERN}\"')"
        else:
            tests = [test for types, test in _TESTS.items() if set(types) <= set(field.types)]
            found = " OR ".join(f"({test.format(json)})" for test in tests)
        if field.required:
            return f"coalesce(({found}) AND {json} <> '\"\"', false)"
        return f"({found} OR {json} = 'null')"

    def _harmless(self, secrets: Secrets, texts: Sequence[str]) -> list[str]:
        """Return conditions that are FALSE where something may be a secret, or hold an escape.

        What looks like a secret is looked for in `free` text alone: no number or time does.
        """
        path = f"$.{secrets.common}"
        secret, its_json = self.text(path), self.json(path)
        urls = [self.json(f"$.{field}.{secrets.common}") for field in secrets.urls]
        others = [self.json(f"$.{name}") for name in sorted(SECRET_FIELDS - {secrets.common})]
        return [
            *(f"NOT contains({text}, '\\')" for text in texts),
            f"NOT regexp_matches(free, '{SUSPECT}')",
            f"({its_json} < '#' AND NOT contains({its_json}, '\\') OR {its_json} = 'null')",
            *(
                f"NOT (strlen({secret}) >= {MIN_SECRET} AND contains({text}, {secret}))"
                for text in texts
            ),
            *(
                f"({url} IS NULL OR {url} = 'null' OR coalesce(contains({url}, {secret}), false))"
                for url in urls
            ),
            *([f"coalesce({', '.join(others)}) IS NULL"] if others else []),
        ]


def _is_free(field: Field) -> bool:
    """Whether the texts of a field that is as it should be may hold anything."""
    return not field.timestamp and not {*TEXT, *OBJECT, *LIST}.isdisjoint(field.types)
