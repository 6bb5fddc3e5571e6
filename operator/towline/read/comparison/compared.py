"""Say as one value what applying a revision would do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from towline.api import recordbody
from towline.api.syncrecord import FieldChange
from towline.errors import Failure
from towline.fields import pointer
from towline.model import Action, Body, Change, GroupKind, Key, ObjectRef


class Effect(StrEnum):
    """What applying a revision does to one object, in the words of who runs it."""

    CREATE = "create"
    UPDATE = "update"
    REPLACE = "replace"
    RESTART = "restart"
    DELETE = "delete"
    RELEASE = "release"
    ADOPT = "adopt"
    REPAIR = "repair"


_EFFECTS: Mapping[Action, Effect] = MappingProxyType(
    {
        Action.CREATE: Effect.CREATE,
        Action.UPDATE: Effect.UPDATE,
        Action.ADOPT: Effect.ADOPT,
        Action.REPAIR: Effect.REPAIR,
        Action.REPLACE: Effect.REPLACE,
        Action.PRUNE: Effect.DELETE,
        Action.RELEASE: Effect.RELEASE,
    }
)

_IN_PLACE = frozenset({Action.UPDATE, Action.ADOPT, Action.REPAIR})
_TEMPLATE = "/spec/template"
_ROLLED = frozenset(GroupKind("apps", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet"))
"""Kinds whose controller replaces the running pods when their template changes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedChange:
    """One change of one object; `file` and `line` declare it, or, of a removal, declared it last.

    `fields` are those that would change, their values masked; none of an object that is new or goes away. `message` is
    what else there is to say, such as why an object is released.
    """

    ref: ObjectRef
    action: Effect
    fields: tuple[FieldChange, ...] = ()
    file: str = ""
    line: int = 0
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class StayingObject:
    """An object that Git no longer declares and that would stay.

    `waits` says that it waits for a confirmation; `action` is what that would do to it.
    """

    ref: ObjectRef
    action: Effect = Effect.DELETE
    reason: str
    message: str
    waits: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """What applying a revision would do.

    `repository` is the GitRepository, `target` the revision as the user named it, `sha` its commit, empty for a folder
    without one. `refused` are the objects that would be refused, `notes` what could not be found out, and how it was
    compared instead.
    """

    repository: Key
    target: str
    sha: str = ""
    changes: tuple[ComparedChange, ...] = ()
    refused: tuple[Failure, ...] = ()
    blocked: tuple[StayingObject, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def changes_anything(self) -> bool:
        """Whether applying it would change, be refused, or wait for a person."""
        return bool(self.changes or self.refused or any(each.waits for each in self.blocked))


def effect(action: Action, ref: ObjectRef, fields: tuple[FieldChange, ...], after: Body) -> Effect:
    """Return what a change does to its object.

    A changed pod template restarts the pods, unless the workload is paused or waits for its pods to be deleted. So does
    the change of a generated ConfigMap or Secret whose name has a hash: the template names it.

    Args:
        action: the planned one.
        ref: the object.
        fields: what changes in it.
        after: the object as it would be, or as far as it is declared.
    """
    if action in _IN_PLACE and ref.group_kind in _ROLLED and _rolls(fields, after):
        return Effect.RESTART
    return _EFFECTS[action]


def _rolls(fields: tuple[FieldChange, ...], after: Body) -> bool:
    spec: Mapping[str, Any] = after.get("spec") or {}
    strategy: Mapping[str, Any] = spec.get("updateStrategy") or {}
    if spec.get("paused") is True or strategy.get("type") == "OnDelete":
        return False
    return any(pointer.is_within(field.path, _TEMPLATE) for field in fields)


def changed(
    change: Change, fields: tuple[FieldChange, ...] = (), after: Body | None = None
) -> ComparedChange:
    """Return a planned change as it is shown.

    Args:
        change: the planned one.
        fields: what changes in the object.
        after: the object as it would be, where there is one before and after.
    """
    manifest, live = change.manifest, change.live
    return ComparedChange(
        ref=change.ref,
        action=effect(change.action, change.ref, fields, after or {}),
        fields=fields,
        file=manifest.origin.file if manifest else live.source if live else "",
        line=manifest.origin.line if manifest else 0,
        message=change.message,
    )


def staying(change: Change, *, waits: bool) -> StayingObject:
    """Return an object that is not declared and would stay."""
    return StayingObject(
        ref=change.ref,
        action=_EFFECTS.get(change.action, Effect.DELETE),
        reason=str(change.reason),
        message=change.message,
        waits=waits,
    )


def body(comparison: Comparison) -> dict[str, Any]:
    """Return the JSON form, which scripts may rely on."""
    return {
        "repository": str(comparison.repository),
        "revision": comparison.sha or comparison.target,
        "changes": [_change(each) for each in comparison.changes],
        "refused": [_refused(each) for each in comparison.refused],
        "blocked": [_staying(each) for each in comparison.blocked],
        "notes": list(comparison.notes),
    }


def _change(change: ComparedChange) -> dict[str, Any]:
    return {
        "object": str(change.ref),
        "action": str(change.action),
        "fields": [recordbody.field_body(each) for each in change.fields],
        **_place(change.file, change.line),
        **({"message": change.message} if change.message else {}),
    }


def _refused(failure: Failure) -> dict[str, Any]:
    named = {"field": failure.field} if failure.field else {}
    return {
        "object": failure.object,
        "reason": str(failure.reason),
        "message": failure.message,
        **named,
        **_place(failure.file, failure.line),
    }


def _staying(each: StayingObject) -> dict[str, Any]:
    return {
        "object": str(each.ref),
        "action": str(each.action),
        "reason": each.reason,
        "message": each.message,
        "waits": each.waits,
    }


def _place(file: str, line: int) -> dict[str, Any]:
    return {name: value for name, value in (("file", file), ("line", line)) if value}
