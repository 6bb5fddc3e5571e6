"""Render what Flux or Argo CD would apply, from a copy of a clone, with the tools that they use."""

from __future__ import annotations

import posixpath
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import orjson
import pathspec

from towline.importing import homes
from towline.importing.check import peer_charts, peer_directories, peer_environment, peer_kustomize
from towline.importing.check.peer_charts import PeerRelease
from towline.importing.check.rendered_side import RenderedSide
from towline.importing.git_clones import Clone
from towline.importing.peer_resource import PeerResource
from towline.model import Body
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.helm.chart_options import KUBE_VERSION
from towline.render.offline.offline_tools import OfflineTools
from towline.render.units import kustomize

_SECONDS = 120
_OUTPUT = YamlLimits(file_bytes=64 * 1024**2, file_expansion=64 * 1024**2)


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerRender:
    """What is rendered.

    Attributes:
        of: the resource of the other tool.
        source: of an Application, the source that is meant.
        ignored: patterns as in `.gitignore` of files that the other tool does not see.
        path: the folder in the clone.
    """

    of: PeerResource
    path: str
    source: Mapping[str, Any]
    ignored: tuple[str, ...] = ()


class _ToolError(Exception):
    """A tool has failed; the message is its own."""


def render(clone: Clone, asked: PeerRender, tools: OfflineTools) -> RenderedSide:
    """Return what the other tool would apply, or why it would apply nothing."""
    with _copied(clone, asked.ignored) as root:
        try:
            if asked.of.kind == "Kustomization":
                return RenderedSide(objects=tuple(_of_flux(root, asked, clone.files, tools)))
            if asked.of.kind == "HelmRelease":
                release = peer_charts.of_flux(asked.of)
                _replace_values(root, asked.path, release)
                release = replace(release, files=())
                objects = _templated(root, asked.path, release, tools)
                return RenderedSide(objects=tuple(_post_rendered(root, asked.of.spec, objects, tools)))
            return RenderedSide(objects=tuple(_of_argo(root, asked, clone.files, tools)))
        except _ToolError as error:
            return RenderedSide(errors=(str(error),))


def _of_flux(root: Path, asked: PeerRender, files: Sequence[str], tools: OfflineTools) -> Iterator[Body]:
    spec = asked.of.spec
    seen = [each for each in files if (root / each).exists()]
    own = _kustomization(root, asked.path)
    _write(root, asked.path, peer_kustomize.flux(own, spec, _below(seen, asked.path)))
    meta = spec.get("commonMetadata") or {}
    for body in _built(root, asked.path, tools, restricted=False):
        yield _marked(body, meta)


def _of_argo(root: Path, asked: PeerRender, files: Sequence[str], tools: OfflineTools) -> Iterator[Body]:
    source, folder = peer_environment.filled(asked.of, asked.source), root / asked.path
    explicit = [name for name in ("helm", "kustomize", "directory") if source.get(name) is not None]
    kind = explicit[0] if len(explicit) == 1 else _found(folder)
    if kind == "helm":
        release = peer_charts.of_argo(asked.of, source, peer_charts.argo_files(source, files))
        yield from _templated(root, asked.path, release, tools)
    elif kind == "kustomize":
        _write(
            root,
            asked.path,
            peer_kustomize.argo(_kustomization(root, asked.path) or {}, source.get("kustomize") or {}),
        )
        yield from _built(root, asked.path, tools, restricted=True)
    else:
        for file in peer_directories.chosen(_below(files, asked.path), source.get("directory") or {}):
            if file.endswith(".jsonnet"):
                raise _ToolError(f"{file} is Jsonnet, which is not rendered here")
            yield from _objects((folder / file).read_bytes(), file)


def _found(folder: Path) -> str:
    if (folder / "Chart.yaml").exists():
        return "helm"
    return "kustomize" if any((folder / name).exists() for name in homes.KUSTOMIZATIONS) else "directory"


@contextmanager
def _copied(clone: Clone, ignored: Sequence[str]) -> Iterator[Path]:
    """Copy the files that Git knows, without those that are ignored, to a folder that is gone afterwards."""
    spec = pathspec.GitIgnoreSpec.from_lines(ignored)
    with tempfile.TemporaryDirectory() as place:
        root = Path(place) / "clone"
        for name in clone.files:
            at = clone.folder / name
            if at.is_file() and not spec.match_file(name):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(at, root / name)
        root.mkdir(exist_ok=True)
        yield root


def _kustomization(root: Path, path: str) -> Mapping[str, Any] | None:
    for name in homes.KUSTOMIZATIONS:
        if (root / path / name).exists():
            (found,) = _objects((root / path / name).read_bytes(), f"{path}/{name}") or [{}]
            return found
    return None


