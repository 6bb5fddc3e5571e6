"""The versions that the tests are made for, and what is built at them: read from the Go module in this folder."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent

COMPILER = "-dwarf=0 -c=1"
"""No debug information, and no threads within the compiler: Go runs one for each processor anyway."""

_DISTRIBUTION = "github.com/distribution/distribution/v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Versions without a leading v."""

    kubernetes: str
    etcd: str
    kwok: str
    helm: str
    registry: str

    def __str__(self) -> str:
        return f"k8s-{self.kubernetes}_etcd-{self.etcd}_kwok-{self.kwok}_helm-{self.helm}_registry-{self.registry}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Binary:
    """One program: the Go package that it is linked from, in which module, and the version that it prints."""

    name: str
    version: str
    package: str
    module: Path = MODULE
    linked: str = ""
    """The file that Go makes of the package, where that is not called like the program."""
    flags: str = ""
    """What the linker is told beside dropping symbols; programs that are built together share it."""
    asked: str = "--version"
    """The argument on which it prints its version."""

    @property
    def file(self) -> str:
        """What the linker writes: programs with the same file are one, called by several names."""
        return self.linked or self.name


def read(module: Path = MODULE) -> Pins:
    """Return the versions that go.mod requires."""
    go_mod = (module / "go.mod").read_text()
    return Pins(
        kubernetes=required(go_mod, "k8s.io/kubernetes"),
        etcd=required(go_mod, "go.etcd.io/etcd/server/v3"),
        kwok=required(go_mod, "sigs.k8s.io/kwok"),
        helm=required(go_mod, "helm.sh/helm/v4"),
        registry=required(go_mod, _DISTRIBUTION),
    )


def required(go_mod: str, module: str) -> str:
    """Return the version of `module` that the text of a go.mod requires; raises `LookupError`."""
    found = re.search(rf"^(?:require)?\s*{re.escape(module)} v(\S+)", go_mod, re.MULTILINE)
    if found is None:
        raise LookupError(f"go.mod does not require {module}")
    return found[1]


def binaries(pins: Pins) -> tuple[Binary, ...]:
    """Return what a control plane needs beside kubectl: one file, called by four names."""
    versions = {
        "etcd": pins.etcd,
        "kwok": pins.kwok,
        "kube-apiserver": pins.kubernetes,
        "kube-controller-manager": pins.kubernetes,
    }
    return tuple(
        Binary(
            name=name,
            version=version,
            package="./programs/controlplane",
            linked="controlplane",
            flags=_stamps(pins),
        )
        for name, version in versions.items()
    )


def helm(pins: Pins) -> Binary:
    """Return what the chart is rendered and installed with; a control plane does without it."""
    return Binary(
        name="helm",
        version=pins.helm,
        package="./programs/helm",
        flags=_stamps(pins),
        asked="version",
    )


def registry(pins: Pins) -> Binary:
    """Return the OCI registry that stories fetch charts from; nothing else needs it."""
    return Binary(name="registry", version=pins.registry, package="./programs/registry", flags=_stamps(pins))


def cache(pins: Pins, environment: Mapping[str, str]) -> Path:
    """Return the user's folder for what was built: outside of any checkout, one for each way to build it."""
    return _root(environment) / "programs" / f"{pins}_{recipe()}"


def package_cache(package: str, environment: Mapping[str, str]) -> Path:
    """Return the user's folder for what is unpacked from a package of the system; `package` names its version."""
    return _root(environment) / "packages" / package


def _root(environment: Mapping[str, str]) -> Path:
    root = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".cache"
    return Path(root) / "towline"


def recipe(module: Path = MODULE) -> str:
    """Return a digest of all that decides what comes out of a build, beside the version of Go."""
    sources = sorted((module / "programs").glob("*/*.go"))
    content = [(module / name).read_bytes() for name in ("go.mod", "go.sum")]
    content += [path.read_bytes() for path in sources]
    return hashlib.sha256(b"\0".join([*content, COMPILER.encode()])).hexdigest()[:8]


def _stamps(pins: Pins) -> str:
    """Return the linker's flags for the versions that the programs print."""
    major, minor, _ = pins.kubernetes.split(".", 2)
    kubernetes = "k8s.io/component-base/version"
    stamps = {
        f"{kubernetes}.gitVersion": f"v{pins.kubernetes}",
        f"{kubernetes}.gitMajor": major,
        f"{kubernetes}.gitMinor": minor,
        "helm.sh/helm/v4/internal/version.version": f"v{pins.helm}",
        f"{_DISTRIBUTION}/version.version": pins.registry,
    }
    return " ".join(f"-X {name}={value}" for name, value in stamps.items())
