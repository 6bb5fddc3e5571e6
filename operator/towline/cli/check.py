"""`towline check`: find before a merge what is wrong with manifests, without a cluster."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from towline.api.gitrepository import GitRepository
from towline.cli import completion, options, output, spec_file
from towline.cli.exit_codes import ExitCode, NoAnswerError
from towline.cli.output import OutputForm
from towline.errors import TowlineError
from towline.kube.credentials import ClusterChoice
from towline.model import Body
from towline.plan import waves
from towline.read import cluster, crd_schema
from towline.read.checking import (
    checked_folder,
    cluster_kinds,
    finding_forms,
    known_kinds,
    removal_findings,
    strict_schema,
)
from towline.read.checking.checked_folder import CheckedFolder, FolderCheck
from towline.read.checking.cluster_kinds import ClusterKinds
from towline.read.checking.known_kinds import KnownKinds
from towline.read.checking.manifest_finding import Severity
from towline.read.checking.order_findings import DEFAULT_NAMESPACES
from towline.render import documents
from towline.render.documents import DocumentErrors, YamlLimits
from towline.render.offline.offline_tools import OfflineTools
from towline.render.offline.offline_units import OfflineRelease

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_VERSION = re.compile(r"v?(1\.[0-9]+)(?:\.[0-9]+)?(?:[-+].*)?")
_CRDS_BYTES = 64 * 1024**2


def _version(_context: click.Context, _option: click.Parameter, value: str) -> str:
    match = _VERSION.fullmatch(value)
    if not match or match[1] not in known_kinds.VERSIONS:
        raise click.BadParameter(f"{value!r} must be one of {', '.join(known_kinds.VERSIONS)}")
    return match[1]


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option(
    "-o",
    "--output",
    "form",
    type=click.Choice(["text", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How to print the answer.",
)
@click.option(
    "--kube-version",
    default=known_kinds.VERSIONS[-1],
    show_default=True,
    metavar="VERSION",
    callback=_version,
    help="The version of Kubernetes whose schemas count.",
)
@click.option(
    "--crds",
    multiple=True,
    metavar="FILE",
    type=_FILE,
    help="A file with CRDs that the cluster has; may be repeated.",
)
@click.option(
    "--known-namespace",
    "namespaces",
    multiple=True,
    metavar="NS",
    help="A namespace that the cluster has; may be repeated.",
)
@click.option(
    "--kubeconfig",
    default="",
    metavar="PATH",
    help="Check by the kinds, schemas and namespaces of the cluster of this kubeconfig.",
)
@click.option(
    "--context",
    default="",
    metavar="NAME",
    help="Check by those of the cluster of this context.",
    shell_complete=completion.contexts,
)
@click.option("--namespace", default="", metavar="NS", help="The namespace of objects that name none.")
@click.option("--against", default="", metavar="REV", help="Also show what the change from REV removes.")
@click.option(
    "--fail-on",
    type=click.Choice([each.value for each in Severity]),
    default="warning",
    show_default=True,
    help="The least severity that makes the exit code 1.",
)
@click.option("--spec", metavar="FILE", type=_FILE, help="A GitRepository, whose spec says how DIR is read.")
@click.option(
    "--skip-non-manifests",
    is_flag=True,
    help="Skip files that hold no object, as spec.skipNonManifests does.",
)
@click.option(
    "--values", "value_files", multiple=True, metavar="FILE", type=_FILE, help="Values for the chart in DIR."
)
@click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="A variable that is filled in.")
@click.option("--age-key", metavar="FILE", type=_FILE, help="Private keys of age that decrypt files.")
@click.option(
    "--decryption-key",
    "decryption_keys",
    metavar="FILE",
    multiple=True,
    type=_FILE,
    help="A file named as its key in the Secret of spec.decryption.",
)
@options.max_file_size
@options.kustomize
@options.helm
@options.sops
def check(directory: Path, form: str, **flags: Any) -> None:
    """Find what is wrong with manifests before they are merged, without a cluster.

    It reads DIR as the operator does, and checks objects as strictly as the API server: by the schemas of a version of
    Kubernetes or, with --kubeconfig or --context, of a cluster. Exit code 1 where it finds
    errors or warnings.

    Example: towline check deploy --against origin/main -o github
    """
    try:
        known = _known(flags)
        result = checked_folder.check(_asked(directory, flags, known))
    except TowlineError as error:
        raise NoAnswerError(error.message) from error
    except click.ClickException as error:
        if isinstance(error, click.UsageError | NoAnswerError):
            raise
        raise NoAnswerError(error.message) from error
    for note in (*known.notes, *result.notes):
        output.note(note)
    _show(result, form)
    severities = list(Severity)
    counted = severities[: severities.index(Severity(flags["fail_on"])) + 1]
    bad = any(each.severity in counted for each in result.findings)
    raise click.exceptions.Exit(ExitCode.NOT_AS_WANTED if bad else ExitCode.GOOD)


def _known(flags: dict[str, Any]) -> ClusterKinds:
    """Return the kinds and namespaces of the cluster that the user names, or those of a version of Kubernetes."""
    choice = ClusterChoice(kubeconfig=flags["kubeconfig"], context=flags["context"], impersonated="")
    if not choice.kubeconfig and not choice.context:
        return ClusterKinds(kinds=known_kinds.bundled(flags["kube_version"]), namespaces=DEFAULT_NAMESPACES)
    return asyncio.run(_of_cluster(choice))


async def _of_cluster(choice: ClusterChoice) -> ClusterKinds:
    async with cluster.opened(choice) as opened:
        found = await cluster_kinds.read(opened)
    return replace(found, namespaces=found.namespaces | DEFAULT_NAMESPACES)


def _asked(directory: Path, flags: dict[str, Any], known: ClusterKinds) -> FolderCheck:
    keys = spec_file.keys(flags["age_key"], flags["decryption_keys"])
    asked = spec_file.asked(
        flags["spec"], flags["variables"], keys, skip_non_manifests=flags["skip_non_manifests"]
    )
    repository = spec_file.stored(flags["spec"]) if flags["spec"] else removal_findings.assumed()
    rules = crd_schema.load()
    spec = removal_findings.spec_of(repository, rules)
    namespace = flags["namespace"] or spec.default_namespace
    crds = (*checked_folder.own_crds(), *_crds(flags["crds"], known.kinds))
    release = OfflineRelease(namespace=namespace, files=flags["value_files"])
    return FolderCheck(
        directory=directory,
        file_bytes=flags["max_file_size"],
        tools=OfflineTools(kustomize=flags["kustomize"], helm=flags["helm"], sops=flags["sops"]),
        release=replace(release, kube_version=f"v{known.kinds.version}.0"),
        asked=asked,
        kinds=known.kinds.with_crds(crds),
        namespaces=known.namespaces | {*flags["namespaces"], *_own_namespaces(flags, repository, namespace)},
        rules=rules,
        against=flags["against"],
        repository=repository,
        spec=spec,
    )


def _own_namespaces(flags: dict[str, Any], repository: GitRepository, namespace: str) -> set[str]:
    """Return the namespace of the GitRepository that the user names, and the one of objects that name none."""
    return {namespace, repository.key.namespace} if flags["spec"] else {namespace}


def _crds(files: Iterable[Path], kinds: KnownKinds) -> Iterable[Body]:
    for file in files:
        try:
            found = documents.parse(file.read_bytes(), YamlLimits(file_bytes=_CRDS_BYTES))
        except DocumentErrors as error:
            raise NoAnswerError(f"{file}: {error}") from error
        for crd in (crd for each in found for crd in _crds_in(each.value)):
            known = kinds.kinds.get((str(crd.get("apiVersion")), waves.CRD.kind))
            errors = strict_schema.errors(known.schema, kinds.definitions, crd) if known else ()
            if errors or known is None:
                what = (
                    f"{errors[0].field}: {errors[0].message}" if errors else "write apiextensions.k8s.io/v1"
                )
                raise NoAnswerError(f"{file} has a malformed CRD: {what}")
            yield crd


def _crds_in(value: Any) -> Iterable[Body]:
    if not isinstance(value, dict):
        return
    if value.get("kind") == waves.CRD.kind:
        yield value
    items = value.get("items")
    for item in items if isinstance(items, list) else ():
        yield from _crds_in(item)


def _show(result: CheckedFolder, form: str) -> None:
    match form:
        case "json":
            output.document(finding_forms.body(result), OutputForm.JSON)
        case "sarif":
            output.document(finding_forms.sarif(result), OutputForm.JSON)
        case "github":
            for each in finding_forms.github(result):
                click.echo(each)
            output.note(finding_forms.summary(result))
        case _:
            for each in finding_forms.lines(result):
                click.echo(each)
