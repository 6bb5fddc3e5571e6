"""Kustomizations as companies have them, drawn by a seed: a base, and an overlay that changes it in several ways."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import yaml

from e2e.harness.cluster import Object
from e2e.scenes import manifests

_KINDS = ("workload", "service", "map", "secret")
_BYTES = (20, 200, 200, 2_000)
_TAG = "v1-0"
_IN_A_FILE = (1, 1, 2, 5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlay:
    """One unit: the folder that is built, and the files of it and of its base."""

    folder: str
    files: Mapping[str, str]

    def changed(self, tag: str) -> Mapping[str, str]:
        """Return the files of a commit that gives the overlay another tag of its image."""
        path = f"{self.folder}/kustomization.yaml"
        return {**self.files, path: self.files[path].replace(_TAG, tag)}


def overlay(seed: int, name: str, count: int) -> Overlay:
    """Draw a base of `count` objects, and an overlay with a namespace, labels, an image, replicas and a patch."""
    drawn = random.Random(f"{seed} {name}")  # noqa: S311  to be repeated, not to be secret
    files: dict[str, str] = {}
    named: list[str] = []
    objects = list(_objects(drawn, name, count))
    while objects:
        together = drawn.choice(_IN_A_FILE)
        file = f"{len(named)}.yaml"
        files[f"{name}/base/{file}"] = manifests.text(*objects[:together])
        del objects[:together]
        named.append(file)
    first = f"{name}-0"
    files[f"{name}/base/kustomization.yaml"] = yaml.safe_dump({"resources": named})
    files[f"{name}/prod/patch.yaml"] = yaml.safe_dump(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": first, "annotations": {"patched": "yes"}},
        }
    )
    files[f"{name}/prod/kustomization.yaml"] = yaml.safe_dump(
        {
            "resources": ["../base"],
            "namespace": f"prod-{name}",
            "labels": [{"pairs": {"team": drawn.choice(("shop", "pay"))}}],
            "images": [{"name": "registry.example/web", "newTag": _TAG}],
            "replicas": [{"name": first, "count": drawn.randint(2, 5)}],
            "patches": [{"path": "patch.yaml"}],
        }
    )
    return Overlay(folder=f"{name}/prod", files=files)


def _objects(drawn: random.Random, name: str, count: int) -> Iterator[Object]:
    for number in range(count):
        kind = "workload" if not number else drawn.choice(_KINDS)
        own = f"{name}-{number}"
        text = "x" * drawn.choice(_BYTES)
        match kind:
            case "workload":
                yield manifests.deployment(own, "default", image="web:0.1")
            case "service":
                yield manifests.service(own, "default")
            case "map":
                yield manifests.config_map(own, "default", text=text)
            case _:
                yield manifests.secret(own, "default", text=text)
