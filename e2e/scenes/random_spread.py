"""Many objects as companies have them: namespaces, kinds, sizes and files drawn by a seed.

A ratio that holds for one shape of a repository may hold by chance; whoever knows the seed can draw the same again.
"""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import yaml

from e2e.harness.cluster import Object
from e2e.scenes import manifests

SEED = "TOWLINE_SPREAD_SEED"
"""The environment variable that plays a seed again."""

MAKE: Mapping[str, Callable[[str, str, str], Object]] = {
    "map": lambda name, namespace, text: manifests.config_map(name, namespace, text=text),
    "secret": lambda name, namespace, text: manifests.secret(name, namespace, text=text),
    "account": lambda name, namespace, _text: manifests.service_account(name, namespace),
    "role": lambda name, namespace, _text: manifests.role(name, namespace),
    "service": lambda name, namespace, _text: manifests.service(name, namespace),
}

_IN_A_FILE = (1, 1, 1, 2, 5, 20)
_BYTES = (20, 200, 200, 1_000, 8_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Objects over namespaces: `files` declare them by path, `maps` are those that hold one ConfigMap alone."""

    seed: int
    files: Mapping[str, str]
    maps: tuple[str, ...]


def seed() -> int:
    """Return the seed that the environment asks for, or a new one."""
    return int(os.environ.get(SEED) or secrets.randbelow(10**6))


def drawn(seed: int, count: int, namespaces: Sequence[str]) -> Spread:
    """Draw so many objects; each namespace has one at least, some have many, and one ConfigMap has its own file."""
    chance = random.Random(seed)  # noqa: S311  whoever knows the seed can play it again
    first, *objects = _objects(chance, count, namespaces)
    chance.shuffle(objects)
    files: dict[str, str] = {}
    maps: list[str] = []
    several = [first]
    while several:
        path = f"{len(files) // 50:03}/{len(files):05}.yaml"
        files[path] = manifests.text(*several)
        if [body["kind"] for body in several] == ["ConfigMap"]:
            maps.append(path)
        several, objects = _split(objects, chance.choice(_IN_A_FILE))
    return Spread(seed=seed, files=files, maps=tuple(maps))


def changed(spread: Spread, path: str, value: str) -> dict[str, str]:
    """Return a file that holds one ConfigMap with another value in it."""
    body = yaml.safe_load(spread.files[path])
    return {path: manifests.text({**body, "data": {**body["data"], "changed": value}})}


def _objects(chance: random.Random, count: int, namespaces: Sequence[str]) -> Iterator[Object]:
    kinds = list(MAKE)
    shares = [chance.uniform(0.2, 1.0) for _ in kinds]
    sizes = [chance.expovariate(1.0) for _ in namespaces]
    places = [*namespaces, *chance.choices(namespaces, sizes, k=max(0, count - len(namespaces)))]
    for number, namespace in enumerate(places[:count]):
        kind = "map" if number == 0 else chance.choices(kinds, shares)[0]
        length = chance.choice(_BYTES)
        yield MAKE[kind](f"{kind}-{number:05}", namespace, chance.randbytes(length // 2).hex())


def _split(objects: list[Object], count: int) -> tuple[list[Object], list[Object]]:
    return objects[:count], objects[count:]
