"""Tampering, from a flipped byte to digests that were all made anew: each has its own reason."""

import gzip
import hashlib
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from scanner.base.errors import UsageError
from scanner.evidence import check as checking
from scanner.evidence.check import check
from scanner.evidence.remake import remake, report_of
from scanner.history.folder import History, StoredRun
from scanner.history.manifest import DamageError
from tests.unit.evidence.bundles import (
    BETA,
    codes,
    files,
    last,
    lines,
    made,
    manifest,
    mend,
    mend_sums,
    report,
    runs,
    scanned,
    unpacked,
)

BESIDES = {"README.md", "SHA256SUMS", "bundle.json"}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return made(tmp_path_factory.mktemp("sound"))


@pytest.fixture
def bundle(sound: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(sound, tmp_path / "bundle"))


@pytest.fixture(scope="module")
def twin(sound: Path, tmp_path_factory: pytest.TempPathFactory) -> StoredRun:
    """Return the run of the sound bundle, made anew."""
    run, before = (History(sound / "history").run(path.name) for path in runs(sound)[:0:-1])
    return remake(run, before, tmp_path_factory.mktemp("twin"))


@pytest.fixture
def one_scan(twin: StoredRun, monkeypatch: pytest.MonkeyPatch) -> None:
    """For changes to the report: of it, what is made anew goes by the settings alone."""
    settings = report_of(twin)["gate"]["settings"]

    def made_anew(run: StoredRun, *rest: Any, **more: Any) -> StoredRun:
        is_same = report_of(run)["gate"]["settings"] == settings
        return twin if is_same else remake(run, *rest, **more)

    monkeypatch.setattr(checking, "remake", made_anew)


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)


def test_it_holds_and_mending_alone_is_no_tampering(bundle: Path) -> None:
    mend(bundle)
    found = check(bundle)
    assert (found.damage, found.unconfirmed, found.runs) == ((), (), 3)
    assert [one.folder for one in found.judged] == [last(bundle).name]


def test_every_file_is_held_to_its_digest(sound: Path, tmp_path: Path) -> None:
    """Changed, taken away, added beside, or exchanged for that of another bundle."""
    other = made(tmp_path, bravo="delta")
    twins = dict(zip(map(_plain, files(other)), files(other), strict=True))
    for number, name in enumerate(files(sound)):
        is_sums = name == "SHA256SUMS"
        for how, expected in (
            ("flip", {"changed"} if not is_sums else None),
            ("remove", {"removed"} if not is_sums else {"no-sums"}),
            ("add", {"added"}),
            ("swap", {"changed"} if not is_sums else None),
        ):
            root = Path(shutil.copytree(sound, tmp_path / f"{number}{how}"))
            if how == "flip":
                _flip(root / name)
            elif how == "remove":
                (root / name).unlink()
            elif how == "add":
                shutil.copyfile(root / name, root / f"{name}~")
            else:
                twin = other / twins[_plain(name)]
                if twin.read_bytes() == (root / name).read_bytes():
                    continue  # the same in both, as marks are
                shutil.copyfile(twin, root / name)
            found = codes(root)
            assert found == expected if expected else found, (name, how)
            shutil.rmtree(root)


def _plain(name: str) -> str:
    """A file's name without what is by chance: the id of its run."""
    return "/".join(part.rpartition("-")[0] if "T0" in part else part for part in name.split("/"))


def test_a_list_of_digests_that_was_made_anew_is_not_enough(sound: Path, tmp_path: Path) -> None:
    """Every file but that list: the manifests, the chain and the head tell of it."""
    for number, name in enumerate(set(files(sound)) - {"SHA256SUMS"}):
        for how in ("flip", "remove", "add"):
            root = Path(shutil.copytree(sound, tmp_path / f"{number}{how}"))
            if how == "flip":
                _flip(root / name)
            elif how == "remove":
                (root / name).unlink()
            else:
                shutil.copyfile(root / name, root / f"{name}~")
            mend_sums(root)
            if name.endswith("pruned.json") and how == "flip":
                continue  # that it is there is all that it says
            found = check(root)
            # A run before it may have been pruned: then its dates cannot be told, which is told.
            assert found.damage or (found.unconfirmed and name.endswith("tracked.jsonl.gz")), name


