"""Turn one file of plain manifests into desired objects, or failures with file and line."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from towline.errors import Failure, Reason
from towline.model import Body, Manifest, Origin
from towline.render import documents, validate
from towline.render.anchors import unhurried
from towline.render.build_report import NO_OBJECT
from towline.render.documents import Document, DocumentErrors, YamlLimits
from towline.render.sops.decryption import DecryptedValue
from towline.render.validate import Complaint
from towline.render.variables import secrecy
from towline.render.variables.treatment import UNTREATED, Treatment, decrypted
from towline.render.written import written_object
from towline.render.written.written_object import FileLines, Fill, WrittenObject

_POINTER = b"version https://git-lfs.github.com/spec/"
_EXPANDED = (
    "up to here, the objects of this file have more JSON than ten times its size and 1 MiB: "
    "use fewer aliases, or write the items of a List as documents"
)
_FAILURES = 1000  # of one file; a generated one may repeat its mistake in every object


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
    lines = FileLines(limits, len(content))
    found, failures = _documents(file, content, limits, give_way)
    values: tuple[DecryptedValue, ...] = ()
    if treatment.keys:
        found, values, more = decrypted(file, found, treatment.keys, lines.of, whole=not failures)
        failures += more
    known = secrecy.secret_texts(treatment.substitution, values)
    if found and not failures and not any(written_object.is_meant(document.value) for document in found):
        failure = Failure(reason=Reason.BUILD_FAILED, message=NO_OBJECT, file=file, line=found[0].line)
        return TreatedFile((), (failure,), values)
    good: list[Manifest] = []
    left = limits.expanded_file(len(content))
    for one in _objects(found, Origin(file, 0, blob=blob), lines):
        give_way()
        inside = [each for each in values if each.document == one.origin.document]
        places = secrecy.encrypted_places(inside, one.value, one.origin.item)
        outcome = written_object.filled(one, Fill(treatment.substitution, places, known), give_way)
        if isinstance(outcome, Manifest) and len(outcome.content) <= left:
            left -= len(outcome.content)
            good.append(outcome)
            continue
        if isinstance(outcome, Manifest):
            failures.append(written_object.failure(one, Complaint(Reason.BUILD_FAILED, _EXPANDED)))
            break
        failures.extend(outcome)
        if len(failures) >= _FAILURES:
            break
    if treatment.keys:
        failures = [_left_encrypted(each) for each in failures]
    shown = written_object.told(sorted(failures, key=lambda failure: failure.line), known)
    return TreatedFile(tuple(good), shown, values)


def _left_encrypted(failure: Failure) -> Failure:
    """Say of an object that is still encrypted why its file was not decrypted."""
    if failure.message != validate.ENCRYPTED:
        return failure
    message = "encrypted by SOPS inside a List, or its MAC is missing: encrypt the whole file again with sops"
    return replace(failure, message=message)


def is_pointer(content: bytes) -> bool:
    """Tell whether a file is what Git LFS commits in place of the file itself."""
    return content.startswith(_POINTER)


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


def _objects(found: tuple[Document, ...], origin: Origin, lines: FileLines) -> Iterator[WrittenObject]:
    for document in found:
        at = origin._replace(line=document.line, document=document.index)
        one = WrittenObject(document.value, at, document.piece, lines, document.extents)
        yield from _items(one) if written_object.is_list(one.value) else (one,)


def _items(wrapper: WrittenObject) -> Iterator[WrittenObject]:
    for index, item in enumerate(wrapper.value.get("items") or ()):
        at = wrapper.origin._replace(line=wrapper.line("items", index), item=index)
        yield wrapper._replace(value=_named(item, wrapper.value), origin=at)


def _named(item: Any, wrapper: Body) -> Any:
    """Give the item of a `ConfigMapList` the kind that it need not repeat."""
    kind = wrapper["kind"].removesuffix("List")
    if not isinstance(item, dict) or not kind or "kind" in item or "apiVersion" in item:
        return item
    return {"apiVersion": wrapper.get("apiVersion"), "kind": kind, **item}
