"""Hold the flags and environment of one operator process as a frozen value."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from towline.model import ObjectRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of `towline operator`.

    `folder` holds the Git mirrors, a copy of the masking key and unsent records; `records_namespace` is empty where
    records are in the namespace of their repository; `listen` is `host:port` for probes and metrics, empty to serve
    none. `installation` are the objects that the operator runs by. `verify_seconds` is how often objects without
    doubtful events are read. `max_file_size` is how many bytes a file of manifests may have. `home` is the operator's
    namespace, set at its start. With `require_bound_credentials` a Secret must name the hosts that it is for; with
    `hide_connection_details` the log alone says why a Git server could not be used. `kustomize`,
    `helm` and `sops` are the paths of the binaries that build kustomizations, render charts, and decrypt what Python
    does not, empty where they are looked for on PATH.
    """

    folder: Path
    allow_http: bool = False
    deny_private_addresses: bool = False
    require_bound_credentials: bool = False
    hide_connection_details: bool = False
    leader_elect: bool = False
    records_namespace: str = ""
    listen: str = ""
    log_level: str = "info"
    max_file_size: int = 10 * 1024**2
    installation: frozenset[ObjectRef] = frozenset()
    verify_seconds: float = 6 * 3600.0
    home: str = ""
    kustomize: str = ""
    helm: str = ""
    sops: str = ""


def cache_folder(environment: os._Environ[str] | dict[str, str]) -> Path:
    """Return the folder that is used where `--data-dir` names none: the user's cache folder, by the XDG rules."""
    cache = environment.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(cache) / "towline" / "operator"
