"""Options that several commands have."""

from __future__ import annotations

import click

from towline.fields import quantity

_LARGEST = 64 * 1024**2
"""The limit on all manifests of one commit together."""


def _size(_context: click.Context, _option: click.Parameter, value: str) -> int:
    size = quantity.parse(value)
    if size is None or not 1 <= size <= _LARGEST:
        raise click.BadParameter(f"{value!r} must be a size from 1 to 64Mi, for example 10Mi or 5000000")
    return int(size)


max_file_size = click.option(
    "--max-file-size",
    default="10Mi",
    show_default=True,
    metavar="SIZE",
    callback=_size,
    help="How large one file of manifests may be.",
)

kustomize = click.option(
    "--kustomize",
    default="",
    metavar="PATH",
    help="The binary that builds kustomizations, kustomize or kubectl; else the one on PATH.",
)

helm = click.option(
    "--helm",
    default="",
    metavar="PATH",
    help="The binary that renders charts, helm 4; else the one on PATH.",
)

sops = click.option(
    "--sops",
    default="",
    metavar="PATH",
    help="The binary that decrypts what age in Python does not, sops 3; else the one on PATH.",
)