def _drop(told: dict[str, Any]) -> None:
    told["findings"].pop()


def _invent(told: dict[str, Any]) -> None:
    told["findings"].append({**told["findings"][0], "fingerprint": "0" * 32})


def _turn(told: dict[str, Any]) -> None:
    told["findings"][0]["disposition"] = "waived"


def _count(told: dict[str, Any]) -> None:
    told["rules"][0]["counts"]["pass"] += 1


def _sum(told: dict[str, Any]) -> None:
    told["summary"]["open_by_severity"]["medium"] = 0


def _pass(told: dict[str, Any]) -> None:
    told["gate"] |= {"result": "passed", "exit_code": 0, "reasons": ["every rule holds"]}


def _other(told: dict[str, Any]) -> None:
    told["run"]["id"] = "0" * 32


def _facts(told: dict[str, Any]) -> None:
    told["findings"][0]["evidence"]["name"] = "fine"


def _setting(name: str, value: str, *, looser: bool = False) -> Callable[[Any], None]:
    def change(told: Any) -> None:
        settings = told["gate"]["settings"]
        kept = [one for one in settings if one["name"] != name]
        added = {"name": name, "value": value, "origin": "the default", "looser": looser}
        told["gate"]["settings"] = [*kept, added]

    return change


def _twice(told: dict[str, Any]) -> None:
    told["gate"]["settings"] *= 2


def _without(told: dict[str, Any]) -> None:
    told["gate"]["settings"] = [
        one for one in told["gate"]["settings"] if one["name"] != "baseline"
    ]


@pytest.mark.parametrize(
    "change",
    [
        lambda told: told.update(remediation="all is well"),
        lambda told: told["tool"].update(audited=True),
        lambda told: told["run"].update(signed="me"),
        lambda told: told["inventory"]["tables"]["sentry_key"].update(audited=True),
        lambda told: told["policies"][0].update(audited=True),
        lambda told: told["rules"][0].update(audited=True),
        lambda told: told["findings"][0]["resource"].update(audited=True),
        lambda told: told["summary"].update(audited=True),
        lambda told: told["gate"].update(audited=True),
        lambda told: told["gate"]["settings"][0].update(audited=True),
        lambda told: told["gate"]["settings"][0].update(looser=True),
        _setting("reviewed", "true"),
        _setting("policies", "mine", looser=True),
        _setting("waivers", "w.yaml"),
        _setting("waivers", "w.yaml", looser=True),
        _setting("baseline", "b.jsonl", looser=True),
        _setting("sla", "soon"),
        _setting("organizations", "another"),
        _setting("params", "max_age=1d"),
        _setting("waiver_term_days", "many"),
        _setting("gate.mine", "whatever"),
        _twice,
        _without,
    ],
)
@pytest.mark.usefixtures("one_scan")
def test_what_no_scan_writes_is_no_report(bundle: Path, change: Callable[[Any], None]) -> None:
    with report(bundle) as told:
        change(told)
    mend(bundle)
    assert codes(bundle)


SHAPES: list[Any] = [None, [], {}, 1, "text", [None], [{}]]
PARTS: list[tuple[str | int, ...]] = [
    *((name,) for name in ("tool", "run", "inventory", "policies", "rules", "findings")),
    *((name,) for name in ("summary", "gate")),
    ("gate", "settings"),
    ("gate", "settings", 0),
    ("gate", "settings", 0, "value"),
    ("summary", "waivers"),
    ("findings", 0),
    ("findings", 0, "resource"),
    ("inventory", "digest"),
]


# Two shapes for each part, in turn: all for all would be three times as many bundles.
@pytest.mark.parametrize(
    ("path", "value"),
    [(part, SHAPES[(n + k) % len(SHAPES)]) for n, part in enumerate(PARTS) for k in (0, 5)],
)
@pytest.mark.usefixtures("one_scan")
def test_a_report_of_other_shapes_is_refused(
    bundle: Path, path: tuple[str | int, ...], value: Any
) -> None:
    with report(bundle) as told:
        if path == ("summary", "waivers") and value == []:
            value = [{}]
        _set(*path, to=value)(told)
    mend(bundle)
    assert codes(bundle)


