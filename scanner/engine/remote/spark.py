"""Spark: the session that is there, the one of a Spark Connect URL, or one of its own.

Spark finds its session itself: within `spark-submit` or a notebook it is the one that runs, with
SPARK_REMOTE the one of that server, and else one on this machine.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from itertools import islice
from typing import Final
from urllib.parse import urlsplit
from warnings import catch_warnings, simplefilter

from pyspark.sql import DataFrame, SparkSession

from scanner.base.errors import UsageError
from scanner.catalogue import LIVE, TEXTS
from scanner.catalogue.redact import redact_text
from scanner.engine.dialect.words.spark import SPARK
from scanner.engine.judge.evaluate import CODES
from scanner.engine.remote.driver import FAILURES, check_new, failed, letting_go, session_of_spark
from scanner.engine.remote.interface import CodeGroup, DataPlace, Question
from scanner.engine.remote.inventory import SparkInventory
from scanner.model.coverage import TableCoverage
from scanner.model.inventory import Reach

_OUTCOMES: Final = f"ARRAY({', '.join(repr(str(one)) for one in CODES)})"

TABLE: Final = "{table}"
"""What stands for the name of a table in a path, where there are several."""

_AT_ONCE: Final = 2_000  # rows of an answer
_SHUFFLED: Final = "spark.sql.shuffle.partitions"
_PARTS: Final = 8  # of a shuffle, for each processor
_PART: Final = 50_000  # rows of one
SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.parser.escapedStringLiterals": "false",
    "spark.sql.caseSensitive": "false",
    "spark.sql.datetime.java8API.enabled": "false",
}
_TYPES: Final[dict[str, frozenset[str]]] = {
    "VARCHAR": frozenset({"string"}),
    "BOOLEAN": frozenset({"boolean"}),
    "BIGINT": frozenset({"bigint", "int", "smallint", "tinyint"}),
    "DOUBLE": frozenset({"double"}),
    "TIMESTAMP WITH TIME ZONE": frozenset({"timestamp"}),
    "JSON": frozenset({"string"}),
    "VARCHAR[]": frozenset({"array<string>"}),
}
_NAMES: Final = {"VARCHAR": "STRING"}
_TIMES: Final = "MAP('timestampFormat', 'yyyy-MM-dd\\'T\\'HH:mm:ss.SSSSSSXXX')"


@contextmanager
def open_spark(place: DataPlace) -> Iterator["SparkEngine"]:
    """Take the session, and give it; one that was begun here ends with it."""
    if urlsplit(place.address).password is not None:
        raise UsageError(
            "the address has a key in it, where other users and logs can see it",
            where="--inventory",
            remedy="Give Spark the key by its configuration, such as spark.hadoop.fs.s3a.*.",
        )
    check_new(place.findings)
    with session_of_spark() as session:
        engine = SparkEngine(session.newSession(), place.address, place.findings)
        try:
            yield engine
        finally:
            engine.forget()


class SparkEngine:
    """A session of Spark. See remote.interface for what its methods do."""

    words = SPARK

    def __init__(self, session: SparkSession, path: str, findings: str) -> None:
        self._session = session
        self._path = path
        self._findings = findings
        self.label = redact_text(path)
        self._inventory: SparkInventory[DataFrame] | None = None
        self._kept: list[DataFrame] = []
        with catch_warnings():  # of settings that are as they are by default
            simplefilter("ignore")
            for name, value in SETTINGS.items():
                session.conf.set(name, value)

    def columns(self, table: str) -> Mapping[str, str] | None:
        """Return the types of a table's columns by name; None where no path is of it."""
        path = self._path.replace(TABLE, table)
        kind = "orc" if path.endswith(".orc") else "parquet"
        try:
            # The columns of all files, not those of the one that happens to come first.
            read = self._session.read.format(kind).option("mergeSchema", "true")
            frame: DataFrame | None = read.load(path)
            if frame is not None and SparkInventory.is_one(frame):
                # Its columns are all in the file: the names of folders are none.
                whole = read.option("recursiveFileLookup", "true").load(path)
                self._inventory = self._inventory or SparkInventory(whole, self.label)
                frame = self._inventory.table(table)
            elif TABLE not in self._path and table != LIVE.keys:
                frame = None
            if frame is None:
                return None
            frame.createOrReplaceTempView(f"kp_{table}")
            found = {field.name: field.dataType.simpleString() for field in frame.schema.fields}
        except FAILURES as error:
            if TABLE in self._path and "PATH_NOT_FOUND" in str(error):
                return None
            raise failed(self.label, error) from None
        return found

    def coverage(self, table: str) -> TableCoverage | None:
        """Return what an inventory says of the table; other files do not tell."""
        return self._inventory.coverage(table) if self._inventory else None

    def reaches(self) -> Sequence[Reach]:
        """Return what an inventory was asked for; other files do not tell."""
        return self._inventory.reaches if self._inventory else ()

    def source(self, table: str) -> str:
        """Return the view of the table."""
        return f"kp_{table}"

    def cast(self, column: str, kind: str, found: str) -> str | None:
        """Return a column as a type of the catalogue; None where it is of another type."""
        raw = f"raw.{column}"
        if kind == "JSON" and found.startswith("struct<"):
            return f"TO_JSON({raw})"
        if found not in _TYPES[kind]:
            return None
        if kind == "JSON":
            return f"TRIM(BOTH ' \\t\\n\\r' FROM {raw})"
        if kind == TEXTS:  # a list with anything else in it is not known
            return f"CASE WHEN NOT EXISTS({raw}, one -> one IS NULL) THEN {raw} END"
        return f"CAST({raw} AS {_NAMES.get(kind, found)})"

    def faults(self, column: str, kind: str, sort: str, keys: Sequence[str]) -> str:
        """Return a condition for values of the column that are none of its type; may be empty."""
        if kind == "TIMESTAMP WITH TIME ZONE":
            ends = ("1970-01-01", "9000-01-01")
            first, last = (f"TIMESTAMP '{end} 00:00:00+00:00'" for end in ends)
            return f"{column} < {first} OR {column} >= {last}"
        if kind != "JSON":
            return ""
        # Within a list with an end of ours: Spark reads no further than the first value is.
        parsed = f"TRY_PARSE_JSON(CONCAT('[', {column}, ',\"end\"]'))"
        whole = f"COALESCE(TRY_VARIANT_GET({parsed}, '$[1]', 'STRING') = 'end', FALSE)"
        tests = [
            f"NOT {whole}",
            f"NOT ({_sort(parsed, '$[0]')} = 'VOID' OR {_sort(parsed, '$[0]')} LIKE '{sort}<%')",
            *(f"{_sort(parsed, f'$[0].{key}')} NOT IN ('BIGINT', 'VOID')" for key in keys),
        ]
        return f"{column} IS NOT NULL AND ({' OR '.join(tests)})"

    def value(self, text: str | datetime | int) -> str:
        """Return a literal."""
        if isinstance(text, int):
            return f"CAST({text} AS BIGINT)"
        if isinstance(text, datetime):
            return f"CAST('{text.isoformat(sep=' ')}' AS TIMESTAMP)"
        return SPARK.text(text)

    def rows(self, sql: str) -> Iterator[Sequence[tuple[object, ...]]]:
        """Run a SELECT, and give its rows, some at a time."""
        try:
            found = self._frame(sql).toLocalIterator()
            while some := [tuple(row) for row in islice(found, _AT_ONCE)]:
                yield some
        except FAILURES as error:
            raise failed(self.label, error) from None

    def ask(self, question: Question) -> "SparkAnswer":
        """Judge a table once: what comes of it is kept by Spark, for as many jobs as it takes."""
        answer = SparkAnswer(self, question)
        self._divide(question.number)
        try:
            judged = self._frame(answer.judged).persist()
            self._kept.append(judged)
            judged.createOrReplaceTempView(answer.view)
        except FAILURES as error:
            raise failed(self.label, error) from None
        if self._findings:
            place = f"{self._findings.rstrip('/')}/resource_type={question.table}"
            try:
                self._frame(answer.findings()).write.parquet(place)
            except FAILURES as error:
                raise failed(place, error) from None
        return answer

    def _divide(self, rows: int) -> None:
        """Let shuffles on this machine have as many parts as that many rows need.

        For each part of a window Spark compiles code, which takes it longer than 10,000 rows do; of
        what comes back, on the other hand, a part at a time is in memory.
        """
        context = getattr(self._session, "sparkContext", None)  # Spark Connect has none
        if context is None or not context.master.startswith("local"):
            return
        if context.getConf().get(_SHUFFLED) is None:
            parts = max(_PARTS * context.defaultParallelism, rows // _PART)
            self._session.conf.set(_SHUFFLED, str(parts))

    def forget(self) -> None:
        """Let go of what Spark keeps, which would outlive the session."""
        with letting_go():
            for frame in self._kept:
                frame.unpersist()

    def _frame(self, sql: str) -> DataFrame:
        return self._session.sql(sql)


def _sort(parsed: str, path: str) -> str:
    """Return what is at a path in parsed JSON, as Spark names types; NULL where nothing is."""
    return f"SCHEMA_OF_VARIANT(TRY_VARIANT_GET({parsed}, '{path}', 'VARIANT'))"


class SparkAnswer:
    """The answer: a job for the groups, and one for the rows.

    `judged` is a SELECT of what is told of each row, with its codes; `view` has its result.
    """

    def __init__(self, engine: SparkEngine, question: Question) -> None:
        self._engine = engine
        self._question = question
        codes = ", ".join(f"CAST({code} AS STRING)" for code in question.codes)
        place = ", ".join(
            f"CAST({sql} AS STRING) AS {name}"
            for sql, name in zip(question.place, ("kp_o", "kp_k", "kp_p"), strict=True)
        )
        facts = f"TO_JSON(STRUCT({', '.join(question.facts)}), {_TIMES})"
        self.view = f"kp_judged_{question.table}"
        told = ", ".join(f"t.{name}" for name in question.told)
        self.judged = (
            f"SELECT {told}, {place}, CONCAT({codes}) AS codes, SHA2({facts}, 256) AS kp_h"
            f" FROM ({question.relation}) AS t{question.letters}"
        )

    def findings(self) -> str:
        """Return a SELECT of all findings, one a row, before anything is tolerated."""
        rules = ", ".join(
            f"NAMED_STRUCT('rule_id', {value(rule)}, 'policy', {value(policy)},"
            f" 'severity', {value(severity)}, 'outcome',"
            f" ELEMENT_AT({_OUTCOMES}, CAST(SUBSTRING(codes, {number}, 1) AS INT) + 1))"
            for value in (self._engine.value,)
            for number, (rule, policy, severity) in enumerate(self._question.rules, start=1)
        )
        told = ", ".join(name for name in self._question.told if name not in {"id", "name"})
        return (
            "SELECT f.rule_id, f.policy, f.severity, f.outcome, id AS resource_id,"
            " name AS resource_name, kp_o AS organization, kp_p AS project, kp_k AS project_key,"
            f" {told} FROM (SELECT *, EXPLODE(FILTER(ARRAY({rules}), r -> r.outcome NOT IN"
            f" ('pass', 'not_applicable'))) AS f FROM {self.view})"
        )

    def groups(self) -> Iterator[CodeGroup]:
        """Give all groups."""
        parts = [f"CONV(SUBSTRING(kp_h, {1 + 15 * n}, 15), 16, 10)" for n in range(4)]
        sums = ", ".join(f"CAST(SUM(CAST({one} AS DECIMAL(20, 0))) AS STRING)" for one in parts)
        sql = (
            f"SELECT kp_o, kp_p, codes, COUNT(1), {sums} FROM {self.view}"
            " GROUP BY kp_o, kp_p, codes"
        )
        for some in self._engine.rows(sql):
            yield from map(CodeGroup.of, some)

    def rows(self) -> Iterator[Sequence[str]]:
        """Give the rows with a finding, some at a time."""
        question = self._question
        told = ", ".join([*question.told, "codes"])
        sql = (
            f"SELECT TO_JSON(STRUCT({told}), {_TIMES}) FROM {self.view}"
            f" WHERE SUBSTRING(codes, 1, {len(question.rules)}) RLIKE '[123]'"
        )
        for some in self._engine.rows(sql):
            yield [str(row[0]) for row in some]
