"""`towline import`: turn resources of Flux and Argo CD into GitRepositories, and plan the handover."""

from __future__ import annotations

import asyncio
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from towline import text
from towline.cli import options
from towline.cli.exit_codes import NoAnswerError
from towline.cli.output import as_json
from towline.errors import Failure, TowlineError
from towline.fields.mask import Mask
from towline.importing import cluster_resources, git_clones, handover_plan, import_report, peer_resource
from towline.importing.check.check_result import CheckResult
from towline.importing.check.render_check import RenderCheck
from towline.importing.draft import NoteKind
from towline.importing.git_clones import Clone
from towline.importing.homes import Home, Homes
from towline.importing.importer import Import, Importer
from towline.importing.peer_resource import PeerResource
from towline.read import crd_schema
from towline.render.offline.offline_tools import OfflineTools

_LINE_BYTES = 8192
_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True, kw_only=True)
class _ImportRequest:
    """What the user asks for."""

    files: tuple[str, ...]
    source_namespace: str
    namespace: str
    home: Home | None
    clones: tuple[Path, ...]
    output: str
    check: bool
    tools: OfflineTools


@click.group(name="import")
def imports() -> None:
    """Turn resources of other GitOps tools into GitRepositories."""


def _options(command: Callable[..., None]) -> Callable[..., None]:
    for option in reversed(
        (
            click.argument("files", metavar="[FILE…]", nargs=-1),
            click.option(
                "-n",
                "source_namespace",
                metavar="NS",
                help="Read the resources of this namespace of the cluster.",
            ),
            click.option(
                "--namespace",
                default="",
                metavar="NS",
                help="Namespace of the GitRepositories; by default that of each resource.",
            ),
            click.option(
                "--repo",
                default="",
                metavar="URL",
                help="The Git repository of resources that have none of their own.",
            ),
            click.option("--path", default=".", metavar="PATH", help="The folder in it."),
            click.option(
                "--clone",
                "clones",
                multiple=True,
                metavar="DIR",
                type=click.Path(exists=True, file_okay=False, path_type=Path),
                help="A local clone of a repository that is named; may be repeated.",
            ),
            click.option(
                "--check", is_flag=True, help="Render both sides from the clones, and compare the objects."
            ),
            options.kustomize,
            options.helm,
            click.option(
                "-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True
            ),
        )
    ):
        command = option(command)
    return command


@imports.command()
@_options
def flux(**given: Any) -> None:
    """Turn Kustomizations and HelmReleases of Flux, with their sources, into GitRepositories.

    FILE is a file, a folder, or - for standard input. GitRepositories go to standard output; what cannot be carried
    over, and a plan of the handover, to standard error. Exit code 1 where a resource could not be imported.
    """
    _run(_request(given), "flux")


@imports.command()
@_options
def argocd(**given: Any) -> None:
    """Turn Applications and ApplicationSets of Argo CD into GitRepositories.

    FILE is a file, a folder, or - for standard input. GitRepositories go to standard output; what cannot be carried
    over, and a plan of the handover, to standard error. Exit code 1 where a resource could not be imported.
    """
    _run(_request(given), "argocd")


def _request(given: Mapping[str, Any]) -> _ImportRequest:
    if bool(given["files"]) == bool(given["source_namespace"]):
        raise click.UsageError("name files, or a namespace with -n")
    home = Home(url=given["repo"], path=given["path"]) if given["repo"] else None
    if given["path"] != "." and not home:
        raise click.UsageError("--path goes with --repo")
    return _ImportRequest(
        files=given["files"],
        source_namespace=given["source_namespace"] or "",
        namespace=given["namespace"],
        home=home,
        clones=given["clones"],
        output=given["output"],
        check=given["check"],
        tools=OfflineTools(kustomize=given["kustomize"], helm=given["helm"]),
    )


