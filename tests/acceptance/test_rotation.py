"""A whole rotation over simulated weeks, by the commands alone, while traffic moves over."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from scanner.cli.main import main
from tests.simulator import CANARY, Key, Simulator, World, make_world

if TYPE_CHECKING:
    from pathlib import Path

DAY = timedelta(days=1)
BEGIN = datetime(2026, 3, 2, 12, tzinfo=UTC)
POLICY = """\
policy: ours
version: 1.0.0
title: Ours
rules:
  - id: young
    title: Keys are young
    resource: sentry_key
    severity: high
    where: is_active
    check: {max_age: 365d}
    rationale: Copies of a DSN pile up.
    remediation: Rotate it.
    fix: {rotate: {grace: 6d, quiet: 3d, second_grace: 7d}}
"""
SHORTER = "grace: 3d, quiet: 2d, second_grace: 3d"
WRITE = "sntryu_writes"


class Weeks:
    """A server whose clock the test turns, and the commands as they are run each noon."""

    def __init__(self, folder: Path, simulator: Simulator, capsys: Any) -> None:
        self.folder, self.simulator, self.capsys = folder, simulator, capsys
        self.now = BEGIN
        self.events: dict[str, list[datetime]] = {}  # by key: those that were accepted
        self.lost: list[datetime] = []

    @property
    def world(self) -> World:
        return self.simulator.world

    def send(self, public: str, moment: datetime) -> None:
        """An application sends an event: accepted by an active key, lost otherwise."""
        key = next((one for one in self.world.keys if one.public == public), None)
        if key is not None and key.active:
            self.events.setdefault(public, []).append(moment)
        else:
            self.lost.append(moment)

    def run(self, *arguments: object) -> tuple[int, str]:
        code = main(list(map(str, arguments)))
        told = self.capsys.readouterr()
        assert CANARY not in told.out + told.err
        return code, told.out + told.err

    def fetch(self) -> None:
        """Save the inventory, with the statistics that the server would tell at this time."""
        code, told = self.run("fetch", "-o", "inventory.jsonl", "-q")
        assert code == 0, told
        lines = []
        for line in (self.folder / "inventory.jsonl").read_text("utf-8").splitlines():
            one = json.loads(line)
            if one["kind"] == "sentry_key":
                one["record"]["keypolicyUsage"] = self.usage(one["record"]["id"])
            lines.append(json.dumps(one))
        (self.folder / "inventory.jsonl").write_text("\n".join(lines) + "\n", "utf-8")

    def usage(self, public: str) -> dict[str, object]:
        moments = self.events.get(public, [])
        seen = [one for one in moments if self.now - 30 * DAY <= one <= self.now]
        told: dict[str, object] = {
            "accepted": len(seen),
            "dropped": 0,
            "filtered": 0,
            "since": (self.now - 30 * DAY).isoformat(),
            "until": self.now.isoformat(),
        }
        return told | ({"last": f"{max(seen):%Y-%m-%d}T00:00:00Z"} if seen else {})

    def plan(self) -> tuple[int, dict[str, Any], str]:
        self.fetch()
        code, told = self.run(
            *("fix", "plan", "--inventory", "inventory.jsonl", "--policy", "ours.yaml"),
            *("--as-of", self.now.isoformat().replace("+00:00", "Z"), "-o", "plan.json"),
        )
        return code, json.loads((self.folder / "plan.json").read_text("utf-8")), told

    def apply(self, *more: str) -> tuple[int, str]:
        before = {key.public for key in self.world.keys}
        code, told = self.run("fix", "apply", "plan.json", "--yes", *more)
        for key in self.world.keys:
            if key.public not in before:
                key.created = self.now  # by the server's clock
        return code, told

    def status(self) -> tuple[int, dict[str, Any]]:
        code, told = self.run(
            *("fix", "status", "--inventory", "inventory.jsonl", "--policy", "ours.yaml"),
            *("--as-of", self.now.isoformat().replace("+00:00", "Z"), "--format", "json"),
        )
        found: dict[str, Any] = json.loads(told)
        return code, found


@pytest.fixture
def weeks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> Any:
    world = make_world(projects=2, keys=4, now=BEGIN)
    world.add_token(WRITE, "org:read", "project:read", "project:write", "project:admin")
    for key in world.keys:
        key.created, key.active = BEGIN - 20 * DAY, True
    for name in ("SENTRY_ORG", "SENTRY_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "ours.yaml").write_text(POLICY, "utf-8")
    with Simulator(world) as simulator:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("SENTRY_URL", simulator.url)
        monkeypatch.setenv("SENTRY_AUTH_TOKEN", WRITE)
        yield Weeks(tmp_path, simulator, capsys)


def _old(world: World) -> Key:
    key = world.keys[0]
    key.created, key.name = BEGIN - 800 * DAY, "Prod"
    key.rate_limit, key.sdk_version, key.replay, key.performance = (500, 60), "8.x", True, True
    return key


def test_no_event_is_lost_while_traffic_moves_over(weeks: Weeks) -> None:
    world, old = weeks.world, _old(weeks.world)
    others = {key.public: vars(key).copy() for key in world.keys if key is not old}
    shorter = POLICY.replace("grace: 6d, quiet: 3d, second_grace: 7d", SHORTER)
    (weeks.folder / "ours.yaml").write_text(shorter, "utf-8")
    # Applications in the field: all on the old key at first, ever fewer, the last one long after
    # the grace; none is silent for as long as the quiet days.
    of_old = {*range(4), 5, 7}
    # What came too early would come on one of these days, too; on the others only traffic does.
    looked_at = {0, 3, 5, 7, 9, 10, 13, 14, 15}
    steps: list[tuple[str, int]] = []
    successor = ""
    for day in range(16):
        weeks.now = BEGIN + day * DAY
        morning = weeks.now - timedelta(hours=7)
        if day in of_old:
            weeks.send(old.public, morning)
        if successor and day > 2:
            weeks.send(successor, morning)
        if day not in looked_at:
            continue
        code, plan, told = weeks.plan()
        if not plan["actions"]:
            assert code == 0
            continue
        (action,) = plan["actions"]
        assert (code, action["rotation"]["of"]) == (1, old.public)
        if action["rotation"]["step"] == "delete":
            assert weeks.apply()[0] == 2  # not without the flag
            assert old in world.keys
            code, told = weeks.apply("--allow-irreversible")
        else:
            code, told = weeks.apply()
        assert code == 0, told
        steps.append((action["rotation"]["step"], day))
        if action["rotation"]["step"] == "create":
            (new,) = (k for k in world.keys if k.name == f"Prod (successor of {old.public[:8]})")
            successor = new.public
            assert "its DSN: http" in told
            assert successor in told
            assert new.rate_limit == (500, 60)
            assert (new.sdk_version, new.replay, new.performance) == ("8.x", True, True)
    assert weeks.lost == []
    # The last event on day 7, and two whole days; the day of the disabling, and three more.
    assert steps == [("create", 0), ("disable", 10), ("delete", 14)]
    assert old not in world.keys
    assert {key.public: vars(key) for key in world.keys if key.public != successor} == others
    assert [method for method, _ in world.writes] == ["POST", "PUT", "PUT", "DELETE"]


def test_status_tells_what_each_step_waits_for(weeks: Weeks) -> None:
    old = _old(weeks.world)
    weeks.fetch()
    assert weeks.status() == (0, {"rotations": []})
    weeks.plan()
    weeks.apply()
    weeks.now = BEGIN + DAY
    weeks.send(old.public, weeks.now)
    weeks.fetch()
    code, told = weeks.status()
    (one,) = told["rotations"]
    assert code == 1
    assert (one["key"]["id"], one["code"], one["step"]) == (old.public, "rotation", None)
    assert "not disabled before 2026-03-08" in one["reason"]
    (successor,) = one["successors"]
    assert successor["dsn"].startswith("http")
    assert CANARY not in json.dumps(told)
    weeks.now = BEGIN + 8 * DAY
    weeks.send(old.public, weeks.now - DAY)
    weeks.fetch()
    assert "received errors until" in weeks.status()[1]["rotations"][0]["reason"]
    weeks.now = BEGIN + 12 * DAY
    weeks.fetch()
    assert weeks.status()[1]["rotations"][0]["step"] == "disable"


def test_two_plans_of_different_days_make_one_successor(weeks: Weeks) -> None:
    _old(weeks.world)
    weeks.plan()
    first = (weeks.folder / "plan.json").read_bytes()
    weeks.now = BEGIN + 3 * DAY
    weeks.plan()
    assert weeks.apply()[0] == 0
    (weeks.folder / "plan.json").write_bytes(first)
    assert weeks.apply()[0] == 0
    assert [method for method, _ in weeks.world.writes].count("POST") == 1


def test_traffic_that_nobody_can_tell_stops_everything(weeks: Weeks) -> None:
    old = _old(weeks.world)
    weeks.plan()
    weeks.apply()
    weeks.now = BEGIN + 40 * DAY
    weeks.run("fetch", "-o", "inventory.jsonl", "-q")
    code, told = weeks.run(
        *("fix", "plan", "--inventory", "inventory.jsonl", "--policy", "ours.yaml"),
        *("--as-of", weeks.now.isoformat().replace("+00:00", "Z")),
    )
    assert code in {0, 3}
    assert "without usage statistics" in " ".join(told.split())
    assert old.active


@pytest.mark.parametrize("daily", [(0, 0, 0), (0, 1, 0)])
def test_a_live_plan_asks_for_the_statistics_itself(
    weeks: Weeks, daily: tuple[int, int, int]
) -> None:
    old, other = _old(weeks.world), weeks.world.keys[1]
    now = datetime.now(UTC)
    old.daily = daily
    for project in weeks.world.projects:  # no key is in two of them
        project.keys[:] = [key for key in project.keys if key is not other]
    weeks.world.projects[0].keys[:] = [old, other]
    other.name, other.created = f"Prod (successor of {old.public[:8]})", now - 20 * DAY
    code, told = weeks.run("fix", "plan", "--policy", "ours.yaml", "--key", old.public)
    if any(daily):
        assert code == 0
        assert "received errors until" in " ".join(told.split())
        assert "Its DSN: http" in " ".join(told.split())
    else:
        assert code == 1
        assert "disable (disruptive)" in told
        assert "0 events in 30 days" in " ".join(told.split())


def test_traffic_that_came_back_since_the_plan_stops_the_disabling(weeks: Weeks) -> None:
    old = _old(weeks.world)
    weeks.plan()
    weeks.apply()
    weeks.now = BEGIN + 12 * DAY
    _, plan, _ = weeks.plan()
    assert [one["action"] for one in plan["actions"]] == ["disable"]
    old.daily = (0, 0, 1)
    code, told = weeks.apply()
    assert code == 1
    assert "it received " in told
    assert old.active
    old.daily = (0, 0, 0)
    assert weeks.apply()[0] == 0
    assert not old.active


@pytest.mark.parametrize(
    ("fate", "day"), [("gone", 12), ("inactive", 12), ("renamed", 12), ("gone", 20)]
)
def test_without_a_successor_the_old_key_stays(weeks: Weeks, day: int, fate: str) -> None:
    """It may have gone between the plan and its approval."""
    old = _old(weeks.world)
    owner = next(one for one in weeks.world.projects if old in one.keys)
    weeks.plan()
    weeks.apply()
    new = owner.keys[-1]
    for due in (12, 20):
        weeks.now = BEGIN + due * DAY
        _, plan, _ = weeks.plan()
        if due == day:
            break
        assert weeks.apply()[0] == 0
    name = new.name
    if fate == "gone":
        owner.keys.remove(new)
    elif fate == "inactive":
        new.active = False
    else:
        new.name = "web"
    writes = len(weeks.world.writes)
    code, told = weeks.apply("--allow-irreversible")
    assert [one["action"] for one in plan["actions"]] == ["disable" if day == 12 else "delete"]
    assert code == 1
    assert "is not active any more" in told or "it has no successor" in told
    assert len(weeks.world.writes) == writes
    new.active, new.name = True, name
    if fate == "gone":
        owner.keys.append(new)
    assert weeks.apply("--allow-irreversible")[0] == 0
    assert (old not in owner.keys) if day == 20 else not old.active


def test_names_with_terminal_codes_stay_text(weeks: Weeks) -> None:
    old = _old(weeks.world)
    old.name = "\x1b[2J::error::\u202e${x}"
    _, plan, told = weeks.plan()
    assert plan["actions"][0]["after"]["name"].startswith(
        "\x1b[2J::error::\u202e${x} (successor of"
    )
    _, applied = weeks.apply()
    weeks.fetch()
    _, status = weeks.run(
        *("fix", "status", "--inventory", "inventory.jsonl", "--policy", "ours.yaml"),
        *("--as-of", weeks.now.isoformat().replace("+00:00", "Z")),
    )
    assert "1 rotation under way" in status
    for text in (told, applied, status):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert not any(line.lstrip().startswith("::") for line in text.splitlines())


def test_status_without_a_rule_that_rotates_says_so(weeks: Weeks) -> None:
    code, told = weeks.run("fix", "status", "--demo")
    assert code == 0
    assert "no rule of the selected policies has `fix: {rotate: ...}`" in told
    assert "0 rotations under way" in told


def test_status_without_such_a_rule_looks_at_the_keys_all_the_same(weeks: Weeks) -> None:
    asked = ("fix", "status", "--format", "json")
    assert weeks.run(*asked, "--inventory", "nowhere.jsonl")[0] == 2
    code, told = weeks.run(*asked, "--demo", "--project", "chekout")
    assert code == 3
    assert "Did you mean 'checkout'?" in told
    assert '"rotations": []' in told


def test_status_in_json_is_json_without_such_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["fix", "status", "--demo", "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"rotations": []}


def test_status_of_what_was_not_seen_ends_in_3(weeks: Weeks) -> None:
    weeks.fetch()
    asked = ("fix", "status", "--inventory", "inventory.jsonl", "--policy", "ours.yaml")
    assert weeks.run(*asked, "--project", "nowhere")[0] == 3
    assert weeks.run(*asked, "--project", "nowhere", "--allow-partial")[0] == 0


def test_a_report_does_not_rotate(weeks: Weeks) -> None:
    _old(weeks.world)
    weeks.fetch()
    of = ("--policy", "ours.yaml", "--inventory", "inventory.jsonl")
    as_of = weeks.now.isoformat().replace("+00:00", "Z")
    assert weeks.run("scan", *of, "--as-of", as_of, "-o", "report.json")[0] == 1
    asked = ("fix", "plan", "--policy", "ours.yaml", "--report", "report.json")
    code, told = weeks.run(*asked)
    assert code == 0
    assert "plan from a scan, not a report" in " ".join(told.split())
