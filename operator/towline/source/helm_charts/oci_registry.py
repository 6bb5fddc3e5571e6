"""Fetch a chart from an OCI registry, by the distribution API, with the tokens that the registry asks for."""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import urlencode

import orjson

from towline.api import labels
from towline.errors import Reason, SourceError, SpecError
from towline.http.connection import Reply
from towline.source import access as url_rules
from towline.source.access import Remote
from towline.source.helm_charts import helm_repository
from towline.source.helm_charts.chart_access import ChartAccess
from towline.source.helm_charts.chart_http import ChartHttp, WantedFile
from towline.source.helm_charts.chart_name import ChartName, ChartNameError
from towline.source.helm_charts.helm_repository import ARCHIVE_BYTES, Archived

_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
_CONTENT = "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
_MANIFEST_BYTES = 4 * 1024**2
_TOKEN_BYTES = 256 * 1024
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_PART = re.compile(r'([A-Za-z]+)="([^"\\]*)"')
_TOKEN = re.compile(r"[\x21-\x7e]{1,65536}")


async def promised(http: ChartHttp, chart: ChartName, access: ChartAccess, seconds: float) -> str:
    """Return the digest (sha256, hex) that the manifest says a chart has.

    Raises:
        ChartNameError, SourceError: as `fetch` does.
    """
    manifest = await _Registry(http, chart, access, seconds).manifest()
    return _layer(manifest, chart).removeprefix("sha256:")


async def fetch(
    http: ChartHttp, chart: ChartName, access: ChartAccess, seconds: float
) -> tuple[Archived, str]:
    """Return the archive of a chart, and the digest (sha256, hex) that its manifest says it has.

    Raises:
        ChartNameError: the registry does not have it, or it is something else.
        SourceError: the registry cannot be read.
    """
    registry = _Registry(http, chart, access, seconds)
    manifest = await registry.manifest()
    layer = _layer(manifest, chart)
    blob = registry.url("blobs", layer)
    archive = await registry.get(blob, ARCHIVE_BYTES)
    helm_repository.checked(blob, archive, access)
    digest = hashlib.sha256(manifest).hexdigest()
    return Archived(archive.content, f"{chart.url}@sha256:{digest}"), layer.removeprefix("sha256:")


class _Registry:
    """Asks one registry for one repository; what it answers with a challenge is asked once more with a token."""

    def __init__(self, http: ChartHttp, chart: ChartName, access: ChartAccess, seconds: float) -> None:
        host, _, path = chart.url.removeprefix("oci://").partition("/")
        self._http = http
        self._base = f"https://{host}/v2/{path}"
        self._chart = chart
        self._scope = f"repository:{path}:pull"
        self._access = access
        self._seconds = seconds
        self._authorization = access.authorization

    def url(self, what: str, reference: str) -> str:
        """Return where a manifest or blob is."""
        return f"{self._base}/{what}/{reference}"

    async def manifest(self) -> bytes:
        """Get the manifest of the chart.

        Raises:
            ChartNameError: there is none.
        """
        tag = self._chart.version.replace("+", "_")  # as Helm writes a tag, which may have no plus
        url = self.url("manifests", tag)
        reply = await self.get(url, _MANIFEST_BYTES, _MANIFEST)
        if reply.status == 404:
            raise ChartNameError(f"does not exist in the registry ({self._chart.url}:{tag})")
        helm_repository.checked(url, reply, self._access)
        return reply.content

    async def get(self, url: str, limit: int, accept: str = "*/*") -> Reply:
        """Get a manifest or a blob."""
        reply = await self._get(url, limit, accept)
        challenge = reply.first(b"www-authenticate")
        if reply.status == 401 and challenge.lower().startswith("bearer ") and not self._access.token:
            self._authorization = f"Bearer {await self._token(challenge)}"
            reply = await self._get(url, limit, accept)
        return reply

    async def _get(self, url: str, limit: int, accept: str) -> Reply:
        return await self._http.get(
            WantedFile(
                url=url,
                access=self._access,
                limit=limit,
                seconds=self._seconds,
                accept=accept,
                authorization=self._authorization,
            )
        )

    async def _token(self, challenge: str) -> str:
        """Ask who gives out tokens for the registry, with the credentials if they are meant for it, too."""
        said = dict(_PART.findall(challenge))
        realm = said.get("realm", "")
        try:
            url_rules.check_url(realm.partition("?")[0], allow_http=False, has_secret=True)
        except SpecError as error:
            message = f"{self._base}: the registry names no https:// url that gives out tokens"
            raise SourceError(Reason.GIT_UNAVAILABLE, message) from error
        asked = {"service": said["service"]} if said.get("service") else {}
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode({**asked, 'scope': self._scope})}"
        access = self._access_of(Remote(url=realm))
        reply = await self._http.get(
            WantedFile(
                url=url, access=access, limit=_TOKEN_BYTES, seconds=self._seconds, authorization=access.basic
            )
        )
        helm_repository.checked(realm, reply, self._access)
        value = _json(reply.content)
        token = value.get("token") or value.get("access_token")
        if not isinstance(token, str) or not _TOKEN.fullmatch(token):
            raise SourceError(Reason.GIT_UNAVAILABLE, f"{realm}: the answer holds no token")
        return token

    def _access_of(self, realm: Remote) -> ChartAccess:
        """Return the credentials for the one who gives out tokens, if they may be sent there.

        Raises:
            SourceError: AuthConfigInvalid: there are credentials, and they are for the registry alone.
        """
        known = self._access
        if known.is_for(realm.endpoint) or not known.username:
            return known
        if known.bound.value is None or known.bound.refusal(realm.endpoint):
            message = (
                f"spec.remotes: {known.endpoint} has its tokens from {realm.endpoint}, and Secret {known.name} is not"
                f" bound to that host: name both in its annotation {labels.HOSTS}"
            )
            raise SourceError(Reason.AUTH_CONFIG_INVALID, message)
        return ChartAccess(
            endpoint=realm.endpoint,
            name=known.name,
            username=known.username,
            password=known.password,
            ca=known.ca,
        )


def _layer(manifest: bytes, chart: ChartName) -> str:
    """Return the digest of the archive that a manifest names."""
    layers = _json(manifest).get("layers")
    for each in layers if isinstance(layers, list) else ():
        if isinstance(each, dict) and each.get("mediaType") == _CONTENT:
            digest = str(each.get("digest"))
            if _DIGEST.fullmatch(digest):
                return digest
    raise ChartNameError(f"is not a chart: what the registry has as {chart.url} holds no archive of one")


def _json(content: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(content)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}
