"""Name the binaries that a command uses."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class OfflineTools:
    """The binaries that build units and decrypt files; those that are empty are looked for on PATH."""

    kustomize: str = ""
    helm: str = ""
    sops: str = ""
