"""Check a manifest without a cluster; each rule is a function that yields complaints, and a row of the table."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple, TypeAlias

from towline import text
from towline.api import labels
from towline.errors import Reason, Refusal
from towline.model import Body
from towline.plan import waves
from towline.render import other_tools

_SHOWN_KEY = 100  # bytes
_LONGEST = 512
"""Characters of an apiVersion or a kind, more than the API server takes; each item of a List has a copy."""


class Complaint(NamedTuple):
    """One thing that is wrong with an object; `path` leads to the field."""

    reason: str
    message: str
    path: tuple[str, ...] = ()


ENCRYPTED = "encrypted by SOPS, and spec.decryption is not set: set it, or name the file in spec.exclude"
"""Said of an object that SOPS has encrypted, and nobody has decrypted."""

Rule: TypeAlias = Callable[[Body], Iterator[Complaint]]


def complaints(body: Body) -> tuple[Complaint, ...]:
    """Return everything that is wrong with an object before a cluster sees it."""
    if other_tools.is_encrypted(body):
        return (Complaint(Reason.BUILD_FAILED, ENCRYPTED, ("sops",)),)
    return tuple(complaint for rule in _RULES for complaint in rule(body))


def _identity(body: Body) -> Iterator[Complaint]:
    metadata = body.get("metadata")
    for field in ("apiVersion", "kind"):
        yield from _text(body, field, ())
        if isinstance(value := body.get(field), str) and len(value) > _LONGEST:
            message = f"{field} has {len(value)} characters, more than any kind that the API server knows"
            yield Complaint(Reason.BUILD_FAILED, message, (field,))
    if isinstance(metadata, dict):
        yield from _name(metadata)
    else:
        what = (
            "is missing: write it, or name the file in spec.exclude" if metadata is None else "must be a map"
        )
        yield Complaint(Reason.BUILD_FAILED, f"metadata {what}", ("metadata",))


def _text(holder: Body, field: str, parents: tuple[str, ...]) -> Iterator[Complaint]:
    value = holder.get(field)
    path = (*parents, field)
    if value is None or value == "":
        yield Complaint(Reason.BUILD_FAILED, f"{'.'.join(path)} is missing", path)
    elif not isinstance(value, str):
        yield Complaint(Reason.BUILD_FAILED, f"{'.'.join(path)} must be a string; quote it", path)


def _name(metadata: Body) -> Iterator[Complaint]:
    if metadata.get("generateName") is None:
        yield from _text(metadata, "name", ("metadata",))
        return
    message = "metadata.generateName would create another object with every apply: set metadata.name"
    yield Complaint(Reason.BUILD_FAILED, message, ("metadata", "generateName"))


def _list(body: Body) -> Iterator[Complaint]:
    """Find a List that could not be expanded; any other never comes here."""
    if is_core(body, "List"):
        yield Complaint(Reason.BUILD_FAILED, "items must be a list", ("items",))


def _api_version(body: Body) -> Iterator[Complaint]:
    version = body.get("apiVersion")
    if isinstance(version, str) and (version.count("/") > 1 or "" in version.split("/")) and version:
        yield Complaint(
            Reason.BUILD_FAILED, "apiVersion is neither version nor group/version", ("apiVersion",)
        )


_SERVER_FIELDS = ("uid", "resourceVersion", "deletionTimestamp", "ownerReferences")


def _server_fields(body: Body) -> Iterator[Complaint]:
    metadata = _map(body.get("metadata"))
    for field in _SERVER_FIELDS:
        if metadata.get(field) is not None:
            message = f"metadata.{field} belongs to a live object, not into Git: remove it"
            yield Complaint(Refusal.INVALID, message, ("metadata", field))


def _namespace(body: Body) -> Iterator[Complaint]:
    if not isinstance(_map(body.get("metadata")).get("namespace"), str | None):
        yield Complaint(
            Refusal.WRONG_TYPE, "metadata.namespace must be a string; quote it", ("metadata", "namespace")
        )


def _string_maps(body: Body) -> Iterator[Complaint]:
    metadata = _map(body.get("metadata"))
    for field in ("labels", "annotations"):
        yield from _string_map(metadata.get(field), ("metadata", field))
    if is_core(body, "Secret"):
        yield from _string_map(body.get("stringData"), ("stringData",))
        if body.get("stringData") is not None and not isinstance(body.get("data"), Mapping | None):
            yield Complaint(Refusal.WRONG_TYPE, "data must be a map", ("data",))


def _string_map(value: Any, path: tuple[str, ...]) -> Iterator[Complaint]:
    where = ".".join(path)
    if value is not None and not isinstance(value, dict):
        yield Complaint(Refusal.WRONG_TYPE, f"{where} must be a map", path)
    for name, entry in _map(value).items():
        if not isinstance(entry, str | None):
            shown = text.printable(name, _SHOWN_KEY)
            yield Complaint(
                Refusal.WRONG_TYPE,
                f'{where}: the value of "{shown}" must be a string; quote it',
                (*path, name),
            )


_OURS = (
    labels.REPOSITORY_LABEL,
    labels.OWNER,
    labels.DIGEST,
    labels.COMMIT,
    labels.SOURCE,
    labels.ADOPTED,
)


def _stamps(body: Body) -> Iterator[Complaint]:
    metadata = _map(body.get("metadata"))
    for field in ("labels", "annotations"):
        held = _map(metadata.get(field))
        for name in _OURS if held else ():
            if name in held:
                yield Complaint(
                    Refusal.INVALID,
                    f"{name} is written by Towline alone; remove it",
                    ("metadata", field, name),
                )


def _switches(body: Body) -> Iterator[Complaint]:
    annotations = _map(_map(body.get("metadata")).get("annotations"))
    if not annotations:
        return
    for name, allowed in labels.DIRECTIVES.items():
        value = annotations.get(name)
        if isinstance(value, str) and labels.directive(name, value) not in allowed:
            choice = " or ".join(f'"{word}"' for word in allowed)
            yield Complaint(Refusal.INVALID, f"{name} must be {choice}", ("metadata", "annotations", name))
    wave = annotations.get(labels.WAVE)
    if isinstance(wave, str):
        try:
            waves.ref_wave(waves.NAMESPACE, wave)
        except ValueError as error:
            yield Complaint(Refusal.INVALID, str(error), ("metadata", "annotations", labels.WAVE))


def _hooks(body: Body) -> Iterator[Complaint]:
    annotations = _map(_map(body.get("metadata")).get("annotations"))
    for name, message in other_tools.hooks(annotations):
        yield Complaint(Refusal.INVALID, message, ("metadata", "annotations", name))


def is_core(body: Body, kind: str) -> bool:
    """Whether an object is of that kind of the core group."""
    return body.get("kind") == kind and body.get("apiVersion") == "v1"


def _map(value: Any) -> Body:
    return value if isinstance(value, dict) else {}


_RULES: tuple[Rule, ...] = (
    _identity,
    _list,
    _api_version,
    _server_fields,
    _namespace,
    _string_maps,
    _stamps,
    _switches,
    _hooks,
)
