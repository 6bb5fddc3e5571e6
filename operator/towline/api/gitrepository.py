"""Read a GitRepository: what every stored one has, and what a valid spec says."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from towline.api import (
    durations,
    healthchecks,
    ignoring,
    labels,
    overlaying,
    remoting,
    schema,
    substituting,
    versions,
)
from towline.api.asked import suspending
from towline.api.asked.suspending import SuspendState
from towline.api.healthchecks import HealthCheck
from towline.api.helm_spec import helm_release
from towline.api.helm_spec.helm_release import HelmRelease
from towline.api.ignoring import Rule
from towline.api.overlaying import KustomizeOverlay
from towline.api.remoting import RemotePolicy, RemoteSecret
from towline.api.schema import Schema, SchemaFault
from towline.api.signed import verifying
from towline.api.signed.verifying import Verify
from towline.api.substituting import Substitute
from towline.errors import Reason, SpecError
from towline.model import Body, Key, Resource

RESOURCE = Resource(
    group="towline.dev", version="v1alpha1", kind="GitRepository", plural="gitrepositories", namespaced=True
)


@dataclass(frozen=True, slots=True, kw_only=True)
class GitRepository:
    """What can be read of any GitRepository, however wrong its spec is.

    `created_at` and `deleted_at` (empty while it lives) are RFC 3339 as the API server wrote them; `raw_spec` and
    `status` are empty where they are not maps. `read_at` is when it was read: what has an end is over or not then.
    `suspend_asked` is a time at which its spec and its annotation both asked to suspend it, None where none is known.
    """

    key: Key
    uid: str
    generation: int
    resource_version: str
    created_at: str
    deleted_at: str
    finalizers: tuple[str, ...]
    annotations: Mapping[str, str]
    raw_spec: Body
    status: Body
    read_at: datetime
    suspend_asked: datetime | None = None

    @property
    def deleting(self) -> bool:
        """Whether it is being deleted."""
        return bool(self.deleted_at)

    @property
    def applied(self) -> str:
        """The commit that its status calls applied, empty where it names none."""
        return str(self.status.get("commit", {}).get("applied", ""))

    @property
    def suspend_state(self) -> SuspendState:
        """Whether it was suspended when it was read, and what is wrong with its annotation."""
        return suspending.state(
            self.raw_spec, self.annotations, self.status, self.read_at, self.suspend_asked
        )

    @property
    def is_suspended(self) -> bool:
        """Whether it was suspended when it was read."""
        return self.suspend_state.suspension is not None

    @property
    def label(self) -> str:
        """The value of the repository label on everything it owns."""
        return labels.repository_label(self.key)

    @property
    def manager(self) -> str:
        """The field manager of everything it owns."""
        return labels.field_manager(self.key)


class RefKind(StrEnum):
    """How a spec says what to follow; HEAD where it says nothing."""

    HEAD = "head"
    BRANCH = "branch"
    TAG = "tag"
    SEMVER = "semver"
    COMMIT = "commit"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ref:
    """What to follow; `value` is empty for HEAD, and a commit is in lower case.

    `branch` is the one in whose history a commit must be; empty where that does not matter.
    """

    kind: RefKind
    value: str = ""
    branch: str = ""


class Mode(StrEnum):
    """Whether managed objects are written."""

    ENFORCE = "Enforce"
    OBSERVE = "Observe"


class Drift(StrEnum):
    """What happens to changes by others."""

    REPAIR = "Repair"
    REPORT = "Report"


class ForeignFields(StrEnum):
    """What happens to fields that others added inside list items that Git declares."""

    REPORT = "Report"
    REMOVE = "Remove"


class Adopt(StrEnum):
    """Which declared objects that exist and do not belong to the repository it may take over."""

    NEVER = "Never"
    IF_NO_CONFLICT = "IfNoConflict"
    UNMANAGED = "Unmanaged"
    ANY = "Any"


class Render(StrEnum):
    """What the files below the path are read as."""

    AUTO = "Auto"
    PLAIN = "Plain"
    KUSTOMIZE = "Kustomize"
    HELM = "Helm"


class DeletionPolicy(StrEnum):
    """What happens to the objects when the resource is deleted."""

    CREATED = "Created"
    DELETE = "Delete"
    ORPHAN = "Orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A valid spec with its defaults: durations in seconds, `path` without `.` and empty segments, or `.`."""

    url: str
    ref: Ref
    path: str
    interval: float
    timeout: float
    secret_name: str
    exclude: tuple[str, ...]
    skip_non_manifests: bool
    default_namespace: str
    prune: bool
    mode: Mode
    drift: Drift
    foreign_fields: ForeignFields
    adopt: Adopt
    preflight: bool
    force: bool
    deletion_policy: DeletionPolicy
    suspend: bool
    health_timeout: float
    health_checks: tuple[HealthCheck, ...] = ()
    ignore_fields: tuple[Rule, ...] = ()
    render: Render = Render.AUTO
    kustomize: KustomizeOverlay | None = None
    substitute: Substitute | None = None
    decryption_secret: str = ""
    helm: HelmRelease = field(default_factory=HelmRelease)
    remote: RemotePolicy = RemotePolicy.REFUSE
    remote_secrets: tuple[RemoteSecret, ...] = ()
    verify: Verify | None = None

    @property
    def secret_names(self) -> tuple[str, ...]:
        """The Secrets that hold credentials, each once."""
        names = (self.secret_name, *(each.name for each in self.remote_secrets))
        return tuple(dict.fromkeys(filter(None, names)))


