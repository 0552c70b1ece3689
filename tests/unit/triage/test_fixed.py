"""What of a baseline is fixed: in small here, and as a property over whole inventories."""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scanner.gate import Thresholds
from scanner.inventory.file import FileSource
from scanner.inventory.spool import Spool
from scanner.model.coverage import CoverageState, Gap, TableCoverage
from scanner.model.finding import Identity, KnownFinding, Place
from scanner.model.inventory import Reach, Scope
from scanner.model.outcome import Outcome, Severity
from scanner.model.rule import Rule
from scanner.pipeline import ScanRequest, new_baseline
from scanner.triage.baseline import BaselineChange, render
from scanner.triage.decide import DecisionLog
from scanner.triage.fixed import fixed
from scanner.triage.interface import Sight

KEYS = "sentry_key"
TABLES = frozenset({KEYS, "sentry_project"})
EVERYTHING = Scope()
ALL = Reach(TABLES, EVERYTHING)
WEB = Place("acme", "7", "web")

KNOWN = KnownFinding(
    rule="r",
    severity=Severity.LOW,
    outcome=Outcome.FAIL,
    type=KEYS,
    organization="acme",
    project="web",
    project_id="7",
    id="k",
    name="n",
    fingerprint="f",
    first_seen=datetime(2026, 1, 1, tzinfo=UTC),
)


class World:
    """Facts about an inventory that has keys in some places, and lists some projects."""

    def __init__(self, keys: dict[str, Place], projects: Sequence[Place]) -> None:
        self.keys = keys
        self.projects = projects

    def identities(self, rule: Rule, predicates: Sequence[int]) -> Iterable[Identity]:
        raise NotImplementedError

    def matches(self, predicate: int) -> int:
        raise NotImplementedError

    def spread(self, rule: Rule) -> dict[tuple[str | None, str | None], int]:
        raise NotImplementedError

    def existing(self, table: str, ids: frozenset[str]) -> list[tuple[str, Place]]:
        assert table == KEYS
        return [(key, place) for key, place in self.keys.items() if key in ids]

    def places(self, table: str) -> list[Place]:
        return {KEYS: list(self.keys.values()), "sentry_project": list(self.projects)}.get(
            table, []
        )


def is_fixed(
    keys: dict[str, Place],
    reach: Reach = ALL,
    *,
    known: KnownFinding = KNOWN,
    projects: Sequence[Place] = (WEB,),
    scope: Scope = EVERYTHING,
    gaps: tuple[Gap, ...] = (),
    displaced: str | None = "-",
    is_one_server: bool = False,
) -> bool:
    ledger = DecisionLog()
    if displaced != "-":
        ledger.displaced["r", "k"] = {displaced}
    sight = Sight(scope, {KEYS: gaps}, (reach,), is_one_server)
    return bool(fixed([known], {"r": KEYS}, World(keys, projects), sight, ledger))


OTHER = {"x": WEB}


def test_seen_and_passing_or_gone_is_fixed() -> None:
    assert is_fixed({"k": WEB})
    assert is_fixed(OTHER)
    assert is_fixed({})
    assert is_fixed({}, projects=[Place("acme", "8", "app")])  # with its project


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        (Scope(("acme",)), True),
        (Scope(("globex",)), False),
        (Scope(("acme",), ("web",)), True),
        (Scope((), ("app",)), False),
        (Scope(("globex",), ("web",)), False),
    ],
)
def test_out_of_scope_is_not_looked_at(scope: Scope, *, expected: bool) -> None:
    assert is_fixed(OTHER, scope=scope) is expected
    assert is_fixed(OTHER, Reach(TABLES, scope)) is expected
    assert is_fixed({}, Reach(TABLES, scope), projects=[]) is False


