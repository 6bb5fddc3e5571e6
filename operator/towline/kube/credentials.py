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
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import yaml

from towline.errors import ClusterError
from towline.kube import impersonated
from towline.kube.impersonated import NOBODY_ELSE, Impersonated

T = TypeVar("T")

READ_SECONDS = 30.0
_NONE = "no configuration for the cluster"

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""Where a pod finds the namespace of its service account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClusterChoice:
    """Which cluster a user means, and as whom: what is empty is decided as kubectl decides it."""

    kubeconfig: str = ""
    context: str = ""
    impersonated: str = ""


_DEFAULT = ClusterChoice()


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """The address of the API server, and one set of credentials.

    `tls` is False for plain HTTP. `server_name` and `proxy` are empty for the defaults. `impersonated` says as whom
    requests are sent.
    `authorization` gives the value of the header (empty: none); it reads files and runs exec plugins, so it
    belongs in a thread.
    """

    host: str
    tls: ssl.SSLContext | bool
    server_name: str
    proxy: str
    authorization: Callable[[], str]
    impersonated: Impersonated = NOBODY_ELSE


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


def load(choice: ClusterChoice = _DEFAULT) -> Access:
    """Read the configuration: KUBECONFIG, else that of the pod, else the user's own file.

    It reads files and runs exec plugins, so it belongs in a thread.

    Args:
        choice: names another file, or another context than its current one.

    Raises:
        ClusterError: there is no configuration, or it cannot be used.
    """
    import kubernetes.client  # a slow import that the command line shall not pay for
    import kubernetes.config

    configuration = kubernetes.client.Configuration()
    path = _kubeconfig(choice)
    with _translated(path):
        _fill(configuration, kubernetes.config, path, choice.context)
        named = _impersonated(path, choice.context) if path else NOBODY_ELSE
        named = named.named(choice.impersonated)
    if named.is_incomplete:
        raise ClusterError(
            f"{path} names a uid, groups or extra fields to impersonate, but no user: add `as`, or give --as"
        )
    return replace(_access(configuration, path), impersonated=named)


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
    return os.environ.get("POD_NAMESPACE", "") or context_namespace()


def context_namespace(choice: ClusterChoice = _DEFAULT) -> str:
    """Return the namespace of the kubeconfig's context, or of the pod that has none.

    It reads files, so it belongs in a thread.

    Args:
        choice: names another file, or another context than its current one.

    Raises:
        ClusterError: there is no configuration, no such context, or it cannot be used.
    """
    path = _kubeconfig(choice)
    with _translated(path):
        if not path:
            return POD_NAMESPACE.read_text().strip()
        _check_there(path)
        context = _context(_merged(path), path, choice.context)
        return context.safe_get("namespace") or "default"


def contexts(choice: ClusterChoice = _DEFAULT) -> tuple[str, ...]:
    """Return the names of all contexts of the kubeconfig; none in a pod without one.

    Raises:
        ClusterError: the kubeconfig cannot be read.
    """
    path = _kubeconfig(choice)
    with _translated(path):
        if not path:
            return ()
        _check_there(path)
        merged = _merged(path)
        return tuple(str(each["name"]) for each in merged["contexts"].value)


def _kubeconfig(choice: ClusterChoice) -> str:
    """Return the kubeconfig files to read; empty in a pod where nothing names one."""
    named = choice.kubeconfig or os.environ.get("KUBECONFIG", "")
    if named or (os.environ.get("KUBERNETES_SERVICE_HOST") and not choice.context):
        return named
    return os.path.expanduser("~/.kube/config")  # noqa: PTH111  KUBECONFIG may list several files


def _fill(configuration: Any, config: Any, path: str, context: str) -> None:
    if not path:
        config.load_incluster_config(client_configuration=configuration)
        return
    _check_there(path)
    program = _program(_merged(path), path, context)
    config.load_kube_config(
        config_file=path,
        context=context or None,
        client_configuration=configuration,
        persist_config=False,
    )
    if program and not configuration.api_key and not configuration.cert_file:
        raise ClusterError(f"{_program_named(program)} gave none; run it by hand to see why")


def _check_there(path: str) -> None:
    if not any(Path(part).expanduser().exists() for part in path.split(os.pathsep) if part):
        raise ClusterError(f"{_NONE}: {path} does not exist; set KUBECONFIG to the path of a kubeconfig file")


def _merged(path: str) -> Any:
    """Return what the files of a kubeconfig say together."""
    from kubernetes.config import kube_config

    merge: Callable[[str], Any] = kube_config.KubeConfigMerger
    return merge(path).config


def _context(merged: Any, path: str, name: str) -> Any:
    """Return the context of that name, or the one that the kubeconfig calls current."""
    found = merged["contexts"].get_with_name(name or merged["current-context"], safe=bool(name))
    if found is None:
        raise ClusterError(f'{path} has no context "{name}"; kubectl config get-contexts lists them')
    return found["context"]


def _user(merged: Any, path: str, context: str) -> Any:
    """Return the entry of the user of a context; None where there is none."""
    return merged["users"].get_with_name(_context(merged, path, context).safe_get("user"), safe=True)


def _impersonated(path: str, context: str) -> Impersonated:
    """Return as whom the kubeconfig says that its user asks."""
    user = _user(_merged(path), path, context)
    return impersonated.of_user(user["user"].value or {}) if user else NOBODY_ELSE


def _program(merged: Any, path: str, context: str) -> str:
    """Return the program that makes credentials, if the kubeconfig names one; the library only logs its failures.

    Raises:
        ClusterError: it is not there.
    """
    user = _user(merged, path, context)
    if user is None or "exec" not in user["user"]:
        return ""
    command = str(user["user"]["exec"]["command"])
    if not shutil.which(Path(user.path).parent / command if "/" in command else command):
        raise ClusterError(f"{_program_named(command)} was not found; install it, or change KUBECONFIG")
    return command


def _program_named(command: str) -> str:
    return f'no credentials for the cluster: the program "{command}" that the kubeconfig names'


@contextmanager
def _translated(path: str) -> Iterator[None]:
    """Say what is wrong without quoting what was read, as parsers and plugins do: it may be secret."""
    import kubernetes.config

    where = f" in {path}" if path else ""
    try:
        yield
    except kubernetes.config.ConfigException as error:
        words = str(error).partition("\n")[0][:200]
        raise ClusterError(f"{_NONE}{where}: {words}") from error
    except (yaml.YAMLError, OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        fault = type(error).__name__
        raise ClusterError(f"the configuration for the cluster{where} cannot be read ({fault})") from error


def _access(configuration: Any, path: str) -> Access:
    def authorization() -> str:
        with _translated(path):
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