class Removal(StrEnum):
    """What deleting a GitRepository means for its objects: which of them are deleted; the others are released."""

    CREATED = "created"
    ALL = "all"
    NONE = "none"


_RENAMED: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {"spec.adopt": {"Always": "Unmanaged", "IfUnowned": "IfNoConflict", "TakeOver": "Any"}}
)
"""The new names of values that were renamed, by field."""

_SCP_LIKE = re.compile(r"([\w.-]+@[\w.-]+):/?([^:@].*)", re.ASCII)

_REASONS = {"spec.url": Reason.INVALID_URL, "spec.path": Reason.INVALID_PATH, "spec.ref": Reason.INVALID_REF}
"""The reasons for errors in these fields, and in fields below them."""


_AT_NO_TIME = datetime.min.replace(tzinfo=UTC)
"""Before everything, so that nothing has ended."""


def identify(raw: Body, read_at: datetime = _AT_NO_TIME) -> GitRepository:
    """Read what every stored GitRepository has; a bad spec is not an error here.

    Args:
        raw: the resource.
        read_at: an aware time; without it, a suspension counts as not yet over.
    """
    metadata = _map(raw.get("metadata"))
    return GitRepository(
        key=Key(metadata["namespace"], metadata["name"]),
        uid=metadata["uid"],
        generation=metadata.get("generation", 0),
        resource_version=metadata.get("resourceVersion", ""),
        created_at=metadata.get("creationTimestamp", ""),
        deleted_at=metadata.get("deletionTimestamp", ""),
        finalizers=tuple(metadata.get("finalizers") or ()),
        annotations=_map(metadata.get("annotations")),
        raw_spec=_map(raw.get("spec")),
        status=_map(raw.get("status")),
        read_at=read_at,
        suspend_asked=suspending.asked_at(metadata),
    )


def specify(repository: GitRepository, against: Schema) -> Spec:
    """Return the spec, checked by the CRD's own schema, with the defaults that the stored object lacks.

    Raises:
        SpecError: with every error, each with its field. The reason is InvalidURL, InvalidPath or InvalidRef
            where all errors are of that field, else InvalidSpec.
    """
    found = faults(repository.raw_spec, against)
    if found:
        reasons = {_reason(fault) for fault in found}
        reason = reasons.pop() if len(reasons) == 1 else Reason.INVALID_SPEC
        raise SpecError(reason, "; ".join(map(str, found)))
    return _spec({**schema.defaults(against), **repository.raw_spec}, repository.key.namespace)


def faults(spec: Body, against: Schema) -> tuple[SchemaFault, ...]:
    """Return all that is wrong with a spec: by the CRD's own schema, or else by what no schema can say."""
    given = {**schema.defaults(against), **spec}
    return tuple(_advised(fault, given) for fault in against.faults(given)) or (
        *_range_faults(given),
        *ignoring.faults(given.get("ignoreFields") or ()),
        *healthchecks.faults(given.get("healthChecks") or ()),
        *overlaying.faults(given.get("kustomize"), given["path"]),
        *substituting.faults(given.get("substitute")),
        *helm_release.faults(given.get("helm")),
        *remoting.faults(given.get("remotes") or ()),
        *verifying.faults(given.get("verify"), given.get("ref") or {}),
    )


