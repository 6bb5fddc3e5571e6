"""Tell what files alone do not say of a resource: what patches it, where it is, and which resource it declares."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from towline.importing import homes
from towline.importing.draft import Draft
from towline.importing.homes import Homes
from towline.importing.peer_resource import PeerResource

_WHOLE = {
    "Kustomization": ("sourceRef",),
    "HelmRelease": ("chart.spec.sourceRef", "chartRef"),
    "Application": ("source", "sources", "sourceHydrator"),
}
_BUILT = "import what kustomize builds (kustomize build DIR | towline import flux -), or the cluster with -n"


def patches(found: Sequence[PeerResource]) -> list[PeerResource]:
    """Return the resources that are patches of others: they say where nothing comes from, and share a name."""
    whole = {(each.kind, each.name) for each in found if not _is_part(each)}
    return [each for each in found if _is_part(each) and (each.kind, each.name) in whole]


def tell_patches(draft: Draft, parts: Iterable[PeerResource]) -> None:
    """Note the files that would patch a resource: what they say is not read."""
    files = sorted({each.file for each in parts if (each.kind, each.name) == (draft.of.kind, draft.of.name)})
    if files:
        draft.lost(f"{', '.join(files)} patches it, which is not read: {_BUILT}", "spec")


def tell_namespace(draft: Draft) -> None:
    """Note that the namespace of a resource is not known."""
    if draft.of.assumed_namespace:
        message = f"it names no namespace, so default is taken: name one with --namespace, or {_BUILT}"
        draft.assumed(message, "metadata")


def tell_moved(draft: Draft, namespace: str) -> None:
    """Note the Secrets and ConfigMaps that a GitRepository in another namespace reads there."""
    if namespace == draft.of.namespace or draft.of.assumed_namespace:
        return
    names = sorted(set(_read_objects(draft.spec)))
    if names:
        message = f"{', '.join(names)}: a GitRepository reads them in its own namespace, so copy them to {namespace}"
        draft.different(message, "metadata")


def _read_objects(spec: Mapping[str, Any]) -> Iterator[str]:
    """Yield the Secrets and ConfigMaps that a spec names."""
    for each in (spec, spec.get("decryption") or {}, *(spec.get("remotes") or ())):
        if each.get("secretRef"):
            yield f"Secret {each['secretRef']['name']}"
    sources = ((spec.get("substitute") or {}).get("from"), (spec.get("helm") or {}).get("valuesFrom"))
    for source in sources:
        yield from (f"{each.get('kind')} {each.get('name')}" for each in source or ())


def tell_declared(draft: Draft, found: Iterable[PeerResource], known: Homes) -> None:
    """Note the resources of the other tool that the folder of a GitRepository declares itself."""
    url, path = str(draft.spec.get("url", "")), str(draft.spec.get("path", "."))
    declared = [each for each in found if _is_below(known, each.file, url, path)]
    if declared and "helm" not in draft.spec:
        more = f" and {len(declared) - 1} more" if len(declared) > 1 else ""
        message = (
            f"its path declares {declared[0].title}{more}, imported by itself: remove the files from Git, or"
            " name them in spec.exclude, before Enforce"
        )
        draft.different(message, "spec")


def _is_below(known: Homes, file: str, url: str, path: str) -> bool:
    home = known.of_files.get(file)
    if home is None or homes.same_place(home.url) != homes.same_place(url):
        return False
    return path == "." or posixpath.join(home.path, "").startswith(posixpath.join(path, ""))


def _is_part(of: PeerResource) -> bool:
    fields = _WHOLE.get(of.kind)
    return fields is not None and not any(_at(of.spec, name.split(".")) for name in fields)


def _at(value: Any, steps: list[str]) -> Any:
    for step in steps:
        value = value.get(step) if isinstance(value, Mapping) else None
    return value
