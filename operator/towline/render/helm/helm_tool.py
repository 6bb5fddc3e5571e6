"""Find Helm, and say what it is told: nothing of a repository is ever part of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import orjson

from towline.render.confined import binaries
from towline.render.confined.binaries import Tool
from towline.render.helm.chart_options import ChartOptions

ABSENT = (
    "helm is not installed where the operator runs: add helm 4 to its image, or name its path with --helm"
)

_CHART = "chart/"
_VALUES = "values.json"
"""Where the child finds them: values outside of the chart are none of its files."""


def find(chosen: str = "") -> Tool | None:
    """Find the chosen binary, or else helm on PATH."""
    found = binaries.find(chosen or "helm")
    return Tool(command=(found.path,), identity=" ".join(found)) if found else None


def command(tool: Tool, options: ChartOptions, versions: Sequence[str]) -> tuple[str, ...]:
    """Return the command that renders a chart.

    Args:
        tool: the binary.
        options: of the release.
        versions: the API versions that the chart may ask for.
    """
    flags = ["--skip-tests", "--kube-version", options.kube_version]
    if options.includes_crds:
        flags.append("--include-crds")
    if options.skips_hooks:
        flags.append("--no-hooks")
    if versions:
        flags += ["--api-versions", ",".join(versions)]
    release = (options.release, _CHART.rstrip("/"), "--namespace", options.namespace, "--values", _VALUES)
    return (*tool.command, "template", *release, *flags)


def copies(files: Mapping[str, bytes], values: Mapping[str, object]) -> dict[str, bytes]:
    """Return the files that the child may read, by their paths."""
    return {**{f"{_CHART}{path}": content for path, content in files.items()}, _VALUES: orjson.dumps(values)}
