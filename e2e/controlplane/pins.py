"""The versions that the tests are made for, read from the Go modules that build them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent
KWOK_MODULE = MODULE / "kwok"
HELM_MODULE = MODULE / "helm"
REGISTRY_MODULE = MODULE / "registry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Versions without a leading v; as text, those that make up a control plane."""

    kubernetes: str
    etcd: str
    kwok: str
    helm: str
    registry: str

    def __str__(self) -> str:
        return f"k8s-{self.kubernetes}_etcd-{self.etcd}_kwok-{self.kwok}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One program: the Go package that it is built from, in which module, and the version that it prints."""

    name: str
    version: str
    package: str
    module: Path
    flags: str = ""
    """What the linker is told beside dropping symbols."""
    asked: str = "--version"
    """The argument on which it prints its version."""


def read() -> Pins:
    """Return the versions that the go.mod files require."""
    return Pins(
        kubernetes=required((MODULE / "go.mod").read_text(), "k8s.io/kubernetes"),
        etcd=required((MODULE / "go.mod").read_text(), "go.etcd.io/etcd/server/v3"),
        kwok=required((KWOK_MODULE / "go.mod").read_text(), "sigs.k8s.io/kwok"),
        helm=required((HELM_MODULE / "go.mod").read_text(), "helm.sh/helm/v4"),
        registry=required(
            (REGISTRY_MODULE / "go.mod").read_text(), "github.com/distribution/distribution/v3"
        ),
    )


def required(go_mod: str, module: str) -> str:
    """Return the version of `module` that the text of a go.mod requires; raises `LookupError`."""
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} v(\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise LookupError(f"go.mod does not require {module}")
    return found[1]


def binaries(pins: Pins) -> tuple[Binary, ...]:
    """Return what a control plane needs beside kubectl, the quickest build first."""
    major, minor, _ = pins.kubernetes.split(".", 2)
    stamp = {"gitVersion": f"v{pins.kubernetes}", "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in stamp.items())
    return (
        Binary(name="etcd", version=pins.etcd, package="go.etcd.io/etcd/server/v3", module=MODULE),
        Binary(name="kwok", version=pins.kwok, package="sigs.k8s.io/kwok/cmd/kwok", module=KWOK_MODULE),
        *(
            Binary(
                name=name,
                version=pins.kubernetes,
                package=f"k8s.io/kubernetes/cmd/{name}",
                module=MODULE,
                flags=flags,
            )
            for name in ("kube-apiserver", "kube-controller-manager")
        ),
    )


def helm(pins: Pins) -> Binary:
    """Return what the chart is rendered and installed with; a control plane does without it."""
    return Binary(
        name="helm",
        version=pins.helm,
        package="helm.sh/helm/v4/cmd/helm",
        module=HELM_MODULE,
        flags=f"-X helm.sh/helm/v4/internal/version.version=v{pins.helm}",
        asked="version",
    )


def registry(pins: Pins) -> Binary:
    """Return the OCI registry that stories fetch charts from; nothing else needs it."""
    package = "github.com/distribution/distribution/v3"
    return Binary(
        name="registry",
        version=pins.registry,
        package=f"{package}/cmd/registry",
        module=REGISTRY_MODULE,
        flags=f"-X {package}/version.version={pins.registry}",
    )


def cache(pins: Pins, environment: Mapping[str, str]) -> Path:
    """Return the user's folder for what was built: outside of any checkout, one for each set of versions."""
    return _root(environment) / "controlplane" / str(pins)


def helm_cache(pins: Pins, environment: Mapping[str, str]) -> Path:
    """Return the user's folder for Helm, whose version changes without that of the control plane."""
    return _root(environment) / "helm" / pins.helm


def registry_cache(pins: Pins, environment: Mapping[str, str]) -> Path:
    """Return the user's folder for the registry."""
    return _root(environment) / "registry" / pins.registry


def package_cache(package: str, environment: Mapping[str, str]) -> Path:
    """Return the user's folder for what is unpacked from a package of the system; `package` names its version."""
    return _root(environment) / "packages" / package


def _root(environment: Mapping[str, str]) -> Path:
    root = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".cache"
    return Path(root) / "towline"
