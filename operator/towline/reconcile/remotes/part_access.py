"""Open the servers of remote parts with the credentials of `spec.remotes`, by the rules of `spec.url`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from towline.api import remoting
from towline.api.bound_hosts import BoundHosts
from towline.api.gitrepository import Spec
from towline.errors import Reason, SourceError, SpecError
from towline.kube import secrets
from towline.kube.client import Client
from towline.model import Key
from towline.render.units.base_door import RemoteRefusedError
from towline.source import access
from towline.source.access import Remote
from towline.source.helm_charts import chart_access
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.helm_charts.chart_name import ChartName

_WORDS = (
    ("and name it in spec.secretRef", "and name it in spec.remotes, with the prefix of this url"),
    ("or add secretRef", "or add its credentials to spec.remotes"),
    ("spec.secretRef", "spec.remotes"),
    ("set spec.url to", "name"),
    ("check spec.url", "check the address"),
    ("spec.url", "the address"),
)
"""What errors about `spec.url` say, and what is said of a remote part."""


class PartAccess:
    """Finds the credentials for remote parts.

    Args:
        client: reads the Secrets.
        allow_http: whether urls may be without encryption.
        own_keys: namespace and name of the Secret that holds the operator's own keys.
        require_bound: whether a Secret that is bound to no host is refused.
    """

    def __init__(
        self, client: Client, *, allow_http: bool, own_keys: tuple[str, str], require_bound: bool
    ) -> None:
        self._client = client
        self.allow_http = allow_http
        self._own_keys = own_keys
        self._require_bound = require_bound

    async def remote(self, key: Key, spec: Spec, url: str) -> Remote:
        """Return a Git repository with its credentials.

        Raises:
            RemoteRefusedError: the url.
            SourceError: the credentials.
            ClusterError: the Secret could not be read.
        """
        name, secret, bound = await self._secret(key, spec, url)
        with translated():
            return access.remote_at(url, name, secret, allow_http=self.allow_http, bound=bound)

    async def chart(self, key: Key, spec: Spec, chart: ChartName) -> ChartAccess:
        """Return how the server of a chart is asked.

        Raises:
            SourceError: the credentials.
            ClusterError: the Secret could not be read.
        """
        name, secret, bound = await self._secret(key, spec, chart.url)
        url = chart.url.replace("oci://", "https://", 1)
        return chart_access.of(url, name, secret, bound)

    async def _secret(
        self, key: Key, spec: Spec, url: str
    ) -> tuple[str, Mapping[str, bytes] | None, BoundHosts]:
        """Return the Secret for a url: its name, empty where there is none, its content, and what binds it."""
        name = remoting.secret_for(url, spec.remote_secrets)
        if (key.namespace, name) == self._own_keys:
            message = f"spec.remotes: {name} is the Secret of the operator's own keys: name another one"
            raise SourceError(Reason.AUTH_CONFIG_INVALID, message)
        secret = await secrets.for_git(self._client, key.namespace, name) if name else None
        bound = BoundHosts(value=secret.hosts if secret else None, is_required=self._require_bound)
        return name, secret.content if secret else None, bound


@contextmanager
def translated() -> Iterator[None]:
    """Say of a remote part what is said of `spec.url`; what only another address can fix is refused."""
    try:
        yield
    except SpecError as error:
        raise RemoteRefusedError(f"is refused: {_told(error.message)}") from error
    except SourceError as error:
        if error.reason is Reason.REF_NOT_FOUND:
            raise RemoteRefusedError(f"cannot be read: {_told(error.message)}") from error
        raise type(error)(error.reason, _told(error.message)) from error


def _told(message: str) -> str:
    for of_url, of_part in _WORDS:
        message = message.replace(of_url, of_part)
    return message
