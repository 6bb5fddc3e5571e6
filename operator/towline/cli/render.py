"""`towline render`: what a folder declares, offline, by the rules that a pass reads a commit by."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

import click
import orjson

from towline import text
from towline.cli import folder, yamltext
from towline.errors import Failure, Reason, Refusal, TowlineError
from towline.model import Manifest, ObjectRef
from towline.render import plain
from towline.render.documents import Limits
from towline.source import selection

_LINE_BYTES = 8192
"""What quotes a file may hold anything, and must neither end the line nor repaint the terminal."""


@click.command()
@click.argument("directory", metavar="DIR", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Choice(["yaml", "json"]), default="yaml", show_default=True)
def render(directory: Path, output: str) -> None:
    """Print the objects that the manifests in DIR declare, as Towline reads them.

    Files are named relative to DIR. JSON is one line for each object, with its file and line. Faults go to standard
    error; with any fault no object is printed, because half of a folder is not what it declares.
    """
    manifests, failures = rendered(directory)
    for failure in failures:
        click.echo(_told(failure), err=True)
    if failures:
        sys.exit(1)
    write = _WRITERS[output]
    for manifest in manifests:
        click.echo(write(manifest))


def rendered(directory: Path) -> tuple[tuple[Manifest, ...], tuple[Failure, ...]]:
    """Return what a folder declares, and everything that is wrong with it, in the order of files and lines."""
    limits = Limits()
    try:
        selected = selection.select(folder.entries(directory), ".")
    except TowlineError as error:
        return (), (Failure(reason=error.reason, message=error.message),)
    except OSError as error:
        return (), (
            Failure(reason=Reason.PATH_NOT_FOUND, message=f"the folder cannot be listed: {error.strerror}"),
        )
    manifests: list[Manifest] = []
    failures = list(selected.failures)
    for entry in selected.files:
        try:
            content = folder.content(directory, entry, limits.file_bytes)
        except OSError as error:
            message = f"the file cannot be read: {error.strerror}"
            failures.append(Failure(reason=Reason.BUILD_FAILED, message=message, file=entry.path))
            continue
        found, faults = plain.manifests(entry.path, "", content, limits)
        manifests.extend(found)
        failures.extend(faults)
    failures.extend(_twice(manifests))
    return tuple(manifests), tuple(sorted(failures, key=lambda one: (one.file.encode(), one.line)))


def _twice(manifests: Iterable[Manifest]) -> Iterator[Failure]:
    """Find objects that are declared again; which kinds have no namespace, only a cluster knows."""
    first: dict[ObjectRef, Manifest] = {}
    for manifest in manifests:
        known = first.setdefault(manifest.ref, manifest)
        if known is not manifest:
            yield Failure(
                reason=Refusal.DUPLICATE_OBJECT,
                message=f"{manifest.ref} is declared already at {known.origin.file}:{known.origin.line}",
                object=str(manifest.ref),
                file=manifest.origin.file,
                line=manifest.origin.line,
            )


def _told(failure: Failure) -> str:
    where = ":".join(filter(None, (failure.file, str(failure.line or ""))))
    told = f"{where}: {failure.message}" if where else failure.message
    return text.printable(told, _LINE_BYTES)


def _json(manifest: Manifest) -> bytes:
    origin = manifest.origin
    return orjson.dumps({"object": manifest.body, "file": origin.file, "line": origin.line})


def _yaml(manifest: Manifest) -> str:
    return f"---\n# {manifest.origin.file}:{manifest.origin.line}\n{yamltext.written(manifest.body)}".rstrip(
        "\n"
    )


_WRITERS: Mapping[str, Callable[[Manifest], str | bytes]] = MappingProxyType({"json": _json, "yaml": _yaml})
