"""Say why something cannot be read: it is not there, or the user may not read it. Nothing is left out in silence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from towline.errors import ApiError, ClusterError
from towline.kube import refusals
from towline.model import Resource


class AbsentError(ClusterError):
    """What the user names does not exist; the message says what to look at."""


class NotAllowedError(ApiError):
    """The user may not do something; `verb`, `resource`, `namespace` (empty: in all) and `name` say what."""

    def __init__(self, error: ApiError, verb: str, resource: Resource, namespace: str, name: str) -> None:
        self.verb = verb
        self.resource = resource
        self.namespace = namespace
        self.name = name
        elsewhere = ", or name another namespace with -n" if resource.namespaced else ""
        super().__init__(
            error.code, f"you may not {self.what}: {error.message}; ask for the right{elsewhere}"
        )

    @property
    def what(self) -> str:
        """What is not allowed: `list gitrepositories.towline.dev in namespace shop`."""
        kind = f"{self.resource.plural}.{self.resource.group}".removesuffix(".")
        named = f' "{self.name}"' if self.name else ""
        everywhere = " in all namespaces" if self.resource.namespaced and not self.name else ""
        where = f" in namespace {self.namespace}" if self.namespace else everywhere
        return f"{self.verb} {kind}{named}{where}"


@contextmanager
def named(verb: str, resource: Resource, namespace: str = "", name: str = "") -> Iterator[None]:
    """Turn the API server's 403 within the block into an error that says what is not allowed.

    Raises:
        NotAllowedError: the user may not do this.
        AbsentError: the API server does not serve the kind.
    """
    try:
        yield
    except ApiError as error:
        if refusals.is_unserved(error):
            raise AbsentError(_unserved(resource)) from error
        if error.code != 403 or isinstance(error, NotAllowedError):
            raise
        raise NotAllowedError(error, verb, resource, namespace, name) from error


def _unserved(resource: Resource) -> str:
    told = f"the API server does not serve {resource.plural}.{resource.group}".removesuffix(".")
    return f"{told}: is Towline installed there, and is this the cluster that you mean?"