def test_a_report_that_says_a_thing_twice_is_none(bundle: Path) -> None:
    path = last(bundle) / "report.json.gz"
    raw = gzip.decompress(path.read_bytes())
    path.write_bytes(gzip.compress(raw.replace(b'"findings":', b'"findings": [],\n"findings":', 1)))
    mend(bundle)
    assert codes(bundle) == {"edited"}


def test_a_line_that_is_carried_on_says_no_more_than_it_does(bundle: Path) -> None:
    lines(last(bundle) / "tracked.jsonl.gz", lambda found: found[0].update(audited=True))
    mend(bundle)
    assert codes(bundle) == {"dates"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_drop, "findings"),
        (_invent, "findings"),
        (_turn, "findings"),
        (_facts, "findings"),
        (_count, "findings"),
        (_sum, "summary"),
        (_pass, "verdict"),
        (_other, "other-run"),
    ],
)
@pytest.mark.usefixtures("one_scan")
def test_a_report_that_was_edited_digests_and_all(
    bundle: Path, change: Callable[[Any], None], code: str
) -> None:
    with report(bundle) as told:
        change(told)
    mend(bundle)
    assert codes(bundle) == {code}


def _set(*path: str | int, to: Any) -> Callable[[Any], None]:
    def change(told: Any) -> None:
        for name in path[:-1]:
            told = told[name]
        told[path[-1]] = to

    return change


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (_set("result", to="passed"), "verdict"),
        (_set("exit_code", to=0), "verdict"),
        (_set("figures", "overdue", to={"high": 3}), "figures"),
        (_set("figures", "changes", to={}), "figures"),
        (_set("rules", "key-tagged", "title", to="Another"), "rules"),
        (_set("rules", "key-tagged", "severity", to="low"), "rules"),
        (_set("looked", "servers", to=[]), "looked"),
        (_set("looked", "organizations", to={"other": 1}), "looked"),
        (_set("policies", 0, "version", to="9.9.9"), "policies"),
        (_set("demands", "gone", to="0" * 64), "manifest"),
        (_set("sla", to={"high": 60}), "manifest"),
        (_set("params", to={"max_age": "1d"}), "remake"),
        (_set("digest", to="0" * 64), "inventory"),
        (_set("run", "started_at", to="2026-03-03T00:00:00Z"), "other-run"),
        (_set("run", "as_of", to="2026-03-04T00:00:00Z"), "misplaced"),
        (_set("line", to="00000000"), "misplaced"),
        (_set("version", to=2), "newer-format"),
        (_set("format", to="other"), "cut"),
        (_set("parts", "../p.yaml", to={"sha256": "0" * 64, "bytes": 1}), "edited"),
        (_set("parts", "/etc/passwd", to={"sha256": "0" * 64, "bytes": 1}), "edited"),
    ],
)
def test_a_manifest_that_was_edited_digests_and_all(
    bundle: Path, change: Callable[[Any], None], code: str
) -> None:
    with manifest(last(bundle)) as told:
        change(told)
    try:
        mend(bundle)
    except DamageError:  # nothing can be made of it
        mend_sums(bundle)
    assert codes(bundle) == {code}


def _rename(records: list[Any]) -> None:
    """A key that failed passes."""
    (one,) = (record for record in records if record["id"] == BETA)
    one["name"] = "beta-prod"


def test_an_inventory_that_was_edited_digests_and_all(bundle: Path) -> None:
    lines(last(bundle) / "inventory-0.jsonl.gz", _rename)
    mend(bundle)
    (error,) = check(bundle).damage
    assert error.code == "inventory"
    # So is the digest of what the tables hold, in manifest and report; the findings tell then.
    digest = error.message.partition("its digest is ")[2][:64]
    with report(bundle) as told:
        told["inventory"]["digest"] = digest
    with manifest(last(bundle)) as found:
        found["digest"] = digest
    mend(bundle)
    assert codes(bundle) == {"findings", "rules", "summary"}