def test_what_leaves_rows_out_or_does_not_tell_its_scope_fixes_little() -> None:
    assert not is_fixed({"k": WEB}, Reach(TABLES, Scope(), ("status",)))
    assert not is_fixed({"k": WEB}, Reach(frozenset({"sentry_project"}), Scope()))
    for untold in (Reach(TABLES), Reach(TABLES, is_export=True)):
        assert is_fixed(OTHER, untold)
        assert not is_fixed({}, untold)
        assert not is_fixed({"x": Place("acme", "8", "app")}, untold)


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        (Gap("all"), False),
        (Gap("x", "acme"), False),
        (Gap("x", "acme", "web"), False),
        (Gap("x", "acme", "app"), True),
        (Gap("x", "globex"), True),
    ],
)
def test_a_gap_hides_what_lies_in_it(gap: Gap, *, expected: bool) -> None:
    assert is_fixed(OTHER, gaps=(gap,)) is expected


def test_a_renamed_project_is_the_same_place() -> None:
    shop = Place("acme", "7", "shop")
    assert not is_fixed({}, projects=[shop], gaps=(Gap("x", "acme", "shop"),))
    assert is_fixed({"x": shop}, Reach(TABLES, Scope((), ("shop",))), projects=[shop])
    swapped = [Place("acme", "8", "web")]  # another project goes by the name now
    reach = Reach(TABLES, Scope((), ("web",)))
    assert not is_fixed({"x": swapped[0]}, reach, projects=swapped)


def test_a_finding_whose_place_is_told_otherwise_is_not_fixed() -> None:
    assert not is_fixed({"k": Place("acme", None, None)})
    assert not is_fixed({"k": Place(None, "7", "web")})
    assert not is_fixed({"k": Place("acme", "web", "web")}, displaced="acme")
    assert not is_fixed({"k": Place(None, "7", "web")}, displaced=None)
    assert is_fixed({"k": Place("acme", "web", "web")})  # it passes there
    assert is_fixed({"k": WEB}, displaced="globex")  # the id is another's
    assert not is_fixed({"k": WEB}, displaced="globex", is_one_server=True)


def test_an_organization_that_nobody_saw_is_not_gone() -> None:
    assert not is_fixed({"x": Place("globex", "9", "web")}, projects=[])


POLICY = """\
policy: mine
version: 1.0.0
title: Mine
rules:
  - id: key-tagged
    title: Tagged
    resource: sentry_key
    severity: low
    require: name LIKE '%-prod'
  - id: project-python
    title: Python
    resource: sentry_project
    severity: low
    require: platform = 'python'
"""
AS_OF = datetime(2026, 3, 1, tzinfo=UTC)
PLACES = [("acme", "web"), ("acme", "app"), ("globex", "web"), ("globex", "shop")]
KEY_IDS = [f"{number:032x}" for number in range(6)]

Key = tuple[str, int, str]
"""A key: its id, the number of its place, its name."""


@st.composite
def worlds(draw: st.DrawFn) -> list[Key]:
    ids = draw(st.lists(st.sampled_from(KEY_IDS), min_size=1, unique=True))
    names = st.sampled_from(["a-prod", "a", "b"])
    # A key never moves: its place goes with its id.
    return [(one, int(one, 16) % len(PLACES), draw(names)) for one in ids]


def write_inventory(
    path: Path,
    keys: Iterable[Key],
    scope: Scope = EVERYTHING,
    *,
    told: bool = True,
    with_ids: bool = True,
    status: str | None = None,
) -> None:
    """Write what a fetch with this scope writes; `told` is whether the file says so."""
    filters = {"status": status} if status else {}
    asked = [
        n
        for n, (organization, project) in enumerate(PLACES)
        if organization in (scope.organizations or (organization,))
        and project in (scope.projects or (project,))
    ]
    with Spool(path, sources=("s",), server=None, scope=scope, filters=filters) as spool:
        for number in asked:
            organization, project = PLACES[number]
            record = {"id": str(number), "slug": project, "platform": None}
            spool.add("sentry_project", record, organization=organization, project=project)
        for key, number, name in keys:
            if number in asked and not status:
                organization, project = PLACES[number]
                of_project = number if with_ids else None
                spool.add(
                    "sentry_key",
                    {"id": key, "name": name, "projectId": of_project},
                    organization=organization,
                    project=project if with_ids else None,
                )
        state = CoverageState.PARTIAL if status else CoverageState.COMPLETE
        tables = ("sentry_project", "sentry_key")
        spool.finish({name: TableCoverage(state, "") for name in tables})
    if not told:
        first, *rest = path.read_text("utf-8").splitlines(keepends=True)
        header = json.loads(first)
        del header["record"]["scope"], header["record"]["filters"]
        path.write_text(json.dumps(header) + "\n" + "".join(rest), "utf-8")