def _write(root: Path, path: str, kustomization: Mapping[str, Any]) -> None:
    for name in homes.KUSTOMIZATIONS:
        (root / path / name).unlink(missing_ok=True)
    (root / path).mkdir(parents=True, exist_ok=True)
    (root / path / homes.KUSTOMIZATIONS[0]).write_bytes(orjson.dumps(kustomization))


def _built(root: Path, path: str, tools: OfflineTools, *, restricted: bool) -> list[Body]:
    tool = kustomize.find(tools.kustomize)
    if tool is None:
        raise _ToolError(kustomize.ABSENT)
    flags = ("--load-restrictor", "LoadRestrictionsNone")
    command = tool.command[: -len(flags)] if restricted else tool.command
    return _objects(_run((*command, str(root / path)), root), "the output of kustomize")


def _templated(root: Path, path: str, release: PeerRelease, tools: OfflineTools) -> list[Body]:
    helm = shutil.which(tools.helm or "helm")
    if helm is None:
        raise _ToolError("helm is not installed: name it with --helm")
    values = [flag for file in release.files for flag in ("--values", str(root / file))]
    if release.values:
        given = root / ".values-of-the-release"
        text = release.values if isinstance(release.values, str) else orjson.dumps(release.values).decode()
        given.write_text(text)
        values += ["--values", str(given)]
    name = ("--name-template", release.name, "--namespace", release.namespace)
    version = () if "--kube-version" in release.flags else ("--kube-version", KUBE_VERSION)
    command = (helm, "template", str(root / path), *name, *values, "--skip-tests", *version, *release.flags)
    return _objects(_run(command, root), "the output of helm")


def _post_rendered(
    root: Path, spec: Mapping[str, Any], objects: list[Body], tools: OfflineTools
) -> Iterator[Body]:
    """Yield what a chart renders after the changes of `postRenderers`, one after another, and `commonMetadata`."""
    for number, each in enumerate(spec.get("postRenderers") or ()):
        folder = f".post-renderer-{number}"
        _write(root, folder, {**(each.get("kustomize") or {}), "resources": ["rendered.yaml"]})
        (root / folder / "rendered.yaml").write_bytes(b"\n---\n".join(map(orjson.dumps, objects)))
        objects = _built(root, folder, tools, restricted=True)
    for body in objects:
        yield _marked(body, spec.get("commonMetadata") or {})


def _replace_values(root: Path, path: str, release: PeerRelease) -> None:
    """Write the files of values of a HelmRelease in the place of the chart's own, as Flux packs it."""
    merged: dict[str, Any] = {}
    for file in release.files:
        if (root / file).is_file():
            for one in _objects((root / file).read_bytes(), file):
                merged = _merged(merged, one)
    if release.files:
        (root / path / "values.yaml").write_bytes(orjson.dumps(merged))


def _merged(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(below)
    for name, value in above.items():
        known = found.get(name)
        both = isinstance(known, Mapping) and isinstance(value, Mapping)
        found[name] = _merged(known, value) if both else value  # type: ignore[arg-type]  # `both` says so
    return found


def _run(command: Sequence[str], root: Path) -> bytes:
    """Run a tool without anything of the user's environment; it finds no git and no plugins."""
    done = subprocess.run(  # noqa: S603  the tools that the user names, on the user's own clone
        command,
        env={"HOME": str(root.parent), "PATH": "/nonexistent"},
        capture_output=True,
        timeout=_SECONDS,
        check=False,
    )
    if done.returncode:
        raise _ToolError(done.stderr.decode(errors="replace").replace(f"{root}/", "").strip())
    return done.stdout


def _objects(content: bytes, file: str) -> list[Body]:
    try:
        found = [one.value for one in documents.parse(content, _OUTPUT)]
    except DocumentErrors as error:
        raise _ToolError(f"{file}:{error.faults[0].line}: {error.faults[0].message}") from error
    return [item for one in found for item in _items(one)]


def _items(value: Any) -> list[Any]:
    if (
        isinstance(value, Mapping)
        and str(value.get("kind")).endswith("List")
        and isinstance(value.get("items"), list)
    ):
        return list(value["items"])
    return [value]


def _below(files: Sequence[str], folder: str) -> list[str]:
    start = "" if folder == "." else f"{posixpath.normpath(folder)}/"
    return [each.removeprefix(start) for each in files if each.startswith(start)]


def _marked(body: Body, meta: Mapping[str, Any]) -> Body:
    """Return an object with the labels and annotations that Flux puts on everything."""
    metadata = dict(body.get("metadata") or {})
    for name in ("labels", "annotations"):
        if meta.get(name):
            metadata[name] = {**(metadata.get(name) or {}), **meta[name]}
    return {**body, "metadata": metadata}
