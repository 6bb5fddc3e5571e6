"""Carry over `source.helm` of an Application: the values of a chart, in Argo CD's order."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from towline.importing import homes
from towline.importing.argo import build_environment, other_values
from towline.importing.draft import Draft
from towline.importing.field_rules import Path
from towline.importing.homes import RepositoryTree
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://", re.ASCII)
_GLOB = re.compile(r"[*?\[{]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArgoSource:
    """One source of an Application.

    Attributes:
        spec: the source.
        path: where it is in the Application.
        tree: that of a clone of its repository, if there is one.
        refs: the sources that others name as `$ref`.
    """

    spec: Mapping[str, Any]
    path: Path
    tree: RepositoryTree | None
    refs: Mapping[str, Mapping[str, Any]]

    @property
    def helm(self) -> Mapping[str, Any]:
        """What it says about a chart."""
        return self.spec.get("helm") or {}

    @property
    def folder(self) -> str:
        """The folder in its repository."""
        return homes.clean(str(self.spec.get("path") or "."))


def carry(draft: Draft, source: ArgoSource) -> None:
    """Put into a draft how a chart is rendered.

    Raises:
        NotImportableError: its values are not YAML.
    """
    given, destination = source.helm, draft.of.spec.get("destination") or {}
    draft.put("helm.releaseName", given.get("releaseName") or draft.of.name)
    draft.put("helm.namespace", given.get("namespace") or destination.get("namespace"))
    draft.put("helm.valuesFrom", list(_of_others(draft, source)))
    draft.put("helm.valuesFiles", list(_files(draft, source)))
    draft.put("helm.values", _values(draft, source))
    draft.put("helm.parameters", [*_parameters(draft, source), *_file_parameters(draft, source)])
    draft.put("helm.kubeVersion", given.get("kubeVersion"))
    draft.put("helm.apiVersions", given.get("apiVersions"))
    draft.put("helm.crds", "Skip" if given.get("skipCrds") else None)


def _values(draft: Draft, source: ArgoSource) -> Mapping[str, Any] | None:
    """Return the values; `values` does not count where there is a `valuesObject`."""
    given, path = source.helm, (*source.path, "helm", "values")
    if given.get("valuesObject"):
        if given.get("values"):
            draft.different("values does not count, because there is a valuesObject, too", *path)
        found: Mapping[str, Any] = given["valuesObject"]
        return found
    text = str(given.get("values") or "")
    try:
        parsed = [one.value for one in documents.parse(text.encode(), YamlLimits())]
    except DocumentErrors as error:
        message = f"line {error.faults[0].line} of the values: {error.faults[0].message}"
        raise draft.refused(message, *path) from error
    if len(parsed) > 1 or any(not isinstance(one, Mapping) for one in parsed):
        raise draft.refused("the values must be one map", *path)
    return parsed[0] if parsed else None


def _files(draft: Draft, source: ArgoSource) -> Iterator[str]:
    """Yield the values files by their paths from the root of the repository, each once, at its last place by name."""
    named = [str(each) for each in source.helm.get("valueFiles") or ()]
    plain = {
        file for raw in named if not _GLOB.search(raw) for file in [_from_root(raw, source.folder)] if file
    }
    seen: set[str] = set()
    for number, raw in enumerate(named):
        path = (*source.path, "helm", "valueFiles", number)
        for file in _resolved(draft, source, raw, path):
            is_named_elsewhere = bool(_GLOB.search(raw)) and file in plain
            if file not in seen and not is_named_elsewhere:
                seen.add(file)
                yield file


def _of_others(draft: Draft, source: ArgoSource) -> Iterator[dict[str, Any]]:
    """Yield the values files of other repositories; in Towline they win over those of the chart's own."""
    named = [str(each) for each in source.helm.get("valueFiles") or ()]
    others: list[int] = []
    for number, raw in enumerate(named):
        word, _, file = raw.partition("/")
        path = (*source.path, "helm", "valueFiles", number)
        reference = source.refs.get(word)
        found = other_values.repository(draft, reference, source.tree, path) if reference else None
        if found and (entry := other_values.name(draft, found, word.removeprefix("$"), file, path)):
            others.append(number)
            yield entry
    if others and len(named) - others[0] > len(others):
        message = "values files of other repositories win over those of the chart's own, whatever their order"
        draft.lost(message, *source.path, "helm", "valueFiles")


def _resolved(draft: Draft, source: ArgoSource, raw: str, path: Path) -> Iterable[str]:
    text, folder = raw, source.folder
    reference = source.refs.get(raw.partition("/")[0])
    if reference:
        text = f"/{raw.partition('/')[2]}"
        if other_values.repository(draft, reference, source.tree, path):
            return ()
    elif source.spec.get("chart"):
        draft.lost(
            "values files inside a chart from elsewhere are not read: copy what it sets into spec.helm.values",
            *path,
        )
        return ()
    text = build_environment.filled(draft, text, build_environment.of(draft, source.spec), path)
    if _ADDRESS.match(text):
        draft.lost("values are not fetched from elsewhere: commit the file", *path)
        return ()
    file = _from_root(text, folder)
    if not file:
        draft.lost("it leads out of the repository: move the file into it", *path)
        return ()
    return _existing(draft, source, file, path)


def _existing(draft: Draft, source: ArgoSource, file: str, path: Path) -> Iterable[str]:
    optional = source.helm.get("ignoreMissingValueFiles")
    if source.tree is None:
        if _GLOB.search(file):
            draft.lost(f"which files {file} means is known with --clone alone: name each of them", *path)
            return ()
        if optional:
            draft.assumed("the file exists: remove it where it does not, because it is not optional", *path)
        return (file,)
    if _GLOB.search(file):
        return [each for each in source.tree.files if homes.matches(each, file)]
    if source.tree.read(file) is None:
        if not optional:
            draft.lost("there is no such file in the clone", *path)
        return ()
    return (file,)


def _from_root(text: str, folder: str) -> str:
    joined = text.lstrip("/") if text.startswith("/") else posixpath.join(folder, text)
    found = posixpath.normpath(joined)
    return "" if found.startswith("..") else found


def _parameters(draft: Draft, source: ArgoSource) -> Iterator[dict[str, Any]]:
    variables = build_environment.of(draft, source.spec)
    for number, each in enumerate(source.helm.get("parameters") or ()):
        path = (*source.path, "helm", "parameters", number, "value")
        value = build_environment.filled(draft, str(each.get("value", "")), variables, path)
        forced = {"forceString": True} if each.get("forceString") else {}
        yield {"name": each.get("name", ""), "value": value, **forced}


def _file_parameters(draft: Draft, source: ArgoSource) -> Iterator[dict[str, Any]]:
    for number, each in enumerate(source.helm.get("fileParameters") or ()):
        path = (*source.path, "helm", "fileParameters", number)
        file = _from_root(str(each.get("path", "")), source.folder)
        content = source.tree.read(file) if source.tree and file else None
        if content is None:
            draft.lost(
                "what the file holds is known with --clone alone: write it into spec.helm.values", *path
            )
        elif b"\\" in content or content.startswith(b"{"):
            draft.lost("the file holds what a parameter cannot: write it into spec.helm.values", *path)
        else:
            draft.different(f"the parameter has what {file} holds now: import again when it changes", *path)
            yield {"name": each.get("name", ""), "value": content.decode(), "forceString": True}
