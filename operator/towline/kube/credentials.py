"""Find the API server and the credentials for it, by the official `kubernetes` package."""

from __future__ import annotations

import asyncio
import os
import shutil
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
_NONE = "no configuration for the cluster"

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod finds the namespace of its service account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The address of the API server, and one set of credentials.

    `tls` is False for plain HTTP. `server_name` and `proxy` are empty for the defaults.
    `authorization` gives the value of the header (empty: none); it reads files and runs exec plugins, so it
    belongs in a thread.
    """

    host: str
    tls: ssl.SSLContext | bool
    server_name: str
    proxy: str
    authorization: Callable[[], str]


async def threaded(work: Callable[[], T]) -> T:
    """Run a function that reads credentials in a thread.

    Raises:
        ClusterError: it takes too long, as an exec plugin may.
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


async def check() -> None:
    """Load configuration and credentials once, to fail at the start if there are none.

    Raises:
        ClusterError: there is no configuration, or it cannot be used.
    """
    access = await threaded(load)
    await threaded(access.authorization)


def namespace() -> str:
    """Return the operator's own namespace: from POD_NAMESPACE, the pod, or the kubeconfig's context.

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
    """Return the kubeconfig files to read; empty in a pod where KUBECONFIG names none."""
    named = os.environ.get("KUBECONFIG", "")
    if named or os.environ.get("KUBERNETES_SERVICE_HOST"):
        return named
    return os.path.expanduser("~/.kube/config")  # noqa: PTH111  KUBECONFIG may list several files


def _fill(configuration: Any, config: Any) -> None:
    path = _kubeconfig()
    if not path:
        config.load_incluster_config(client_configuration=configuration)
        return
    _check_there(path)
    program = _program(config.kube_config.KubeConfigMerger(path).config)
    config.load_kube_config(config_file=path, client_configuration=configuration, persist_config=False)
    if program and not configuration.api_key and not configuration.cert_file:
        raise ClusterError(f"{_program_named(program)} gave none; run it by hand to see why")


def _check_there(path: str) -> None:
    if not any(Path(part).expanduser().exists() for part in path.split(os.pathsep) if part):
        raise ClusterError(f"{_NONE}: {path} does not exist; set KUBECONFIG to the path of a kubeconfig file")


def _program(merged: Any) -> str:
    """Return the program that makes credentials, if the kubeconfig names one; the library only logs its failures.

    Raises:
        ClusterError: it is not there.
    """
    context = merged["contexts"].get_with_name(merged["current-context"])["context"]
    user = merged["users"].get_with_name(context.safe_get("user"), safe=True)
    if user is None or "exec" not in user["user"]:
        return ""
    command = str(user["user"]["exec"]["command"])
    if not shutil.which(Path(user.path).parent / command if "/" in command else command):
        raise ClusterError(f"{_program_named(command)} was not found; install it, or change KUBECONFIG")
    return command


def _program_named(command: str) -> str:
    return f'no credentials for the cluster: the program "{command}" that the kubeconfig names'


@contextmanager
def _translated() -> Iterator[None]:
    """Say what is wrong without quoting what was read, as parsers and plugins do: it may be secret."""
    import kubernetes.config

    try:
        yield
    except kubernetes.config.ConfigException as error:
        words = str(error).partition("\n")[0][:200]
        raise ClusterError(f"{_NONE}{_where()}: {words}") from error
    except (yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fault = type(error).__name__
        raise ClusterError(f"the configuration for the cluster{_where()} cannot be read ({fault})") from error


def _where() -> str:
    return f" in {path}" if (path := _kubeconfig()) else ""


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
