"""Turn one file of plain manifests into desired objects, or failures with file and line."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from towline import text
from towline.errors import Failure, Reason, Refusal
from towline.fields import controller_fields, mask_text, nulls, pointer, server_fields
from towline.fields.controller_fields import LeftOut
from towline.model import Body, Ignored, Manifest, ObjectRef, Origin
from towline.plan import manifest
from towline.render import documents, other_tools, validate
from towline.render.anchors import Extents, unhurried
from towline.render.build_report import NO_OBJECT
from towline.render.documents import Document, DocumentErrors, Places, YamlLimits
from towline.render.sops.decryption import DecryptedValue
from towline.render.split import Piece
from towline.render.validate import Complaint
from towline.render.variables import secrecy
from towline.render.variables.substitution import Substitution, substituted
from towline.render.variables.treatment import UNTREATED, Treatment, decrypted

_POINTER = b"version https://git-lfs.github.com/spec/"
_DIGEST = "v1:"
_DIGEST_LENGTH = 63
_SHOWN_NAME = 300  # bytes
_OBJECT_BYTES = 3 * 1024**2
"""The API server takes no larger request."""
_OBJECT_KEYS = frozenset({"apiVersion", "kind", "metadata"})
_STRAY = "not a Kubernetes object, among some that are: remove it, or give it a file that spec.exclude names"
_EXPANDED = (
    "up to here, the objects of this file have more JSON than ten times its size and 1 MiB: "
    "use fewer aliases, or write the items of a List as documents"
)
_FAILURES = 1000  # of one file; a generated one may repeat its mistake in every object


class _Object(NamedTuple):
    """One object of a file, before it is checked; `value` may be anything."""

    value: Any
    origin: Origin
    piece: Piece | None
    lines: _Lines | _DeclaredLine
    extents: Extents | None

    def line(self, *path: str | int) -> int:
        """Return the line of a field of the document."""
        return self.lines.of(self.piece, *path)


class _Lines:
    """Finds the lines of fields; the document of the last question is kept."""

    __slots__ = ("_last", "_limits", "_size")

    def __init__(self, limits: YamlLimits, size: int) -> None:
        self._limits = limits
        self._size = size
        self._last: tuple[Piece, Places] | None = None

    def of(self, piece: Piece | None, *path: str | int) -> int:
        if piece is None:
            return 0
        if self._last is None or self._last[0] is not piece:
            self._last = piece, Places(piece, self._limits, self._limits.room(self._size))
        return self._last[1].line(*path)


class _DeclaredLine(NamedTuple):
    """Stands for the lines of an object that a tool has made: the file declares it, and maybe not its fields."""

    line: int

    def of(self, piece: Piece | None, *path: str | int) -> int:
        del piece, path
        return self.line


class TreatedFile(NamedTuple):
    """What a file declares, what is wrong with it, and every value of it that was encrypted."""

    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]
    values: tuple[DecryptedValue, ...] = ()


def manifests(
    file: str, blob: str, content: bytes, limits: YamlLimits, give_way: Callable[[], None] = unhurried
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Return the objects that a file declares, and everything that is wrong with it.

    Args:
        file: its path from the repository root.
        blob: the Git object id of its content.
        content: its bytes.
        limits: how much of it is read.
        give_way: called again and again meanwhile, so that others have their turn.
    """
    found = treated(file, blob, content, limits, UNTREATED, give_way)
    return found.manifests, found.failures


def treated(  # noqa: PLR0913, PLR0917  a file, and how it is read
    file: str,
    blob: str,
    content: bytes,
    limits: YamlLimits,
    treatment: Treatment,
    give_way: Callable[[], None] = unhurried,
) -> TreatedFile:
    """Return what `manifests` does, of a file that is decrypted and whose variables are filled in."""
    if is_pointer(content):
        message = "the file is a Git LFS pointer: commit the manifest itself"
        return TreatedFile((), (Failure(reason=Reason.BUILD_FAILED, message=message, file=file, line=1),))
    lines = _Lines(limits, len(content))
    found, failures = _documents(file, content, limits, give_way)
    values: tuple[DecryptedValue, ...] = ()
    if treatment.keys:
        found, values, more = decrypted(file, found, treatment.keys, lines.of, whole=not failures)
        failures += more
    known = secrecy.secret_texts(treatment.substitution, values)
    if found and not failures and not any(_is_meant(document.value) for document in found):
        failure = Failure(reason=Reason.BUILD_FAILED, message=NO_OBJECT, file=file, line=found[0].line)
        return TreatedFile((), (failure,), values)
    good: list[Manifest] = []
    left = limits.expanded_file(len(content))
    for one in _objects(found, Origin(file, 0, blob=blob), lines):
        give_way()
        inside = [each for each in values if each.document == one.origin.document]
        outcome = _substituted(one, _Fill(treatment.substitution, tuple(inside), known), give_way)
        if isinstance(outcome, Manifest) and len(outcome.content) <= left:
            left -= len(outcome.content)
            good.append(outcome)
            continue
        if isinstance(outcome, Manifest):
            failures.append(_failure(one, Complaint(Reason.BUILD_FAILED, _EXPANDED), _shown(one.value)))
            break
        failures.extend(outcome)
        if len(failures) >= _FAILURES:
            break
    shown = _told(sorted(failures, key=lambda failure: failure.line), known)
    return TreatedFile(tuple(good), shown, values)


