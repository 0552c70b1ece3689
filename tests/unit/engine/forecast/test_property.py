"""A forecast says of every day what a scan of that day says, for shipped rules and random ones.

In the suite a few days are held against scans; `FORECAST_DAYS=90 FORECAST_EXAMPLES=20` looks at
more.
"""

import json
import os
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scanner.model.coverage import Gap
from scanner.triage.interface import TriageRequest
from tests.unit.engine.forecast.worlds import (
    AS_OF,
    Records,
    baseline,
    by_forecast,
    by_scans,
    inventories,
    request_of,
    save,
)
from tests.unit.engine.judge.test_property import CONDITIONS

DAYS = int(os.environ.get("FORECAST_DAYS", "3"))
EXAMPLES = int(os.environ.get("FORECAST_EXAMPLES", "3"))
LIMITS = st.sampled_from([0, 1, 7, 29, 30, 31, 89, 90, 91])

OF_TIME = st.one_of(
    st.builds("age_days {} {}".format, st.sampled_from(["<", "<=", ">", "="]), LIMITS),
    st.builds("date_created >= now() - interval '{} days'".format, LIMITS),
    st.builds("now() - date_created < interval '{} days'".format, LIMITS),
    st.builds("project_date_created + interval '{} days' > now()".format, LIMITS),
    st.builds("date_diff('month', date_created, now()) <= {}".format, st.integers(0, 3)),
    st.builds("dayofweek(today()) <> {}".format, st.integers(0, 6)),
    st.builds("date_trunc('day', date_created) <> current_date - {}".format, LIMITS),
    st.builds("(age_days / {}) % 2 = 0".format, st.integers(0, 3)),
    st.builds(
        "count(*) filter (where age_days < {}) over (partition by {}) <= {}".format,
        LIMITS,
        st.sampled_from(["project_slug", "project_id", "name", "age_days", "today()"]),
        st.integers(0, 3),
    ),
    st.builds(
        "row_number() over (partition by {} order by date_created, id) < {}".format,
        st.sampled_from(["project_id", "name"]),
        st.integers(1, 3),
    ),
    st.builds("lag(age_days) over (order by id) is distinct from {}".format, LIMITS),
    # Some rows fail to be evaluated, and windows over them take all rows with them.
    st.builds("case when age_days < {} then true else cast(name as bigint) > 0 end".format, LIMITS),
    st.builds(
        "sum(case when age_days < {} then 1 else cast(name as bigint) end) over () > 0".format,
        LIMITS,
    ),
    st.sampled_from(["date_created is not null", "month(today()) = 2", "hour(now()) = 7"]),
)
PREDICATES = st.recursive(
    st.one_of(OF_TIME, OF_TIME, CONDITIONS.map(lambda condition: condition[0])),
    lambda inner: st.one_of(
        st.builds("not ({})".format, inner),
        st.builds("({}) and ({})".format, inner, inner),
        st.builds("({}) or ({})".format, inner, inner),
        st.builds("coalesce({}, false)".format, inner),
    ),
    max_leaves=4,
)


@st.composite
def waivers(draw: st.DrawFn, rules: list[str]) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for number in range(draw(st.integers(0, 3))):
        created = AS_OF + timedelta(days=draw(st.integers(-60, 3)))
        expires = max(created, AS_OF + timedelta(days=draw(st.integers(-3, DAYS + 2))))
        ids = st.lists(st.sampled_from(["k000", "k001", "t000"]), min_size=1, unique=True)
        of = st.sampled_from(["age_days > 30", "name = 'web'", "dayofweek(today()) > 3", "id > ''"])
        found.append(
            {
                "id": f"w{number}",
                "rule": draw(st.lists(st.sampled_from(rules), min_size=1, unique=True)),
                "match": draw(st.one_of(ids, of)),
                **dict.fromkeys(("reason", "owner", "approved_by"), "somebody"),
                "created": f"{created:%Y-%m-%d}",
                "expires": f"{expires:%Y-%m-%d}",
            }
        )
    return found


def agree(
    records: Records,
    gaps: list[Gap],
    policies: list[str],
    allowed: list[dict[str, object]],
    known: int | None,
) -> None:
    with TemporaryDirectory() as folder:
        source = save(records, Path(folder, "inventory.jsonl"), gaps)
        file = Path(folder, "waivers.yaml")
        file.write_text(json.dumps({"waivers": allowed}), "utf-8")
        request = request_of(source, policies, TriageRequest(waivers=file))
        if known is not None:
            with_known = baseline(request, Path(folder, "known.jsonl"), known)
            request = request_of(source, policies, with_known)
        assert by_forecast(request, DAYS) == by_scans(request, DAYS)


GAPS = st.sampled_from([[], [], [], [Gap("closed", "acme", "p1")]])
KNOWN = st.sampled_from([None, None, 0, 3])
SLOW = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True
)
SHIPPED = st.sampled_from([["sentry-baseline"], ["sentry-strict", "sentry-tokens"]])
KEY_RULES = ["key-max-age", "key-rate-limit", "key-inactive-deleted"]


@settings(SLOW, max_examples=EXAMPLES + 1)
@given(SHIPPED, inventories(DAYS), GAPS, waivers(KEY_RULES), KNOWN)
def test_shipped_rules_agree_with_the_scan_of_each_day(
    policies: list[str],
    records: Records,
    gaps: list[Gap],
    allowed: list[dict[str, object]],
    known: int | None,
) -> None:
    agree(records, gaps, policies, allowed, known)


@SLOW
@given(
    inventories(DAYS),
    GAPS,
    st.lists(st.tuples(st.none() | PREDICATES, PREDICATES), min_size=1, max_size=5),
    waivers(["r0"]),
    KNOWN,
)
def test_random_predicates_agree_with_the_scan_of_each_day(
    records: Records,
    gaps: list[Gap],
    pairs: list[tuple[str | None, str]],
    allowed: list[dict[str, object]],
    known: int | None,
) -> None:
    rules = [
        {
            "id": f"r{number}",
            "title": "T",
            "resource": "sentry_key",
            "severity": "low",
            "require": require,
            "message": "{name} is {age_days} days old, of {date_created}",
            **({"where": where} if where else {}),
        }
        for number, (where, require) in enumerate(pairs)
    ]
    document = {"policy": "mine", "version": "1.0.0", "title": "T", "rules": rules}
    with TemporaryDirectory() as folder:
        policy = Path(folder, "mine.yaml")
        policy.write_text(json.dumps(document), "utf-8")
        agree(records, gaps, [str(policy)], allowed, known)
