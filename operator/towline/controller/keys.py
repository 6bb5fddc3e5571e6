"""The masking key, in a Secret of the operator's namespace: equal secrets look equal as long as that Secret exists."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import Awaitable, Callable

from towline import log
from towline.api import labels
from towline.errors import ApiError, ClusterError
from towline.fields.mask import Mask
from towline.kube import secrets
from towline.kube.client import Client
from towline.model import Body

KEY_BYTES = 32

_ENTRY = "mask"
_PATIENCE_SECONDS = 30.0
"""How long a refusal may last that ends by itself, before the data folder's key is used."""
_PAUSE_SECONDS = 2.0

_log = log.logger(__name__)

Pause = Callable[[float], Awaitable[None]]


class _UnusableError(Exception):
    """The Secret is there, and is not what an operator has made."""


async def mask_key(
    client: Client,
    namespace: str,
    own: bytes,
    *,
    clock: Callable[[], float] = time.monotonic,
    pause: Pause = asyncio.sleep,
) -> bytes:
    """Return the key that the Secret holds; where there is none, make it of the data folder's own key.

    Where the Secret can be neither read nor made, the own key is returned, and a line of the log says why. While the
    API server does not answer, this waits: it may have a key that earlier digests were made with.

    Args:
        client: is not held back by the Lease, as all replicas need the key.
        namespace: where the operator is at home.
        own: the key of the data folder.
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


async def _shared(client: Client, namespace: str, own: bytes) -> bytes:
    found = await secrets.read(client, namespace, labels.KEYS)
    if found is None:
        try:
            await client.request(
                "POST", f"/api/v1/namespaces/{namespace}/secrets", body=_secret(namespace, own)
            )
        except ApiError as error:
            if error.code != 409:
                raise
        else:
            return own
        found = await secrets.read(client, namespace, labels.KEYS)  # that of the replica that was quicker
    key = (found or {}).get(_ENTRY, b"")
    if len(key) != KEY_BYTES:
        raise _UnusableError(
            f"the Secret has no key {_ENTRY} of {KEY_BYTES} bytes: delete it and restart the operator"
        )
    return key


def _secret(namespace: str, key: bytes) -> Body:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "Opaque",
        "metadata": {
            "name": labels.KEYS,
            "namespace": namespace,
            "labels": {"app.kubernetes.io/name": "towline"},
        },
        "data": {_ENTRY: base64.b64encode(key).decode()},
    }


def _may_end(error: ApiError) -> bool:
    return error.code in {409, 429} or error.code >= 500


def _own(namespace: str, own: bytes, why: str) -> bytes:
    _log.warning(
        "the masking key is in the data folder alone",
        secret=f"{namespace}/{labels.KEYS}",
        error=Mask(own).text(why, _secret(namespace, own)),
    )
    return own
