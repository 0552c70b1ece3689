"""The quick way from records to rows, for records in which nothing has to be looked at twice.

Each record is parsed once; what comes out are its fields as JSON texts, as exact as they stand in
the file: `"yes"` keeps its quotes, 1.5 stays 1.5, null is told from missing. On these short texts
types are held against the catalogue by comparing them, since the first letter of a JSON text tells
its type. A row is *plain* where every field is as it should be, no text holds an escape, and
nothing may hold a secret. All others, whatever is odd about them, are left to `normalize`, which
judges and redacts; a property test holds that both make the same rows of plain records.
"""

from collections.abc import Sequence
from functools import partial
from typing import Final

from scanner.catalogue import INTEGER, OWN, TABLES, Field
from scanner.catalogue.redact import MIN_SECRET, SECRET_FIELDS, SUSPECT
from scanner.inventory.rows.facts import FILE, RAW, ROW, fact_paths, facts, usual
from scanner.inventory.rows.fields import filled, joining, paths_of, texts_of
from scanner.inventory.rows.members import ODD
from scanner.inventory.rows.normalize import BAD
from scanner.inventory.rows.typed import is_read, sound, spoken, texts, value
from scanner.model.moment import PATTERN
from scanner.model.provider import Secrets
from scanner.model.table import BOOLEAN, LIST, OBJECT, TEXT

_TEXTS: Final = {
    TEXT: r'"[^"\\\x1f]*"',
    BOOLEAN: "true|false",
    INTEGER: "-?[0-9]{1,18}",
    OBJECT: r"[{][^\\\x1f]*",
    LIST: r"\[[^\\\x1f]*",
}
"""By type: a pattern for its JSON texts, as the database writes them, and of no other's.

Texts with escapes are left out, and integers that might not have 64 bits.
"""

_NUMBER_TEXT: Final = '"(0|-?[1-9][0-9]{0,17})"'
"""The pattern for a text that is a whole number."""


def plain(name: str, columns: Sequence[str], *, typed: bool = False) -> str:
    """Return the SELECT that makes the columns of table `name` from a relation `raw`.

    `raw` is as `normalize.select` has it, and so is the result: for a row that is not plain BAD is
    NULL, and so is all else. If it is `typed`, `raw` is as `typed.rows` has it.
    """
    plan = _Fields(name, columns, typed=typed)
    table = TABLES[name]
    made = []
    for column in columns:
        if column == ROW:
            made.append(f"CASE WHEN plain THEN unhex(sha256(told)) END AS {ROW}")
            continue
        spec = table.columns[column]
        made_of = f"CAST({filled(spec.source, plan.text, plan.kind)} AS {spec.type})"
        # Only texts can hold what is not to be there, not even for a moment.
        hidden = spec.type.startswith(("VARCHAR", "JSON"))
        made.append(f'{f"CASE WHEN plain THEN {made_of} END" if hidden else made_of} AS "{column}"')
    return (
        f"SELECT {', '.join(made)}, file AS {FILE}, CASE WHEN plain THEN false END AS {BAD}"
        f" FROM ({plan.judged}) AS parsed{joining(table, plan.text, plan.kind)}"
    )


def not_plain(name: str, columns: Sequence[str], *, typed: bool = False) -> str:
    """Return the SELECT of the rows of `raw`, as they are, for which `plain` leaves BAD NULL."""
    judged = _Fields(name, columns, typed=typed).judged
    return f"SELECT {RAW} FROM ({judged}) WHERE NOT plain"


