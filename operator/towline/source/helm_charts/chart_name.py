"""Say which chart is meant: a repository or registry, a name in it, and one exact version."""

from __future__ import annotations

import re
from dataclasses import dataclass

from towline.errors import SpecError
from towline.source import access

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_NUMBER = r"(?:0|[1-9][0-9]{0,17})"
_VERSION = re.compile(
    rf"v?{_NUMBER}\.{_NUMBER}\.{_NUMBER}(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_LONGEST_VERSION = 128
_OCI = "oci://"


class ChartNameError(Exception):
    """A chart is refused because of how it is named; the message says why, to follow the name."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartName:
    """One version of a chart.

    Attributes:
        repository: `https://…` of a Helm repository, or `oci://…` of a place in a registry, without a slash at the end.
        name: its name there.
        version: its exact version.
    """

    repository: str
    name: str
    version: str

    @property
    def is_oci(self) -> bool:
        """Whether it is in a registry."""
        return self.repository.startswith(_OCI)

    @property
    def url(self) -> str:
        """The url of the chart, whatever its version."""
        return f"{self.repository}/{self.name}"

    def __str__(self) -> str:
        return f"{self.url} {self.version}"


def parse(repository: str, name: str, version: str, *, allow_http: bool) -> ChartName:
    """Check the name of a chart.

    Raises:
        ChartNameError: it is none, or does not name one version.
    """
    scheme, separator, rest = repository.partition("://")
    is_oci = scheme.lower() == "oci"
    if not separator or scheme.lower() not in {"oci", "https", "http"}:
        raise ChartNameError("must be in a repository at https:// or oci://")
    try:
        url = access.check_url(
            f"https://{rest}/-" if is_oci else f"{repository}/-", allow_http=allow_http, has_secret=False
        )
    except SpecError as error:
        raise ChartNameError(error.message.replace("spec.url", "has a repository that")) from error
    if not _NAME.fullmatch(name):
        raise ChartNameError("has a name that no chart can have")
    if not _VERSION.fullmatch(version) or len(version) > _LONGEST_VERSION:
        raise ChartNameError("needs one exact version, such as 1.2.3: ranges give another chart tomorrow")
    place = url.removesuffix("/-").rstrip("/")
    return ChartName(
        repository=f"{_OCI}{place.removeprefix('https://')}" if is_oci else place, name=name, version=version
    )
