"""A pod of the operator, played by a process: the Deployment's arguments, and its service account's rights alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from e2e.harness.chart import ROOT
from e2e.harness.cluster import Cluster
from e2e.harness.components import free_ports
from e2e.harness.controlplane import ControlPlane
from e2e.harness.operator import Operator
from e2e.harness.processes import Program


def play(
    plane: ControlPlane, cluster: Cluster, deployment: Mapping[str, Any], folder: Path, **variables: str
) -> Operator:
    """Prepare a process that is to `deployment` what its pod would be; it is not started yet.

    Its token comes from the API server, as the kubelet would ask for it; it knows no kubeconfig. In its arguments and
    variables the volumes lie below `folder`, which is created, and what listens does so on the loopback interface.
    `variables` are more environment variables.
    """
    for name in ("data", "tmp", "account"):
        (folder / name).mkdir(parents=True)
    namespace = deployment["metadata"]["namespace"]
    template = deployment["spec"]["template"]["spec"]
    (container,) = template["containers"]
    token = cluster.kubectl("create", "token", template["serviceAccountName"], "-n", namespace)
    (folder / "account" / "token").write_text(token)
    (folder / "account" / "ca.crt").write_bytes(plane.site.identity.certificate_authority.read_bytes())
    return Operator(
        folder=folder,
        program=Program(
            name="operator",
            argv=[
                sys.executable,
                "-m",
                "e2e.harness.inpod",
                str(folder / "account"),
                *_arguments(container, folder),
            ],
            log=folder / "operator.log",
            folder=folder,
            environment={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(ROOT),
                "TMPDIR": str(folder / "tmp"),
                "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                "KUBERNETES_SERVICE_PORT": str(plane.site.api_port),
                **_variables(container, namespace, folder),
                **variables,
            },
        ),
    )


def _arguments(container: Mapping[str, Any], folder: Path) -> list[str]:
    assert container["command"] == ["towline"]
    return [_here(argument, folder) for argument in container["args"]]


def _here(argument: str, folder: Path) -> str:
    name, _, value = argument.partition("=")
    if name == "--listen":
        (port,) = free_ports(1)
        return f"{name}=127.0.0.1:{port}"
    return f"{name}={folder}{value}" if value.startswith("/") else argument


def _variables(container: Mapping[str, Any], namespace: str, folder: Path) -> dict[str, str]:
    found = {}
    for variable in container["env"]:
        if "valueFrom" in variable:
            assert variable["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.namespace"
            found[variable["name"]] = namespace
        else:
            value = variable["value"]
            found[variable["name"]] = f"{folder}{value}" if value.startswith("/") else value
    return found
