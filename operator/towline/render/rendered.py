"""Say what one file declares, how much memory that takes, and how much the files of one commit may declare together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import NamedTuple

from towline import text
from towline.errors import Failure, Reason, SourceError
from towline.model import Manifest
from towline.render import plain
from towline.render.documents import YamlLimits
from towline.render.variables.treatment import UNTREATED, Treatment

_FILE_BYTES = 768
_OBJECT_BYTES = 640
_FAILURE_BYTES = 400
_FIELD_BYTES = 300
"""Bytes that Python takes for each, beside the texts, which are counted; tests hold them against tracemalloc."""


class Reading(NamedTuple):
    """How files are read: within which limits, and what is done to them before.

    `mark` is the fingerprint of the treatment, empty where nothing is done.
    """

    limits: YamlLimits
    treatment: Treatment = UNTREATED
    mark: str = ""


class Rendered(NamedTuple):
    """What one file declares; `size` is the bytes of its objects as JSON, `weight` those of all that is kept."""

    manifests: tuple[Manifest, ...]
    failures: tuple[Failure, ...]
    size: int
    weight: int

    def renamed(self, path: str) -> Rendered:
        """Return what the same content declares under another path; the bodies are shared."""
        manifests = (replace(one, origin=one.origin._replace(file=path)) for one in self.manifests)
        failures = (replace(failure, file=path) for failure in self.failures)
        return self._replace(manifests=tuple(manifests), failures=tuple(failures))


def rendered(path: str, blob: str, content: bytes, how: Reading, give_way: Callable[[], None]) -> Rendered:
    """Parse one file.

    Args:
        path: from the root of the repository.
        blob: the Git object id of its content.
        content: its bytes.
        how: what is done with it.
        give_way: called again and again meanwhile.
    """
    manifests, failures, _ = plain.treated(path, blob, content, how.limits, how.treatment, give_way)
    size = sum(len(one.content) for one in manifests)
    weight = _FILE_BYTES + size + sum(map(_object_weight, manifests)) + sum(map(_failure_weight, failures))
    return Rendered(manifests, failures, size, weight)


def _object_weight(one: Manifest) -> int:
    """Return the bytes of a manifest without its content."""
    texts = sum(len(name) + len(str(value)) for name, value in one.directives.items())
    return _OBJECT_BYTES + texts + sum(_FIELD_BYTES + len(ignored.field) for ignored in one.left_out)


def _failure_weight(failure: Failure) -> int:
    return _FAILURE_BYTES + len(failure.message) + len(failure.object) + len(failure.field)


class Total(NamedTuple):
    """What some files declare together: objects, and bytes of JSON."""

    objects: int
    size: int

    @classmethod
    def of(cls, files: Iterable[Rendered]) -> Total:
        """Add up files."""
        known = tuple(files)
        return cls(sum(len(one.manifests) for one in known), sum(one.size for one in known))

    def plus(self, more: Total) -> Total:
        """Add what more files declare."""
        return Total(self.objects + more.objects, self.size + more.size)


class Bounds(NamedTuple):
    """What the files of one commit may declare together: objects, and bytes of JSON, of which `expansion` is part.

    `expansion` is what it may declare beyond ten times its bytes, 0 where another limit comes first.
    """

    objects: int
    size: int
    expansion: int

    @classmethod
    def of(cls, written: int, limits: YamlLimits) -> Bounds:
        """Return what files of so many bytes may declare."""
        most = limits.expanded_commit(written)
        return cls(limits.objects, most, limits.commit_expansion if most < limits.content_bytes else 0)

    def check(self, total: Total) -> None:
        """Refuse what is more.

        Raises:
            SourceError: SourceTooLarge.
        """
        if total.objects > self.objects:
            what = f"declares more than {self.objects} objects: narrow spec.path or spec.exclude"
        elif total.size <= self.size:
            return
        elif self.expansion:
            most = f"ten times the size of its files and {text.size(self.expansion)}"
            what = (
                f"declares objects with more JSON than {most}: use fewer aliases, or several GitRepositories"
            )
        else:
            what = f"declares objects of more than {text.size(self.size)} of JSON: narrow spec.path or spec.exclude"
        raise SourceError(Reason.SOURCE_TOO_LARGE, f"the commit {what}")
