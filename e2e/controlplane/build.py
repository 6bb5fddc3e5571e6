"""Build what is missing into the user's cache: one run at a time, and nothing half-built is found there."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from e2e.controlplane import compiling, progress
from e2e.controlplane.pins import COMPILER, MODULE, Binary

STAGES = (
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
)
"""How kwok's pods and nodes behave: files of its module, below kustomize/stage."""


def build(binaries: Sequence[Binary], cache: Path, environment: Mapping[str, str]) -> None:
    """Build `binaries`, which are of one module, into `cache`, unless another run has done so by then.

    Raises `StepError` that says what could not be built.
    """
    with locked(cache), _workshop(cache) as workshop:
        missing = [binary for binary in binaries if not (cache / binary.name).exists()]
        if missing:
            _compile(missing, workshop, environment)
        for binary in missing:
            _move_in(binary, workshop, cache)


def fetch_stages(cache: Path, environment: Mapping[str, str]) -> None:
    """Copy kwok's stages into `cache`, unless another run has done so by then; raises `StepError`."""
    with locked(cache), _workshop(cache) as workshop:
        if not (cache / "stages").exists():
            _stages(workshop / "stages", environment)
            (workshop / "stages").rename(cache / "stages")


def _compile(binaries: Sequence[Binary], target: Path, environment: Mapping[str, str]) -> None:
    """Link all programs in one run of Go, so that what they share is compiled once."""
    names = ", ".join(f"{binary.name} {binary.version}" for binary in binaries)
    packages = sorted({binary.package for binary in binaries})
    flags = ["-trimpath", "-gcflags", f"all={COMPILER}", "-ldflags", f"-s -w {binaries[0].flags}".strip()]
    module, variables = binaries[0].module, _go(environment)
    asked = ["go", "list", "-deps", *flags, "-f", compiling.LISTED, *packages]
    listed = progress.run("fetching the sources", asked, folder=module, environment=variables)
    progress.run(
        f"building {names}",
        ["go", "build", "-v", *flags, "-o", f"{target}/", *packages],
        folder=module,
        environment=variables,
        judge=compiling.listed(listed.splitlines()).left,
    )


def _move_in(binary: Binary, workshop: Path, cache: Path) -> None:
    """Move a whole program into the cache, or another name for what is there by now."""
    if (workshop / binary.file).exists():
        (workshop / binary.file).rename(cache / binary.file)
    if binary.file != binary.name:
        (workshop / binary.name).symlink_to(binary.file)
        (workshop / binary.name).rename(cache / binary.name)


def _stages(target: Path, environment: Mapping[str, str]) -> None:
    """Copy the stage files out of kwok's module, which Go checks against go.sum."""
    what = "fetching the stages of kwok"
    argv = ["go", "mod", "download", "-json", "sigs.k8s.io/kwok"]
    progress.run(what, argv, folder=MODULE, environment=_go(environment))
    answer = subprocess.run(
        argv, cwd=MODULE, env=_go(environment), check=True, capture_output=True, stdin=subprocess.DEVNULL
    )
    source = Path(json.loads(answer.stdout)["Dir"]) / "kustomize" / "stage"
    target.mkdir()
    for stage in STAGES:
        shutil.copyfile(source / stage, target / Path(stage).name)


def _go(environment: Mapping[str, str]) -> dict[str, str]:
    """Take the caller's Go settings, without a workspace around this checkout and without a C compiler."""
    return {**environment, "GOWORK": "off", "CGO_ENABLED": "0"}


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Hold the lock of a cache folder; says every few seconds that another run holds it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        said = time.monotonic()
        while not _taken(lock.fileno()):
            if time.monotonic() - said > progress.EVERY:
                progress.say("waiting for another run that builds the same binaries …")
                said = time.monotonic()
            time.sleep(0.2)
        yield


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _workshop(cache: Path) -> Iterator[Path]:
    """Give a folder beside the finished binaries, so that a move is one step; sweep up after killed runs."""
    for left in cache.glob("building-*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="building-", dir=cache) as folder:
        os.chmod(folder, 0o755)  # noqa: PTH101,S103  # others may run what the user built
        yield Path(folder)
