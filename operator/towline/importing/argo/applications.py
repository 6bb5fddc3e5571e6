"""Turn an Application of Argo CD into GitRepositories, one for each source that declares objects."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from towline.importing import exclude_patterns, homes, pinned_charts
from towline.importing.argo import argo_helm, argo_kustomize, git_places, sync_options
from towline.importing.argo.argo_helm import ArgoSource
from towline.importing.argo.argo_rules import APPLICATION, SOURCE
from towline.importing.draft import Draft, NotImportableError
from towline.importing.exclude_patterns import UntranslatableError
from towline.importing.field_rules import Path
from towline.importing.homes import Homes, RepositoryTree
from towline.importing.peer_resource import PeerResource

_THIS_CLUSTER = ("https://kubernetes.default.svc", "in-cluster")


def convert(of: PeerResource, known: Homes) -> tuple[tuple[str, Draft], ...]:
    """Return the GitRepositories that follow what an Application follows, each with its name.

    What is told about the Application as a whole is told with the first one.
    """
    whole = Draft(of)
    try:
        whole.check(APPLICATION)
    except NotImportableError:
        return ((of.name, whole),)
    found: list[tuple[str, Draft]] = []
    for number, source in enumerate(_sources(of, known)):
        draft = Draft(of)
        draft.source = source.spec
        try:
            draft.check(SOURCE, source.spec, under=source.path, root="source")
            _fill(draft, source, known, first=not number)
        except NotImportableError:
            draft.spec.clear()
        suffix = str(source.spec.get("name") or number + 1)
        found.append((of.name if not number else f"{of.name}-{suffix}", draft))
        if draft.spec:
            found.extend((f"{of.name}-{reference}", each) for reference, each in draft.more.items())
    if not found:
        whole.refused("it has no source with a path or a chart", "spec")
        found.append((of.name, whole))
    return tuple(found)


def _sources(of: PeerResource, known: Homes) -> Iterator[ArgoSource]:
    given: list[tuple[Path, Mapping[str, Any]]] = []
    if sources := of.spec.get("sources"):
        given = [(("spec", "sources", number), each) for number, each in enumerate(sources)]
    elif source := of.spec.get("source"):
        given = [(("spec", "source"), source)]
    elif hydrator := of.spec.get("sourceHydrator"):
        given = [(("spec", "sourceHydrator", "syncSource"), _hydrated(hydrator))]
    refs = {f"${each['ref']}": each for _, each in given if each.get("ref")}
    for path, each in given:
        if each.get("ref") and not each.get("path") and not each.get("chart"):
            continue
        tree = known.tree(str(_values_home(each, refs).get("repoURL") or ""))
        yield ArgoSource(spec=each, path=path, tree=tree, refs=refs)


def _hydrated(hydrator: Mapping[str, Any]) -> Mapping[str, Any]:
    synced = hydrator.get("syncSource") or {}
    dry = hydrator.get("drySource") or {}
    return {
        "repoURL": synced.get("repoURL") or dry.get("repoURL"),
        "path": synced.get("path"),
        "targetRevision": synced.get("targetBranch"),
    }


def _values_home(source: Mapping[str, Any], refs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the source that is in Git: itself, or for a chart from elsewhere that of its first values file."""
    if not source.get("chart"):
        return source
    named = (str(each).partition("/")[0] for each in (source.get("helm") or {}).get("valueFiles") or ())
    return next((refs[name] for name in named if name in refs), {})