def _told(failures: Sequence[Failure], texts: frozenset[str]) -> tuple[Failure, ...]:
    """Return failures whose messages quote nothing that is secret."""
    if not texts:
        return tuple(failures)
    return tuple(
        replace(each, message=mask_text.without((each.message,), texts, frozenset())[0]) for each in failures
    )


class _Fill(NamedTuple):
    """What is filled into one object: the variables, the values of it that were encrypted, and what is secret."""

    substitution: Substitution | None
    values: tuple[DecryptedValue, ...] = ()
    texts: frozenset[str] = frozenset()


def _substituted(one: _Object, fill: _Fill, give_way: Callable[[], None]) -> Manifest | tuple[Failure, ...]:
    """Return an object whose variables are filled in, as `_manifest` does, with what is secret of it."""
    places = secrecy.encrypted_places(fill.values, one.value, one.origin.item)
    filled = one.value
    if fill.substitution:
        filled, complaints = substituted(one.value, fill.substitution, give_way)
        if not complaints:
            depending = secrecy.filled_places(one.value, filled, fill.substitution)
            complaints = secrecy.complaints(one.value, filled, depending, fill.texts)
            places |= depending
        if complaints:
            return tuple(_failure(one, complaint, _shown(one.value)) for complaint in complaints)
    outcome = _manifest(one._replace(value=filled))
    if isinstance(outcome, Manifest) and (places or fill.texts):
        more = secrecy.transformed(outcome.body, places, fill.texts)
        return replace(outcome, hidden=secrecy.hidden(places, fill.texts | more))
    return outcome


def is_pointer(content: bytes) -> bool:
    """Tell whether a file is what Git LFS commits in place of the file itself."""
    return content.startswith(_POINTER)


