"""The chart as its users handle it: by Helm, or as the plain manifests of `deploy/`."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "towline"
CRDS = ROOT / "crds"
PLAIN = ROOT / "deploy" / "towline.yaml"

RELEASE = "towline"
NAMESPACE = "towline-system"

_HEAD = """\
# Towline as plain manifests, rendered from charts/towline with its default values: `make deploy` writes this file.
# It needs the CRDs (`kubectl apply -f crds/`) and an image: see docs/guides/install.md.
"""


class HelmError(AssertionError):
    """A Helm command failed; the message is what it wrote to stderr."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Helm:
    """Helm as one user; `home` is for what it keeps, `kubeconfig` may be missing where no cluster is asked."""

    binary: Path
    home: Path
    kubeconfig: Path | None = None

    def __call__(self, *arguments: str, values: Mapping[str, Any] | None = None) -> str:
        """Run one command and return its stdout; raises `HelmError` when it fails.

        `values` differ from those of the chart; only commands that take values may be given any.
        """
        given = ["--values", "-"] if values is not None else []
        answer = subprocess.run(
            [self.binary, *arguments, *given],
            input=json.dumps(values),
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        if answer.returncode:
            raise HelmError(f"helm {' '.join(arguments)}: {answer.stderr.strip()}")
        return answer.stdout

    def environment(self) -> dict[str, str]:
        """The variables under which anybody can run the same command."""
        cluster = {"KUBECONFIG": str(self.kubeconfig or os.devnull)}
        homes = {f"HELM_{kind}_HOME": str(self.home / kind.lower()) for kind in ("CACHE", "CONFIG", "DATA")}
        return {"PATH": os.environ["PATH"], "HOME": str(self.home), **homes, **cluster}

    def rendered(
        self, values: Mapping[str, Any] | None = None, *, release: str = RELEASE, namespace: str = NAMESPACE
    ) -> list[dict[str, Any]]:
        """Return the chart's objects without its CRDs; raises `HelmError` where the values are refused."""
        text = self("template", release, str(CHART), "--namespace", namespace, values=values or {})
        return [body for body in yaml.safe_load_all(text) if body]


def plain(helm: Helm) -> str:
    """Return what `deploy/` has to hold."""
    return _HEAD + helm("template", RELEASE, str(CHART), "--namespace", NAMESPACE)