def _fill(draft: Draft, source: ArgoSource, known: Homes, *, first: bool) -> None:
    spec = draft.of.spec
    destination = spec.get("destination") or {}
    where = destination.get("server") or destination.get("name") or _THIS_CLUSTER[0]
    if where not in _THIS_CLUSTER:
        message = f"it writes to the cluster {where}: import it there, where Towline runs for that cluster"
        raise draft.refused(message, "spec", "destination")
    if source.spec.get("plugin"):
        raise draft.refused("plugins are not run: commit what this one makes", *source.path, "plugin")
    if source.spec.get("chart"):
        _chart(draft, source, known)
    else:
        git_places.put(draft, source.spec, source.path, source.tree)
        draft.put("path", source.folder)
        if homes.tell_absent(draft, source.tree, source.folder, *source.path, "path"):
            source = replace(source, tree=None)
        _content(draft, source)
    draft.put("defaultNamespace", destination.get("namespace"))
    told = len(draft.notes)
    sync_options.carry(draft, spec)
    if not first:
        del draft.notes[told:]
        message = "each source has a GitRepository: an object that two of them declare belongs to one"
        draft.different(message, *source.path)
    else:
        draft.tell(APPLICATION)
    draft.tell(SOURCE, source.spec, under=source.path, root="source")


def _chart(draft: Draft, source: ArgoSource, known: Homes) -> None:
    repo = str(source.spec.get("repoURL") or "")
    version = str(source.spec.get("targetRevision") or "*")
    chart = {
        "repo": repo if "://" in repo else f"oci://{repo}",
        "name": str(source.spec["chart"]),
        "version": version,
    }
    pinned_charts.pinned(draft, chart, (*source.path, "targetRevision"))
    values = _values_home(source.spec, source.refs)
    if values:
        at = next(number for number, each in enumerate(draft.of.spec.get("sources") or ()) if each is values)
        git_places.put(draft, values, ("spec", "sources", at), source.tree)
        first = next(each for each in source.helm["valueFiles"] if str(each).partition("/")[0] in source.refs)
        draft.put("path", posixpath.dirname(str(first).partition("/")[2]) or ".")
    else:
        pinned_charts.at_home(draft, known)
    argo_helm.carry(draft, source)


def _content(draft: Draft, source: ArgoSource) -> None:
    """Put into a draft how the folder of a source is read, by Argo CD's rules for what is in it."""
    kind = _kind(source, source.tree)
    if kind == "helm":
        draft.put("render", "Helm")
        argo_helm.carry(draft, source)
    elif kind == "kustomize":
        draft.put("render", "Kustomize")
        argo_kustomize.carry(draft, source)
    elif kind == "directory":
        _directory(draft, source)
    else:
        message = (
            "it holds a kustomization or a chart: where it holds plain files, Argo CD reads those in the folder itself"
            " only, so add /*/ to spec.exclude"
        )
        draft.assumed(message, *source.path, "path")


def _kind(source: ArgoSource, tree: RepositoryTree | None) -> str:
    """Return what a source is: what it says, else what its folder holds; empty where neither is known."""
    given = [name for name in ("helm", "kustomize", "directory") if source.spec.get(name) is not None]
    if len(given) == 1:
        return given[0]
    if tree is None:
        return ""
    if homes.has_chart(tree, source.folder):
        return "helm"
    return "kustomize" if homes.kustomization(tree, source.folder) else "directory"


def _directory(draft: Draft, source: ArgoSource) -> None:
    given = source.spec.get("directory") or {}
    path = (*source.path, "directory")
    recurse = bool(given.get("recurse"))
    include, exclude = str(given.get("include") or ""), str(given.get("exclude") or "")
    try:
        draft.put("exclude", exclude_patterns.of_directory(include, exclude, recurse=recurse))
    except UntranslatableError as error:
        draft.lost(f"{error}: write what it means into spec.exclude, as in .gitignore", *path)
    for file in homes.below(source.tree, source.folder) if source.tree else ():
        name = posixpath.basename(file)
        if name.endswith(".jsonnet") and (recurse or "/" not in file):
            draft.lost(
                f"{file} is Jsonnet, which is not rendered: commit what it makes", *source.path, "path"
            )
        elif name in (*homes.KUSTOMIZATIONS, "Chart.yaml") and (recurse or "/" not in file):
            draft.lost(
                f"{file} makes its folder a unit: Argo CD reads its files one by one", *source.path, "path"
            )
