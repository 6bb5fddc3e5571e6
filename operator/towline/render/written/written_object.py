"""Turn one object, as a file or a tool has written it, into a manifest, or say what is wrong with it."""

from __future__ import annotations

import base64
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import orjson

from towline import text
from towline.errors import Failure, Reason, Refusal
from towline.fields import controller_fields, mask_text, nulls, pointer, server_fields
from towline.fields.controller_fields import LeftOut
from towline.model import Body, Ignored, Manifest, ObjectRef, Origin
from towline.plan import manifest
from towline.render import other_tools, validate
from towline.render.anchors import Extents
from towline.render.documents import Places, YamlLimits
from towline.render.split import Piece
from towline.render.validate import Complaint
from towline.render.variables import secrecy
from towline.render.variables.substitution import Substitution, substituted

_DIGEST = "v1:"
_DIGEST_LENGTH = 63
_SHOWN_NAME = 300  # bytes
_OBJECT_BYTES = 3 * 1024**2
"""The API server takes no larger request."""
_OBJECT_KEYS = frozenset({"apiVersion", "kind", "metadata"})
_STRAY = "not a Kubernetes object, among some that are: remove it, or give it a file that spec.exclude names"


class WrittenObject(NamedTuple):
    """One object of a file, before it is checked; `value` may be anything."""

    value: Any
    origin: Origin
    piece: Piece | None
    lines: FileLines | DeclaredLine
    extents: Extents | None

    def line(self, *path: str | int) -> int:
        """Return the line of a field of the document."""
        return self.lines.of(self.piece, *path)

    def field_line(self, *path: str | int) -> int:
        """Return the line of a field of the object."""
        return self.line(*self.head, *path)

    @property
    def head(self) -> tuple[str | int, ...]:
        """The steps from the document to the object."""
        return ("items", self.origin.item) if self.piece and self.origin.item >= 0 else ()


class FileLines:
    """Finds the lines of the fields of a file; the document of the last question is kept.

    Args:
        limits: those that the file was parsed with.
        size: its bytes.
    """

    __slots__ = ("_last", "_limits", "_size")

    def __init__(self, limits: YamlLimits, size: int) -> None:
        self._limits = limits
        self._size = size
        self._last: tuple[Piece, Places] | None = None

    def of(self, piece: Piece | None, *path: str | int) -> int:
        """Return the line of a field of a document."""
        if piece is None:
            return 0
        if self._last is None or self._last[0] is not piece:
            self._last = piece, Places(piece, self._limits, self._limits.room(self._size))
        return self._last[1].line(*path)


class DeclaredLine(NamedTuple):
    """Stands for the lines of an object that a tool has made: the file declares it, and of its fields only some."""

    line: int
    known: Mapping[tuple[str, ...], int]

    def of(self, piece: Piece | None, *path: str | int) -> int:
        """Return the line of a field of the object, or else that of the object itself."""
        del piece
        return self.known.get(tuple(map(str, path)), self.line)


class Fill(NamedTuple):
    """What is filled into one object: the variables, the places of it that were encrypted, and what is secret."""

    substitution: Substitution | None
    places: frozenset[tuple[str, ...]] = frozenset()
    texts: frozenset[str] = frozenset()


def filled(one: WrittenObject, fill: Fill, give_way: Callable[[], None]) -> Manifest | tuple[Failure, ...]:
    """Return an object as a manifest, with its variables filled in and with what is secret of it; or why it is none.

    Args:
        one: the object.
        fill: what is filled into it.
        give_way: called again and again meanwhile.
    """
    places, body = fill.places, one.value
    if fill.substitution:
        body, complaints = substituted(one.value, fill.substitution, give_way)
        if not complaints:
            depending = secrecy.filled_places(one.value, body, fill.substitution)
            complaints = secrecy.complaints(one.value, body, depending, fill.texts)
            places |= depending
        if complaints:
            return tuple(failure(one, complaint) for complaint in complaints)
    outcome = _manifest(one._replace(value=body))
    if isinstance(outcome, Manifest) and (places or fill.texts):
        more = secrecy.transformed(outcome.body, places, fill.texts)
        texts = fill.texts | more if more else fill.texts  # one set for all objects of a file or unit
        return replace(outcome, hidden=secrecy.hidden(places, texts))
    return outcome


def is_meant(value: Any) -> bool:
    """Tell whether a document is meant as an object: it has apiVersion, kind or metadata, or is encrypted."""
    return isinstance(value, dict) and (not _OBJECT_KEYS.isdisjoint(value) or other_tools.is_encrypted(value))


def is_list(value: Any) -> bool:
    """Whether an object only wraps others; other kinds whose names end so (an AllowList) have no `items`."""
    if not isinstance(value, dict) or not str(value.get("kind")).endswith("List"):
        return False
    empty = validate.is_core(value, "List") and value.get("items") is None
    return empty or isinstance(value.get("items"), list)


def _manifest(one: WrittenObject) -> Manifest | tuple[Failure, ...]:
    if not is_meant(one.value):
        return (failure(one, Complaint(Reason.BUILD_FAILED, _STRAY)),)
    if one.origin.item >= 0 and is_list(one.value):
        return (failure(one, Complaint(Reason.BUILD_FAILED, "a List inside a List is refused")),)
    complaints = validate.complaints(one.value)
    if complaints:
        return tuple(failure(one, complaint) for complaint in complaints)
    if one.extents and (size := one.extents.of(server_fields.without(one.value)).size) > _OBJECT_BYTES:
        return (failure(one, _too_large(size)),)  # before anything expands it
    body, left_out = _content(one.value)
    ignored = tuple(
        Ignored(one.field_line(*each.path), pointer.join(each.path), each.owner) for each in left_out
    )
    declared = manifest.declare(body, _ref(body), _digest(body), one.origin, ignored)
    size = len(declared.content)
    return declared if size <= _OBJECT_BYTES else (failure(one, _too_large(size)),)


def _too_large(size: int) -> Complaint:
    most = text.size(_OBJECT_BYTES)
    message = f"the object has {size} bytes of JSON, more than the {most} that the API server takes: split it"
    return Complaint(Refusal.TOO_LARGE, message)


def failure(one: WrittenObject, complaint: Complaint) -> Failure:
    """Return what is wrong with an object, with its name, file and line."""
    return Failure(
        reason=complaint.reason,
        message=complaint.message,
        object=_shown(one.value),
        file=one.origin.file,
        line=one.field_line(*complaint.path) if complaint.path else one.origin.line,
        field=pointer.join(complaint.path),
    )


def _ref(body: Body) -> ObjectRef:
    group, _, _ = body["apiVersion"].rpartition("/")
    metadata = body["metadata"]
    return ObjectRef(group, sys.intern(body["kind"]), metadata.get("namespace") or "", metadata["name"])


def _shown(body: Any) -> str:
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


def told(failures: Sequence[Failure], texts: frozenset[str]) -> tuple[Failure, ...]:
    """Return failures whose messages quote nothing that is secret."""
    if not texts:
        return tuple(failures)
    return tuple(
        replace(each, message=mask_text.without((each.message,), texts, frozenset())[0]) for each in failures
    )
