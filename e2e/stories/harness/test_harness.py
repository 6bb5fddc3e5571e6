"""The stage of all stories does what they rely on."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from e2e.harness import controlplane, processes, repositories
from e2e.harness.cluster import Cluster, Kubectl, KubectlError
from e2e.harness.repositories import Repository
from e2e.harness.waiting import eventually

ROOT = Path(__file__).parents[3]


@pytest.fixture
def space(cluster: Cluster) -> Iterator[str]:
    """A namespace that needs no CRDs of ours."""
    name = f"stage-{secrets.token_hex(4)}"
    cluster.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    yield name
    cluster.delete("v1", "Namespace", name)


def test_the_audit_log_tells_every_write_with_its_author_and_body(
    bare_plane: controlplane.ControlPlane, kubectl: Kubectl, space: str
) -> None:
    mark = bare_plane.audit.mark()
    for number in range(10):
        kubectl("create", "configmap", f"settings-{number}", "-n", space, "--from-literal=colour=blue")
    writes = [event for event in bare_plane.audit.writes(mark, "admin") if event.namespace == space]
    assert [event.name for event in writes] == [f"settings-{number}" for number in range(10)]
    assert {(event.verb, event.resource, event.code) for event in writes} == {("create", "configmaps", 201)}
    assert writes[0].body["data"] == {"colour": "blue"}
    assert writes[0].user_agent.startswith("kubectl")


def test_the_audit_log_tells_a_dry_run_from_a_write(
    bare_plane: controlplane.ControlPlane, kubectl: Kubectl, space: str
) -> None:
    kubectl("create", "configmap", "kept", "-n", space)
    mark = bare_plane.audit.mark()
    kubectl("create", "configmap", "tried", "-n", space, "--dry-run=server")
    kubectl("delete", "configmap", "kept", "-n", space, "--dry-run=server")
    tried = [event for event in bare_plane.audit.since(mark) if event.namespace == space and event.dry_run]
    assert {(event.verb, event.name) for event in tried} >= {("create", "tried"), ("delete", "kept")}
    assert bare_plane.audit.writes(mark, "admin") == ()


def test_the_audit_log_tells_a_refusal_and_who_was_refused(
    bare_plane: controlplane.ControlPlane, kubectl: Kubectl, space: str
) -> None:
    mark = bare_plane.audit.mark()
    with pytest.raises(KubectlError, match="forbidden"):
        kubectl("--kubeconfig", str(bare_plane.kubeconfig("alice")), "create", "configmap", "no", "-n", space)
    refused = bare_plane.audit.until(
        lambda event: event.user == "alice" and event.verb == "create", mark=mark
    )
    assert (refused.code, refused.succeeded) == (403, False)


def test_a_watch_is_in_the_audit_log_from_its_start(
    bare_plane: controlplane.ControlPlane, cluster: Cluster, space: str
) -> None:
    mark = bare_plane.audit.mark()
    kind = cluster.dynamic.resources.get(api_version="v1", kind="ConfigMap")
    for _ in kind.watch(namespace=space, timeout=2):
        break
    watches = [event for event in bare_plane.audit.since(mark) if event.verb == "watch"]
    assert [(event.resource, event.namespace) for event in watches] == [("configmaps", space)]


def test_controllers_and_nodes_make_workloads_available(kubectl: Kubectl, space: str) -> None:
    daemon = {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": space},
        "spec": {
            "selector": {"matchLabels": {"app": "agent"}},
            "template": {
                "metadata": {"labels": {"app": "agent"}},
                "spec": {"containers": [{"name": "agent", "image": "example/agent:1"}]},
            },
        },
    }
    kubectl("create", "-f", "-", stdin=json.dumps(daemon))
    kubectl("create", "deployment", "web", "--image=example/web:1", "--replicas=3", "-n", space)
    kubectl("wait", "deployment/web", "-n", space, "--for=condition=Available", "--timeout=30s")
    kubectl("rollout", "status", "daemonset/agent", "-n", space, "--timeout=30s")
    pods = json.loads(kubectl("get", "pods", "-n", space, "-l", "app=agent", "-o", "json"))["items"]
    assert sorted(pod["spec"]["nodeName"] for pod in pods) == ["node-0", "node-1"]


def test_a_quota_is_enforced(kubectl: Kubectl, space: str) -> None:
    kubectl("create", "quota", "few", "--hard=count/secrets=1", "-n", space)
    kubectl(
        "wait", "quota/few", "-n", space, "--for=jsonpath={.status.used.count/secrets}=0", "--timeout=15s"
    )
    kubectl("create", "secret", "generic", "first", "-n", space)
    with pytest.raises(KubectlError, match="exceeded quota: few"):
        kubectl("create", "secret", "generic", "second", "-n", space)


def test_a_killed_api_server_comes_back_with_everything_it_held(binaries: Path) -> None:
    with controlplane.running(binaries, controlplane.BARE) as plane:
        kubectl = Kubectl(binary=plane.kubectl, kubeconfig=plane.kubeconfig(), cache=plane.folder / "kubectl")
        kubectl("create", "configmap", "kept", "-n", "default", "--from-literal=a=1")
        mark = plane.audit.mark()
        plane.kill_api_server()
        with pytest.raises(KubectlError):
            kubectl("get", "configmap", "kept", "-n", "default")
        plane.start_api_server()
        assert "kept" in kubectl("get", "configmap", "kept", "-n", "default")
        assert [event.name for event in plane.audit.since(mark) if event.resource == "configmaps"] == ["kept"]


def test_nothing_is_left_of_a_control_plane_that_ended(binaries: Path) -> None:
    with controlplane.running(binaries, controlplane.BARE) as plane:
        folder = plane.folder
        assert {found.pid for found in processes.leftovers(folder)} == {
            program.pid for program in plane.programs
        }
    assert processes.leftovers(folder) == ()
    assert not folder.exists()


def test_the_logs_of_a_control_plane_stay_after_an_error(
    binaries: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    folders = []

    def fail() -> None:
        with controlplane.running(binaries, controlplane.BARE) as plane:
            folders.append(plane.folder)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert str(folders[0]) in capsys.readouterr().err
    assert (folders[0] / "logs" / "kube-apiserver.log").stat().st_size > 0
    assert processes.leftovers(folders[0]) == ()
    folders[0].rename(tmp_path / "kept")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_control_plane_and_removes_its_folder(number: signal.Signals) -> None:
    with _harness_up() as (process, folder):
        process.send_signal(number)
        process.wait(30)
        assert processes.leftovers(folder) == ()
        assert not folder.exists()


def test_nothing_is_left_when_the_harness_itself_is_killed(tmp_path: Path) -> None:
    with _harness_up() as (process, folder):
        process.kill()
        process.wait(10)
        eventually(lambda: not processes.leftovers(folder), message="the end of the control plane")
        folder.rename(tmp_path / "left")


@contextmanager
def _harness_up() -> Iterator[tuple[subprocess.Popen[str], Path]]:
    with subprocess.Popen(
        [sys.executable, "-m", "e2e.harness", "up"], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout is not None
            told = next(line for line in process.stdout if line.startswith("KUBECONFIG="))
            yield process, Path(told.strip().removeprefix("KUBECONFIG=")).parents[1]
        finally:
            process.kill()


def test_a_test_cleans_up_after_itself_although_no_operator_takes_the_finalizers_off(
    git_repository: Callable[..., Repository], cluster: Cluster
) -> None:
    repository = git_repository(suspend=True)
    cluster.kubectl(
        *("patch", repositories.RESOURCE, repository.name, "-n", repository.namespace, "--type=merge"),
        *("-p", '{"metadata":{"finalizers":["towline.dev/finalizer"]}}'),
    )
    repositories.abandon(cluster, repository.namespace)
    repository.until_gone()