def rendered_objects(
    values: Iterable[tuple[Any, Origin]], substitution: Substitution | None = None
) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Return the objects that a tool has made, each with the place that declares it, and what is wrong with them."""
    good: list[Manifest] = []
    failures: list[Failure] = []
    for value, origin in values:
        one = _Object(value, origin, None, _DeclaredLine(origin.line), None)
        outcome = _substituted(one, _Fill(substitution), unhurried)
        if isinstance(outcome, Manifest):
            good.append(outcome)
        elif len(failures) < _FAILURES:
            failures.extend(outcome)
    return tuple(good), tuple(failures)


def _documents(
    file: str, content: bytes, limits: YamlLimits, give_way: Callable[[], None]
) -> tuple[tuple[Document, ...], list[Failure]]:
    try:
        return documents.parse(content, limits, give_way), []
    except DocumentErrors as error:
        return error.documents, [
            Failure(reason=Reason.BUILD_FAILED, message=fault.message, file=file, line=fault.line)
            for fault in error.faults
        ]


def _is_meant(value: Any) -> bool:
    """Tell whether a document is meant as an object: it has apiVersion, kind or metadata, or is encrypted."""
    return isinstance(value, dict) and (not _OBJECT_KEYS.isdisjoint(value) or other_tools.is_encrypted(value))


def _is_list(value: Any) -> bool:
    """Whether an object only wraps others; other kinds whose names end so (an AllowList) have no `items`."""
    if not isinstance(value, dict) or not str(value.get("kind")).endswith("List"):
        return False
    empty = validate.is_core(value, "List") and value.get("items") is None
    return empty or isinstance(value.get("items"), list)


def _objects(found: tuple[Document, ...], origin: Origin, lines: _Lines) -> Iterator[_Object]:
    for document in found:
        at = origin._replace(line=document.line, document=document.index)
        one = _Object(document.value, at, document.piece, lines, document.extents)
        yield from _items(one) if _is_list(one.value) else (one,)


def _items(wrapper: _Object) -> Iterator[_Object]:
    for index, item in enumerate(wrapper.value.get("items") or ()):
        at = wrapper.origin._replace(line=wrapper.line("items", index), item=index)
        yield wrapper._replace(value=_named(item, wrapper.value), origin=at)


def _named(item: Any, wrapper: Body) -> Any:
    """Give the item of a `ConfigMapList` the kind that it need not repeat."""
    kind = wrapper["kind"].removesuffix("List")
    if not isinstance(item, dict) or not kind or "kind" in item or "apiVersion" in item:
        return item
    return {"apiVersion": wrapper.get("apiVersion"), "kind": kind, **item}


def _manifest(one: _Object) -> Manifest | tuple[Failure, ...]:
    if not _is_meant(one.value):
        return (_failure(one, Complaint(Reason.BUILD_FAILED, _STRAY), ""),)
    if one.origin.item >= 0 and _is_list(one.value):
        return (_failure(one, Complaint(Reason.BUILD_FAILED, "a List inside a List is refused"), ""),)
    complaints = validate.complaints(one.value)
    if complaints:
        name = _shown(one.value)
        return tuple(_failure(one, complaint, name) for complaint in complaints)
    if one.extents and (size := one.extents.of(server_fields.without(one.value)).size) > _OBJECT_BYTES:
        return (_failure(one, _too_large(size), _shown(one.value)),)  # before anything expands it
    body, left_out = _content(one.value)
    ignored = tuple(
        Ignored(one.line(*_head(one), *each.path), pointer.join(each.path), each.owner) for each in left_out
    )
    declared = manifest.declare(body, _ref(body), _digest(body), one.origin, ignored)
    size = len(declared.content)
    return declared if size <= _OBJECT_BYTES else (_failure(one, _too_large(size), _shown(one.value)),)


def _too_large(size: int) -> Complaint:
    most = text.size(_OBJECT_BYTES)
    message = f"the object has {size} bytes of JSON, more than the {most} that the API server takes: split it"
    return Complaint(Refusal.TOO_LARGE, message)


def _head(one: _Object) -> tuple[str | int, ...]:
    """Return the steps from the document to the object."""
    return ("items", one.origin.item) if one.origin.item >= 0 else ()


def _failure(one: _Object, complaint: Complaint, name: str) -> Failure:
    return Failure(
        reason=complaint.reason,
        message=complaint.message,
        object=name,
        file=one.origin.file,
        line=one.line(*_head(one), *complaint.path) if complaint.path else one.origin.line,
        field=pointer.join(complaint.path),
    )


def _ref(body: Body) -> ObjectRef:
    group, _, _ = body["apiVersion"].rpartition("/")
    metadata = body["metadata"]
    return ObjectRef(group, sys.intern(body["kind"]), metadata.get("namespace") or "", metadata["name"])


def _shown(body: Body) -> str:
    """Return the name of an object that is refused, empty where it has none."""
    try:
        ref = _ref(body)
    except (KeyError, AttributeError, TypeError):
        return ""
    return text.printable(str(ref), _SHOWN_NAME) if all(isinstance(part, str) for part in ref) else ""


def _content(value: dict[str, Any]) -> tuple[Body, tuple[LeftOut, ...]]:
    """Return the desired content of an object, and what was left out of it.

    `stringData` becomes `data`, as the API server does it: drift of `stringData` would be invisible.
    """
    body = server_fields.without(value)
    if validate.is_core(body, "Secret") and (texts := body.pop("stringData", None)):
        body["data"] = {**(body.get("data") or {}), **_encoded(texts)}
    slim, left_out = controller_fields.split(body)
    return (nulls.settled(slim) if b"null" in orjson.dumps(slim) else slim), left_out


def identity(content: bytes) -> tuple[ObjectRef, str]:
    """Return the reference and the digest of a declared object, as its file says them, from a manifest's content."""
    body = orjson.loads(content)
    return _ref(body), _digest(body)


def _digest(body: Body) -> str:
    canonical = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    return (_DIGEST + hashlib.sha256(canonical).hexdigest())[:_DIGEST_LENGTH]


def _encoded(texts: dict[str, str | None]) -> dict[str, str]:
    """Return texts as `data` holds them; a null is an empty one."""
    return {name: base64.b64encode((text or "").encode()).decode() for name, text in texts.items()}
