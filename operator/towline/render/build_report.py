"""Report why a commit does not build: each error once, one of every file first, and what to do."""

from __future__ import annotations

import itertools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from towline import text
from towline.errors import BuildError, Failure, Reason
from towline.source import selection

NO_OBJECT = "not a Kubernetes object: name it in spec.exclude"
"""The message for a file without an object."""

_PLAIN = re.compile(r"[\w./@+=, -]{1,250}")

_SHOWN = 10
"""How many errors a status lists."""


def build_error(failures: Iterable[Failure], files: Mapping[str, str], path: str, sha: str) -> BuildError:
    """Return the error with all failures of a commit; where all are symlinks, its reason is SymlinkRefused.

    Args:
        failures: what is wrong.
        files: the paths of all files that were read, each with the path by which it is found, through a symlink or not.
        path: where manifests begin.
        sha: the commit.
    """
    found = tuple(failures)
    ordered = _ordered(replace(each, commit=sha) for each in through_links(found, files))
    only_links = all(failure.reason == Reason.SYMLINK_REFUSED for failure in ordered)
    reason = Reason.SYMLINK_REFUSED if only_links else Reason.BUILD_FAILED
    return BuildError(ordered, reason, advice(found, files, path))


def through_links(failures: Iterable[Failure], files: Mapping[str, str]) -> Iterator[Failure]:
    """Say of what is wrong with a file by which path a symlink leads to it: that one is in `spec.path`."""
    for failure in failures:
        place = files.get(failure.file, failure.file)
        yield replace(failure, message=selection.through_link(failure.message, failure.file, place))


def _ordered(failures: Iterable[Failure]) -> tuple[Failure, ...]:
    """Sort by file and line; where not all are shown, the first error of each file comes before its second."""
    ordered = sorted(failures, key=lambda failure: (failure.file, failure.line))
    if len(ordered) <= _SHOWN:
        return tuple(ordered)
    seen: defaultdict[str, int] = defaultdict(int)
    ranks = []
    for failure in ordered:
        ranks.append(seen[failure.file])
        seen[failure.file] += 1
    return tuple(failure for _, failure in sorted(zip(ranks, ordered, strict=True), key=lambda pair: pair[0]))


def advice(failures: Iterable[Failure], files: Mapping[str, str], path: str) -> str:
    """Say how many files hold no object, and a pattern that excludes most of them and nothing else."""
    prefix = 0 if path == "." else len(path) + 1
    empty = {failure.file for failure in failures if failure.message == NO_OBJECT}
    bad = [files.get(file, file)[prefix:] for file in sorted(empty)]
    if not bad:
        return ""
    good = [place[prefix:] for file, place in files.items() if file not in empty]
    pattern, count = _pattern(bad, good)
    covered = "" if count == len(bad) else f" for {count} of them"
    way_out = f"write spec.exclude: ['{pattern}']{covered}" if pattern else "name them in spec.exclude"
    holds = "holds" if len(bad) == 1 else "hold"
    return f"{text.many(len(bad), 'file')} {holds} no Kubernetes object: {way_out}, or spec.skipNonManifests: true"


def _pattern(bad: Sequence[str], good: Sequence[str]) -> tuple[str, int]:
    """Return the pattern that matches most of the bad files and none of the good ones, and how many it matches."""
    matched: defaultdict[str, int] = defaultdict(int)
    for file in bad:
        for pattern in _patterns(file):
            matched[pattern] += 1
    for file in good:
        for place in itertools.accumulate(file.split("/"), "{}/{}".format):  # a pattern matches folders, too
            for pattern in _patterns(place):
                matched.pop(pattern, None)
    return max(matched.items(), key=lambda found: (found[1], found[0].count("/"), found[0]), default=("", 0))


def _patterns(file: str) -> Iterator[str]:
    """Yield patterns that match a file: its path, its folders, its name, and the end of its name.

    Names with characters that are special in a pattern or in YAML have none.
    """
    folder, slash, name = file.rpartition("/")
    if not _PLAIN.fullmatch(file):
        return
    yield f"/{file}"
    yield name
    yield f"*.{name.rpartition('.')[2]}"
    while slash:
        yield f"/{folder}/"
        folder, slash, _ = folder.rpartition("/")