def removal(repository: GitRepository) -> Removal:
    """Return what deletion means for the objects; when in doubt they stay.

    Only the fields about deletion are read, so that a spec with an error elsewhere still prunes. Where `spec.suspend`
    is true they stay although its time may be over.
    """
    spec = repository.raw_spec
    may_prune = (
        spec.get("mode", Mode.ENFORCE) == Mode.ENFORCE
        and spec.get("prune", True) is True
        and spec.get("suspend", False) is False
        and not repository.is_suspended
    )
    if not spec or not may_prune:
        return Removal.NONE
    policy = spec.get("deletionPolicy", DeletionPolicy.CREATED)
    return _REMOVALS.get(policy, Removal.NONE) if isinstance(policy, str) else Removal.NONE


_REMOVALS: Mapping[str, Removal] = MappingProxyType(
    {DeletionPolicy.CREATED: Removal.CREATED, DeletionPolicy.DELETE: Removal.ALL}
)


def _spec(given: Mapping[str, Any], namespace: str) -> Spec:
    return Spec(
        url=given["url"],
        ref=_ref(given.get("ref") or {}),
        path="/".join(part for part in given["path"].split("/") if part not in {"", "."}) or ".",
        interval=durations.parse(given["interval"]),
        timeout=durations.parse(given["timeout"]),
        secret_name=(given.get("secretRef") or {}).get("name", ""),
        exclude=tuple(given.get("exclude") or ()),
        skip_non_manifests=given["skipNonManifests"],
        render=Render(given["render"]),
        default_namespace=given.get("defaultNamespace") or namespace,
        prune=given["prune"],
        mode=Mode(given["mode"]),
        drift=Drift(given["drift"]),
        foreign_fields=ForeignFields(given["foreignFields"]),
        adopt=Adopt(given["adopt"]),
        preflight=given["preflight"],
        force=given["force"],
        deletion_policy=DeletionPolicy(given["deletionPolicy"]),
        suspend=given["suspend"],
        ignore_fields=ignoring.parse(given.get("ignoreFields") or ()),
        health_checks=healthchecks.parse(given.get("healthChecks") or ()),
        health_timeout=durations.parse(given["healthTimeout"]),
        kustomize=overlaying.parse(given.get("kustomize")),
        substitute=substituting.parse(given.get("substitute")),
        helm=helm_release.parse(given.get("helm")),
        decryption_secret=((given.get("decryption") or {}).get("secretRef") or {}).get("name", ""),
        remote=RemotePolicy(given["remote"]),
        remote_secrets=remoting.parse(given.get("remotes") or ()),
        verify=verifying.parse(given.get("verify")),
    )


def _ref(given: Mapping[str, str]) -> Ref:
    if commit := given.get(RefKind.COMMIT):
        return Ref(kind=RefKind.COMMIT, value=commit.lower(), branch=given.get(RefKind.BRANCH, ""))
    for kind, value in given.items():
        return Ref(kind=RefKind(kind), value=value)
    return Ref(kind=RefKind.HEAD)


def _range_faults(given: Mapping[str, Any]) -> tuple[SchemaFault, ...]:
    text = (given.get("ref") or {}).get("semver")
    if text is None:
        return ()
    try:
        versions.parse_range(text)
    except ValueError:
        return (SchemaFault("spec.ref.semver", "must be an npm-style range of versions, for example 1.x"),)
    return ()


def _advised(fault: SchemaFault, given: Mapping[str, Any]) -> SchemaFault:
    """Add to an error how to write a value that was renamed or is refused in this form."""
    value = given.get(fault.field.removeprefix("spec."))
    if not isinstance(value, str):
        return fault
    if renamed := _RENAMED.get(fault.field, {}).get(value):
        return fault._replace(message=f"{value} is called {renamed} now: write {renamed}")
    if fault.field == "spec.url" and (match := _SCP_LIKE.fullmatch(value)):
        return fault._replace(message=f"is an scp-like address; write it as ssh://{match[1]}/{match[2]}")
    return fault


def _reason(fault: SchemaFault) -> Reason:
    field = ".".join(fault.field.split(".")[:2])
    return _REASONS.get(field, Reason.INVALID_SPEC)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
