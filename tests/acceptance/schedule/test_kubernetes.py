"""Kubernetes: a CronJob with a volume for its history."""

import json
import shutil
from pathlib import Path
from typing import Any

import kubernetes_validate  # type: ignore[import-untyped]
import pytest
import yaml

from tests.acceptance.schedule.machine import EXAMPLES, POLICY, SETTINGS, Machine
from tests.acceptance.support import Result

EXAMPLE = EXAMPLES / "kubernetes-cronjob.yaml"
OBJECTS: list[dict[str, Any]] = list(yaml.safe_load_all(EXAMPLE.read_text("utf-8")))
KINDS: dict[str, dict[str, Any]] = {one["kind"]: one for one in OBJECTS}
CRON: dict[str, Any] = KINDS["CronJob"]["spec"]
POD: dict[str, Any] = CRON["jobTemplate"]["spec"]["template"]["spec"]
(INSTALL,), (SCAN,) = POD["initContainers"], POD["containers"]
CONTAINERS = pytest.mark.parametrize("container", [INSTALL, SCAN], ids=["install", "scan"])


class Cluster:
    """Runs the pod's containers, one after the other, with what is mounted and set for them."""

    def __init__(self, host: Machine) -> None:
        self.host = host
        secrets = host.secrets()
        self.secret = {"SENTRY_AUTH_TOKEN": secrets["SENTRY_AUTH_TOKEN"]}
        self.map = {
            **KINDS["ConfigMap"]["data"],
            "SENTRY_URL": host.simulator.url,
            "keypolicy.yaml": SETTINGS,
            "ours.yaml": POLICY,
        }

    def start(self) -> Result:
        self._mount(self.host.place("/etc/keypolicy"))
        self.host.place("/var/lib/keypolicy").mkdir(parents=True, exist_ok=True)
        shutil.rmtree(self.host.place("/opt/keypolicy"), ignore_errors=True)
        installed = self._run(INSTALL)
        assert installed.code == 0, installed.err
        return self._run(SCAN)

    def _mount(self, folder: Path) -> None:
        """Lay a ConfigMap as the kubelet does: links to a link to a folder with a date."""
        shutil.rmtree(folder, ignore_errors=True)
        data = folder / "..2026_11_26_05_17_00.123"
        data.mkdir(parents=True)
        (folder / "..data").symlink_to(data.name)
        for name, text in self.map.items():
            (data / name).write_text(text, "utf-8")
            (folder / name).symlink_to(f"..data/{name}")

    def _run(self, container: dict[str, Any]) -> Result:
        environment = {}
        for one in container["env"]:
            source = one.get("valueFrom", {})
            if "secretKeyRef" in source:
                assert source["secretKeyRef"]["name"] == "keypolicy-token"
                environment[one["name"]] = self.secret[source["secretKeyRef"]["key"]]
            elif "configMapKeyRef" in source:
                environment[one["name"]] = self.map[source["configMapKeyRef"]["key"]]
        words = [*container["command"], *container["args"]]
        cwd = self.host.place(container.get("workingDir", str(self.host.root)))
        return self.host.run(cwd, *words, **environment)

    def runs(self) -> int:
        return len(self.host.runs(self.host.place("/var/lib/keypolicy/history")))


@pytest.fixture
def cluster(host: Machine) -> Cluster:
    return Cluster(host)


def test_two_days(cluster: Cluster) -> None:
    first = cluster.start()
    assert (first.code, cluster.runs()) == (1, 1), first.err
    assert cluster.host.called("pip")[0].endswith(KINDS["ConfigMap"]["data"]["KEYPOLICY_PACKAGE"])
    cluster.host.mend()
    assert (cluster.start().code, cluster.runs()) == (0, 2)
    assert (cluster.host.place("/var/lib/keypolicy") / "report.html").stat().st_size > 0


def test_gaps_are_kept_and_tried_once_more(cluster: Cluster) -> None:
    cluster.host.hide()
    assert (cluster.start().code, cluster.runs()) == (3, 1)
    job = CRON["jobTemplate"]["spec"]
    assert job["backoffLimit"] == 1
    (final,) = (r["onExitCodes"] for r in job["podFailurePolicy"]["rules"] if "onExitCodes" in r)
    assert (final["operator"], final["values"]) == ("In", [1, 2, 4])


def test_its_own_policies_scan(cluster: Cluster) -> None:
    """What stands in the ConfigMap is a beginning that works."""
    cluster.map |= KINDS["ConfigMap"]["data"] | {"SENTRY_URL": cluster.host.simulator.url}
    done = cluster.start()
    assert done.code == 1, done.err
    assert "our-keys 1.0.0" in done.out


@pytest.mark.parametrize("version", ["1.29", "1.37"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_schemas_of_kubernetes_take_it(kind: str, version: str) -> None:
    kubernetes_validate.validate(KINDS[kind], version, strict=True)
    wrong = json.loads(json.dumps(KINDS[kind])) | {"spce": {}}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


def test_one_at_a_time_and_none_is_left_out() -> None:
    assert CRON["concurrencyPolicy"] == "Forbid"
    assert CRON["startingDeadlineSeconds"] == 6 * 3600
    assert CRON["timeZone"] == "Etc/UTC"


@CONTAINERS
def test_a_container_is_left_little(container: dict[str, Any]) -> None:
    """All that the restricted standard asks for, which the namespace enforces, and more."""
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert POD["securityContext"]["runAsNonRoot"] is True
    assert POD["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert POD["automountServiceAccountToken"] is False
    assert "memory" in container["resources"]["limits"]


def test_only_the_scan_has_the_token() -> None:
    assert "secretKeyRef" not in json.dumps(INSTALL)
    assert json.dumps(OBJECTS).count("secretKeyRef") == 1
    assert "Secret" not in KINDS


def test_volumes_and_names_agree() -> None:
    volumes = {volume["name"] for volume in POD["volumes"]}
    for container in (INSTALL, SCAN):
        assert {mount["name"] for mount in container["volumeMounts"]} <= volumes
    space = KINDS["Namespace"]["metadata"]["name"]
    others = [one["metadata"]["namespace"] for one in OBJECTS if one["kind"] != "Namespace"]
    assert set(others) == {space}
    claims = [v["persistentVolumeClaim"] for v in POD["volumes"] if "persistentVolumeClaim" in v]
    assert claims == [{"claimName": KINDS["PersistentVolumeClaim"]["metadata"]["name"]}]
    assert KINDS["NetworkPolicy"]["spec"]["policyTypes"] == ["Ingress", "Egress"]
    assert "ingress" not in KINDS["NetworkPolicy"]["spec"]
