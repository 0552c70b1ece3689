"""`keypolicy explain`, as a user runs it."""

import json
from pathlib import Path

import pytest

from scanner.policy.load import load_policies
from tests.acceptance.support import TWO_KEYS, Result, here

WITHOUT_DATE = "f5e55d481c26f26e10231bb26e402012"
"""The demo's key that has no creation date."""

OARFISH = "da8d69cb17e80677b76e08fde4656b93"


def _explain(*arguments: object, cwd: Path) -> Result:
    return here("explain", *arguments, cwd=cwd)


def test_a_rule_is_explained(tmp_path: Path) -> None:
    done = _explain("key-max-age", "--policy", "sentry-strict", "--param", "max_age=36h",
                    cwd=tmp_path)  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert "date_created >= now() - $age" in done.out
    assert "max_age = 36h (duration): --param max_age" in done.out
    assert "severity overridden at policies/sentry-strict.yaml:" in done.out
    assert "the fetch asks for sentry_key" in done.out
    assert "nist-800-53-r5: IA-5" in done.out
    assert max(map(len, done.out.splitlines())) <= 80


def test_the_null_that_made_a_key_unknown(tmp_path: Path) -> None:
    done = _explain("key-max-age", "--demo", "--key", WITHOUT_DATE[:6], cwd=tmp_path)
    assert done.code == 0
    tail = done.out[done.out.index("UNKNOWN") :]
    assert "no value for date_created" in tail
    assert "    date_created: NULL  <- no value\n" in tail
    assert max(map(len, done.out.splitlines())) <= 80


def test_json_has_the_same(tmp_path: Path) -> None:
    done = _explain("key-max-age", "--demo", "--key", WITHOUT_DATE, "--format", "json",
                    cwd=tmp_path)  # fmt: skip
    data = json.loads(done.out)
    assert data["rule"]["parameters"][0]["origin"] == "default"
    assert data["key"]["outcome"] == "unknown"
    causes = [part for part in data["key"]["requirement"]["children"] if part["cause"]]
    assert [(part["sql"], part["value"], part["cause"]) for part in causes] == [
        ("date_created", None, "no value")
    ]
    plain = json.loads(_explain("key-max-age", "--format", "json", cwd=tmp_path).out)
    assert plain["key"] is None


def test_a_key_of_a_file(tmp_path: Path) -> None:
    done = _explain("key-rate-limit", "--inventory", TWO_KEYS, "--org", "acme", "--project", "web",
                    "--key", OARFISH[:4], cwd=tmp_path)  # fmt: skip
    assert done.code == 0
    assert "FAIL: " in done.out
    assert ", of acme/web" in done.out
    assert "has_rate_limit: FALSE  <- decides" in done.out
    placeless = _explain("key-rate-limit", "--inventory", TWO_KEYS, "--key", OARFISH[:4],
                         cwd=tmp_path)  # fmt: skip
    (told,) = (line for line in placeless.out.splitlines() if line.startswith("FAIL: "))
    assert told == f"FAIL: Bold Oarfish, {OARFISH}"


def test_every_shipped_rule_explains_a_key_on_80_columns(tmp_path: Path) -> None:
    # A rule that both have is explained once.
    policies = {
        rule.id: policy
        for policy in ("sentry-strict", "sentry-baseline")
        for rule in load_policies([policy])[0].rules
    }
    for rule, policy in policies.items():
        done = _explain(rule, "--policy", policy, "--demo", "--key", WITHOUT_DATE, cwd=tmp_path)
        assert done.code == 0
        long = [line for line in done.out.splitlines() if len(line) > 80]
        # SQL that has no place to break is not broken.
        assert all(" " not in line.strip().removeprefix("runs as").strip() for line in long)


