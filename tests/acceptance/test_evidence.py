"""Evidence: whatever a scan kept can be exported, checked by anyone, and made anew."""

import gzip
import hashlib
import json
import shutil
import subprocess
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.support import Result
from tests.acceptance.tolerance import ALPHA, BETA, GAMMA, POLICY, Place, key, with_two_days

DIR = "past"
BUNDLE = "bundle.zip"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def kept(place: Place, as_of: str, *arguments: object) -> Result:
    done = place.scan("--history", DIR, "-q", *arguments, as_of=as_of)
    assert (place.folder / DIR).is_dir(), done.err
    assert "history" not in done.err, done.err
    return done


def export(place: Place, run: str = "latest", *arguments: object, to: str = BUNDLE) -> Result:
    done = place.run("evidence", "export", run, "--history", DIR, "-o", to, *arguments)
    assert done.code == 0, done.err
    return done


def verified(place: Place, path: object = BUNDLE, *arguments: object) -> tuple[int, Any]:
    done = place.run("evidence", "verify", path, *arguments, "--format", "json")
    assert done.err == ""
    return done.code, json.loads(done.out)


def holds(place: Place, path: object = BUNDLE, *, runs: int, judged: int = 1) -> None:
    code, told = verified(place, path)
    assert (code, told["damage"], told["unconfirmed"]) == (0, [], [])
    assert (told["result"], told["runs"], len(told["judged_anew"])) == ("holds", runs, judged)


def test_a_bundle_holds_and_its_bytes_depend_on_the_run_alone(place: Place) -> None:
    kept(place, "2026-03-01")
    place.keys(key(ALPHA, "alpha-prod"), key(BETA, "beta"), key(GAMMA, "gamma"))
    kept(place, "2026-03-02")
    said = export(place).out
    first = (place.folder / BUNDLE).read_bytes()
    assert hashlib.sha256(first).hexdigest() in said
    kept(place, "2026-03-03")
    export(place, "2026-03-02", to="later.zip")
    assert (place.folder / "later.zip").read_bytes() == first
    holds(place, runs=2)
    holds(place, DIR, runs=3, judged=3)
    with zipfile.ZipFile(place.folder / BUNDLE) as archive:
        infos = archive.infolist()
        archive.extractall(place.folder / "out")
    assert [one.filename for one in infos] == sorted(one.filename for one in infos)
    assert {(one.date_time, one.compress_type) for one in infos} == {
        ((1980, 1, 1, 0, 0, 0), zipfile.ZIP_STORED)
    }
    holds(place, "out", runs=2)


def test_the_folder_in_it_is_a_history_and_the_readme_is_enough(place: Place) -> None:
    with_two_days(place, DIR)
    export(place)
    out = place.folder / "out"
    shutil.unpack_archive(place.folder / BUNDLE, out)
    done = subprocess.run(
        ["sha256sum", "-c", "SHA256SUMS"], cwd=out, capture_output=True, text=True, check=True
    )
    there = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    told = {line.removesuffix(": OK") for line in done.stdout.splitlines()}
    assert told == there - {"SHA256SUMS"}
    readme = (out / "README.md").read_text("utf-8")
    for words in ("sha256sum -c SHA256SUMS", "keypolicy evidence verify", "ssh-keygen -Y verify"):
        assert words in readme
    past = out / "history"
    assert place.run("history", "verify", "--history", past).code == 0
    replayed = place.run("history", "replay", "latest", "--history", past, "--policy", "p.yaml")
    assert replayed.code == 1, replayed.err
    # By hand, as the README says: the manifest has the digest of the one before.
    first, last = sorted(path for path in past.iterdir() if path.is_dir())
    manifest = json.loads((last / "manifest.json").read_bytes())
    digest = hashlib.sha256((first / "manifest.json").read_bytes()).hexdigest()
    assert manifest["previous"]["digest"] == digest


STRICT = """\
policy: strict
version: 2.0.0
title: Strict
extends: [base/p.yaml]
rules:
  - id: key-ends
    title: A key ends well
    resource: sentry_key
    severity: high
    require: name LIKE '%a'
"""


