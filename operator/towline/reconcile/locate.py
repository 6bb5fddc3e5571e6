"""From a field of an object to its line in Git: read again from the mirror when somebody is to be told."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from towline.errors import Failure, SourceError
from towline.model import Manifest, Origin
from towline.reconcile.desired import Head
from towline.render import documents
from towline.source.mirror import Mirrors


class Locator:
    """Finds lines, for all repositories.

    Args:
        mirrors: the door to Git.
        limits: what is allowed of a YAML file.
    """

    def __init__(self, mirrors: Mirrors, limits: documents.YamlLimits) -> None:
        self._mirrors = mirrors
        self._limits = limits

    async def located(
        self, failures: tuple[Failure, ...], head: Head, manifests: Iterable[Manifest]
    ) -> tuple[Failure, ...]:
        """Give failures the line of the field that they name, instead of that of their object.

        Where the mirror cannot be read any more, they keep the line of their object.
        """
        named = [failure for failure in failures if failure.field]
        if not named:
            return failures
        origins = {str(manifest.ref): manifest.origin for manifest in manifests}
        named = [failure for failure in named if failure.object in origins]
        try:
            contents = await self._mirrors.blobs(
                head.remote, sorted({origins[failure.object].blob for failure in named})
            )
        except SourceError:
            return failures
        lines = await asyncio.to_thread(_lines, named, origins, contents, self._limits)
        return tuple(
            replace(failure, line=lines.get((failure.object, failure.field), failure.line))
            for failure in failures
        )

    async def lines(self, head: Head, manifest: Manifest, pointers: Iterable[str]) -> Mapping[str, int]:
        """Return the line of each field that a manifest declares; others, and what cannot be read, are left out."""
        name = str(manifest.ref)
        named = tuple(Failure(reason="", message="", object=name, field=each) for each in pointers)
        located = await self.located(named, head, (manifest,))
        return {each.field: each.line for each in located if each.line}


def _lines(
    failures: Iterable[Failure],
    origins: Mapping[str, Origin],
    contents: Mapping[str, bytes],
    limits: documents.YamlLimits,
) -> Mapping[tuple[str, str], int]:
    """Find the line of each named field, reading each file once; by object and field."""
    by_blob: dict[str, list[Failure]] = defaultdict(list)
    for failure in failures:
        by_blob[origins[failure.object].blob].append(failure)
    found: dict[tuple[str, str], int] = {}
    for blob, named in by_blob.items():
        places = [(origins[one.object].document, origins[one.object].item, one.field) for one in named]
        lines = documents.locate_all(contents[blob], places, limits)
        found |= {(one.object, one.field): line for one, line in zip(named, lines, strict=True)}
    return found