def test_merged_is_a_policy(tmp_path: Path) -> None:
    done = _explain("--policy", "sentry-strict", "--merged", cwd=tmp_path)
    assert done.code == 0
    (tmp_path / "merged.yaml").write_text(done.out, encoding="utf-8")
    again = here("scan", "--demo", "--as-of", "2026-01-01", "--policy", "merged.yaml",
                      "--format", "json", cwd=tmp_path)  # fmt: skip
    first = here("scan", "--demo", "--as-of", "2026-01-01", "--policy", "sentry-strict",
                      "--format", "json", cwd=tmp_path)  # fmt: skip
    found, expected = (json.loads(done.out)["findings"] for done in (again, first))
    # A shipped policy's name is taken: the merged text goes by another.
    assert found == [{**one, "policy": "sentry-strict-merged"} for one in expected]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "which rule?"),
        (["key-maxage"], "Did you mean `key-max-age`?"),
        (["key-name-convention"], "--policy sentry-strict"),
        (["key-default-name", "--policy", "sentry-strict"], "disables the rule"),
        (["key-max-age", "--merged"], "--merged prints a whole policy"),
        (["--merged", "--sql", "spark"], "Leave --sql out"),
        (["--merged", "--format", "json"], "Leave --format json out"),
        (["key-max-age", "--sql", "duckdb", "--format", "json"], "Leave --format json out"),
        (["key-max-age", "--sql", "duckdb", "--key", "a"], "Leave --key out"),
        (["--merged", "--policy", "nothing"], "no such policy"),
        (["key-max-age", "--demo", "--key", "zzz"], "no client key"),
        (["key-max-age", "--demo", "--key", ""], "stands for 100"),
        (["key-max-age", "--key", "a"], "nothing to scan"),
        (["key-max-age", "--param", "max_age=soon"], "is not a duration"),
    ],
)
def test_mistakes_exit_2_with_a_remedy(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = _explain(*arguments, cwd=tmp_path)
    assert (done.code, done.out) == (2, "")
    assert message in done.err


def test_names_cannot_steer_the_terminal(tmp_path: Path) -> None:
    key = json.loads(TWO_KEYS.read_text("utf-8"))[0] | {"id": "k1", "name": "a\x1b[31mb\u202e"}
    (tmp_path / "keys.json").write_text(json.dumps([key]), encoding="utf-8")
    done = _explain("key-default-name", "--inventory", "keys.json", "--org", "o", "--project", "p",
                    "--key", "k1", cwd=tmp_path)  # fmt: skip
    assert done.code == 0
    assert "\x1b" not in done.out
    assert "\u202e" not in done.out


def test_a_key_by_its_name_or_project(tmp_path: Path) -> None:
    def explain(key: str) -> Result:
        return _explain("key-rate-limit", "--demo", "--key", key, cwd=tmp_path)

    several = explain("Default")
    assert several.code == 2
    assert "'Default' stands for 6 of sentry_key" in several.err
    assert "(Default, otter-post-demo/invoice-mill)" in several.err
    assert "Write the id of one" in several.err
    named = explain("notebooks")
    assert (named.code, named.err) == (0, "")
    assert "b43841172bbe47105ee9814abf7b3882" in named.out
    project = explain("depot-scanner")
    assert project.code == 2
    assert "otter-post-demo/depot-scanner" in project.err
    assert "no client key has an id that begins with 'nosuch'" in explain("nosuch").err


@pytest.mark.parametrize("engine", ["spark", "postgres"])
def test_a_division_is_said_elsewhere_as_it_is_here(tmp_path: Path, engine: str) -> None:
    def said(condition: str) -> Result:
        rule = f"{{id: r, resource: sentry_key, severity: low, require: {condition}}}"
        policy = tmp_path / "p.yaml"
        policy.write_text(f"policy: p\nversion: 1.0.0\nrules:\n  - {rule}\n", "utf-8")
        return here("explain", "r", "--policy", str(policy), "--sql", engine, cwd=tmp_path)

    quotient = "rate_limit_count / rate_limit_window < 1"
    assert "NULLIF(rate_limit_window, 0)" in said(quotient).out
    other = said(f"{quotient} AND round(age_days) > 1")
    assert ":4:104: The predicate calls round()" in other.err
    assert "divides by what may be 0" in said("age_days / rate_limit_per_second < 1").err


def test_what_was_not_seen_is_told_beside_a_key(tmp_path: Path) -> None:
    asked = ("key-max-age", "--demo", "--key", "checkout-prod", "--project")
    missing = _explain(*asked, "chekout", cwd=tmp_path)
    assert missing.code == 2
    assert "Did you mean 'checkout'?" in missing.err
    found = _explain(*asked, "checkout", "--project", "chekout", cwd=tmp_path)
    assert found.code == 0
    assert "sentry_key is partial" in found.err


def test_an_inventory_without_a_key_is_told_to_be_of_no_use(tmp_path: Path) -> None:
    done = _explain("key-max-age", "--demo", cwd=tmp_path)
    assert done.code == 0
    assert "--demo is used by nothing" in done.err


@pytest.mark.parametrize("engine", ["duckdb", "spark", "postgres"])
def test_printed_sql_tells_which_columns_a_scan_would_make(tmp_path: Path, engine: str) -> None:
    made, plain = (
        _explain(rule, "--sql", engine, cwd=tmp_path).out.splitlines()[1]
        for rule in ("key-rate-ceiling", "key-max-age")
    )
    assert made.startswith("-- sentry_key has to have")
    assert made.endswith(": has_rate_limit, rate_limit_per_second")
    assert plain == "SELECT"


@pytest.mark.parametrize("require", ["TRUE", "1 = 1", "0.1 + 0.2 = 0.3"])
def test_a_condition_that_reads_no_column_is_explained(require: str, tmp_path: Path) -> None:
    rule = {"id": "r", "resource": "sentry_key", "severity": "low", "require": require}
    policy = {"policy": "constant", "version": "1.0.0", "rules": [rule]}
    (tmp_path / "constant.yaml").write_text(json.dumps(policy))
    arguments = ["r", "--policy", "constant.yaml", "--demo", "--key", WITHOUT_DATE]
    whole = _explain(*arguments[:3], cwd=tmp_path)
    assert (whole.code, whole.err) == (0, "")
    assert "Reads no column of sentry_key" in whole.out
    assert _explain(*arguments, cwd=tmp_path).code == 0


def test_an_organization_by_its_slug(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text(
        "policy: p\nversion: 1.0.0\nrules:\n"
        "  - {id: r, resource: sentry_organization, severity: low, require: name <> ''}\n",
        "utf-8",
    )
    listed = here(
        *("query", "select id, slug from sentry_organization", "--demo", "--format", "csv"),
        cwd=tmp_path,
    )
    identifier, slug = listed.out.splitlines()[1].split(",")
    done = here("explain", "r", "--policy", "p.yaml", "--demo", "--key", slug, cwd=tmp_path)
    assert done.code == 0
    assert identifier in done.out


def test_what_the_inventory_lacks_is_told(tmp_path: Path) -> None:
    arguments = ("explain", "key-max-age", "--demo", "--org", "nowhere", "--key")
    done = here(*arguments, "c59d", cwd=tmp_path)
    assert done.code == 2
    told = " ".join(done.err.split())
    assert "warning: sentry_key is partial: There is no organization 'nowhere'" in told
    assert "the inventory has 0" in told


def test_rows_that_a_word_may_mean_are_told_by_what_is_known(tmp_path: Path) -> None:
    apps = [
        {
            "slug": f"bot-{number}",
            "uuid": f"b{number}",
            "name": name,
            "scopes": [],
            "isAlertable": False,
        }
        for number, name in enumerate(("one", "two"))
    ]
    (tmp_path / "apps.json").write_text(json.dumps(apps), "utf-8")
    (tmp_path / "p.yaml").write_text(
        "policy: p\nversion: 1.0.0\nrules:\n"
        "  - {id: r, resource: sentry_integration, severity: low, require: len(scopes) = 0}\n",
        "utf-8",
    )
    arguments = ("explain", "r", "--policy", "p.yaml", "--inventory", "apps.json", "--org", "acme")
    done = here(*arguments, "--key", "b", cwd=tmp_path)
    assert done.code == 2
    assert "b0 (one, acme), b1 (two, acme)" in " ".join(done.err.split())
