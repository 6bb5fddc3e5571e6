"""What a chart is rendered with: the release, its values, and what the cluster serves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from towline.api.helm_spec.helm_release import HelmRelease, Hooks, RandomValues
from towline.render.documents import YamlLimits
from towline.render.helm.value_layers import NamedLayer
from towline.render.overlays.chart_overlay import PreparedOverlay
from towline.render.sops.keyring import Keyring
from towline.render.variables.substitution import Substitution
from towline.render.variables.treatment import UNTREATED, Treatment

KUBE_VERSION = "v1.37.0"
"""What is said where no cluster is asked: the newest that is supported."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an API server is: its version, and the API versions that it serves, with and without a kind."""

    kube_version: str = KUBE_VERSION
    api_versions: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartOptions:
    """How the charts of one spec are rendered.

    Attributes:
        asked: what the spec says.
        release: the name of the release.
        namespace: that of the release.
        layers: the values that ConfigMaps and Secrets hold.
        capabilities: what the cluster is.
        treatment: the keys that decrypt files of values, and the variables that are filled into what charts declare.
        mark: changes with the layers and the treatment, and tells nobody what they are.
        overlay: what `spec.kustomize` changes in what charts declare; None where nothing.
        limits: how much of a file is read.
    """

    asked: HelmRelease
    release: str
    namespace: str
    layers: tuple[NamedLayer, ...] = ()
    capabilities: Capabilities = field(default_factory=Capabilities)
    treatment: Treatment = field(default=UNTREATED, repr=False)
    mark: str = ""
    overlay: PreparedOverlay | None = None
    limits: YamlLimits = field(default_factory=YamlLimits)

    @property
    def keys(self) -> Keyring | None:
        """What decrypts files of values."""
        return self.treatment.keys

    @property
    def substitution(self) -> Substitution | None:
        """The variables that are filled into what charts declare."""
        return self.treatment.substitution

    @property
    def kube_version(self) -> str:
        """The version of Kubernetes that templates see."""
        return self.asked.kube_version or self.capabilities.kube_version

    @property
    def includes_crds(self) -> bool:
        """Whether the CRDs of a chart are part of it."""
        return self.asked.includes_crds

    @property
    def skips_hooks(self) -> bool:
        """Whether Helm is told to leave hooks out."""
        return self.asked.hooks is Hooks.SKIP

    @property
    def leaves_random(self) -> bool:
        """Whether what differs at each render is set once, and then left alone."""
        return self.asked.random is RandomValues.ONCE

    def versions(self, mentioned: frozenset[str] | None) -> tuple[str, ...]:
        """Return the API versions that a chart may learn of: those that it mentions, all where that is not known."""
        served = self.capabilities.api_versions | set(self.asked.api_versions)
        return tuple(sorted(served if mentioned is None else served & mentioned))

    def key(self, versions: Sequence[str]) -> tuple[object, ...]:
        """Return everything that a render depends on, but for the chart and files of values."""
        asked = replace(self.asked, api_versions=(), kube_version="", namespace="", name="")
        return (
            asked,
            asked.values,
            asked.parameters,
            self.release,
            self.namespace,
            self.kube_version,
            self.mark,
            self.overlay.key if self.overlay else "",
            *versions,
        )
