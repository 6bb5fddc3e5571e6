"""Hold what each file of a commit declares, so that the next commit reads only the files that it changes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from towline.model import GroupKind, Manifest, ObjectRef
from towline.plan import waves


class DeclaredFile(NamedTuple):
    """The placed objects of one file; `written` is its bytes, `size` those of its objects as JSON."""

    manifests: tuple[Manifest, ...]
    written: int
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclaredFiles:
    """Every selected file of a commit by its path, in byte order, and the objects and kinds that all of them declare.

    `scopes` say which of the kinds live in namespaces, as the objects were placed by them. `entries` counts what the
    commit holds below the path, manifests or not; `written` and `size` add up the files.
    """

    files: Mapping[str, DeclaredFile]
    entries: int
    written: int
    size: int
    manifests: Mapping[ObjectRef, Manifest]
    refs: frozenset[ObjectRef]
    kinds: frozenset[GroupKind]
    scopes: Mapping[GroupKind, bool]


def declared(
    sizes: Mapping[str, int],
    manifests: Iterable[Manifest],
    scopes: Mapping[GroupKind, bool],
    entries: int = 0,
) -> DeclaredFiles:
    """Return what a commit declares that was read whole.

    Args:
        sizes: the bytes of each selected file.
        manifests: what they declare, placed.
        scopes: by which it was placed.
        entries: how many files the commit holds.
    """
    found = _by_file(sizes, manifests)
    by_ref = {one.ref: one for file in found.values() for one in file.manifests}
    refs = frozenset(by_ref)
    return DeclaredFiles(
        files=dict(sorted(found.items())),
        entries=entries,
        written=_written(found.values()),
        size=_size(found.values()),
        manifests=by_ref,
        refs=refs,
        kinds=frozenset(ref.group_kind for ref in refs),
        scopes=scopes,
    )


def patched(
    before: DeclaredFiles, sizes: Mapping[str, int], manifests: Iterable[Manifest], gone: Collection[str]
) -> DeclaredFiles | None:
    """Return what a commit declares that differs in some files; None where only reading it whole can tell.

    That is the case where a file declares another kind, a CRD, or an object that another file declares.

    Args:
        before: what the commit before declares.
        sizes: the bytes of each file that is new or different.
        manifests: what these files declare, placed by the scopes of before.
        gone: files that are no longer there.
    """
    new = _by_file(sizes, manifests)
    old = [before.files[path] for path in (*new, *gone) if path in before.files]
    added = [one for file in new.values() for one in file.manifests]
    changed = {one.ref: one for one in added}
    dropped = {one.ref for file in old for one in file.manifests}
    kinds = {ref.group_kind for ref in (*changed, *dropped)}
    brought = changed.keys() - dropped
    if not kinds <= before.kinds or waves.CRD in kinds or len(changed) < len(added) or brought & before.refs:
        return None
    files = {**before.files, **new}
    for path in gone:
        files.pop(path, None)
    if not new.keys() <= before.files.keys():
        files = dict(sorted(files.items()))
    refs, lost = before.refs, dropped - changed.keys()
    if brought or lost:
        refs = (refs - lost) | brought
    known = frozenset(ref.group_kind for ref in refs) if lost else before.kinds
    scopes = {kind: namespaced for kind, namespaced in before.scopes.items() if kind in known}
    declared = {**before.manifests, **changed}
    for ref in lost:
        del declared[ref]
    return replace(
        before,
        files=files,
        written=before.written + _written(new.values()) - _written(old),
        size=before.size + _size(new.values()) - _size(old),
        manifests=declared,
        refs=refs,
        kinds=known,
        scopes=scopes,
    )


def _written(files: Iterable[DeclaredFile]) -> int:
    return sum(file.written for file in files)


def _size(files: Iterable[DeclaredFile]) -> int:
    return sum(file.size for file in files)


def _by_file(sizes: Mapping[str, int], manifests: Iterable[Manifest]) -> dict[str, DeclaredFile]:
    found: dict[str, list[Manifest]] = defaultdict(list)
    for manifest in manifests:
        found[manifest.origin.file].append(manifest)
    return {
        path: DeclaredFile(
            tuple(found.get(path, ())), size, sum(len(one.content) for one in found.get(path, ()))
        )
        for path, size in sizes.items()
    }