@pytest.mark.parametrize(
    "arguments",
    [
        ("--waivers", "waivers.yaml", "--on-unknown", "warn", "--max-findings", "high=0"),
        ("--waivers", "stale.yaml", "--strict-waivers", "--policy", "strict.yaml"),
        ("--baseline", "known.jsonl", "--allow-partial", "--fail-on", "critical"),
        ("--owners", "owners.yaml", "--owner", "team-web", "--max-findings", "medium=1"),
        ("--policy", "sentry-strict", "--param", "max_age=10d"),
        ("--locked-config", "settings.yaml", "--fail-on-overdue"),
        ("--fail-if-due-within", "90d", "--fail-on", "critical"),
        ("--fail-if-due-within", "52w", "--max-findings", "medium=9"),
    ],
    ids=" ".join,
)
def test_whatever_a_scan_was_told_it_is_made_anew(place: Place, arguments: tuple[str, ...]) -> None:
    place.keys(
        key(ALPHA, "alpha"),
        key(BETA, None),
        key(GAMMA, "gamma-prod", secret="hidden", dateCreated=None),
    )
    place.waivers({})
    place.write("stale.yaml", place.read("waivers.yaml").replace(ALPHA, "d" * 32))
    place.write("owners.yaml", "owners:\n  - {name: 'alpha*', owner: team-web}\n")
    (place.folder / "base").mkdir()
    place.write("base/p.yaml", place.read("p.yaml"))
    place.write("strict.yaml", STRICT)
    place.write(
        "settings.yaml",
        "sla: {medium: 2d, high: 12h}\nwaiver_notice_days: 60\n"
        "gate: {mine: {fail_on: high, max_findings: {high: 1, low: 2}}}\n",
    )
    if "known.jsonl" in arguments:
        place.on_keys("baseline", "write", "-o", "known.jsonl")
    kept(place, "2026-03-01", *arguments)
    place.keys(key(ALPHA, "alpha"), *(key(f"{n:032x}", f"key{n}") for n in range(99)))
    code = kept(place, "2026-03-05", *arguments).code
    export(place)
    holds(place, runs=2)
    with zipfile.ZipFile(place.folder / BUNDLE) as archive:
        (name,) = (one for one in archive.namelist() if one.endswith("policies/p.yaml"))
        manifest = next(one for one in archive.namelist()[::-1] if one.endswith("manifest.json"))
        assert json.loads(archive.read(manifest))["exit_code"] == code
        assert archive.read(name)
        assert all(b"hidden" not in archive.read(one) for one in archive.namelist())


def test_what_cannot_be_confirmed_is_told_and_not_passed(place: Place) -> None:
    kept(place, "2026-03-01", "--no-history-inventory")
    said = place.run("evidence", "export", "latest", "--history", DIR, "-o", BUNDLE)
    assert said.code == 0
    assert "nobody can judge it anew" in said.err
    code, told = verified(place)
    assert (code, told["result"], told["damage"]) == (3, "unconfirmed", [])
    done = place.run("evidence", "verify", BUNDLE)
    assert "not confirmed" in done.out


def test_a_damaged_bundle_ends_in_2_and_says_where_and_why(place: Place) -> None:
    kept(place, "2026-03-01")
    export(place)
    path = place.folder / BUNDLE
    path.write_bytes(path.read_bytes().replace(b"key-tagged", b"key-tigged"))
    code, told = verified(place)
    assert (code, [one["code"] for one in told["damage"]]) == (2, ["crc"])
    done = place.run("evidence", "verify", BUNDLE)
    assert done.code == 2
    assert done.out.startswith(f"{BUNDLE}: does not hold, 1 problem\n")


def test_nothing_is_exported_from_a_damaged_history(place: Place) -> None:
    with_two_days(place, DIR)
    first, last = sorted(path for path in (place.folder / DIR).iterdir() if path.is_dir())
    (last / "report.json.gz").write_bytes(b"")
    arguments = ("evidence", "export", "latest", "--history", DIR, "-o", BUNDLE)
    done = place.run(*arguments)
    assert done.code == 2
    assert "is not what the run wrote" in done.err
    (last / "report.json.gz").unlink()
    assert place.run(*arguments).code == 2
    shutil.rmtree(first)
    done = place.run(*arguments)
    assert (done.code, "is missing" in done.err) == (2, True)
    assert not (place.folder / BUNDLE).exists()
    done = place.run("evidence", "verify", DIR)
    assert done.code == 2


signs = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="needs ssh-keygen")


def _key(place: Place, name: str) -> str:
    """Make a key; returns the half of it that must show nowhere."""
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", name],
        cwd=place.folder,
        check=True,
    )
    return place.read(name).splitlines()[3]


def _signed(place: Place, identity: str = "ann@example.com") -> Result:
    return place.run(
        "evidence", "verify", BUNDLE, "--signature", f"{BUNDLE}.sig",
        "--allowed-signers", "signers", "--identity", identity,
    )  # fmt: skip


