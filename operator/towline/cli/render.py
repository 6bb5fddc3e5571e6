"""`towline render`: print what a folder declares, offline, by the rules for commits."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import click

from towline import text
from towline.cli import options, spec_file
from towline.cli.exit_codes import NoAnswerError
from towline.cli.output import as_json
from towline.errors import Failure
from towline.model import Manifest
from towline.render import dump, validate
from towline.render.helm.chart_options import KUBE_VERSION
from towline.render.offline import offline_render
from towline.render.offline.offline_tools import OfflineTools
from towline.render.offline.offline_units import Asked, OfflineRelease
from towline.render.sops.keyring import Keyring

_LINE_BYTES = 8192
"""Bytes of one printed line; text from files is escaped, so that it cannot control the terminal."""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
@options.max_file_size
@options.kustomize
@options.helm
@options.sops
@click.option(
    "--values",
    "value_files",
    multiple=True,
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A file of values for the chart in DIR; the last one wins.",
)
@click.option(
    "--set", "settings", multiple=True, metavar="K=V", help="A value for the chart, over those of files."
)
@click.option("--release", default="release-name", show_default=True, help="The name of the chart's release.")
@click.option(
    "--namespace", default="default", show_default=True, help="The namespace of the chart's release."
)
@click.option(
    "--kube-version",
    default=KUBE_VERSION,
    show_default=True,
    metavar="VERSION",
    help="The version of Kubernetes that templates see.",
)
@click.option(
    "--api-version", "api_versions", multiple=True, metavar="VERSION", help="One that templates see, too."
)
@click.option(
    "--skip-non-manifests",
    is_flag=True,
    help="Skip files that hold no object, as spec.skipNonManifests does.",
)
@click.option(
    "--spec",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A GitRepository, whose spec says how DIR is read.",
)
@click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="A variable that is filled in, as spec.substitute does; may be repeated.",
)
@click.option(
    "--age-key",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Private keys of age that decrypt what SOPS has encrypted, as spec.decryption does.",
)
@click.option(
    "--decryption-key",
    "decryption_keys",
    metavar="FILE",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file named as its key in the Secret of spec.decryption, such as shop.asc; may be repeated.",
)
def render(directory: Path, output: str, max_file_size: int, **flags: Any) -> None:
    """Print the objects that a folder declares, as Towline reads them.

    DIR holds manifests, kustomizations and charts. What a kustomization reads may be anywhere in the Git work tree
    around DIR. Files are named relative to DIR. JSON is one line for each object, with its file and line. Errors, and
    fields that are left to their controllers, go to standard error; with any error no object is printed, because half
    of a folder is not what it declares.
    """
    tools = OfflineTools(kustomize=flags["kustomize"], helm=flags["helm"], sops=flags["sops"])
    keys = spec_file.keys(flags["age_key"], flags["decryption_keys"])
    asked = _asked(flags, keys)
    declared = offline_render.render(directory, max_file_size, tools, _release(flags), asked)
    for failure in declared.failures:
        click.echo(_told(failure), err=True)
    if declared.failures:
        sys.exit(1)
    for file in declared.unread:
        click.echo(text.printable(f"{file}: not applied: no kustomization names it", _LINE_BYTES), err=True)
    write = _WRITERS[output]
    for manifest in declared.manifests:
        for one in manifest.left_out:
            told = f"{manifest.origin.file}:{one.line}: {one.field} is not applied: {one.owner} writes it"
            click.echo(text.printable(told, _LINE_BYTES), err=True)
        click.echo(write(manifest))


def _asked(flags: Mapping[str, Any], keys: Keyring | None) -> Asked:
    """Return how the folder is read; an error in the file that says so counts like one in a manifest."""
    skip = flags["skip_non_manifests"]
    try:
        return spec_file.asked(flags["spec"], flags["variables"], keys, skip_non_manifests=skip)
    except NoAnswerError as error:
        raise click.ClickException(error.message) from error


def _release(flags: Mapping[str, Any]) -> OfflineRelease:
    return OfflineRelease(
        name=flags["release"],
        namespace=flags["namespace"],
        files=flags["value_files"],
        settings=flags["settings"],
        kube_version=flags["kube_version"],
        api_versions=frozenset(flags["api_versions"]),
    )


def _told(failure: Failure) -> str:
    where = ":".join(filter(None, (failure.file, str(failure.line or ""))))
    here = " (here, --age-key names the private key)" if failure.message == validate.ENCRYPTED else ""
    told = f"{where}: {failure.message}{here}" if where else failure.message
    return text.printable(told, _LINE_BYTES)


def _json(manifest: Manifest) -> str:
    origin = manifest.origin
    via = {"via": origin.via} if origin.is_rendered else {}
    told = {"object": manifest.body, "file": origin.file, "line": origin.line, **via}
    return as_json(told, indent=False)


def _yaml(manifest: Manifest) -> str:
    return f"---\n# {manifest.origin.file}:{manifest.origin.line}\n{dump.written(manifest.body)}".rstrip("\n")


_WRITERS: Mapping[str, Callable[[Manifest], str]] = MappingProxyType({"json": _json, "yaml": _yaml})