def test_other_policies_waivers_dates_or_tables(bundle: Path) -> None:
    run = last(bundle)
    kept = {name: (run / name).read_bytes() for name in files(run)}

    def restored() -> None:
        for name, raw in kept.items():
            (run / name).write_bytes(raw)

    policy = (run / "policies" / "p.yaml").read_text()
    (run / "policies" / "p.yaml").write_text(policy.replace("%-prod", "%"))
    mend(bundle)
    assert codes(bundle) == {"policies"}
    restored()
    (run / "policies" / "p.yaml").write_text("policy: [\n")
    mend(bundle)
    assert codes(bundle) == {"remake"}
    restored()
    lines(run / "tracked.jsonl.gz", lambda found: found[0].update(opened="2026-03-03T00:00:00Z"))
    mend(bundle)
    assert codes(bundle) == {"dates"}
    restored()
    (run / "findings.parquet").write_bytes(kept["findings.parquet"].replace(b"failed", b"passed"))
    mend(bundle)
    assert codes(bundle) == {"table"}
    restored()
    (run / "note.txt").write_text("all is well")
    with manifest(run) as told:
        told["parts"]["note.txt"] = {}
    mend(bundle)
    assert codes(bundle) == {"parts"}


def test_a_chain_without_one_of_its_runs(sound: Path, tmp_path: Path) -> None:
    for number in (0, 1):
        root = Path(shutil.copytree(sound, tmp_path / str(number)))
        shutil.rmtree(runs(root)[number])
        mend_sums(root)
        (error,) = check(root).damage
        assert error.code == "removed"
        assert runs(sound)[number].name in error.where


def test_a_chain_with_another_run_in_it(bundle: Path) -> None:
    with manifest(runs(bundle)[0]) as told:
        told["figures"]["open"] = {}
    mend_sums(bundle)
    assert codes(bundle) == {"replaced"}


def test_a_chain_in_another_order(bundle: Path) -> None:
    """The run before is dated after the bundle's own; every digest is right."""
    _, second, third = runs(bundle)
    with manifest(second) as told:
        told["run"]["as_of"] = "2026-03-09T00:00:00Z"
    moved = second.with_name(second.name.replace("20260302", "20260309"))
    second.rename(moved)
    with manifest(third) as told:
        told["previous"]["run"] |= {"folder": moved.name, "as_of": "2026-03-09T00:00:00Z"}
        told["previous"]["digest"] = _digest(moved / "manifest.json")
    mend_sums(bundle)
    assert codes(bundle) == {"reordered"}


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_two_runs_that_changed_places(bundle: Path) -> None:
    first, second, _ = runs(bundle)
    aside = first.with_name("aside")
    first.rename(aside)
    second.rename(first)
    aside.rename(second)
    mend_sums(bundle)
    assert "misplaced" in codes(bundle)


def test_a_run_of_another_chain_or_scope(bundle: Path, tmp_path: Path) -> None:
    scanned(tmp_path, tmp_path / "more", "2026-02-01", a="alpha")
    stranger = next(path for path in (tmp_path / "more").iterdir() if path.is_dir())
    added = Path(shutil.copytree(stranger, bundle / "history" / stranger.name))
    mend_sums(bundle)
    assert codes(bundle) == {"added"}
    shutil.rmtree(added)
    first, second, _ = runs(bundle)
    with manifest(first) as told:
        told["line"] = "00000000"
    moved = first.with_name(first.name.replace(first.name.split("-")[1], "00000000"))
    first.rename(moved)
    with manifest(second) as told:
        told["previous"]["run"]["folder"] = moved.name
        told["previous"]["digest"] = _digest(moved / "manifest.json")
    with manifest(last(bundle)) as told:
        told["previous"]["digest"] = _digest(second / "manifest.json")
    mend_sums(bundle)
    assert codes(bundle) == {"foreign"}


