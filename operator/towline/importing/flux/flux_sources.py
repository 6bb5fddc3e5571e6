"""Read Flux's GitRepositories: what is followed, how often, and with which Secret."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from towline.api import durations
from towline.importing import exclude_patterns, homes
from towline.importing.draft import Draft, NotImportableError
from towline.importing.exclude_patterns import UntranslatableError
from towline.importing.flux.flux_rules import RULES
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource

_FLUX_INTERVALS = ("1s", "8760h")
_REF_ORDER = ("commit", "name", "semver", "tag", "branch")
"""Which field of a ref counts where several are set."""


class Resources:
    """The resources that were read, to look up what others name.

    Args:
        found: all of them.
    """

    def __init__(self, found: Sequence[PeerResource]) -> None:
        self._found = {(each.kind, each.namespace, each.name): each for each in found}

    def named(self, reference: Mapping[str, Any], user: PeerResource) -> PeerResource | None:
        """Return what a reference of a resource names; None for what was not read."""
        namespace = str(reference.get("namespace") or user.namespace)
        return self._found.get((str(reference.get("kind", "")), namespace, str(reference.get("name", ""))))


def follow(draft: Draft, source: PeerResource, path: str, known: Homes) -> None:
    """Put into a draft what a GitRepository of Flux says: address, ref, interval, Secret and what is left out.

    Args:
        draft: that of the resource that uses it.
        source: the GitRepository.
        path: the folder that is used.
        known: the repositories that are at hand.
    """
    of_source = Draft(source, draft.notes)
    of_source.check(RULES["GitRepository"])
    spec = source.spec
    of_source.put("url", spec.get("url"))
    _ref(of_source, spec.get("ref") or {})
    duration(of_source, "interval", spec.get("interval"), ("spec", "interval"), _FLUX_INTERVALS)
    duration(of_source, "timeout", spec.get("timeout"), ("spec", "timeout"), ("1s", "1h"))
    _exclude(of_source, path, known)
    secret(of_source, "secretRef", spec.get("secretRef"), draft.of.namespace)
    of_source.tell(RULES["GitRepository"])
    draft.spec.update(of_source.spec)
    draft.ignored = of_source.ignored


def check(draft: Draft) -> None:
    """Refuse a resource that is malformed, or writes to another cluster.

    Raises:
        NotImportableError: it is.
    """
    draft.check(RULES[draft.of.kind])
    if draft.of.spec.get("kubeConfig"):
        message = "it writes to another cluster: import it there, where Towline runs for that cluster"
        raise draft.refused(message, "spec", "kubeConfig")


def no_source(draft: Draft, reference: Mapping[str, Any], *path: str | int) -> NotImportableError:
    """Refuse a resource of which the source was not read, or is of a kind that has no Git home."""
    kind, name = reference.get("kind"), reference.get("name")
    if not kind or not name:
        return draft.refused("it names no source", *path)
    title = f"{kind} {reference.get('namespace') or draft.of.namespace}/{name}"
    if kind in ("GitRepository", "HelmRepository", "HelmChart", "OCIRepository"):
        message = f"{title} is not among what was read: add its file, or name the repository with --repo"
        return draft.refused(message, *path)
    message = f"{title} is not in Git: name the repository it is made from with --repo and --path"
    return draft.refused(message, *path)


def duration(
    draft: Draft, field: str, text: Any, path: tuple[str | int, ...], within: tuple[str, str]
) -> None:
    """Put a duration into a draft, at most as long, and at least as short, as the field may be."""
    if text is None:
        return
    try:
        seconds = durations.parse(str(text))
    except ValueError:
        draft.lost(f"{text} is not a duration such as 1m30s", *path)
        return
    low, high = (durations.parse(each) for each in within)
    if not low <= seconds <= high:
        bound = within[0] if seconds < low else within[1]
        draft.different(f"{text} becomes {bound}: spec.{field} is from {within[0]} to {within[1]}", *path)
        draft.put(field, bound)
        return
    draft.put(field, str(text))


def secret(draft: Draft, field: str, reference: Any, namespace: str) -> None:
    """Put the name of a Secret into a draft; say so where it must be copied to another namespace."""
    name = (reference or {}).get("name")
    if not name:
        return
    draft.put(field, {"name": name})
    of = draft.of
    if of.namespace != namespace:
        message = f"the Secret {name} is read in the namespace of the GitRepository: copy it to {namespace}"
        draft.different(message, "spec", "secretRef")


def _ref(draft: Draft, ref: Mapping[str, Any]) -> None:
    used = next((name for name in _REF_ORDER if ref.get(name)), "")
    if not used:
        draft.put("ref", {"branch": "master"})
        draft.different("Flux follows master where no ref is named, and so does this", "spec", "ref")
        return
    value = str(ref[used])
    chosen = {used: value}
    if used == "commit" and ref.get("branch"):
        chosen["branch"] = str(ref["branch"])
    if used == "semver":
        chosen[used] = semver(draft, value, "spec", "ref", "semver")
    for name in _REF_ORDER:
        if ref.get(name) and name not in chosen:
            draft.different(f"{name} does not count, because {used} is named, too", "spec", "ref", name)
    draft.put("ref", chosen)


def semver(draft: Draft, text: str, *path: str | int) -> str:
    """Return a range of versions as npm writes it; where pre-releases count differs, that is told."""
    if "-" in text:
        draft.different("pre-releases count only next to a version that names one, as with npm", *path)
    return " ".join(text.replace(",", " ").split())


def _exclude(draft: Draft, path: str, known: Homes) -> None:
    lines = str(draft.of.spec.get("ignore") or "").splitlines()
    tree = known.tree(str(draft.of.spec.get("url", "")))
    in_git = (tree and tree.read(".sourceignore")) or b""
    draft.ignored = (*in_git.decode().splitlines(), *lines)
    try:
        draft.put("exclude", exclude_patterns.from_root(draft.ignored, homes.clean(path)))
    except UntranslatableError as error:
        draft.lost(f"{error}: write what it means below spec.path into spec.exclude", "spec", "ignore")
