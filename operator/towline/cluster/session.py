"""An aiohttp session for kopf, which speaks to the same API server as the same user."""

from __future__ import annotations

import aiohttp

from towline.cluster.credentials import Access
from towline.http.dialing import watchful_socket


def session(access: Access, authorization: str) -> aiohttp.ClientSession:
    """Open a session; who asks, closes it."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=access.tls, socket_factory=watchful_socket),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"Authorization": authorization} if authorization else None,
        proxy=access.proxy or None,
    )
