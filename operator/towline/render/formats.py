"""The formats that a folder of a repository may have, and the files that reveal them; a new format is a row here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from towline.api.gitrepository import Render


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """One way to declare objects other than plain manifests.

    `markers` are the names of the files that make a folder one of this format, spelled as its tool spells them.
    Where it is `served`, such a folder is a unit (`render.units`); else it is refused.
    """

    tool: str
    markers: tuple[str, ...]
    served: bool = False


KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names that kustomize looks for, in this order."""

_FORMATS = (
    Format(tool="kustomize", markers=KUSTOMIZATIONS, served=True),
    Format(tool="Helm", markers=("Chart.yaml",), served=True),
)

MARKERS: Mapping[str, str] = MappingProxyType(
    {
        marker: "" if form.served else f"{form.tool} is not supported yet"
        for form in _FORMATS
        for marker in form.markers
    }
)
"""Why a folder with each marker file is refused; empty where it is a unit."""

_PLAIN: Mapping[str, str] = MappingProxyType(
    {
        marker: f"{form.tool} is not asked, because spec.render is Plain"
        for form in _FORMATS
        for marker in form.markers
    }
)


def markers(render: Render) -> Mapping[str, str]:
    """Return why a folder with each marker file is refused, by what the spec wants; empty where it is a unit."""
    return _PLAIN if render is Render.PLAIN else MARKERS
