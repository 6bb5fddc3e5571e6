"""Where the API server is and who we are there, by the official `kubernetes` package."""

from __future__ import annotations

import asyncio
import os
import ssl
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import yaml

from towline.errors import ClusterError

T = TypeVar("T")

READ_SECONDS = 30.0

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod finds the namespace of its service account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """One set of credentials.

    `tls` is False for plain HTTP. `server_name` and `proxy` are empty where the defaults serve.
    `authorization` gives the value of the header (empty: none); it reads files and runs exec plugins, so it
    belongs in a thread.
    """

    host: str
    tls: ssl.SSLContext | bool
    server_name: str
    proxy: str
    authorization: Callable[[], str]


async def threaded(work: Callable[[], T]) -> T:
    """Run in a thread what reads credentials.

    Raises:
        ClusterError: it takes too long, as plugins may.
    """
    try:
        async with asyncio.timeout(READ_SECONDS):
            return await asyncio.to_thread(work)
    except TimeoutError as error:
        raise ClusterError("the credentials for the cluster could not be read in time") from error


def load() -> Access:
    """Read the configuration: KUBECONFIG, else that of the pod, else the user's own file.

    It reads files and runs exec plugins, so it belongs in a thread.

    Raises:
        ClusterError: there is no configuration, or it cannot be used.
    """
    import kubernetes.client  # a slow import that the command line shall not pay for
    import kubernetes.config

    configuration = kubernetes.client.Configuration()
    with _translated():
        _fill(configuration, kubernetes.config)
        return _access(configuration)


def namespace() -> str:
    """Return the namespace that we are at home in: of POD_NAMESPACE, of the pod, or of the kubeconfig's context.

    It reads files, so it belongs in a thread.

    Raises:
        ClusterError: there is no configuration, or it cannot be used.
    """
    import kubernetes.config

    if named := os.environ.get("POD_NAMESPACE", ""):
        return named
    contexts: Callable[..., Any] = kubernetes.config.list_kube_config_contexts
    with _translated():
        if not (path := _kubeconfig()):
            return POD_NAMESPACE.read_text().strip()
        _, active = contexts(config_file=path)
        return active["context"].get("namespace") or "default"


def _kubeconfig() -> str:
    """Return which files to read, empty where we are in a pod and nobody named any."""
    named = os.environ.get("KUBECONFIG", "")
    if named or os.environ.get("KUBERNETES_SERVICE_HOST"):
        return named
    return os.path.expanduser("~/.kube/config")  # noqa: PTH111  KUBECONFIG may list several files


def _fill(configuration: Any, config: Any) -> None:
    if path := _kubeconfig():
        config.load_kube_config(config_file=path, client_configuration=configuration, persist_config=False)
    else:
        config.load_incluster_config(client_configuration=configuration)


@contextmanager
def _translated() -> Iterator[None]:
    """Say what is missing, but quote nothing that was read: parsers and plugins do, and it may be secret."""
    import kubernetes.config

    try:
        yield
    except kubernetes.config.ConfigException as error:
        words = str(error).partition("\n")[0][:200]
        raise ClusterError(f"no configuration for the cluster: {words}") from error
    except (yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fault = type(error).__name__
        raise ClusterError(f"the configuration for the cluster cannot be read ({fault})") from error


def _access(configuration: Any) -> Access:
    def authorization() -> str:
        with _translated():
            value = configuration.get_api_key_with_prefix("BearerToken", "authorization") or ""
        scheme, _, token = value.partition(" ")
        return f"Bearer {token.strip()}" if scheme.lower() == "bearer" else value

    return Access(
        host=configuration.host.rstrip("/"),
        tls=_tls(configuration),
        server_name=configuration.tls_server_name or "",
        proxy=_proxy(configuration),
        authorization=authorization,
    )


def _tls(configuration: Any) -> ssl.SSLContext | bool:
    if urllib.parse.urlsplit(configuration.host).scheme != "https":
        return False
    context = ssl.create_default_context(cafile=configuration.ssl_ca_cert or None)
    if configuration.cert_file:
        context.load_cert_chain(configuration.cert_file, configuration.key_file or None)
    if not configuration.verify_ssl:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _proxy(configuration: Any) -> str:
    host = urllib.parse.urlsplit(configuration.host).netloc
    bypass = urllib.request.proxy_bypass_environment  # type: ignore[attr-defined]  # typeshed lacks it
    spared = configuration.no_proxy and bypass(host, {"no": configuration.no_proxy})
    return "" if spared else configuration.proxy or ""
