"""The programs of the embedded control plane and the flags they are started with."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from e2e.harness import identity as identities
from e2e.harness.processes import Program

POLICY = Path(__file__).with_name("audit-policy.yaml")

OFF = (
    "node-lifecycle-controller",  # nodes here are never sick, and a busy machine must not evict their pods
    "node-ipam-controller",
    "taint-eviction-controller",
    "device-taint-eviction-controller",
    "horizontal-pod-autoscaler-controller",  # there are no metrics
    "persistentvolume-attach-detach-controller",
    "certificatesigningrequest-signing-controller",
    "pod-garbage-collector-controller",  # stories play kubelets themselves, on a node that does not exist
)
"""Controllers that would do nothing useful without real nodes."""


_NO_CLIENTS = range(20_000, 32_000)
"""Ports below those of `net.ipv4.ip_local_port_range`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """Where one control plane lives: its folder, its binaries, its ports on the loopback interface."""

    folder: Path
    binaries: Path
    identity: identities.Identity
    api_port: int
    etcd_port: int
    peer_port: int

    @property
    def server(self) -> str:
        """The URL of the API server."""
        return f"https://127.0.0.1:{self.api_port}"

    @property
    def store(self) -> Path:
        """Where etcd keeps everything."""
        return self.folder / "etcd"

    @property
    def audit_log(self) -> Path:
        """Where the API server writes what it was asked."""
        return self.folder / "audit.log"

    @property
    def logs(self) -> Path:
        """The folder of the programs' output."""
        return self.folder / "logs"


def free_ports(count: int) -> list[int]:
    """Return ports of the loopback interface that nobody listens on, all different.

    They are none that Linux gives to clients, so that they are still free when a program starts, and starts again.
    """
    ports: set[int] = set()
    while len(ports) < count:
        port = secrets.choice(_NO_CLIENTS)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            ports.add(port)
    return sorted(ports)


def etcd(site: Site) -> Program:
    """The store: without fsync, because nothing of it outlives the run."""
    client, peer = f"http://127.0.0.1:{site.etcd_port}", f"http://127.0.0.1:{site.peer_port}"
    return _program(
        site,
        "etcd",
        {
            "name": "towline",
            "data-dir": site.store,
            "listen-client-urls": client,
            "advertise-client-urls": client,
            "listen-peer-urls": peer,
            "initial-advertise-peer-urls": peer,
            "initial-cluster": f"towline={peer}",
            "unsafe-no-fsync": "true",
            "log-level": "warn",
        },
    )


def api_server(site: Site) -> Program:
    """The API server: RBAC, static tokens, and an audit log that is written before a request ends."""
    return _program(
        site,
        "kube-apiserver",
        {
            "etcd-servers": f"http://127.0.0.1:{site.etcd_port}",
            "bind-address": "127.0.0.1",
            "secure-port": site.api_port,
            "cert-dir": site.folder / "certificates",
            "tls-cert-file": site.identity.certificate,
            "tls-private-key-file": site.identity.key,
            "token-auth-file": site.identity.token_file,
            "authorization-mode": "RBAC",
            "service-account-issuer": "https://kubernetes.default.svc",
            "service-account-key-file": site.identity.service_accounts,
            "service-account-signing-key-file": site.identity.service_accounts,
            "service-cluster-ip-range": "10.0.0.0/16",
            "endpoint-reconciler-type": "none",
            "disable-admission-plugins": "TaintNodesByCondition",  # what lifts the taint is off
            "audit-policy-file": POLICY,
            "audit-log-path": site.audit_log,
            "audit-log-maxsize": "10240",  # MiB: who reads it follows one file
            "audit-log-mode": "blocking",
            "allow-privileged": "true",
            "profiling": "false",
        },
    )


def controllers(site: Site) -> Program:
    """The controllers: garbage collection, namespaces, workloads, quotas, service accounts."""
    return _program(
        site,
        "kube-controller-manager",
        {
            "kubeconfig": site.identity.kubeconfig(site.server, identities.CONTROLLERS),
            "secure-port": "0",
            "leader-elect": "false",
            "controllers": ",".join(("*", *(f"-{name}" for name in OFF))),
            "service-account-private-key-file": site.identity.service_accounts,
            "root-ca-file": site.identity.certificate_authority,
            "kube-api-qps": "500",
            "kube-api-burst": "1000",
            "concurrent-namespace-syncs": "20",
            "concurrent-resource-quota-syncs": "5",
            "resource-quota-sync-period": "10s",
        },
    )


def nodes(site: Site) -> Program:
    """The nodes: kwok plays kubelets that start every pod at once."""
    stages = sorted((site.binaries / "stages").glob("*.yaml"))
    program = _program(
        site,
        "kwok",
        {
            "kubeconfig": site.identity.kubeconfig(site.server, identities.NODES),
            "manage-all-nodes": "true",
            "node-lease-duration-seconds": "40",
            "cidr": "10.128.0.0/16",
        },
    )
    program.argv = [*program.argv, *(f"--config={stage}" for stage in stages)]
    return program


def _program(site: Site, name: str, flags: Mapping[str, object]) -> Program:
    return Program(
        name=name,
        argv=[str(site.binaries / name), *(f"--{flag}={value}" for flag, value in flags.items())],
        log=site.logs / f"{name}.log",
        environment={"PATH": os.environ["PATH"], "HOME": str(site.folder)},
        folder=site.folder,
    )
