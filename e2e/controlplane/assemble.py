"""One folder with links to everything that a control plane needs."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from e2e.controlplane import build as builds
from e2e.controlplane import find, pins, progress


class MissingError(Exception):
    """Something is not there and was not to be built; the message names the command that helps."""


def ready(environment: Mapping[str, str], prefix: Path = Path(sys.prefix)) -> Path:
    """Return the folder when nothing needs to be built; raises `MissingError`.

    It holds Helm, too, where that is found. `prefix` is the virtual environment whose kubectl is taken, and which
    holds the folder.
    """
    wanted = pins.read()
    cache = pins.cache(wanted, environment)
    chosen = {binary.name: found(binary, environment) for binary in pins.binaries(wanted)}
    missing = [name for name, path in chosen.items() if path is None]
    if missing or not (cache / "stages").exists():
        raise MissingError(f"not built yet: {', '.join(missing) or 'stages'}; run `make controlplane`")
    chosen["helm"] = found(pins.helm(wanted), environment)
    return _linked({name: path for name, path in chosen.items() if path}, cache, prefix)


def complete(environment: Mapping[str, str], *, registry: bool = False) -> Path:
    """Return the folder, after building what is missing of the control plane and Helm, all at once.

    With `registry` the OCI registry is built, too: stories need it, and nothing else does.

    Raises:
        StepError: something could not be built.
        MissingError: there is no kubectl.
    """
    wanted = pins.read()
    more = [pins.registry(wanted)] if registry else []
    _build([*pins.binaries(wanted), pins.helm(wanted), *more], environment)
    cache = pins.cache(wanted, environment)
    if not (cache / "stages").exists():
        builds.fetch_stages(cache, environment)
    return ready(environment)


def helm(environment: Mapping[str, str]) -> Path:
    """Return Helm, after building it where none is found; raises `StepError`."""
    return _one(pins.helm(pins.read()), environment)


def registry(environment: Mapping[str, str]) -> Path:
    """Return the OCI registry, after building it where none is found; raises `StepError`."""
    return _one(pins.registry(pins.read()), environment)


def found(binary: pins.Binary, environment: Mapping[str, str]) -> Path | None:
    """Return where a program is, None where it would have to be built."""
    return _choose(binary, environment).path


def _one(binary: pins.Binary, environment: Mapping[str, str]) -> Path:
    _build([binary], environment)
    return found(binary, environment) or pins.cache(pins.read(), environment) / binary.name


def _build(binaries: Sequence[pins.Binary], environment: Mapping[str, str]) -> None:
    missing = []
    for binary in binaries:
        choice = _choose(binary, environment)
        for remark in choice.remarks:
            progress.say(remark)
        if choice.path is None:
            missing.append(binary)
    if missing:
        cache = pins.cache(pins.read(), environment)
        progress.say(f"not found: {', '.join(one.name for one in missing)}; built once into {cache}")
        builds.build(missing, cache, environment)


def _choose(binary: pins.Binary, environment: Mapping[str, str]) -> find.Choice:
    return find.choose(binary, find.candidates(binary, pins.cache(pins.read(), environment), environment))


def _linked(binaries: Mapping[str, Path], cache: Path, prefix: Path) -> Path:
    """Return the folder of exactly these links, named by their digest: it never changes once it exists."""
    kubectl = prefix / "bin" / "kubectl"
    if not kubectl.exists():
        raise MissingError(f"{kubectl} is missing; run `make setup`")
    links = {**binaries, "kubectl": kubectl, "stages": cache / "stages"}
    name = hashlib.sha256("\n".join(f"{one}={links[one]}" for one in sorted(links)).encode()).hexdigest()[:12]
    root = prefix / "controlplane"
    if not (root / name).exists():
        root.mkdir(exist_ok=True)
        new = Path(tempfile.mkdtemp(prefix="new-", dir=root))
        for one, target in links.items():
            (new / one).symlink_to(target)
        new.chmod(0o755)
        try:
            new.rename(root / name)
        except OSError:  # another run was quicker; what it made is the same
            shutil.rmtree(new)
    return root / name
