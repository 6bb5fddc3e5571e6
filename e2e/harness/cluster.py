"""The cluster as its users see it: kubectl and the official client, which share no code with the operator."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

import kubernetes
from kubernetes.dynamic import DynamicClient
from kubernetes.dynamic.exceptions import NotFoundError, ResourceNotFoundError

from e2e.harness.waiting import eventually

Object: TypeAlias = dict[str, Any]


ESTABLISHED = 'jsonpath={.status.conditions[?(@.type=="Established")].status}=True'
"""What `kubectl wait` waits for until a CRD is served."""


class KubectlError(AssertionError):
    """A kubectl command failed; the message is what it wrote to stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kubectl:
    """kubectl as one user; `cache` holds its discovery: the home folder knows ports of other runs."""

    binary: Path
    kubeconfig: Path
    cache: Path

    def __call__(
        self,
        *arguments: str,
        stdin: str = "",
        deadline: float = 60.0,
        variables: Mapping[str, str] = MappingProxyType({}),
    ) -> str:
        """Run one command and return its stdout; raises `KubectlError` when it fails.

        `variables` add to the environment.
        """
        answer = subprocess.run(
            [self.binary, *arguments],
            input=stdin,
            env={**self.environment(), **variables},
            capture_output=True,
            text=True,
            timeout=deadline,
            check=False,
        )
        if answer.returncode:
            raise KubectlError(f"kubectl {' '.join(arguments)}: {answer.stderr.strip()}")
        return answer.stdout

    def until_established(self, *crds: str) -> None:
        """Wait until CRDs are served; `crds` are names, or `-f` and a file or folder.

        Asked again: whatever it waits for, kubectl gives up where a CRD is so new that its list of conditions is null.
        """
        eventually(
            lambda: self("wait", f"--for={ESTABLISHED}", "--timeout=30s", *crds),
            deadline=30,
            message="CRDs to be served",
        )

    def environment(self) -> dict[str, str]:
        """The variables under which anybody can run the same command."""
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.cache),
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.cache),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Cluster:
    """Objects by `apiVersion`, kind, name and namespace (empty for cluster-scoped ones), as dictionaries."""

    dynamic: DynamicClient
    kubectl: Kubectl

    def get(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object:
        """Return one object; raises `NotFoundError`."""
        found: Object = self._ask(api_version, kind).get(name=name, namespace=namespace or None).to_dict()
        return found

    def find(self, api_version: str, kind: str, name: str, namespace: str = "") -> Object | None:
        """Return one object, None where there is none."""
        try:
            return self.get(api_version, kind, name, namespace)
        except NotFoundError:
            return None

    def list(self, api_version: str, kind: str, namespace: str = "", *, labels: str = "") -> list[Object]:
        """Return the objects of a kind, in one namespace or everywhere, that a label selector matches."""
        answer = self._ask(api_version, kind).get(namespace=namespace or None, label_selector=labels or None)
        return [item.to_dict() for item in answer.items]

    def create(self, body: Object) -> Object:
        """Create one object, as somebody who does not use Git."""
        kind = self._ask(body["apiVersion"], body["kind"])
        made: Object = kind.create(body=body, namespace=body["metadata"].get("namespace")).to_dict()
        return made

    def patch(
        self,
        api_version: str,
        kind: str,
        name: str,
        namespace: str,
        change: Mapping[str, Any],
        *,
        manager: str = "",
    ) -> Object:
        """Change one object by a merge patch, in the name of a field manager."""
        answer = self._ask(api_version, kind).patch(
            name=name,
            namespace=namespace or None,
            body=change,
            content_type="application/merge-patch+json",
            **({"field_manager": manager} if manager else {}),
        )
        changed: Object = answer.to_dict()
        return changed

    def patch_status(
        self, api_version: str, kind: str, name: str, namespace: str, status: Mapping[str, Any]
    ) -> None:
        """Change the status of one object by a merge patch, as its controller would."""
        self._ask(api_version, kind).subresources["status"].patch(
            name=name,
            namespace=namespace or None,
            body={"status": status},
            content_type="application/merge-patch+json",
        )

    def delete(self, api_version: str, kind: str, name: str, namespace: str = "") -> None:
        """Delete one object, without waiting for its end; nothing happens where there is none."""
        try:
            self._ask(api_version, kind).delete(
                name=name, namespace=namespace or None, body={"propagationPolicy": "Background"}
            )
        except NotFoundError:
            return

    def until_gone(
        self, api_version: str, kind: str, name: str, namespace: str = "", *, deadline: float = 30.0
    ) -> None:
        """Wait until an object does not exist."""
        eventually(
            lambda: self.find(api_version, kind, name, namespace) is None,
            deadline=deadline,
            message=f"the end of {kind} {namespace}/{name}",
        )

    def _ask(self, api_version: str, kind: str) -> Any:
        """Return what asks for a kind; of all groups that the client reads for that, one may just have come or gone."""

        def found() -> Any:
            try:
                return self.dynamic.resources.get(api_version=api_version, kind=kind)
            except (NotFoundError, ResourceNotFoundError):
                self.dynamic.resources.invalidate_cache()
                return None

        return eventually(found, message=f"a version of {kind} that is served")


@contextmanager
def connected(kubectl: Kubectl) -> Iterator[Cluster]:
    """Open the official client with the kubeconfig of `kubectl`, and close its connections at the end."""
    load: Callable[[str], kubernetes.client.ApiClient] = kubernetes.config.new_client_from_config
    dynamic: Callable[..., DynamicClient] = DynamicClient
    kubectl.cache.mkdir(exist_ok=True)
    client = load(str(kubectl.kubeconfig))
    try:
        discovered = str(kubectl.cache / "dynamic-client.json")
        yield Cluster(dynamic=dynamic(client, cache_file=discovered), kubectl=kubectl)
    finally:
        client.rest_client.pool_manager.clear()
        client.close()  # type: ignore[no-untyped-call]  # untyped library
