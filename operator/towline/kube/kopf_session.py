"""Open an aiohttp session for kopf, to the same API server with the same credentials."""

from __future__ import annotations

import aiohttp

from towline.http.dialing import watchful_socket
from towline.kube.credentials import Access


def session(access: Access, authorization: str) -> aiohttp.ClientSession:
    """Open a session; the caller closes it."""

    async def _named(
        request: aiohttp.ClientRequest, send: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        """Expect the certificate of the server that the kubeconfig names: kopf's own calls name none."""
        request.server_hostname = access.server_name
        return await send(request)

    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=access.tls, socket_factory=watchful_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Authorization": authorization} if authorization else None,
        proxy=access.proxy or None,
        middlewares=(_named,) if access.server_name else (),
    )