def _run(request: _ImportRequest, tool: str) -> None:
    found, failures = _read(request, tool)
    for failure in failures:
        _say(
            f"{failure.file}:{failure.line}: {failure.message}"
            if failure.line
            else f"{failure.file}: {failure.message}"
        )
    importer = Importer(known=_homes(request, found), schema=crd_schema.load(), namespace=request.namespace)
    result = importer.flux(found) if tool == "flux" else importer.argo(found)
    if not result.made and not result.notes and not failures:
        raise click.UsageError(f"nothing to import: {_SOUGHT[tool]} are looked for")
    checked = _checked(result, request, importer) if request.check else None
    _print(result, request.output, checked)
    if (
        failures
        or any(note.kind is NoteKind.REFUSED for note in result.notes)
        or any(map(_differs, checked or ()))
    ):
        sys.exit(1)


_SOUGHT: Mapping[str, str] = MappingProxyType(
    {
        "flux": "Kustomizations and HelmReleases of Flux",
        "argocd": "Applications and ApplicationSets of Argo CD",
    }
)


def _checked(result: Import, request: _ImportRequest, importer: Importer) -> tuple[CheckResult, ...]:
    clones = {place: tree for place, tree in importer.known.trees.items() if isinstance(tree, Clone)}
    mask = Mask(secrets.token_bytes(32))
    check = RenderCheck(clones=clones, schema=importer.schema, tools=request.tools, mask=mask)
    return tuple(check.compare(each) for each in result.made)


def _differs(checked: CheckResult) -> bool:
    return bool(checked.differences or checked.errors or checked.unread)


def _print(result: Import, output: str, checked: Sequence[CheckResult] | None) -> None:
    steps = handover_plan.steps(result)
    if output == "json":
        found = import_report.as_json(result, steps, checked)
        click.echo(as_json(found))
        return
    click.echo(import_report.manifests(result), nl=False)
    for line in import_report.summary(result.notes):
        _say(line)
    for each in checked or ():
        for line in import_report.comparison(each):
            _say(line)
    for line in import_report.plan(steps):
        _say(line)


def _say(line: str) -> None:
    click.echo(text.printable(line, _LINE_BYTES), err=True)


def _read(request: _ImportRequest, tool: str) -> tuple[Sequence[PeerResource], Sequence[Failure]]:
    if request.source_namespace:
        try:
            return asyncio.run(cluster_resources.read(tool, request.source_namespace)), ()
        except TowlineError as error:
            raise NoAnswerError(f"the cluster cannot be read: {error.message}") from error
    found: list[PeerResource] = []
    failures: list[Failure] = []
    for name in request.files:
        for file, content, named in _contents(name):
            resources, faults = peer_resource.read(content, file)
            found.extend(resources)
            if named or peer_resource.mentions_peers(content):
                failures.extend(faults)
    return found, failures


def _contents(name: str) -> list[tuple[str, bytes, bool]]:
    """Return files with their contents, and whether each was named itself."""
    if name == "-":
        return [("standard input", sys.stdin.buffer.read(), True)]
    path = Path(name)
    try:
        if not path.is_dir():
            return [(name, path.read_bytes(), True)]
        below = sorted(
            each for each in path.rglob("*") if each.suffix.lower() in _SUFFIXES and each.is_file()
        )
        shown = [
            each for each in below if not any(part.startswith(".") for part in each.relative_to(path).parts)
        ]
        return [(str(each), each.read_bytes(), False) for each in shown]
    except OSError as error:
        raise click.UsageError(f"{name} cannot be read: {error.strerror}") from error


def _homes(request: _ImportRequest, found: Sequence[PeerResource]) -> Homes:
    clones = [git_clones.at(folder) for folder in request.clones]
    if strays := [str(each.folder) for each in clones if not each.origin]:
        raise click.UsageError(f"{strays[0]} must be a clone: it has no remote origin")
    files = sorted({each.file for each in found if each.file and Path(each.file).is_file()})
    own = git_clones.of_files(files)
    trees = {each.place: each for each in (*(clone for clone, _ in own.values()), *clones)}
    of_files = {file: Home(url=clone.url, path=folder) for file, (clone, folder) in own.items()}
    return Homes(given=request.home, of_files=of_files, trees=trees)
