"""The operator's keys, in a Secret of its own namespace: all replicas use the same, as long as that Secret exists."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace

from towline import log
from towline.api import labels
from towline.errors import ApiError, ClusterError
from towline.fields.mask import Mask
from towline.kube import calls, secrets
from towline.kube.client import Client
from towline.model import Body
from towline.plan.stamp import Stamps

KEY_BYTES = 32

_MASK, _OWNER, _SINCE, _CHECKPOINT = "mask", "owner", "owner.since", "checkpoint"
"""The entries of the Secret."""

_PATIENCE_SECONDS = 30.0
"""How long a refusal may last that ends by itself, before the data folder's keys are used."""
_PAUSE_SECONDS = 2.0

_log = log.logger(__name__)

Pause = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """What only the operators of one cluster know.

    Attributes:
        mask: makes the digests that replace secret values.
        owner: makes the stamps in owner annotations.
        since: when `owner` was made (RFC 3339).
        checkpoint: signs checkpoints of records (Ed25519).
    """

    mask: bytes = field(repr=False)
    owner: bytes = field(repr=False)
    since: str
    checkpoint: bytes = field(repr=False)

    @property
    def stamps(self) -> Stamps:
        """The stamps in owner annotations."""
        return Stamps(key=self.owner, since=self.since)


class _UnusableError(Exception):
    """The Secret is there, and is not what an operator has made."""


async def shared(
    client: Client,
    namespace: str,
    own: Keys,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Pause = asyncio.sleep,
) -> Keys:
    """Return the keys that the Secret holds; what is missing there is added from the data folder's own keys.

    Where the Secret can be neither read nor written, own keys are returned, and a line of the log says why. While the
    API server does not answer, this waits: it may have keys that earlier digests and stamps were made with.

    Args:
        client: is not held back by the Lease, as all replicas need the keys.
        namespace: where the operator is at home.
        own: the keys of the data folder.
        clock: monotonic seconds.
        pause: waits a number of seconds.
    """
    until = clock() + _PATIENCE_SECONDS
    silent = False
    while True:
        try:
            return await _shared(client, namespace, own)
        except _UnusableError as error:
            return _own(namespace, own, str(error))
        except ApiError as error:
            if clock() >= until or not _may_end(error):
                return _own(namespace, own, error.message)
        except ClusterError as error:
            if not silent:
                _log.warning("waiting for the API server", error=error.message)
            silent = True
        await pause(_PAUSE_SECONDS)


async def _shared(client: Client, namespace: str, own: Keys) -> Keys:
    path = f"/api/v1/namespaces/{namespace}/secrets"
    found = await client.found(f"{path}/{labels.KEYS}")
    if found is None:
        try:
            await client.request("POST", path, body=_secret(namespace, own))
        except ApiError as error:
            if error.code != 409:
                raise
        else:
            return own
        found = await client.found(f"{path}/{labels.KEYS}")  # that of the replica that was quicker
    held = secrets.content(found or {})
    keys = replace(own, mask=_key(held, _MASK))
    if _OWNER in held:
        since = held.get(_SINCE, b"").decode("ascii", "replace")
        keys = replace(keys, owner=_key(held, _OWNER), since=since)
    if _CHECKPOINT in held:
        keys = replace(keys, checkpoint=_key(held, _CHECKPOINT))
    if _OWNER in held and _CHECKPOINT in held:
        return keys
    return await _added(client, namespace, found or {}, keys)


async def _added(client: Client, namespace: str, secret: Body, keys: Keys) -> Keys:
    """Add the keys that a Secret of an earlier version lacks, unless another replica was quicker."""
    version = (secret.get("metadata") or {}).get("resourceVersion", "")
    held = secret.get("data") or {}
    entries = {name: value for name, value in _encoded(keys).items() if name not in held}
    try:
        await client.request(
            "PATCH",
            f"/api/v1/namespaces/{namespace}/secrets/{labels.KEYS}",
            body={"metadata": {"resourceVersion": version}, "data": entries},
            content_type=calls.MERGE_PATCH,
        )
    except ApiError as error:
        if _may_end(error):
            raise
        _log.warning(
            "a new key is in the data folder alone",
            secret=f"{namespace}/{labels.KEYS}",
            error=_hidden(error.message, namespace, keys),
        )
    return keys


def _key(held: Mapping[str, bytes], name: str) -> bytes:
    key = held.get(name, b"")
    if len(key) != KEY_BYTES:
        raise _UnusableError(
            f"the Secret has no key {name} of {KEY_BYTES} bytes: delete it and restart the operator"
        )
    return key


def _encoded(keys: Keys) -> dict[str, str]:
    entries = {
        _MASK: keys.mask,
        _OWNER: keys.owner,
        _SINCE: keys.since.encode(),
        _CHECKPOINT: keys.checkpoint,
    }
    return {name: base64.b64encode(value).decode() for name, value in entries.items()}


def _secret(namespace: str, keys: Keys) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": labels.KEYS,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "towline"},
        },
        "data": _encoded(keys),
    }


def _may_end(error: ApiError) -> bool:
    return error.code in {409, 429} or error.code >= 500


def _own(namespace: str, own: Keys, why: str) -> Keys:
    _log.warning(
        "the masking key is in the data folder alone",
        secret=f"{namespace}/{labels.KEYS}",
        error=_hidden(why, namespace, own),
    )
    return own


def _hidden(why: str, namespace: str, keys: Keys) -> str:
    return Mask(keys.mask).text(why, _secret(namespace, keys))