def change(
    folder: Path, scope: Scope = EVERYTHING, *, prune: bool = True, files: int = 1
) -> BaselineChange:
    request = ScanRequest(
        source=FileSource([folder / f"{n}.jsonl" for n in range(files)], (), (), None),
        scope=scope,
        policies=(str(folder / "p.yaml"),),
        params={},
        as_of=AS_OF,
        thresholds=Thresholds(),
    )
    return new_baseline(request, folder / "b.jsonl", grow=not prune, prune=prune)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "p.yaml").write_text(POLICY, "utf-8")
    return tmp_path


def remember(folder: Path, keys: Iterable[Key]) -> dict[str, KnownFinding]:
    """Write a baseline over the whole world."""
    (folder / "b.jsonl").unlink(missing_ok=True)
    write_inventory(folder / "0.jsonl", keys)
    known = change(folder, prune=False).known
    (folder / "b.jsonl").write_bytes(b"".join(render(known)))
    return {one.fingerprint: one for one in known}


SCOPES = st.builds(
    Scope,
    st.lists(st.sampled_from(["acme", "globex"]), unique=True).map(tuple),
    st.lists(st.sampled_from(["web", "app", "shop"]), unique=True).map(tuple),
)


class Narrowed(NamedTuple):
    """Inventories of parts of the world, and what a scan of them asks for."""

    scopes: list[Scope]
    asked: Scope
    told: bool
    with_ids: bool
    status: str | None


NARROWED = st.builds(
    Narrowed,
    scopes=st.lists(SCOPES, min_size=1, max_size=2),
    asked=st.just(EVERYTHING) | SCOPES,
    told=st.booleans(),
    with_ids=st.booleans(),
    status=st.sampled_from([None, None, "active"]),
)


@settings(
    max_examples=8,
    phases=[Phase.explicit, Phase.generate],  # an example is five scans: to shrink takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(before=worlds(), after=worlds(), parts=st.tuples(NARROWED, NARROWED, NARROWED))
def test_a_narrowed_inventory_never_fixes_what_a_whole_scan_still_has(
    folder: Path, before: list[Key], after: list[Key], parts: tuple[Narrowed, ...]
) -> None:
    remember(folder, before)
    write_inventory(folder / "0.jsonl", after)
    remain = {one.fingerprint for one in change(folder).known}
    for part in parts:
        for number, scope in enumerate(part.scopes):
            write_inventory(
                folder / f"{number}.jsonl",
                after,
                scope,
                told=part.told,
                with_ids=part.with_ids,
                status=part.status,
            )
        kept = {one.fingerprint for one in change(folder, part.asked, files=len(part.scopes)).known}
        assert remain <= kept


def test_a_whole_inventory_fixes_what_is_gone_and_a_sub_scope_its_part(folder: Path) -> None:
    keys: list[Key] = [(KEY_IDS[n], n % len(PLACES), "a") for n in range(5)]
    known = remember(folder, keys)
    assert len(known) == 5 + len(PLACES)
    # A place where no key at all is left is not proof enough: that is a gap.
    write_inventory(folder / "0.jsonl", [], Scope(("acme",), ("web",)))
    assert len(change(folder).known) == len(known)
    write_inventory(folder / "0.jsonl", keys[4:], Scope(("acme",), ("web",)))
    gone = known.keys() - {one.fingerprint for one in change(folder).known}
    assert [known[name].id for name in gone] == [KEY_IDS[0]]
    write_inventory(folder / "0.jsonl", keys[4:])
    assert {one.id for one in change(folder).known if one.rule != "project-python"} == {KEY_IDS[4]}
