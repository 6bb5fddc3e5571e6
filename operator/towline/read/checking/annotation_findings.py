"""Find annotations and labels of `towline.dev/` that mean nothing: misspelt, on another object, or in another place."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from towline import text
from towline.api import labels
from towline.api.asked import suspending
from towline.fields import pointer
from towline.model import GroupKind, Manifest
from towline.plan import manifest as manifests
from towline.read.checking import manifest_finding
from towline.read.checking.manifest_finding import FindingRule, ManifestFinding, Severity

_EVERYWHERE = frozenset({*labels.DIRECTIVES, labels.WAVE, labels.RERUN})
_REQUESTS = frozenset({labels.CONFIRM_PRUNE, labels.ACCEPT_PIN, labels.RECONCILE, labels.SUSPEND})
_OF_KINDS: Mapping[GroupKind, frozenset[str]] = {
    GroupKind("towline.dev", "GitRepository"): _REQUESTS,
    GroupKind("", "Secret"): frozenset({labels.HOSTS}),
}
_PLACES = {
    **dict.fromkeys(_REQUESTS, "a GitRepository"),
    labels.HOSTS: "a Secret",
}
_ALL = frozenset({*_EVERYWHERE, *_REQUESTS, labels.HOSTS})
_GROUP = labels.PREFIX.rstrip("/")
_SHOWN = 100  # bytes


def findings(declared: Iterable[Manifest]) -> Iterator[ManifestFinding]:
    """Yield the annotations and labels that Towline does not read, and old spellings of values."""
    for manifest in declared:
        if b"towline" not in manifest.content.lower():
            continue
        body = manifest.body
        yield from _own(manifest, body["metadata"])
        for path, held in _nested(body, ()):
            for name in held:
                if name in _ALL:
                    message = f"{name} means nothing here: write it in the metadata of the object itself"
                    yield _found(manifest, (*path, name), message)
        for name, _, wanted in manifests.old_spellings(manifest):
            message = f'{name} has an old spelling of its value: write "{wanted}"'
            field = pointer.join(("metadata", "annotations", name))
            yield manifest_finding.of(
                manifest, FindingRule.MEANINGLESS_ANNOTATION, Severity.NOTE, field, message
            )


def _own(manifest: Manifest, metadata: Mapping[str, Any]) -> Iterator[ManifestFinding]:
    meant = _EVERYWHERE | _OF_KINDS.get(manifest.ref.group_kind, frozenset())
    for name, value in _map(metadata.get("annotations")).items():
        if name not in meant and _is_like_own(name):
            yield _found(manifest, ("metadata", "annotations", name), _unknown(name, meant))
        elif problem := _value(name, value):
            yield _found(manifest, ("metadata", "annotations", name), f"{name}: {problem}")
    for name in _map(metadata.get("labels")):
        if name in _ALL:
            message = (
                f"{name} is an annotation, and means nothing as a label: move it to metadata.annotations"
            )
            yield _found(manifest, ("metadata", "labels", name), message)
        elif _is_like_own(name):
            message = f"Towline reads no label {text.printable(name, _SHOWN)}: remove it"
            yield _found(manifest, ("metadata", "labels", name), message)


def _is_like_own(name: str) -> bool:
    """Whether a name has Towline's prefix, or one that is meant so."""
    prefix, slash, _ = name.partition("/")
    if not slash:
        return bool(get_close_matches(name, _ALL, n=1, cutoff=0.9))
    lowered = prefix.lower()
    if lowered == _GROUP or lowered.partition(".")[0] == "towline":
        return True
    return bool(get_close_matches(lowered, [_GROUP], cutoff=0.85))


def _unknown(name: str, meant: frozenset[str]) -> str:
    shown = text.printable(name, _SHOWN)
    if name in _PLACES:
        return f"{shown} means something on {_PLACES[name]} only: remove it"
    word = name.rpartition("/")[2].lower()
    near = get_close_matches(word, [each.rpartition("/")[2] for each in meant], n=1)
    if near:
        return f"{shown} means nothing; did you mean {labels.PREFIX}{near[0]}?"
    return f"{shown} means nothing: Towline reads {', '.join(sorted(meant))}"


def _value(name: str, value: Any) -> str:
    """Return what is wrong with a value that only Towline would notice; others are refused when they are read."""
    if name in _EVERYWHERE and value in {"", None}:
        return "an empty value means nothing: remove it, or write a value"
    if name == labels.SUSPEND:
        try:
            suspending.parse(value if isinstance(value, str) else "")
        except ValueError:
            return 'write "until=<RFC 3339 time>, reason=<text>, by=<user>", or some of these'
    return ""


def _nested(
    value: Any, path: tuple[str | int, ...]
) -> Iterator[tuple[tuple[str | int, ...], Mapping[str, Any]]]:
    """Yield the annotations and labels of metadata inside an object, such as those of Pod templates."""
    steps = value.items() if isinstance(value, dict) else enumerate(value if isinstance(value, list) else ())
    for step, child in steps:
        here = (*path, step)
        if step == "metadata" and path:
            for name in ("annotations", "labels"):
                yield (*here, name), _map(_map(child).get(name))
        elif here != ("metadata",):
            yield from _nested(child, here)


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _found(manifest: Manifest, path: Iterable[str | int], message: str) -> ManifestFinding:
    return manifest_finding.of(
        manifest, FindingRule.MEANINGLESS_ANNOTATION, Severity.WARNING, pointer.join(path), message
    )
