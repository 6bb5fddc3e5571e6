"""Stamp a manifest with its commit, file and owner, as it is written to the cluster, and verify who wrote that."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from towline import text
from towline.api import labels
from towline.fields import managed
from towline.model import Body, ChangedBy, GroupKind, Key, Manifest, ObjectRef, Revision, Stamp

_WITH_CAUSE = frozenset(GroupKind("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet"))
_SUBJECT_BYTES = 200
_AUTHOR_BYTES = 80
_DIGITS = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """The GitRepository that writes: its key, and the uid that distinguishes it from others of the same name."""

    key: Key
    uid: str

    @property
    def label(self) -> str:
        """The value of the repository label on everything it owns."""
        return labels.repository_label(self.key)

    @property
    def manager(self) -> str:
        """The field manager of everything it owns."""
        return labels.field_manager(self.key)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamps:
    """The stamps of one key; two of the same key make and accept the same.

    Attributes:
        key: known to the operators of one cluster alone.
        since: when the key was made (RFC 3339); what the API server created earlier may have been written before there
            were stamps, or with a key that is lost.
    """

    key: bytes = field(repr=False)
    since: str = ""

    def owner(self, uid: str, ref: ObjectRef) -> str:
        """Return the owner annotation of an object, with its stamp."""
        said = labels.owner(uid, ref)
        return f"{said}:{self._of(said)}"

    def read(self, value: str, ref: ObjectRef) -> tuple[str, Stamp]:
        """Return the uid in the owner annotation of an object, empty where it names another, and what proves it."""
        uid, stamp = labels.parse_owner(value, ref)
        if not stamp:
            return uid, Stamp.NONE
        expected = self._of(value[: -len(stamp) - 1])
        is_valid = hmac.compare_digest(expected.encode(), stamp.encode(errors="replace"))
        return uid, Stamp.VALID if is_valid else Stamp.WRONG

    def _of(self, said: str) -> str:
        return hmac.digest(self.key, said.encode(errors="replace"), "sha256").hex()[:_DIGITS]


def stamp(  # noqa: PLR0913  what is written, by whom, because of which commit, and onto what
    manifest: Manifest,
    identity: Identity,
    changed_by: ChangedBy,
    existing: Body | None = None,
    adopted: str = "",
    *,
    stamps: Stamps,
) -> Body:
    """Return the body of the server-side apply: the declared object with Towline's label and annotations.

    Args:
        manifest: what Git declares.
        identity: who writes.
        changed_by: the commit that made the object what the manifest declares.
        existing: the live object, if there is one. Where it holds this very content already (a repair), its commit
            and file stay: they name the commit that last changed the object.
        adopted: when an object that existed before is taken over (RFC 3339); what an earlier write says of that stays.
        stamps: prove that the operator writes.
    """
    body = manifest.body
    declared = _mapping(body.get("metadata"))
    traced = _kept(manifest, identity, existing) or _traced(manifest, changed_by)
    traced |= {labels.OWNER: stamps.owner(identity.uid, manifest.ref), labels.DIGEST: manifest.digest}
    if since := _adopted_at(existing) or adopted:
        traced[labels.ADOPTED] = since
    metadata = {
        **declared,
        "labels": _extended(declared.get("labels"), {labels.REPOSITORY_LABEL: identity.label}),
        "annotations": _extended(declared.get("annotations"), traced, kept=(labels.CHANGE_CAUSE,)),
    }
    return {**body, "metadata": metadata}


def _adopted_at(existing: Body | None) -> str:
    annotations = _mapping(_mapping((existing or {}).get("metadata")).get("annotations"))
    return str(annotations.get(labels.ADOPTED, ""))


def cause(revision: Revision) -> str:
    """Return the change-cause of an object that this revision changes, as one printable line."""
    author = text.printable(revision.author.name or revision.author.email, _AUTHOR_BYTES)
    return f"{revision.short} {text.printable(revision.subject, _SUBJECT_BYTES)} ({author})"


def _traced(manifest: Manifest, changed_by: ChangedBy) -> dict[str, str]:
    """Return the annotations for the commit and file of the object; `git show <commit>:<source>` shows it."""
    revision = changed_by.revision
    found = {labels.COMMIT: revision.sha, labels.SOURCE: _utf8(changed_by.origin.file)}
    if manifest.ref.group_kind in _WITH_CAUSE:
        found[labels.CHANGE_CAUSE] = cause(revision)
    return found


def _kept(manifest: Manifest, identity: Identity, existing: Body | None) -> dict[str, str]:
    """Return the commit and file of the live object, if Towline wrote them and they are unchanged."""
    if existing is None:
        return {}
    annotations = _mapping(_mapping(existing.get("metadata")).get("annotations"))
    own = managed.tree(managed.applied(managed.entries(existing), identity.manager))
    held = _mapping(_mapping(own.get("f:metadata")).get("f:annotations"))
    wanted = {labels.COMMIT, labels.SOURCE}
    if manifest.ref.group_kind in _WITH_CAUSE:
        wanted.add(labels.CHANGE_CAUSE)
    whole = all(
        f"f:{name}" in held and name in annotations for name in (*wanted, labels.DIGEST, labels.OWNER)
    )
    same = annotations.get(labels.DIGEST) == manifest.digest
    ours = labels.parse_owner(str(annotations.get(labels.OWNER, "")), manifest.ref)[0] == identity.uid
    return {name: annotations[name] for name in wanted} if whole and same and ours else {}


def _extended(declared: object, added: Mapping[str, str], kept: tuple[str, ...] = ()) -> object:
    """Add Towline's entries to a declared map; anything but a map is left for the API server to refuse."""
    if declared is not None and not isinstance(declared, Mapping):
        return declared
    own = {name: value for name, value in (declared or {}).items() if name in kept}
    return {**(declared or {}), **added, **own}


def _utf8(path: str) -> str:
    """Return a path as valid UTF-8; other bytes of it are lone surrogates."""
    return path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