def test_a_head_that_says_something_else(bundle: Path) -> None:
    head = json.loads((bundle / "bundle.json").read_bytes())
    for change, code in (
        ({"version": 2}, "newer-format"),
        ({"format": "other"}, "no-bundle"),
        ({"run": 1}, "no-bundle"),
        ({"run": head["run"] | {"folder": "../history"}}, "no-manifest"),
        ({"run": head["run"] | {"id": "0" * 32}}, "other-run"),
        ({"run": head["run"] | {"folder": runs(bundle)[0].name}}, "other-run"),
    ):
        (bundle / "bundle.json").write_text(json.dumps(head | change))
        mend_sums(bundle)
        assert codes(bundle) == {code}, change


def test_a_part_that_would_fill_the_memory(bundle: Path) -> None:
    bomb = gzip.compress(bytes(80 << 20), 1, mtime=0)
    (last(bundle) / "report.json.gz").write_bytes(bomb)
    mend(bundle)
    assert codes(bundle) == {"bomb"}
    # In members of their own, each of which is small.
    (last(bundle) / "report.json.gz").write_bytes(gzip.compress(bytes(1 << 20), mtime=0) * 80)
    mend(bundle)
    assert codes(bundle) == {"bomb"}


def test_a_link_in_the_folder(bundle: Path) -> None:
    path = last(bundle) / "report.json.gz"
    path.rename(bundle.parent / "elsewhere")
    path.symlink_to(bundle.parent / "elsewhere")
    assert codes(bundle) == {"link"}


def test_what_another_release_wrote_is_not_called_damaged(bundle: Path) -> None:
    with manifest(last(bundle)) as told:
        told["tool"] = "keypolicy 9.9.9"
        told["rules"]["key-tagged"]["title"] = "In other words"
    with report(bundle) as found:
        found["tool"]["version"] = "9.9.9"
    mend(bundle)
    checked = check(bundle)
    assert checked.damage == ()
    assert "check it with keypolicy 9.9.9, which wrote it" in checked.unconfirmed[0]


def test_what_was_pruned_is_not_confirmed(bundle: Path, tmp_path: Path) -> None:
    (last(bundle) / "inventory-0.jsonl.gz").unlink()
    (last(bundle) / "pruned.json").write_text('{"evidence": true}')
    mend(bundle)
    checked = check(bundle)
    assert (checked.damage, len(checked.unconfirmed)) == ((), 1)
    assert "was not judged anew" in checked.unconfirmed[0]
    (last(bundle) / "report.json.gz").unlink()
    mend_sums(bundle)
    assert codes(bundle) == {"removed"}
    # Without the findings of the run before, only dates cannot be told.
    scanned(tmp_path, tmp_path / "past", "2026-03-01", a="alpha")
    scanned(tmp_path, tmp_path / "past", "2026-03-02", a="alpha")
    first = min(path for path in (tmp_path / "past").iterdir() if path.is_dir())
    (first / "pruned.json").write_text('{"at": "2026-06-01T00:00:00Z"}')
    (first / "tracked.jsonl.gz").unlink()
    shutil.rmtree(bundle)
    checked = check(unpacked(tmp_path, tmp_path / "past"))
    assert checked.damage == ()
    assert "since when findings are known was not confirmed" in checked.unconfirmed[0]


def test_a_run_after_one_that_is_damaged_holds(tmp_path: Path) -> None:
    """Its scan passed the other over, began a chain of its own, and told no dates."""
    past = tmp_path / "past"
    scanned(tmp_path, past, "2026-03-01", a="alpha")
    first = next(path for path in past.iterdir() if path.is_dir())
    raw = (first / "tracked.jsonl.gz").read_bytes()
    (first / "tracked.jsonl.gz").write_bytes(raw[:-1])
    (warning,) = scanned(tmp_path, past, "2026-03-02", a="alpha")
    assert "passed over" in warning
    checked = check(unpacked(tmp_path, past))
    assert (checked.damage, checked.unconfirmed, checked.runs) == ((), (), 1)
    (error,) = check(past).damage
    assert error.code == "changed"


def test_what_is_no_evidence_at_all(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "missing"):
        with pytest.raises(UsageError):
            check(path)