class _Fields:
    """The fields that are read of a record, each a column of JSON text."""

    def __init__(self, name: str, columns: Sequence[str], *, typed: bool) -> None:
        table = TABLES[name]
        self._fields = table.fields
        self._value = partial(value, name, columns=columns) if typed else None
        self._paths: dict[str, int] = {}
        self._texts: dict[str, str] = {}
        of_facts = fact_paths(name)
        told = facts(name, self.json, plain=True)
        made = (table.columns[column].source for column in columns if column != ROW)
        sources = (*made, table.join)
        for source in sources:
            for path in paths_of(source):
                self.json(path)
        taken = dict.fromkeys(path for source in sources for path in texts_of(source))
        for path in taken:
            self.text(path)  # the columns ask for it once the statement stands
        more = [self.json(path) for path in taken if path not in of_facts]
        told_too = f", concat_ws(chr(31), {', '.join(more)}) AS more" if more else ""
        if typed:
            tests = [f"{ODD} IS NULL", *sound(name, self.json, "said")]
            spoken_of = of_facts if ROW in columns else taken
            told_too += f", {spoken(name, self.json, spoken_of)} AS said"
        else:
            tests = [f"regexp_full_match(told, '{_row(name)}')", *self._dates(), *self._once()]
            tests += usual(name, self.json) if ROW in columns else []
        said = ("said" if typed else "told", "more")
        tests += [
            self._sound(path, field, OWN[name].secrets)
            for path, field in table.fields.items()
            if path not in of_facts and path != f"$.{OWN[name].secrets.common}"
            # What a file has no column for is in odd rows alone, or told by what is in it.
            if not typed or is_read(name, path, columns)
        ]
        tests += self._harmless(OWN[name].secrets, said if more else said[:1])
        told_too += "".join(f", {text} AS {column}" for column, text in self._texts.items())
        taken_out = texts(name, self._paths, columns) if typed else self._parsed()
        self.judged = (
            f"SELECT *, coalesce(({' AND '.join(tests)}) IS NOT FALSE, false) AS plain FROM"
            f" (SELECT *, {told} AS told{told_too} FROM ({taken_out}))"
        )

    def _parsed(self) -> str:
        """Return the SELECT of the fields' texts from `raw`, each record of which is parsed."""
        made = ", ".join(f"CAST(j[{n}] AS VARCHAR) AS f{n}" for n in self._paths.values())
        listed = ", ".join(f"'{path}'" for path in self._paths)
        return (
            f"SELECT {RAW}, {made} FROM"
            f" (SELECT {RAW}, json_extract(record, [{listed}]) AS j FROM raw)"
        )

    def json(self, path: str) -> str:
        """Return the JSON text of a field, NULL where it is missing."""
        return f"f{self._number(path)}"

    def text(self, path: str) -> str:
        """Return the value of a field of a plain row, as text, or as its column has it."""
        if self._value is not None and (column := self._value(path)):
            return column
        json, field = self.json(path), self._fields.get(path)
        if field is not None and TEXT[0] not in field.types:
            return f"nullif({json}, 'null')"
        other = "" if field is not None and field.types == TEXT else f" ELSE nullif({json}, 'null')"
        # A column of its own: written out wherever it is used, it is planned as often.
        column = f"t{self._number(path)}"
        self._texts[column] = f"CASE WHEN {json} < '#' THEN {self._inside(path)}{other} END"
        return column

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

    def _once(self) -> list[str]:
        """Return conditions that are FALSE where a record tells one thing by two names."""
        pairs = [(path, one.same_as) for path, one in self._fields.items() if one.same_as]
        told = [[f"nullif({self.json(path)}, 'null')" for path in pair] for pair in pairs]
        return [f"({' IS NULL OR '.join(pair)} IS NULL)" for pair in told]

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
        json = self.json(path)
        # No other JSON text begins with a letter as low as a quote, or as high as a brace.
        letters = {TEXT: f"{json} < '#'", OBJECT: f"{json} >= '{{'"}
        if field.types in letters and not field.timestamp and not field.required:
            return f"({letters[field.types]} OR {json} = 'null')"
        return f"regexp_full_match({json}, '{_field(field)}')"

    def _harmless(self, secrets: Secrets, texts: Sequence[str]) -> list[str]:
        """Return conditions that are FALSE where something may be a secret, or hold an escape."""
        path = f"$.{secrets.common}"
        secret, its_json = self.text(path), self.json(path)
        urls = [self.json(f"$.{field}.{secrets.common}") for field in secrets.urls]
        others = [self.json(f"$.{name}") for name in sorted(SECRET_FIELDS - {secrets.common})]
        return [
            *(f"NOT contains({text}, '\\')" for text in texts[1:]),
            *(f"NOT regexp_matches({text}, '{SUSPECT}')" for text in texts),
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


def _row(name: str) -> str:
    """Return a pattern for the facts of a row in which every field is as it should be."""
    place = r"[^\x1f]*"
    fields = TABLES[name].fields
    return r"\x1f".join((name, place, place, *(_field(fields[path]) for path in fact_paths(name))))


def _field(field: Field) -> str:
    """Return a pattern for the JSON text of a field, empty for one that is missing."""
    texts = _TEXTS | ({TEXT: _NUMBER_TEXT} if field.number else {})
    kinds = [pattern for types, pattern in texts.items() if set(types) <= set(field.types)]
    found = f'"{PATTERN}"' if field.timestamp else "|".join(kinds)
    if field.required:
        return f"({found.replace('*', '+')})"
    return f"({found}|null)?"
