"""Read from Git what it says of the leaves of one live object: commit, file and line."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import orjson

from towline import text
from towline.fields import pointer
from towline.fields.hidden.hidden_values import HiddenValues
from towline.fields.mask import Mask
from towline.model import Body, Manifest
from towline.read.cluster import LiveObject
from towline.read.git.git_content import GitContent
from towline.read.provenance import blamed_field, field_owners, field_sources, line_commits, paired_leaves
from towline.read.provenance.blamed_field import FieldEvidence, OwnStamp
from towline.read.provenance.declared_object import ObjectFinder
from towline.read.provenance.field_sources import LeafSource
from towline.read.provenance.paired_leaves import DeclaredLeaf
from towline.render.marks.field_place import ProofEffort

_MISSING = 5
"""How many fields that the object does not have are named."""

_ONE = ProofEffort()
"""How much is spent on proofs where a user asks for one field."""

_ALL = ProofEffort(fields=1000, seconds=0.8)
"""How much is spent on them for a whole object, which is to be there within two seconds."""

_SHA = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


class GitEvidence(NamedTuple):
    """What is known of an object's leaves with what Git says, and what could not be told."""

    evidence: FieldEvidence
    notes: Sequence[str] = ()


class Hiding(NamedTuple):
    """What must be shown nowhere, and what masks it: equal values look equal everywhere in one answer."""

    values: HiddenValues
    mask: Mask

    @classmethod
    def fresh(cls) -> Hiding:
        """Begin with what every reader hides, under a key that nobody knows."""
        values = HiddenValues()
        return cls(values, Mask(secrets.token_bytes(32), values))


def effort(chosen: str, seconds: float | None) -> ProofEffort:
    """Return how much is spent on proofs for a field, or for a whole object where none is chosen.

    Args:
        chosen: a JSON pointer; empty for all.
        seconds: how long a user wants to wait for proofs, None where they say nothing.
    """
    usual = _ONE if chosen else _ALL
    return usual if seconds is None else replace(_ALL, seconds=seconds)


async def read(  # noqa: PLR0913, PLR0917  what is known, where more is, and how much of it is asked for
    bare: FieldEvidence,
    finder: ObjectFinder,
    live: LiveObject,
    hiding: Hiding,
    chosen: str = "",
    seconds: float | None = None,
) -> GitEvidence:
    """Add to what the cluster tells of an object what Git says.

    Args:
        bare: what the cluster tells.
        finder: reads the commit.
        live: the object.
        hiding: learns what of the commit must be shown nowhere.
        chosen: a JSON pointer; only of leaves within it Git is asked, and more is spent to be sure of built ones.
            Empty for all.
        seconds: how long a user wants to wait for proofs; None for a time that keeps the answer short.

    Raises:
        SourceError: the commit cannot be read.
        BuildError: it cannot be rendered here.
    """
    bare = replace(bare, stamp=await _dated(bare.stamp, finder.content))
    found = await finder.find(live.ref, bare.stamp.source)
    if found.manifest is None:
        return GitEvidence(
            bare, (f"commit {finder.sha[:7]} does not declare this object, or it cannot be read there",)
        )
    treated = finder.renderer.treated
    hiding.values.learn(treated.key, treated.secret_texts, (found.manifest,))
    want = hiding.mask.masked(found.manifest.body)
    compared = paired_leaves.paired(found.manifest.body, live.body)
    declared = {
        path: each._replace(value=pointer.follow(want, each.pointer))
        for path, each in compared.items()
        if is_in(path, chosen) and not (path == blamed_field.NAMESPACE and _has_no_namespace(found.manifest))
    }
    lost = () if chosen else _lost(found.manifest, live.body, compared)
    told = sorted((each.pointer for each in declared.values()), key=field_owners.IDENTITY.__contains__)
    pointers = [*told, *lost[:_MISSING]]  # what names the object is the last of which it is made sure
    sources = await field_sources.sources(finder, found, pointers, effort(chosen, seconds))
    parts = (part for each in sources.values() for part in each.parts)
    commits = await line_commits.read(finder.content, finder.sha, parts)
    evidence = replace(bare, declared=declared, sources=sources, commits=commits)
    return GitEvidence(evidence, (*_missing(lost, sources), *await _cut(finder.content)))


def _lost(manifest: Manifest, have: Body, pairs: Mapping[str, DeclaredLeaf]) -> tuple[str, ...]:
    """Return what a manifest declares and the object does not have, but for what is left to others."""
    found = paired_leaves.missing(manifest.body, have, pairs)
    return tuple(
        path for path in found if not any(pointer.is_within(path, each) for each in manifest.ignored)
    )


def _missing(lost: Sequence[str], sources: Mapping[str, LeafSource]) -> Iterator[str]:
    """Yield what Git declares and the object does not have: no line of the object can tell of it."""
    for path in lost[:_MISSING]:
        part = sources[path].parts[0]
        yield f"Git declares {text.dotted(path)} ({part.file}:{part.first}), which the object does not have"
    if len(lost) > _MISSING:
        yield f"so it is with {text.many(len(lost) - _MISSING, 'more field')}"


def is_in(path: str, chosen: str) -> bool:
    """Tell whether a leaf is within a chosen field; an empty one is the whole object."""
    return not chosen or pointer.is_within(path, chosen)


def is_id(text: str) -> bool:
    """Tell whether a text is the whole id of a commit."""
    return _SHA.fullmatch(text) is not None


def _has_no_namespace(manifest: Manifest) -> bool:
    """Tell whether a manifest is in its namespace by the spec alone."""
    return "namespace" not in orjson.loads(manifest.content)["metadata"]


async def _dated(stamp: OwnStamp, content: GitContent) -> OwnStamp:
    """Add the commit that last changed the object, where Git has it."""
    commit = stamp.commit
    if not is_id(commit) or not await content.has(commit):
        return stamp
    return replace(stamp, revision=(await content.revisions((commit,)))[commit])


async def _cut(content: GitContent) -> Sequence[str]:
    if not await content.cut():
        return ()
    note = f"{content.place.title} is shallow: of older lines the commit is not known; run git fetch --unshallow there"
    return (note,)