@signs
def test_a_signature_tells_who_made_the_bundle(place: Place) -> None:
    secret = _key(place, "ann")
    _key(place, "eve")
    place.write(
        "signers", f'ann@example.com namespaces="keypolicy-evidence" {place.read("ann.pub")}'
    )
    kept(place, "2026-03-01")
    over = place.run("evidence", "export", "latest", "--history", DIR, "-o", "ann", "--sign", "ann")
    assert over.code == 2
    assert "ann: is read by this command, and would be lost" in over.err
    said = [export(place, "latest", "--sign", "ann")]
    unsigned = place.run("evidence", "verify", BUNDLE)
    assert f"({BUNDLE}.sig is there: --signature)" in unsigned.out
    done = _signed(place)
    assert done.code == 0, done.out
    assert 'Good "keypolicy-evidence" signature for ann@example.com' in done.out
    # As the README says, without the tool.
    with (place.folder / BUNDLE).open("rb") as bundle:
        subprocess.run(
            ["ssh-keygen", "-Y", "verify", "-f", "signers", "-I", "ann@example.com",
             "-n", "keypolicy-evidence", "-s", f"{BUNDLE}.sig"],
            cwd=place.folder, stdin=bundle, capture_output=True, check=True,
        )  # fmt: skip
    said += [done, _signed(place, "bob@example.com")]
    assert said[-1].code == 2
    assert "[signature]" in said[-1].out
    signature = (place.folder / f"{BUNDLE}.sig").read_bytes()
    said.append(export(place, "latest", "--sign", "eve"))
    assert _signed(place).code == 2
    (place.folder / f"{BUNDLE}.sig").write_bytes(signature)
    assert _signed(place).code == 0
    kept(place, "2026-03-02")
    export(place)
    assert _signed(place).code == 2
    assert not any(secret in one.out + one.err for one in said)
    assert secret.encode() not in signature


@signs
def test_where_nothing_can_be_signed_nothing_is_written(place: Place) -> None:
    kept(place, "2026-03-01")
    place.write("no-key", "-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LXRleHQ=\n")
    (place.folder / "no-key").chmod(0o600)
    for name in ("no-key", "missing"):
        done = place.run(
            "evidence", "export", "latest", "--history", DIR, "-o", BUNDLE, "--sign", name
        )
        assert done.code == 2
        assert name in done.err
        assert "c2VjcmV0" not in done.err
        assert not list(place.folder.glob(f"{BUNDLE}*"))


def test_mistakes_are_told(place: Place) -> None:
    kept(place, "2026-03-01")
    export(place)
    for arguments, words in (
        (("verify", BUNDLE, "--signature", "x.sig"), "needs --signature"),
        (("verify", "nowhere.zip"), "cannot be read"),
        (("verify", "."), "neither a bundle nor a history"),
        (("export", "latest", "-o", "x.zip"), "there is no history"),
        (("export", "ffff", "--history", DIR, "-o", "x.zip"), "there is no run 'ffff'"),
        (("export", "latest", "--history", DIR, "-o", "no/x.zip"), "cannot be written"),
    ):
        done = place.run("evidence", *arguments)
        assert (done.code, words in done.err) == (2, True), done.err


def test_a_parameter_that_was_not_kept_is_unconfirmed_and_nothing_worse(place: Place) -> None:
    text = POLICY.replace("rules:", "params: {ours: {type: string, default: x}}\nrules:", 1)
    place.policy(text.replace("'%-prod'", "$ours", 1))
    secret = "token=c0ffee00c0ffee00"
    assert kept(place, "2026-03-01", "--param", f"ours={secret}").code == 1
    export(place)
    for path in (BUNDLE, DIR):
        code, told = verified(place, path)
        assert (code, told["damage"], told["judged_anew"]) == (3, [], [])
        (why,) = told["unconfirmed"]
        assert "without the value of parameter ours, which looks like a secret" in why
    done = place.run("history", "replay", "latest", "--history", DIR)
    assert (done.code, done.out) == (2, "")
    assert "without the value of parameter ours" in done.err
    curve = place.run("history", "replay", "--all", "--history", DIR)
    assert curve.code == 0
    assert "without the value of parameter ours" in curve.out
    named = ("--policy", "p.yaml", "--param", f"ours={secret}")
    assert place.run("history", "replay", "latest", "--history", DIR, *named).code == 1
    for file in place.folder.rglob("*"):
        raw = file.read_bytes() if file.is_file() else b""
        assert secret.encode() not in (gzip.decompress(raw) if file.suffix == ".gz" else raw), file


@pytest.mark.parametrize(
    "asked",
    [
        ("--org", "4500055920019593"),
        ("--org", "otter-post-demo", "--org", "otter-post-demo"),
        ("--org", "otter-post-demo", "--project", "4500000846696357", "--project", "storefront"),
    ],
)
def test_a_run_holds_however_its_places_were_named(place: Place, asked: tuple[str, ...]) -> None:
    assert place.run("fetch", "--demo", "-o", "all.jsonl").code == 0
    done = place.run("scan", "--inventory", "all.jsonl", *asked, "--history", DIR)
    assert done.code == 1, done.err
    holds(place, DIR, runs=1)
