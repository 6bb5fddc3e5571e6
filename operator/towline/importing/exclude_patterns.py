"""Turn what other tools leave out of a repository into `spec.exclude`, which is relative to `spec.path`."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable, Iterator

_BRACES = re.compile(r"\{([^{}]*)\}")
_MAGIC = re.compile(r"[*?\[\]{}\\]")


class UntranslatableError(ValueError):
    """A pattern says what `spec.exclude` cannot say."""


def from_root(lines: Iterable[str], path: str) -> list[str]:
    """Return patterns of a `.gitignore` at the root of a repository as patterns below a folder of it.

    Patterns that can match nothing in the folder are left out.

    Args:
        lines: the lines of such a file.
        path: the folder, `.` for the root.

    Raises:
        UntranslatableError: a pattern matches the folder itself, or has `**` in front of it.
    """
    parts = [] if path == "." else path.split("/")
    kept: list[str] = []
    excluded = False
    for line in _patterns(lines):
        negated, body = line.startswith("!"), line.removeprefix("!")
        segments = body.strip("/").split("/")
        if len(segments) == 1 and not body.startswith("/"):
            excluded = _after(
                excluded, negated, any(fnmatch.fnmatchcase(part, segments[0]) for part in parts)
            )
            kept.append(line)
        elif "**" in segments[: len(parts) + 1] and parts:
            raise UntranslatableError(line)
        elif len(segments) > len(parts):
            if _fits(parts, segments):
                rest = "/".join(segments[len(parts) :])
                kept.append(f"{'!' if negated else ''}/{rest}{'/' if body.endswith('/') else ''}")
        else:
            excluded = _after(excluded, negated, _fits(parts[: len(segments)], segments))
    if excluded:
        raise UntranslatableError("what is left out includes the folder itself")
    return kept


def of_directory(include: str, exclude: str, *, recurse: bool) -> list[str]:
    """Return `directory.include` and `directory.exclude` of an Application as patterns of `spec.exclude`.

    In a glob of Argo CD `*` matches slashes, too.

    Raises:
        UntranslatableError: a glob has no equal.
    """
    patterns: list[str] = []
    if include:
        shown = [one for glob in _alternatives(include) for one in _translated(glob, recurse=recurse)]
        patterns += ["*", *(["!*/"] if recurse else []), *(f"!{one}" for one in shown)]
    if exclude:
        patterns += [one for glob in _alternatives(exclude) for one in _translated(glob, recurse=recurse)]
    return patterns if recurse else ["/*/", *patterns]


def _translated(glob: str, *, recurse: bool) -> Iterator[str]:
    if not recurse:
        if "/" not in glob:
            yield f"/{glob.replace('**', '*')}"
        return
    if not _MAGIC.search(glob):
        yield f"/{glob}"
    elif glob.startswith("*") and not _MAGIC.search(suffix := glob.lstrip("*")):
        if suffix.startswith("/"):
            yield f"/*/**{suffix}"
        elif "/" not in suffix:
            yield f"*{suffix}"
        else:
            raise UntranslatableError(glob)
    elif glob.endswith(("/*", "/**")):
        folder = glob.rstrip("*").rstrip("/")
        if _MAGIC.search(folder):
            raise UntranslatableError(glob)
        yield f"/{folder}/**"
    else:
        raise UntranslatableError(glob)


def _alternatives(glob: str) -> Iterator[str]:
    """Yield what braces stand for: `{a,b}.yaml` is `a.yaml` and `b.yaml`."""
    found = _BRACES.search(glob)
    if not found:
        yield glob
        return
    for word in found[1].split(","):
        yield from _alternatives(f"{glob[: found.start()]}{word.strip()}{glob[found.end() :]}")


def _patterns(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        text = line.strip()
        if text and not text.startswith("#"):
            yield text


def _fits(parts: list[str], segments: list[str]) -> bool:
    return all(fnmatch.fnmatchcase(part, glob) for part, glob in zip(parts, segments, strict=False))


def _after(before: bool, negated: bool, matched: bool) -> bool:  # noqa: FBT001  three truths, one rule
    return not negated if matched else before
