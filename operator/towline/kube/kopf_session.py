"""Open aiohttp sessions for kopf, to the same API server with the same credentials."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import aiohttp

from towline.errors import ClusterError
from towline.http.dialing import watchful_socket
from towline.kube.credentials import Access


class Sessions:
    """The sessions that kopf is given.

    kopf closes each that it has taken over. It takes none over that is opened while a signal ends it.

    Args:
        resuming: see `session`.
    """

    def __init__(self, resuming: Callable[[str], Awaitable[None]]) -> None:
        self._resuming = resuming
        self._opened: list[aiohttp.ClientSession] = []

    def open(self, access: Access, authorization: str) -> aiohttp.ClientSession:
        """Open one more session."""
        opened = session(access, authorization, self._resuming)
        self._opened = [*(one for one in self._opened if not one.closed), opened]
        return opened

    async def aclose(self) -> None:
        """Close those that are still open."""
        for one in self._opened:
            await one.close()


def session(
    access: Access, authorization: str, resuming: Callable[[str], Awaitable[None]]
) -> aiohttp.ClientSession:
    """Open a session; the caller closes it.

    Args:
        access: where the API server is.
        authorization: the value of that header.
        resuming: is awaited before a watch goes on from a version, with that version. Where it raises a ClusterError,
            kopf tries again as after a lost connection.
    """

    async def _named(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Expect the certificate of the server that the kubeconfig names: kopf's own calls name none."""
        request.server_hostname = access.server_name
        return await send(request)

    async def _resumed(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        query = request.url.query
        if "watch" in query and (version := query.get("resourceVersion")):
            try:
                await resuming(version)
            except ClusterError as error:
                raise aiohttp.ClientConnectionError(error.message) from error
        return await send(request)

    own = (("Authorization", authorization),) if authorization else ()
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=access.tls, socket_factory=watchful_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=[*own, *access.impersonated.headers()],
        proxy=access.proxy or None,
        middlewares=(_resumed, *((_named,) if access.server_name else ())),
    )
