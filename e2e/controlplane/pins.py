"""The versions that the tests are made for, read from the Go modules that build them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

MODULE = Path(__file__).parent
KWOK_MODULE = MODULE / "kwok"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pins:
    """Versions without a leading v."""

    kubernetes: str
    etcd: str
    kwok: str

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


def read() -> Pins:
    """Return the versions that the two go.mod files require."""
    return Pins(
        kubernetes=required((MODULE / "go.mod").read_text(), "k8s.io/kubernetes"),
        etcd=required((MODULE / "go.mod").read_text(), "go.etcd.io/etcd/server/v3"),
        kwok=required((KWOK_MODULE / "go.mod").read_text(), "sigs.k8s.io/kwok"),
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


def cache(pins: Pins, environment: Mapping[str, str]) -> Path:
    """Return the user's folder for what was built: outside of any checkout, one for each set of versions."""
    root = environment.get("XDG_CACHE_HOME") or Path(environment.get("HOME") or "~").expanduser() / ".cache"
    return Path(root) / "towline" / "controlplane" / str(pins)
