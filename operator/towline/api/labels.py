"""Every name that Towline writes on objects or reads from them."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Mapping
from types import MappingProxyType

from towline.model import Key, ObjectRef

PREFIX = "towline.dev/"
"""What all of them begin with."""

REPOSITORY_LABEL = "towline.dev/repository"
"""The label of every managed object."""
COMMIT = "towline.dev/commit"
SOURCE = "towline.dev/source"
OWNER = "towline.dev/owner"
"""Which GitRepository owns which object, and a keyed stamp that nobody but the operator can make."""
DIGEST = "towline.dev/digest"

PRUNE = "towline.dev/prune"
DRIFT = "towline.dev/drift"
FORCE = "towline.dev/force"
WAVE = "towline.dev/wave"
WAVE_GATE = "towline.dev/wave-gate"

RERUN = "towline.dev/rerun"
"""Any new value: what runs once runs again."""

ADOPTED = "towline.dev/adopted"
"""When an object that existed before was taken over."""

CHANGE_CAUSE = "kubernetes.io/change-cause"
"""What `kubectl rollout history` shows. It is not an annotation of Towline, so an author's own value wins."""

CONFIRM_PRUNE = "towline.dev/confirm-prune"
ACCEPT_PIN = "towline.dev/accept-pin"
RECONCILE = "towline.dev/reconcile"
SUSPEND = "towline.dev/suspend"
FINALIZER = "towline.dev/finalizer"

HOSTS = "towline.dev/hosts"
"""On a Secret: the hosts that its credentials may be sent to."""

KEYS = "towline-keys"
"""The Secret, in the operator's namespace, that holds the operator's own keys."""

DIRECTIVES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        PRUNE: ("Disabled", "Enabled"),
        DRIFT: ("Report", "Repair", "Ignore"),
        FORCE: ("Enabled",),
        WAVE_GATE: ("Healthy",),
    }
)
"""What authors may ask of one object, by annotation."""

_OLD_SPELLINGS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        (PRUNE, "disabled"): "Disabled",
        (DRIFT, "report"): "Report",
        (DRIFT, "ignore"): "Ignore",
        (FORCE, "true"): "Enabled",
        (WAVE_GATE, "healthy"): "Healthy",
    }
)

_LABEL_BYTES = 63
_MANAGER_BYTES = 128

_UID = re.compile(r"[0-9A-Za-z-]{1,63}")


def directive(name: str, value: str) -> str:
    """Return the value of an annotation in its present spelling; old spellings keep their meaning."""
    return _OLD_SPELLINGS.get((name, value), value)


def repository_label(key: Key) -> str:
    """Return the value of `REPOSITORY_LABEL`: `<namespace>.<name>`, or a hash where that is too long."""
    plain = f"{key.namespace}.{key.name}"
    return plain if len(plain) <= _LABEL_BYTES else f"h-{_hash(key)}"


@functools.lru_cache(maxsize=256)  # each request asks for the same again
def owner_name(label: str) -> str:
    """Return the `<namespace>/<name>` of a repository label; a hash says neither, and stays as it is."""
    return label.replace(".", "/", 1)


def field_manager(key: Key) -> str:
    """Return the field manager of managed objects: `towline:<namespace>/<name>`, at most 128 bytes."""
    plain = f"towline:{key}"
    return plain if len(plain) <= _MANAGER_BYTES else f"towline:h-{_hash(key)}"


def owner(uid: str, ref: ObjectRef) -> str:
    """Return what a value of `OWNER` says: which GitRepository, and which very object (a copy says another)."""
    return f"{uid}:{ref}"


def parse_owner(value: str, ref: ObjectRef) -> tuple[str, str]:
    """Split a value of `OWNER` on the object `ref` into the uid and the stamp, empty where there is none.

    Both are empty where it is malformed, or names another object. Names may hold colons, so the object tells where
    its own ends.
    """
    uid, _, rest = value.partition(":")
    named = str(ref)
    end = rest[len(named) :]
    if not _UID.fullmatch(uid) or not rest.startswith(named) or (end and (end[0] != ":" or end == ":")):
        return "", ""
    return uid, end[1:]


@functools.lru_cache(maxsize=256)
def user_agent(version: str, key: Key, commit: str, record: str) -> str:
    """Return the user agent of a write, which the API server's audit log keeps up to 1,024 bytes."""
    return f"towline/{version} (repository={key}; commit={commit}; record={record})"


def _hash(key: Key) -> str:
    return hashlib.sha256(str(key).encode()).hexdigest()[:40]
