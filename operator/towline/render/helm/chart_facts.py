"""Know of a chart what can be known without rendering it: what is wrong with it, and what its templates ask for."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from towline.errors import Failure, Reason
from towline.render import plain
from towline.render.helm import chart_parts, remote_schemas, template_text
from towline.render.helm.chart_files import ChartFiles, in_folder
from towline.render.helm.template_text import Mentions
from towline.source.selection import Entry

_READ = ("templates/", "charts/", "crds/")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChartFacts:
    """What is known of a chart; a library declares nothing."""

    mentions: Mentions
    failures: tuple[Failure, ...]
    is_library: bool


def read(found: ChartFiles, contents: Mapping[str, bytes]) -> ChartFacts:
    """Return what is known of a chart.

    Args:
        found: its files.
        contents: what is in them, by their paths from its folder.
    """
    parts = chart_parts.read(contents)
    texts = {
        f"{part.folder}{path}": content
        for part in parts.parts
        for path, content in part.files.items()
        if template_text.is_text(path)
    }
    mentions = template_text.mentions(texts)
    failures = (
        *parts.failures,
        *remote_schemas.failures(parts.parts),
        *_pointers(contents, is_any=mentions.reads_files),
    )
    lookups = tuple((in_folder(found.folder, path), line) for path, line in mentions.lookups)
    return ChartFacts(
        mentions=mentions._replace(lookups=lookups),
        failures=tuple(
            replace(one, file=in_folder(found.folder, one.file)) for one in dict.fromkeys(failures)
        ),
        is_library=parts.metadata.is_library,
    )


def refused(failures: tuple[Failure, ...]) -> ChartFacts:
    """Return what is known of a chart whose files cannot be read."""
    return ChartFacts(mentions=template_text.mentions({}), failures=failures, is_library=False)


def signature(folder: str, files: Mapping[str, Entry]) -> str:
    """Return what tells these files of a chart from all others."""
    told = sorted((path, entry.mode, entry.sha) for path, entry in files.items())
    return hashlib.sha256(repr((folder, told)).encode()).hexdigest()


def _pointers(contents: Mapping[str, bytes], *, is_any: bool) -> Iterator[Failure]:
    """Yield the Git LFS pointers among the files that Helm reads as what they are."""
    for path, content in contents.items():
        is_read = is_any or "/" not in path or path.startswith(_READ)
        if is_read and plain.is_pointer(content):
            message = "the file is a Git LFS pointer: commit the file itself"
            yield Failure(reason=Reason.BUILD_FAILED, message=message, file=path, line=1)
