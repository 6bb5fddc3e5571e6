"""Ways of each field of a GitRepository's spec to another value: one that is refused, an error, or one that works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

REFUSED = "refused by the API server"
WORKS = "Succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Walk:
    """One field gets a value for a while; `ends` is the reason of the condition `kind` that it leads to, or REFUSED."""

    field: str
    value: Any
    ends: str
    kind: str = "Ready"

    def __str__(self) -> str:
        return f"{self.field}: {self.value!r} ({self.ends})"


def _walk(field: str, value: object, ends: str = REFUSED, kind: str = "Ready") -> Walk:
    return Walk(field=field, value=value, ends=ends, kind=kind)


def _switch(field: str, value: bool) -> tuple[Walk, Walk]:  # noqa: FBT001  the other value of a field is what it is about
    return _walk(field, "perhaps"), _walk(field, value, WORKS)


def _choice(field: str, *values: str) -> tuple[Walk, ...]:
    return (_walk(field, "Perhaps"), *(_walk(field, value, WORKS) for value in values))


def _check(**expressions: str) -> list[dict[str, str]]:
    return [{"apiVersion": "v1", "kind": "Service", **expressions}]


def _ignored(*fields: str) -> list[dict[str, Any]]:
    return [{"target": {"kind": "ConfigMap"}, "fields": list(fields)}]


WALKS = (
    _walk("url", "git@git.example:shop"),
    _walk("url", "http://127.0.0.1:1/gone.git", "GitUnavailable"),
    _walk("ref", {"branch": "a..b"}),
    _walk("ref", {"branch": "main", "tag": "v1"}),
    _walk("ref", {"branch": "gone"}, "RefNotFound"),
    _walk("ref", {"name": "refs/heads/main", "branch": None}, WORKS),
    _walk("path", "../deploy"),
    _walk("path", "gone", "PathNotFound"),
    _walk("interval", "0s"),
    _walk("interval", "2s", WORKS),
    _walk("timeout", "2h"),
    _walk("timeout", "30s", WORKS),
    _walk("secretRef", {"name": "Up_"}),
    _walk("secretRef", {"name": "gone"}, "InsecureConnection"),
    _walk("verify", {"mode": "Head"}),
    _walk("verify", {"mode": "Perhaps", "secretRef": {"name": "keys"}}),
    _walk("verify", {"mode": "Tag", "secretRef": {"name": "keys"}}, "InvalidSpec"),
    _walk("verify", {"mode": "EveryCommit", "secretRef": {"name": "gone"}}, "VerificationFailed"),
    _walk("exclude", [""]),
    _walk("exclude", ["*"], "PruneBlocked"),
    _walk("exclude", ["*.txt"], WORKS),
    *_switch("skipNonManifests", value=True),
    *_choice("render", "Plain"),
    _walk("render", "Helm", "PathNotFound"),
    _walk("render", "Kustomize", "PathNotFound"),
    _walk("defaultNamespace", "Up_"),
    _walk("defaultNamespace", "namespace-that-is-not-there", "ApplyFailed"),
    *_switch("prune", value=False),
    *_choice("mode", "Observe"),
    *_choice("drift", "Report"),
    *_choice("adopt", "Never", "IfNoConflict", "Any"),
    *_switch("preflight", value=False),
    *_switch("force", value=True),
    *_choice("deletionPolicy", "Delete", "Orphan"),
    _walk("suspend", "perhaps"),
    _walk("suspend", value=True, ends="Suspended", kind="Suspended"),
    _walk("serviceAccountName", "web"),
    _walk("kustomize", {"namePrefix": "New_"}),
    _walk("kustomize", {"namePrefix": "new-"}, "BuildFailed"),
    _walk("helm", {"hooks": "Perhaps"}),
    _walk("helm", {"releaseName": "x"}, "InvalidSpec"),
    _walk("remote", "Always"),
    _walk("remote", "Pinned", WORKS),
    _walk("remotes", [{"prefix": "ftp://x"}]),
    _walk("substitute", {"variables": {"colour": 3}}),
    _walk("decryption", {"provider": "sops"}),
    _walk("dependsOn", [{}]),
    _walk("dependsOn", [{"name": "app"}], "InvalidSpec"),
    _walk("dependsOn", [{"name": "gone"}], WORKS),  # while there is nothing to change
    _walk("ignoreFields", _ignored("data")),
    _walk("ignoreFields", _ignored("/data/colour"), WORKS),
    *_choice("foreignFields", "Remove"),
    _walk("healthChecks", _check()),
    _walk("healthChecks", _check(current="1 +"), "InvalidSpec"),
    _walk("healthChecks", _check(current="true", failed="true"), "Unhealthy"),
    _walk("healthChecks", _check(current="true"), WORKS),
    _walk("healthTimeout", "25h"),
    _walk("healthTimeout", "1m", WORKS),
)
"""At least one for each field of the spec."""
