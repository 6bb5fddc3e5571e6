"""The embedded control plane: etcd, API server, controllers and nodes on loopback, for a test run or demo."""

from __future__ import annotations

import http.client
import json
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from e2e.harness import components, identity
from e2e.harness.audit import AuditLog
from e2e.harness.processes import Program
from e2e.harness.waiting import eventually

SETUP = Path(__file__).with_name("cluster-setup.yaml")
START_DEADLINE = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a control plane is made of: no `nodes`, no kwok; no `controllers`, nothing reacts to objects."""

    nodes: int = 2
    controllers: bool = True


FULL = Shape()
BARE = Shape(nodes=0, controllers=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """A running control plane; `programs` are in the order of their start."""

    site: components.Site
    programs: tuple[Program, ...]

    @property
    def folder(self) -> Path:
        """A folder of this run that goes away with it; free for temporary files of tests."""
        return self.site.folder

    @property
    def audit(self) -> AuditLog:
        """What the API server was asked."""
        return AuditLog(path=self.site.audit_log, knock=lambda mark: self._ask(f"/version?knock={mark}"))

    @property
    def kubectl(self) -> Path:
        """The kubectl binary."""
        return self.site.binaries / "kubectl"

    def kubeconfig(self, user: str = identity.ADMIN) -> Path:
        """Return the kubeconfig of one of `identity.USERS`."""
        return self.site.identity.kubeconfig(self.site.server, user)

    def program(self, name: str) -> Program:
        """Return one of the programs by the name of its binary; raises `KeyError`."""
        return {program.name: program for program in self.programs}[name]

    def check(self) -> bool:
        """Return True while all programs run, else raise `ProcessError`."""
        return all(program.check() for program in self.programs)

    def kill_api_server(self) -> None:
        """Kill the API server as a crash would."""
        self.program("kube-apiserver").kill()

    def start_api_server(self) -> None:
        """Start the API server again on the same port and store; returns when it is ready."""
        server = self.program("kube-apiserver")
        server.start()
        self.wait_ready(server)

    def back_up(self, copy: Path) -> None:
        """Copy the store to the folder `copy`; etcd is away for that moment, and the API server stays."""
        store = self.program("etcd")
        store.stop()
        shutil.copytree(self.site.store, copy)
        store.start()
        self.wait_ready(self.program("kube-apiserver"))

    def restore(self, copy: Path) -> None:
        """Put a copy of the store back while neither etcd nor the API server runs; the API server is off after it."""
        self.kill_api_server()
        store = self.program("etcd")
        store.kill()
        shutil.rmtree(self.site.store)
        shutil.copytree(copy, self.site.store)
        store.start()

    def wait_ready(self, server: Program, deadline: float = START_DEADLINE) -> None:
        """Wait until the API server says that it is ready; raises when it ended instead."""
        eventually(
            lambda: server.check() and self._ask("/readyz") == 200,
            deadline=deadline,
            message="the API server",
        )

    def _ask(self, path: str) -> int:
        """Return the status of one GET as admin; 0 where nobody answers."""
        return self._get(path)[0]

    def _get(self, path: str) -> tuple[int, bytes]:
        context = ssl.create_default_context(cafile=str(self.site.identity.certificate_authority))
        connection = http.client.HTTPSConnection("127.0.0.1", self.site.api_port, context=context, timeout=10)
        try:
            token = self.site.identity.tokens[identity.ADMIN]
            connection.request("GET", path, headers={"Authorization": f"Bearer {token}"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        except OSError:
            return 0, b""
        finally:
            connection.close()


@contextmanager
def running(
    binaries: Path, shape: Shape = FULL, *, failed: Callable[[], bool] = lambda: False
) -> Iterator[ControlPlane]:
    """Start a control plane from the folder `binaries` and stop it at the end.

    Its temporary folder goes away, unless an error passes through or `failed()` says so: then logs and
    audit log stay, and stderr names the folder. Raises `ProcessError` or `TimedOutError` when it does not
    come up.
    """
    folder = Path(tempfile.mkdtemp(prefix="towline-controlplane-"))
    keep = False
    try:
        with ExitStack() as stack:
            yield _start(_site(folder, binaries), shape, stack)
        keep = failed()
    except Exception:
        keep = True
        raise
    finally:
        _clear(folder, keep=keep)


def _site(folder: Path, binaries: Path) -> components.Site:
    (folder / "logs").mkdir()
    api_port, etcd_port, peer_port = components.free_ports(3)
    return components.Site(
        folder=folder,
        binaries=binaries,
        identity=identity.make(folder / "identity"),
        api_port=api_port,
        etcd_port=etcd_port,
        peer_port=peer_port,
    )


def _start(site: components.Site, shape: Shape, stack: ExitStack) -> ControlPlane:
    store, server = components.etcd(site), components.api_server(site)
    more = [components.controllers(site)] if shape.controllers else []
    more += [components.nodes(site)] if shape.nodes else []
    plane = ControlPlane(site=site, programs=(store, server, *more))
    for program in plane.programs:
        stack.callback(program.kill)  # nothing of it outlives the run, so nothing is to be put in order
    store.start()
    server.start()
    plane.wait_ready(server)
    for program in more:
        program.start()
    _fill(plane, shape)
    plane.check()
    return plane


def _fill(plane: ControlPlane, shape: Shape) -> None:
    """Create what every cluster has, and wait until controllers and nodes work."""
    made = [*SETUP.read_text().split("\n---\n"), *(json.dumps(_node(index)) for index in range(shape.nodes))]
    subprocess.run(
        [plane.kubectl, "create", "--validate=false", "-f", "-"],
        input="\n---\n".join(made),
        env={"KUBECONFIG": str(plane.kubeconfig()), "HOME": str(plane.folder)},
        stdout=subprocess.DEVNULL,
        check=True,
        text=True,
    )
    if shape.controllers:
        account = "/api/v1/namespaces/default/serviceaccounts/default"
        eventually(lambda: plane._ask(account) == 200, deadline=START_DEADLINE, message="the controllers")
    eventually(
        lambda: all(_ready(plane, index) for index in range(shape.nodes)),
        deadline=START_DEADLINE,
        message="the nodes",
    )


def _ready(plane: ControlPlane, index: int) -> bool:
    status, body = plane._get(f"/api/v1/nodes/node-{index}")
    conditions = json.loads(body)["status"].get("conditions", []) if status == 200 else []
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


def _node(index: int) -> dict[str, Any]:
    name = f"node-{index}"
    room = {"cpu": "64", "memory": "256Gi", "pods": "1000"}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux"}},
        "status": {"allocatable": room, "capacity": room},
    }


def _clear(folder: Path, *, keep: bool) -> None:
    if keep:
        for name in ("etcd", "identity"):
            shutil.rmtree(folder / name, ignore_errors=True)
        sys.stderr.write(f"logs of the control plane: {folder}\n")
        return
    with suppress(FileNotFoundError):
        shutil.rmtree(folder)
